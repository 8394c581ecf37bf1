from typing import Annotated

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from tieout.core.errors import TieoutError
from tieout.core.yaml_lines import YamlDocument, entry, parse_yaml

FUNCTIONS = b"""\
functions:
  - name: fold
    configurations:
      - {gpu: A100, memory_mib: 512}
      - gpu: T4
        memory_mib: lots
"""


class ProgrammeError(TieoutError):
    pass


def plain_name(name: str) -> str:
    if not name.isalpha():
        raise ValueError(f"{name!r} is no plain name")
    return name


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Configuration(Strict):
    gpu: str
    memory_mib: int


class Function(Strict):
    name: Annotated[str, AfterValidator(plain_name)]
    configurations: tuple[Configuration, ...]


class Programme(Strict):
    functions: tuple[Function, ...]


def document(content: bytes) -> YamlDocument:
    return parse_yaml(content, name="functions.yaml", error=ProgrammeError)


def complaint(content: bytes) -> str:
    with pytest.raises(ProgrammeError) as raised:
        document(content).read_as(Programme)
    return str(raised.value)


def test_a_file_becomes_a_model() -> None:
    [function] = document(FUNCTIONS.replace(b"lots", b"256")).read_as(Programme).functions
    assert [each.memory_mib for each in function.configurations] == [512, 256]


def test_a_mistake_is_named_by_file_line_and_entry_counted_as_people_count() -> None:
    assert complaint(FUNCTIONS) == (
        "functions.yaml:6: function 1, configuration 2: memory_mib: must be a whole number, "
        "without a unit (found 'lots')"
    )


def test_all_mistakes_are_named_at_once() -> None:
    lines = complaint(FUNCTIONS.replace(b"name: fold", b"name: 'fold 2'")).splitlines()
    assert lines[0] == "functions.yaml:2: function 1: name: 'fold 2' is no plain name"
    assert lines[1].startswith("functions.yaml:6: function 1, configuration 2: memory_mib: ")


def test_a_list_is_not_said_to_be_too_short_because_its_only_entry_is_wrong() -> None:
    class Filled(Strict):
        functions: tuple[Configuration, ...] = Field(min_length=1)

    for content, lines in ((b"functions: [{gpu: 1}]", 2), (b"functions: []", 1)):
        with pytest.raises(ProgrammeError) as raised:
            document(content).read_as(Filled)
        assert len(str(raised.value).splitlines()) == lines
        assert ("at least 1 item" in str(raised.value)) == (lines == 1)


def test_what_may_be_a_secret_is_not_repeated() -> None:
    said = complaint(FUNCTIONS.replace(b"lots", b"1") + b"password: hush\n")
    assert said == "functions.yaml:7: password: there is no such field"


def test_what_is_missing_is_named_where_it_belongs() -> None:
    said = complaint(b"functions:\n  - name: fold\n")
    assert said == "functions.yaml:2: function 1: configurations: this field is missing"


def test_a_value_can_be_refused_later() -> None:
    with pytest.raises(ProgrammeError) as raised:
        document(FUNCTIONS).refuse(("functions", 0, "configurations", 1, "gpu"), "no such resource", remedy="Add it.")
    assert raised.value.place == "functions.yaml:5"
    assert raised.value.problem == "function 1, configuration 2: gpu: no such resource"
    assert raised.value.remedy == "Add it."


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: []\n  - [\n", "functions.yaml:2: not YAML: "),
        (b"a: 1\na: 2\n", "functions.yaml:2: not YAML: "),
        (b"\xff\xfe\x00", "functions.yaml:1: not UTF-8 text"),
        (b"- a\n", "functions.yaml:1: expected `key: value` lines"),
    ],
)
def test_what_is_no_mapping_in_yaml_is_refused(content: bytes, said: str) -> None:
    assert complaint(content).startswith(said)


def test_an_empty_file_lacks_everything() -> None:
    assert complaint(b"") == "functions.yaml:1: functions: this field is missing"


@pytest.mark.parametrize(
    ("location", "words"),
    [
        (("functions", 3, "configurations", 1, "gpu"), "function 4, configuration 2: gpu"),
        (("claims", "immediate", "cuts", 0, "function"), "claims.immediate.cut 1: function"),
        (("phases", 0), "phase 1"),
        (("billing", "account_id"), "billing.account_id"),
        ((0,), "entry 1"),
        ((), ""),
    ],
)
def test_an_entry_is_worded_for_people(location: tuple[str | int, ...], words: str) -> None:
    assert entry(location) == words


def laughs(levels: int) -> bytes:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("content", "place", "problem"),
    [
        pytest.param(b"a: 1\nb: " + b"9" * 5000, "f.yaml:2", "a number of 5,000 characters", id="digits"),
        pytest.param(b"a: 1\nb: 1" + b"_9" * 3000, "f.yaml:2", "a number of 6,001 characters", id="underscores"),
        pytest.param(b"b: 0x" + b"F" * 5000, "f.yaml:1", "a number of 5,002 characters", id="hexadecimal"),
        pytest.param(b"a: 1\nb: '1e999999999'", "f.yaml:2", "a number of 11 characters", id="exponent"),
        pytest.param(b"a: 1\nb: 1e300", "f.yaml:2", "b: 1e+300 is not a number within", id="large"),
        pytest.param(b"a: 1\nb: .inf", "f.yaml:2", "b: inf is not a number within", id="infinite"),
        pytest.param(b"a: 1\nb: .nan", "f.yaml:2", "b: nan is not a number within", id="no number"),
        pytest.param(b"a: 1\nb: 9999-12-31", "f.yaml:2", "b: the year 9999 is not between 2000 and 2199", id="late"),
        pytest.param(b"a: 1\nb: 0001-01-01", "f.yaml:2", "b: the year 1 is not between", id="early"),
        pytest.param(b"a: 1\nb: 2026-13-45", "f.yaml", "no number or date", id="no date"),
        pytest.param(b"a: 1\nb: " + b"[" * 1000, "f.yaml:2", "more than 40 deep", id="brackets"),
        pytest.param(b"a: 1\nb: " + b"[" * 60 + b"]" * 60, "f.yaml:2", "more than 40 deep", id="closed"),
        pytest.param(laughs(9), "f.yaml:", "aliases (*name) counted wherever they are used", id="billion laughs"),
        pytest.param(b"#" * (3 << 20), "f.yaml", "larger than 2 MiB", id="size"),
    ],
)
def test_what_nobody_writes_is_refused_by_its_line(content: bytes, place: str, problem: str) -> None:
    with pytest.raises(ProgrammeError) as refused:
        parse_yaml(content, name="f.yaml", error=ProgrammeError)
    assert str(refused.value.place).startswith(place)
    assert problem in refused.value.problem


def test_an_alias_that_people_write_is_read() -> None:
    document = parse_yaml(b"a: &x {gpu: T4, memory_mib: 5}\nb: *x", name="f.yaml", error=ProgrammeError)
    assert document.content["b"] == document.content["a"]
