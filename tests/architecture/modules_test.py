"""How Python modules are cut and named: short files, short functions, one name for one class, names of the field.

A file, function or class that breaks a rule is listed with its present number, which it may not exceed; one that no
longer breaks it has to leave the list.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = sorted((ROOT / "pipelines").rglob("*.py"))
SOURCES = [*PACKAGE, *sorted((ROOT / "benchmarks").rglob("*.py"))]

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 50

# Lines, by file.
LONG_FILES: Mapping[str, int] = {}
# Lines, by file and function.
LONG_FUNCTIONS: Mapping[str, int] = {}
# Modules, by the name of a class that all of them define.
REPEATED_CLASSES: Mapping[str, int] = {}

UNREADABLE = {
    "answers",
    "audited",
    "deployed",
    "errands",
    "forgotten",
    "guarded",
    "landed",
    "logged",
    "looks",
    "measured",
    "noticed",
    "seen_bill",
    "surroundings",
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def lines_of(source: str) -> int:
    return len(source.splitlines())


def lines_of_functions(source: str) -> Iterable[tuple[str, int]]:
    """Every function and method with its length, decorators apart."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def public_classes(source: str) -> list[str]:
    return [n.name for n in ast.parse(source).body if isinstance(n, ast.ClassDef) and not n.name.startswith("_")]


def complaints(found: Mapping[str, int], allowed: Mapping[str, int]) -> list[str]:
    """What is not allowed, or more than allowed, and what is allowed for nothing."""
    beyond = [f"{name}: {number}" for name, number in found.items() if number > allowed.get(name, 0)]
    needless = [f"{name}: is fine now, take it out of the list" for name in sorted(allowed.keys() - found)]
    return beyond + needless


def test_a_file_is_short() -> None:
    lengths = {name_of(path): lines_of(path.read_text(encoding="utf-8")) for path in SOURCES}
    found = complaints({name: n for name, n in lengths.items() if n > MOST_LINES_OF_A_FILE}, LONG_FILES)
    assert not found, f"split these by subject, at {MOST_LINES_OF_A_FILE} lines at most:\n" + "\n".join(found)


def test_a_function_fits_on_a_screen() -> None:
    lengths = {
        f"{name_of(path)}:{function}": number
        for path in SOURCES
        for function, number in lines_of_functions(path.read_text(encoding="utf-8"))
        if number > MOST_LINES_OF_A_FUNCTION
    }
    found = complaints(lengths, LONG_FUNCTIONS)
    assert not found, f"split these, at {MOST_LINES_OF_A_FUNCTION} lines at most:\n" + "\n".join(found)


def repeated_classes(sources: Mapping[str, str]) -> dict[str, list[str]]:
    """The modules of every public class that more than one of them defines."""
    modules: dict[str, list[str]] = defaultdict(list)
    for name, source in sources.items():
        for defined in public_classes(source):
            modules[defined].append(name)
    return {defined: where for defined, where in modules.items() if len(where) > 1}


def test_a_class_has_a_name_of_its_own() -> None:
    repeated = repeated_classes({name_of(path): path.read_text(encoding="utf-8") for path in PACKAGE})
    found = complaints({name: len(where) for name, where in repeated.items()}, REPEATED_CLASSES)
    where = "\n".join(f"{name}: {', '.join(modules)}" for name, modules in sorted(repeated.items()))
    assert not found, "rename by meaning:\n" + "\n".join(found) + f"\n\n{where}"


def unreadable_names(paths: Iterable[str]) -> list[str]:
    return [path for path in paths if UNREADABLE & set(Path(path).with_suffix("").parts)]


def test_a_module_is_named_after_its_subject() -> None:
    found = unreadable_names(map(name_of, SOURCES))
    assert not found, "name these with a noun of the field, `daily_work` or `guardrails`:\n" + "\n".join(found)


# The rules notice what breaks them.


def test_lengths_are_those_that_a_reader_sees() -> None:
    function = "@decorator\ndef f():\n    def g():\n        pass\n    return g\n\n"
    source = function + "class A:\n    async def h(self):\n        pass\n"
    assert lines_of(source) == 9
    assert dict(lines_of_functions(source)) == {"f": 4, "g": 2, "h": 2}


def test_a_class_of_two_modules_is_noticed() -> None:
    sources = {
        "a.py": "class Outcome: ...\nclass _Row: ...",
        "b.py": "class Outcome: ...\nclass _Row: ...\nclass C: ...",
    }
    assert repeated_classes(sources) == {"Outcome": ["a.py", "b.py"]}


@pytest.mark.parametrize("path", ["pipelines/tieout/measured/x.py", "benchmarks/looks.py", "tieout/landed/__init__.py"])
def test_an_unreadable_name_is_noticed(path: str) -> None:
    assert unreadable_names([path, "pipelines/tieout/landed_days.py"]) == [path]


def test_the_list_of_exceptions_can_only_shrink() -> None:
    assert complaints({"a": 401}, {}) == ["a: 401"]
    assert complaints({"a": 412}, {"a": 411}) == ["a: 412"]
    assert complaints({}, {"a": 411}) == ["a: is fine now, take it out of the list"]
    assert complaints({"a": 411}, {"a": 411}) == []
