"""The architecture as tests: each message says what breaks a rule, where, and how to put it right.

A rule is a function from text to complaints, so that every rule is also shown a small example that breaks it.
"""

import ast
import re
import subprocess
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from hatchling.builders.wheel import WheelBuilder
from ruamel.yaml import YAML

from tieout.catalog.vocabulary import COMPONENTS
from tieout.sources.raw_schema import create_raw_schema
from tieout.validation.suites import Suite, all_suites
from tieout.warehouse.models import FLOORS, all_models, names_read

ROOT = Path(__file__).resolve().parents[2]
MODELS = sorted(path for path in (ROOT / "sql").glob("*/*.sql") if path.parent.name != "queries")
MONEY_FLOORS = ("spend", "reconciliation", "savings", "finance", "focus")
MONEY_MODELS = [path for path in MODELS if path.parent.name in MONEY_FLOORS]
PACKAGES = sorted((ROOT / "pipelines").rglob("__init__.py"))
# Bookkeeping of the loader: no row of it reaches a floor above.
WITHOUT_EXPECTATIONS = {"raw.scanned_paths"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def project_files() -> list[Path]:
    """Everything that git tracks or would track."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    paths = (ROOT / name for name in listing.stdout.split("\0") if name)
    return sorted(path for path in paths if path.is_file())


def text_files() -> Iterator[tuple[Path, str]]:
    for path in project_files():
        content = path.read_bytes()
        if b"\0" not in content:
            yield path, content.decode("utf-8", errors="replace")


def lines_with(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if match := pattern.search(line):
            yield number, match.group().strip()


# Packages


def package_complaints(source: str) -> list[str]:
    docstring = " ".join((ast.get_docstring(ast.parse(source)) or "").lower().split())
    complaints = []
    if "belongs here" not in docstring:
        complaints.append('the docstring does not say what belongs here; add "What belongs here: …"')
    if "what does not" not in docstring:
        complaints.append('the docstring does not say what stays out; add "What does not: …"')
    return complaints


@pytest.mark.parametrize("path", PACKAGES, ids=name_of)
def test_a_package_says_what_belongs_in_it(path: Path) -> None:
    complaints = package_complaints(path.read_text(encoding="utf-8"))
    assert not complaints, f"{name_of(path)}: {'; '.join(complaints)}"


def test_a_package_that_says_nothing_is_noticed() -> None:
    assert len(package_complaints("")) == 2
    assert len(package_complaints('"""What belongs here: readers."""')) == 1
    assert not package_complaints('"""What belongs here: readers. What does not: writers."""')


# SQL

_COMMENT_OR_STRING = re.compile(r"/\*.*?\*/|--[^\n]*|'(?:[^']|'')*'", re.DOTALL)
_INEXACT = {
    re.compile(r"(?<!/)/(?!/)"): "`/` gives a double; multiply first and use `//` on integers",
    re.compile(r"\b(?:avg|mean|favg|fsum|sumkahan|kahan_sum|quantile_cont|percentile_cont)\s*\("): (
        "this aggregate gives a double; keep sum and count, and divide in core"
    ),
    re.compile(r"\b(?:double|float|float4|float8|real)\b"): "not an exact type; use decimal(38, 12) or hugeint",
    re.compile(r"\b\d+(?:\.\d*)?e[+-]?\d"): "this literal is a double; write the digits out",
}


def without_comments_and_strings(sql: str) -> str:
    """The statement with its lines kept and every comment and string literal blanked."""
    return _COMMENT_OR_STRING.sub(lambda match: "\n" * match.group().count("\n") or " ", sql)


def money_complaints(sql: str) -> list[str]:
    code = without_comments_and_strings(sql).lower()
    return [
        f"line {number}: `{found}`: {remedy}"
        for pattern, remedy in _INEXACT.items()
        for number, found in lines_with(pattern, code)
    ]


@pytest.mark.parametrize("path", MONEY_MODELS, ids=name_of)
def test_money_is_exact_in_sql(path: Path) -> None:
    complaints = money_complaints(path.read_text(encoding="utf-8"))
    assert not complaints, f"{name_of(path)}:\n" + "\n".join(complaints)


@pytest.mark.parametrize(
    "inexact",
    [
        "select a / b",
        "select avg(cost_usd)",
        "select percentile_cont(0.5) within group (order by cost_usd)",
        "select cost_usd::double",
        "select cast(cost_usd as float)",
        "select 1e6 * cost_usd",
        "select 'a', -- why\n    a /b",
    ],
)
def test_inexact_money_is_noticed(inexact: str) -> None:
    assert len(money_complaints(inexact)) == 1


@pytest.mark.parametrize(
    "exact",
    [
        "select a // b",
        "/* dollars / hour, avg(x) */ select a -- $/hour as double\n",
        "select 'it''s / avg(x)'",
        "select double_checked, case1e6, realized_usd, hugeint '1'",
    ],
)
def test_exact_money_passes(exact: str) -> None:
    assert money_complaints(exact) == []


@pytest.mark.parametrize("path", MODELS, ids=name_of)
def test_a_model_starts_with_its_description(path: Path) -> None:
    described = re.match(r"/\*\s*\w[^*]*\*/", path.read_text(encoding="utf-8"))
    assert described, f"{name_of(path)}: put a `/* … */` comment that describes the table before the select"


@pytest.mark.parametrize("path", MODELS, ids=name_of)
def test_a_model_has_expectations(path: Path) -> None:
    suite = ROOT / "expectations" / path.parent.name / f"{path.stem}.yaml"
    assert suite.is_file(), f"{name_of(path)} is built unchecked; write {name_of(suite)}"


def test_every_raw_table_has_expectations() -> None:
    with duckdb.connect() as connection:
        create_raw_schema(connection)
        rows = connection.execute("select table_name from duckdb_tables() where schema_name = 'raw'").fetchall()
    tables = {f"raw.{name}" for (name,) in rows} - WITHOUT_EXPECTATIONS
    checked = {f"raw.{path.stem}" for path in (ROOT / "expectations" / "raw").glob("*.yaml")}
    assert tables <= checked, f"write expectations/raw/<table>.yaml for {', '.join(sorted(tables - checked))}"


def test_every_suite_belongs_to_a_table() -> None:
    tables = {f"{path.parent.name}/{path.stem}" for path in MODELS}
    suites = {f"{path.parent.name}/{path.stem}" for path in (ROOT / "expectations").glob("*/*.yaml")}
    orphans = sorted(suite for suite in suites - tables if not suite.startswith("raw/"))
    assert not orphans, f"no table is built for expectations/{orphans}; rename or delete them"


def tables_read(select: str) -> set[str]:
    """The tables that a select reads by a qualified name, off DuckDB's own parse."""
    return {name for name in names_read(select) if "." in name}


def test_the_tables_that_a_model_reads_are_those_that_duckdb_finds() -> None:
    for model in all_models():
        found = tables_read(model.sql)
        named = model.depends_on if model.is_measured or model.is_learned else found
        assert found <= model.depends_on <= named, f"{model.name}: write `from schema.table` and `join schema.table`"


def tables_before(table: str) -> set[str]:
    """A table and everything that it is made of, down to the raw floor."""
    by_name = {model.name: model for model in all_models()}
    found, waiting = {table}, [table]
    while waiting:
        model = by_name.get(waiting.pop())
        new = set() if model is None else model.depends_on - found
        found |= new
        waiting += new
    return found


def shown_unbuilt(table: str) -> set[str]:
    """The raw tables that a view shows as they are landed, past everything that was built and checked of them."""
    by_name = {model.name: model for model in all_models()}
    model = by_name.get(table)
    if model is None:
        return {table} if table.startswith("raw.") else set()
    return set().union(*(shown_unbuilt(name) for name in model.depends_on)) if model.is_view else set()


@pytest.mark.parametrize("path", MONEY_MODELS, ids=name_of)
def test_nothing_newly_landed_shows_through_before_it_is_built(path: Path) -> None:
    shown = shown_unbuilt(f"{path.parent.name}.{path.stem}")
    assert not shown, f"{name_of(path)}: read a built table in place of {', '.join(sorted(shown))}, or drop the view"


def test_a_view_of_landed_rows_is_noticed() -> None:
    assert shown_unbuilt("staging.deliveries") == {"raw.deliveries", "raw.files"}


@pytest.mark.parametrize("suite", all_suites().values(), ids=lambda suite: suite.table)
def test_a_suite_reads_only_what_is_built_before_its_table(suite: Suite) -> None:
    for expectation in suite.expectations:
        read = tables_read("select 1" if expectation.sql is None else expectation.rule("(select 1)"))
        late = {table for table in read if table.split(".")[0] in FLOORS[1:]} - tables_before(suite.table)
        assert not late, f"{suite.file}:{expectation.line}: {', '.join(sorted(late))} may not be there yet"


# Every file

_LOADER = re.compile(r"\bimport\b.*\bload_landing\b")
_SHARED_WRITER = re.compile(r"\bopen_warehouse\((?:built_workspace\.warehouse|as_deployed)\)")
_MACHINE_PATH = re.compile(r"(?<![\w.})-])/(?:work|tmp|root|opt|home/\w+|Users/\w+)(?=/|\b)")
# Put together, so that this file holds no such address itself.
_NAMES = (("pypi", ".org"), ("python", "hosted.org"), ("registry", ".npmjs"), ("deb", ".debian"))
_HOSTS = ["".join(parts) for parts in _NAMES]
_REGISTRY = re.compile("|".join(map(re.escape, _HOSTS)) + r"|^\s*--(?:extra-)?index-url", re.M)
_UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK|NotImplemented(?:Error)?)\b")


def machine_complaints(text: str) -> list[str]:
    return [f"line {n}: `{found}` is a path of one machine" for n, found in lines_with(_MACHINE_PATH, text)]


def registry_complaints(text: str) -> list[str]:
    return [f"line {n}: `{found}` is a registry's address" for n, found in lines_with(_REGISTRY, text)]


def unfinished_complaints(text: str) -> list[str]:
    return [f"line {n}: `{found}` promises work; do it or drop it" for n, found in lines_with(_UNFINISHED, text)]


def clock_complaints(text: str) -> list[str]:
    return [f"line {n}: `{found}` judges files by the clock of this machine" for n, found in lines_with(_LOADER, text)]


def writer_complaints(text: str) -> list[str]:
    return [f"line {n}: `{found}` locks other tests out" for n, found in lines_with(_SHARED_WRITER, text)]


def complaints_about(
    rule: Callable[[str], list[str]], *, folders: tuple[str, ...] = (), names: tuple[str, ...] = ()
) -> list[str]:
    """Apply a rule to every text file, or to those in `folders` and called `names` only."""
    return [
        f"{name_of(path)}, {complaint}"
        for path, text in text_files()
        if not (folders or names) or path.relative_to(ROOT).parts[0] in folders or path.name in names
        for complaint in rule(text)
    ]


def test_no_file_names_a_path_of_one_machine() -> None:
    complaints = complaints_about(machine_complaints)
    assert not complaints, "use relative paths, `tmp_path`, or `$TIEOUT_HOME`:\n" + "\n".join(complaints)


def test_no_file_names_a_registry() -> None:
    complaints = complaints_about(registry_complaints)
    assert not complaints, "pip knows where packages come from; leave it out:\n" + "\n".join(complaints)


def test_tests_and_benchmarks_load_files_at_a_time_of_their_own() -> None:
    complaints = complaints_about(clock_complaints, folders=("tests", "benchmarks"))
    its_own = ("tests/support/loading.py", "tests/unit/sources/landing_test.py", "tests/architecture/")
    others = [complaint for complaint in complaints if not complaint.startswith(its_own)]
    assert not others, "use tests.support.loading.load_at, or the test breaks on a later day:\n" + "\n".join(others)


def test_a_workspace_that_tests_share_is_opened_for_reading_only() -> None:
    complaints = complaints_about(writer_complaints, folders=("tests",))
    assert not complaints, "use read_warehouse, or a copy; a writer waits for no reader:\n" + "\n".join(complaints)


def test_nothing_is_left_unfinished() -> None:
    complaints = complaints_about(
        unfinished_complaints,
        folders=("pipelines", "sql", "expectations", "reports", "catalog", "benchmarks"),
        names=("Makefile", "run"),
    )
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize(
    ("rule", "example"),
    [
        (machine_complaints, "path = '" + "/" + "work/main'"),
        (machine_complaints, "see " + "/" + "home/ada/tieout"),
        (registry_complaints, "https://" + "pypi" + ".org/simple"),
        (registry_complaints, "--index" + "-url https://example.org"),
        (unfinished_complaints, "# TO" + "DO: later"),
        (clock_complaints, "from tieout.sources import create_raw_schema, load_landing"),
        (unfinished_complaints, "raise NotImpl" + "ementedError"),
        (writer_complaints, "with open_" + "warehouse(built_workspace.warehouse) as con:"),
        (writer_complaints, "with open_" + "warehouse(as_deployed) as con:"),
    ],
)
def test_a_file_that_breaks_a_rule_is_noticed(rule: Callable[[str], list[str]], example: str) -> None:
    assert len(rule(example)) == 1


@pytest.mark.parametrize(
    "harmless",
    ["docs/work" + "/notes", "artwork/main", "{base}/tmp/x", "a homework/exercise", "https://host.example/tmp"],
)
def test_a_relative_path_is_no_machine_path(harmless: str) -> None:
    assert machine_complaints(harmless) == []


# Packaging


def test_the_wheel_carries_everything_that_it_needs_at_run_time(tmp_path: Path) -> None:
    [built] = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(built) as wheel:
        packed = set(wheel.namelist())
    resources = ("sql", "expectations", "reports", "catalog", "dagster.yaml")
    needed = set()
    for path in project_files():
        name = name_of(path)
        if name.startswith("pipelines/tieout/"):
            needed.add(name.removeprefix("pipelines/"))
        elif path.relative_to(ROOT).parts[0] in resources:
            needed.add(f"tieout/_resources/{name}")
    missing = sorted(needed - packed)
    assert not missing, f"name these in pyproject.toml, [tool.hatch.build.targets.wheel]: {missing}"
    foreign = sorted(name for name in packed - needed if ".dist-info/" not in name)
    assert not foreign, f"these do not belong in the wheel: {foreign}"
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in packed), "the wheel lacks its licence"


def locked_versions() -> dict[str, str]:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==([^ ]+)", lock, re.MULTILINE))


def requirement_name(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0]).lower()


def test_every_requirement_is_locked_with_its_hashes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    required = {
        requirement_name(requirement)
        for requirement in (
            *project["build-system"]["requires"],
            *project["project"]["dependencies"],
            *project["dependency-groups"]["dev"],
        )
    }
    locked = {requirement_name(name) for name in locked_versions()}
    assert required <= locked, f"run `make lock`: {', '.join(sorted(required - locked))}"
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    unhashed = re.findall(r"^([\w.-]+==[^\\\n]*[^\\\n ])$", lock, re.MULTILINE)
    assert not unhashed, f"run `make lock`: no hashes for {unhashed}"


def test_the_project_is_built_with_the_locked_builder() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [builder] = project["build-system"]["requires"]
    assert builder == f"hatchling=={locked_versions()['hatchling']}", "make build-system and the lock agree"


def test_dagster_reports_to_nobody() -> None:
    settings = YAML(typ="safe").load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    for part in ("telemetry", "nux"):
        assert settings[part] == {"enabled": False}, f"dagster.yaml: set {part}.enabled to false"


# Vocabulary

_SET_OF_COMPONENTS = re.compile(
    r"(?:component|x_Component)\s+(?:not\s+)?in\s*\(\s*'[^)]*\)"
    r"|[({\[]\s*\"(?:{0})\"\s*,\s*\"(?:{0})\"".replace("{0}", "|".join(component.name for component in COMPONENTS))
)


def component_complaints(text: str) -> list[str]:
    return [
        f"line {number}: `{found}`: read the group from catalog.components (tieout/catalog/vocabulary.py)"
        for number, found in lines_with(_SET_OF_COMPONENTS, text)
    ]


def test_groups_of_components_have_one_home() -> None:
    rooms = tuple(f"sql/{floor}" for floor in ("finance", "focus", "queries", "reconciliation", "savings"))
    complaints = complaints_about(component_complaints, folders=("sql", "pipelines"))
    elsewhere = [
        each for each in complaints if each.startswith((*rooms, "pipelines/tieout/report", "pipelines/tieout/mail"))
    ]
    assert not elsewhere, "\n".join(elsewhere)


@pytest.mark.parametrize("example", ["where component in ('idle', 'warm')", 'GROUP = ("idle", "startup")'])
def test_a_group_of_components_spelled_out_is_noticed(example: str) -> None:
    assert len(component_complaints(example)) == 1
