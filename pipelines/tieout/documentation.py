"""The generated pages of `docs/`: `python -m tieout.documentation` writes them, `--check` compares them."""

import sys
from collections.abc import Iterator
from pathlib import Path

from tieout.sources.raw_schema import TABLES
from tieout.warehouse.models import FLOORS, Model, all_models
from tieout.warehouse.publish import DESCRIPTIONS, Description

DICTIONARY = Path("docs/data-dictionary.md")


def data_dictionary() -> str:
    """Every table and column of the warehouse in words, floor by floor, as Markdown."""
    floors = (line for floor in FLOORS[1:] for line in _floor(floor))
    return "\n".join([*_introduction(), *_raw_floor(), *floors]) + "\n"


def _introduction() -> Iterator[str]:
    yield "# Data dictionary"
    yield ""
    yield "Written by `make docs` from the SQL models and the raw schema; `make check` fails when it is out of date."
    yield "All times are UTC. Amounts are US dollars, DECIMAL(38, 12). The same words are comments in the database:"
    yield "`tieout sql \"select * from duckdb_columns() where schema_name = 'spend'\"`."


def _raw_floor() -> Iterator[str]:
    yield from ("", "## raw")
    for table in TABLES:
        yield from ("", f"### raw.{table.name}", "", table.comment, "", "| column | type | meaning |", "|---|---|---|")
        for column in table.columns:
            yield f"| {column.name} | {column.type} | {_cell(column.comment)} |"


def _floor(floor: str) -> Iterator[str]:
    models = sorted((model for model in all_models() if model.schema == floor), key=lambda model: model.table)
    if models:
        yield from ("", f"## {floor}")
    for model in models:
        yield from _table(model)
    for described in DESCRIPTIONS:
        if described.table.startswith(f"{floor}."):
            yield from _published(described)


def _table(model: Model) -> Iterator[str]:
    yield from ("", f"### {model.name}", "", model.description, "")
    kind = "View." if model.is_view else "Table."
    yield f"{kind} A row is identified by {', '.join(f'`{column}`' for column in model.key)}."
    yield from ("", "| column | meaning |", "|---|---|")
    for column, meaning in model.columns.items():
        yield f"| {column} | {_cell(meaning)} |"


def _published(described: Description) -> Iterator[str]:
    yield from ("", f"### {described.table}", "", described.text, "")
    yield "Table of `finance.duckdb` only, made when that file is published."
    yield from ("", "| column | meaning |", "|---|---|")
    for column, meaning in described.columns.items():
        yield f"| {column} | {_cell(meaning)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` say which are out of date; returns the exit code."""
    current = data_dictionary()
    if "--check" not in arguments:
        DICTIONARY.write_text(current, encoding="utf-8")
        return 0
    if DICTIONARY.exists() and DICTIONARY.read_text(encoding="utf-8") == current:
        return 0
    print(f"{DICTIONARY} is out of date; `make docs` writes it anew", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
