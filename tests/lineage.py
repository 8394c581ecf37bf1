"""Which columns each column of a table is made of: `python -m tests.lineage` writes it, `--check` compares it.

It is read off the SQL by sqlglot, which takes seconds, so the product ships the result. A column that is counted, or
that a measurement fills, is made of no column.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import duckdb
from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope
from sqlglot.schema import MappingSchema

from tieout.catalog.load import load_catalog
from tieout.core.resources import resource_path
from tieout.sources.raw_schema import TABLES
from tieout.warehouse.catalog_tables import write_catalog
from tieout.warehouse.models import Model, all_models

FILE = Path("sql/lineage.json")
_DIALECT = "duckdb"


def traced() -> dict[str, dict[str, list[str]]]:
    """The columns of other tables, `spend.hourly.amount_usd`, that each column of each table is made of."""
    schema = MappingSchema(_columns_of_tables(), dialect=_DIALECT)
    return {model.name: _columns(model, schema) for model in sorted(all_models(), key=lambda model: model.name)}


def _columns_of_tables() -> dict[str, object]:
    tables: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    for table in TABLES:
        tables["raw"][table.name] = {column.name: "text" for column in table.columns}
    for model in all_models():
        tables[model.schema][model.table] = dict.fromkeys(model.columns, "text")
    with duckdb.connect() as con:
        con.execute("create schema catalog")
        write_catalog(con, load_catalog(resource_path("catalog")))
        found = con.execute("select schema_name, table_name, column_name from duckdb_columns() where not internal")
        for schema_name, table_name, column_name in found.fetchall():
            tables[schema_name].setdefault(table_name, {})[column_name] = "text"
    return dict(tables)


def _columns(model: Model, schema: MappingSchema) -> dict[str, list[str]]:
    query = parse_one(model.sql, dialect=_DIALECT)
    try:
        query = qualify(query, schema=schema, dialect=_DIALECT, identify=False, validate_qualify_columns=False)
    except SqlglotError:
        return {}
    for union in reversed(list(query.find_all(exp.SetOperation))):
        if union.args.get("by_name"):
            _align(union)
    scope = build_scope(query)
    assert scope is not None
    found = {column: _made_of(column, query, scope, schema) for column in model.columns}
    return {column: sources for column, sources in found.items() if sources}


def _align(union: exp.SetOperation) -> None:
    """Give both sides of a union by name the same columns in the same order, as sqlglot traces them by position."""
    names = list(dict.fromkeys([*union.left.named_selects, *union.right.named_selects]))
    for side in (union.left, union.right):
        for select in _selects(side):
            written = {each.alias_or_name: each for each in select.selects}
            select.set("expressions", [written.get(name) or exp.alias_(exp.null(), name) for name in names])
    union.set("by_name", False)


def _selects(query: exp.Expr) -> Iterator[exp.Select]:
    """The selects whose rows a query puts together."""
    query = query.unnest()
    if isinstance(query, exp.SetOperation):
        yield from _selects(query.left)
        yield from _selects(query.right)
    elif isinstance(query, exp.Select):
        yield query


def _made_of(column: str, query: exp.Expr, scope: Scope, schema: MappingSchema) -> list[str]:
    try:
        root = lineage(column, query, schema, scope=scope, dialect=_DIALECT, trim_selects=False)
    except SqlglotError:  # it does not see through every union by name
        return []
    leaves = set()
    for node in root.walk():
        table = node.expression
        if not node.downstream and isinstance(table, exp.Table):
            name = node.name.rpartition(".")[2]
            if name in schema.column_names(table):
                leaves.add(f"{table.db}.{table.name}.{name}")
    return sorted(leaves)


def main(arguments: list[str]) -> int:
    """Write the file, or with `--check` say whether it is out of date; returns the exit code."""
    text = json.dumps(traced(), indent=1) + "\n"
    if "--check" not in arguments:
        FILE.write_text(text, encoding="utf-8")
        return 0
    if FILE.exists() and FILE.read_text(encoding="utf-8") == text:
        return 0
    print(f"{FILE} is out of date; `make docs` writes it anew", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
