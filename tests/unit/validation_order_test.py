"""A rule reads only what is there when it is asked: its own table, and what that table is made of."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb
import pytest

from pipelines.warehouse.models import Model, all_models
from pipelines.warehouse.suites import Suite, all_suites

# Filled before any table is built.
ALWAYS_THERE = ("raw", "catalog", "meta")
MODELS: Mapping[str, Model] = {model.name: model for model in all_models()}


def tables_read(sql: str) -> set[str]:
    """The tables that a rule names, its own apart."""
    with duckdb.connect() as con:
        row = con.execute("select json_serialize_sql($1)", [sql.replace("{table}", "the_table")]).fetchone()
    parsed: dict[str, Any] = json.loads(row[0]) if row else {}
    assert not parsed.get("error"), f"DuckDB cannot parse this rule: {parsed.get('error_message')}\n{sql}"
    return set(_named_tables(parsed))


def _named_tables(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _named_tables(item)
    elif isinstance(node, dict):
        if node.get("type") == "BASE_TABLE" and node.get("schema_name"):
            yield f"{node['schema_name']}.{node['table_name']}"
        yield from _named_tables(list(node.values()))


def made_of(table: str) -> set[str]:
    """A table and everything that it is made of."""
    found: set[str] = set()
    pending = {table}
    while pending:
        name = pending.pop()
        found.add(name)
        if name in MODELS:
            pending |= MODELS[name].depends_on - found
    return found


def early_reads(suite: Suite) -> list[str]:
    there = made_of(suite.table)
    return [
        f"{suite.file}:{expectation.line}: reads {table}, which may not be built yet when {suite.table} is checked"
        for expectation in suite.expectations
        if expectation.sql is not None
        for table in sorted(tables_read(expectation.sql) - there)
        if table.split(".")[0] not in ALWAYS_THERE
    ]


@pytest.mark.parametrize("suite", all_suites().values(), ids=lambda suite: suite.table)
def test_a_rule_reads_only_what_its_table_is_made_of(suite: Suite) -> None:
    complaints = early_reads(suite)
    assert not complaints, "\n".join(complaints)
