"""SQL models: one select per file under `sql/<schema>/<table>.sql`, read with its documentation.

The leading `/* */` comment describes the table. Its last paragraph holds the model's facts: `key:` the columns that
identify a row, `partition:` the column whose range a build replaces (of a view, whose range it validates),
`weeks at once:` how many weeks one query may write, where no row depends on those of another week, `rows kept: by day`
where a build writes only what a changed day can have touched (`kept_containers`), `empty without:` tables; while all of
them are empty, so is this one, and its SQL is not run. `materialized: view` is a view. A `-- ` comment behind a column
of the final select describes that column. Dependencies are read off the text; a test holds them against DuckDB's own
parse, which takes fifty times as long.

Statistics are no matter of SQL: a model with the fact `measured from:` selects from the relation `measured_<table>`,
which `measured_tables` fills from the tables that the fact names, on one line or several. One with the fact
`learned from:` selects from `learned_factors_of_the_bill`, which `warehouse.learned` fills whenever it is written.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

from tieout import learning
from tieout.core.errors import TieoutError
from tieout.core.resources import resource_path
from tieout.core.sql import Kind

FLOORS = ("raw", "staging", "usage", "spend", "reconciliation", "savings", "focus", "finance")

LEARNED_RELATION = "learned_factors_of_the_bill"

_HEAD = re.compile(r"\A\s*/\*(?P<head>.*?)\*/(?P<select>.*)\Z", re.DOTALL)
_FACT = re.compile(
    r"^(key|partition|weeks at once|rows kept|empty without|materialized|measured from|learned from): *(.+)$",
    re.MULTILINE,
)
_COLUMN = re.compile(r"(?:^|[\s.])(\w+),?\s+-- (.+)$")
_NO_CODE = re.compile(r"--[^\n]*|'[^']*'")
_READ = re.compile(r"(?<!distinct )\b(?:from|join)\s+(\w+\.\w+)")
_PARAMETERS = re.compile(r"\$(since|until)\b")


class ModelError(TieoutError):
    """A SQL file that breaks the conventions; its place names the file."""


@dataclass(frozen=True)
class Model:
    """One table or view of the warehouse.

    Attributes:
        schema: the floor.
        table: name in it.
        sql: the select as written.
        description: what the table is, in sentences.
        columns: description of every column, in order.
        key: the columns that identify a row.
        partition: the column whose range a build replaces, or validates when it is a view; None for what is small and
            always built whole.
        weeks_at_once: how many weeks one query writes: more where no row depends on those of another week, which saves
            the cost of a query and writes fuller blocks.
        keeps_rows: built whole but for the rows that nothing has touched since the build before.
        empty_without: tables; while all of them are empty, so is this one. Without any, its SQL is always run.
        is_view: kept as a view.
        depends_on: qualified names of the tables it reads, of all schemas.
        is_measured: selects from a relation that a measurement fills, made with the weekly report.
        is_learned: selects from a relation that `tieout.learning` fills, in the build itself.
        code_version: sha256 of the SQL, short; of the learning, too, where a model selects from it.
    """

    schema: str
    table: str
    sql: str
    description: str
    columns: Mapping[str, str]
    key: tuple[str, ...]
    partition: str | None
    weeks_at_once: int
    keeps_rows: bool
    empty_without: frozenset[str]
    is_view: bool
    depends_on: frozenset[str]
    is_measured: bool
    is_learned: bool
    code_version: str

    @property
    def name(self) -> str:
        """The qualified name, `spend.hourly`."""
        return f"{self.schema}.{self.table}"

    @property
    def kind(self) -> Kind:
        """What it is kept as."""
        return "view" if self.is_view else "table"

    @property
    def relation(self) -> str:
        """What a measured model, or a learned one, selects from."""
        return LEARNED_RELATION if self.is_learned else f"measured_{self.table}"

    @property
    def parameters(self) -> frozenset[str]:
        """The period parameters that the SQL uses."""
        return frozenset(_PARAMETERS.findall(self.sql))


def read_model(path: Path) -> Model:
    """Read one SQL file.

    Raises:
        ModelError: no leading comment, or no key.
    """
    text = path.read_text(encoding="utf-8")
    match = _HEAD.match(text)
    if match is None:
        raise ModelError(
            "the head is missing", place=path, remedy="Start with a /* comment that says what the table is */."
        )
    facts = dict(_FACT.findall(match["head"]))
    if "key" not in facts:
        raise ModelError(
            "the key is missing",
            place=path,
            remedy="Name the columns that identify a row in the head comment (`key: a, b`).",
        )
    measured_from, learned_from = (_named(match["head"], fact) for fact in ("measured from", "learned from"))
    return Model(
        schema=path.parent.name,
        table=path.stem,
        sql=match["select"].strip(),
        description=_description(match["head"]),
        columns=_columns(match["select"]),
        key=tuple(column.strip() for column in facts["key"].split(",")),
        partition=facts.get("partition"),
        weeks_at_once=int(facts.get("weeks at once", 1)),
        keeps_rows="rows kept" in facts,
        empty_without=_named(match["head"], "empty without"),
        is_view=facts.get("materialized") == "view",
        depends_on=frozenset(_READ.findall(_NO_CODE.sub("", match["select"]))) | measured_from | learned_from,
        is_measured=bool(measured_from),
        is_learned=bool(learned_from),
        code_version=_code_version(text, is_learned=bool(learned_from)),
    )


@cache
def code_versions() -> Mapping[str, str]:
    """Return the `code_version` of every model by its name; nothing is parsed, which would take half a second."""
    root = resource_path("sql")
    versions = {}
    for path in (path for floor in FLOORS for path in sorted((root / floor).glob("*.sql"))):
        text = path.read_text(encoding="utf-8")
        head = _HEAD.match(text)
        is_learned = head is not None and bool(_named(head["head"], "learned from"))
        versions[f"{path.parent.name}.{path.stem}"] = _code_version(text, is_learned=is_learned)
    return versions


def _code_version(text: str, *, is_learned: bool) -> str:
    return hashlib.sha256((text + (_learning() if is_learned else "")).encode()).hexdigest()[:12]


def _named(head: str, wanted: str) -> frozenset[str]:
    """Return the tables that a fact of the head names."""
    return frozenset(
        name.strip()
        for fact, names in _FACT.findall(head)
        if fact == wanted
        for name in names.split(",")
        if name.strip()
    )


@cache
def _learning() -> str:
    """Return the code that learns factors: a change of it changes what is built, as a change of SQL does."""
    folder = Path(learning.__file__).parent
    files = (*sorted(folder.glob("*.py")), Path(__file__).parent / "learned.py")
    return "".join(path.read_text(encoding="utf-8") for path in files)


def load_models() -> tuple[Model, ...]:
    """Read every model that SQL alone makes of what was landed, in an order in which they can be built."""
    reported = {model.name for model in reported_models()}
    return tuple(model for model in all_models() if model.name not in reported)


def measured_models() -> tuple[Model, ...]:
    """Read every model that a measurement fills, in an order in which they can be built after the others."""
    return tuple(model for model in all_models() if model.is_measured)


def reported_models() -> tuple[Model, ...]:
    """Read every model made with the weekly report: what a measurement fills, and what reads it; in building order."""
    names: set[str] = set()
    for model in all_models():
        if model.is_measured or model.depends_on & names:
            names.add(model.name)
    return tuple(model for model in all_models() if model.name in names)


@cache
def all_models() -> tuple[Model, ...]:
    """Read every model, in an order in which they can be built."""
    root = resource_path("sql")
    models = [read_model(path) for floor in FLOORS for path in sorted((root / floor).glob("*.sql"))]
    by_name = {model.name: model for model in models}
    graph = {model.name: sorted(model.depends_on & by_name.keys()) for model in models}
    return tuple(by_name[name] for name in TopologicalSorter(graph).static_order())


def model_named(name: str) -> Model:
    """Return the model of a qualified table name.

    Raises:
        KeyError: no such model.
    """
    for model in all_models():
        if model.name == name:
            return model
    raise KeyError(f"no model is called {name!r}")


def models_behind(name: str) -> tuple[Model, ...]:
    """Return a model and all that it is made of, in an order in which they can be built.

    Raises:
        KeyError: no such model.
    """
    found, waiting = set[str](), [model_named(name)]
    while waiting:
        model = waiting.pop()
        found.add(model.name)
        waiting += [other for other in all_models() if other.name in model.depends_on - found]
    return tuple(model for model in all_models() if model.name in found)


def _description(head: str) -> str:
    paragraphs = [" ".join(part.split()) for part in _FACT.sub("", head).strip().split("\n\n")]
    return "\n\n".join(part for part in paragraphs if part)


def _columns(select: str) -> dict[str, str]:
    final = select[select.rfind("\nselect") :]
    found = (_COLUMN.search(line) for line in final.splitlines())
    return {match[1]: match[2].strip() for match in found if match}


def names_read(select: str) -> frozenset[str]:
    """Return what a select reads, as it is written: tables with their schema, and names that stand alone.

    A name that stands alone is a table of the main schema, or a part of the select itself (`with name as …`).

    Raises:
        ModelError: DuckDB cannot parse it, or it is no select.
    """
    row = _parser().execute("select json_serialize_sql($sql)", {"sql": select}).fetchone()
    parsed: dict[str, Any] = json.loads(row[0]) if row else {}
    if parsed.get("error"):
        raise ModelError(f"DuckDB cannot parse this: {parsed.get('error_message')}")
    return frozenset(_base_tables(parsed))


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def _base_tables(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*(_base_tables(item) for item in node)) if node else set()
    if not isinstance(node, dict):
        return set()
    found = {_name_of(node)} if node.get("type") == "BASE_TABLE" else set()
    return found.union(*(_base_tables(value) for value in node.values()))


def _name_of(node: Mapping[str, Any]) -> str:
    schema, table = node.get("schema_name"), node["table_name"]
    return f"{schema}.{table}" if schema else str(table)
