"""What is generated of the documentation: `python -m tieout.documentation` writes it, `--check` compares it."""

import sys
from collections.abc import Iterator
from pathlib import Path

from tieout.sources.raw_schema import TABLES
from tieout.sources.registry import SOURCES
from tieout.warehouse.models import FLOORS, Model, all_models
from tieout.warehouse.publish import DESCRIPTIONS, Description

DICTIONARY = Path("docs/data-dictionary.md")
README = Path("README.md")
_BEGIN, _END = "<!-- sources: ", "<!-- end of sources -->"


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


def readme(written: str) -> str:
    """README.md as it is written, with the table of sources as the registry has it."""
    before, begin, rest = written.partition(_BEGIN)
    remark, _, rest = rest.partition("\n")
    _, end, after = rest.partition(_END)
    return "\n".join([f"{before}{begin}{remark}", *_sources(), f"{end}{after}"])


def _sources() -> Iterator[str]:
    yield from ("| export | command | file |", "|---|---|---|")
    for source in SOURCES.values():
        yield f"| {source.title} | {_cell(source.export)} | `landing/{source.file}` |"


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` say which are out of date; returns the exit code."""
    pages = {DICTIONARY: data_dictionary(), README: readme(README.read_text(encoding="utf-8"))}
    if "--check" not in arguments:
        for path, page in pages.items():
            path.write_text(page, encoding="utf-8")
        return 0
    stale = [path for path, page in pages.items() if not path.exists() or path.read_text(encoding="utf-8") != page]
    for path in stale:
        print(f"{path} is out of date; `make docs` writes it anew", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
