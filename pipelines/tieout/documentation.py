"""What is generated of the documentation: `python -m tieout.documentation` writes it, `--check` compares it."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tieout.catalog.load import FILES, NEEDED
from tieout.catalog.mail_settings import MailFile
from tieout.catalog.models import Billing
from tieout.catalog.settings import WorkspaceSettings
from tieout.core.resources import resource_path
from tieout.sources.dialects import DIALECTS, EXPORTS
from tieout.sources.raw_schema import TABLES
from tieout.sources.registry import SOURCES
from tieout.warehouse.models import FLOORS, Model, all_models
from tieout.warehouse.publish import DESCRIPTIONS, Description

DICTIONARY = Path("docs/data-dictionary.md")
EXPORTS_PAGE = Path("docs/guides/exports.md")
CATALOG_PAGE = Path("docs/guides/catalog.md")
REFERENCE = Path("docs/reference")
SCHEMAS = REFERENCE / "catalog"
DIALECT_PAGE = REFERENCE / "dialects.md"
DECISIONS = Path("docs/decisions")
RAW = FLOORS[0]
_ABOUT_FLOORS: Mapping[str, str] = {
    "raw": "What was landed: every row as Modal wrote it, with the file that it came from.",
    "staging": "What counts of it: the newest snapshot of every interval, call, configuration and price.",
    "usage": "What containers did: how long each ran, hour by hour, and what for.",
    "spend": "What it cost: every billed amount attributed to a function, phase and component.",
    "reconciliation": "Whether it ties: attributed against billed, months against invoices, and what moved since.",
    "savings": "What was saved: days, weeks, their uncertainty, and the steps from the promise to the result.",
    "finance": "What is published for finance, in `finance.duckdb`. Names and types of its columns are a promise.",
    "focus": "The same amounts as FOCUS rows, for other FinOps tools.",
}
_ABOUT_TABLES = """\
# Tables

The warehouse has one schema for each floor, from landed rows to published figures. Written by `make docs` from the SQL
models and the raw schema; `make check` fails when it is out of date. The same words are comments in the database:
`tieout sql "select * from duckdb_columns() where schema_name = 'spend'"`."""
_ABOUT_COLUMNS = (
    "All times are UTC. Amounts are US dollars, DECIMAL(38, 12), unless a column says otherwise. "
    "[All tables](../data-dictionary.md)."
)
_LONGEST_EXAMPLE = 24
CATALOG_FILES: Mapping[str, type[BaseModel]] = {
    **FILES,
    "billing": Billing,
    "mail": MailFile,
    "settings": WorkspaceSettings,
}
"""The files of a catalog, and what each is read as."""
_ABOUT_CATALOG = """\
# Catalog

The catalog says what the exports cannot: which functions belong together, which change is measured, and what was
promised. `tieout init --home mine` writes a first one into `mine/catalog`. Written by `make docs` from the models that
read the files.

Two files are needed: `functions.yaml` and `prices.yaml`. A mistake is reported with file, line and entry, for example
`functions.yaml:21: function 4, configuration 2: gpu: no such resource in prices.yaml`.

Editors check a file while you type when its first line names the schema:

```yaml
# yaml-language-server: $schema=../docs/reference/catalog/functions.schema.json
```

Amounts stand in quotes, so that they are read exactly. Times carry their offset.
"""
_BEGIN, _END = "<!-- sources: ", "<!-- end of sources -->"
_ABOUT_DIALECTS = """\
# Dialects

Clients of different versions print the same rows in different forms. Written by `make docs` from the tables that the
readers use; each form but the coloured CSV is tested with captured output in `tests/data/modal-client-versions`.

A file is read in any of these forms, and comes to the same rows in each:
"""
_MORE_ABOUT_DIALECTS = """
Warnings above the JSON, or above the header of a CSV, are skipped. A line that could be a piece of the rows is no
warning: the file is refused, because what was cut off may be a cost. Every row is read by its own names, so rows of two
clients may stand in one list. A row that gives a field under two names, or a key twice in one object, is refused.

A call log is far larger and is read as it stands: one with escape codes is refused, with the remedy.

A table in boxes is refused, because the client cuts its values off at the width of the terminal. The refusal names the
command that prints the same as JSON.

A row of the SDK with `cost_by_resource` is read as its total and its parts: such a file is the plain report and the
breakdown in one. What the parts leave of the total is a row of its own in `staging.billing_items`: `rounding`,
`difference`, or `all` where there are no parts. The rows add up to the total. Over a millionth of a dollar, gate G2
warns of it.

A cost of a billing report may have up to 38 decimals; more are refused. One with more than 12 is kept as text in
`raw.billing_report.cost_exact` and booked rounded to 12. `reconciliation.remainders` holds the rest, and
`tieout sql tie_out` shows its sum.

Amounts of other exports (summaries, invoices, rates, sandboxes) have 12 decimals at most. They are compared with each
other without a tolerance, so rounding them could open or close a gate. The refusal says so.

A report has no field for its resolution. Rows after midnight make it hourly; rows at midnights of several days, daily.
Where all rows start at one midnight, its name (`-r-d`, `daily`, `-r-h`, `hourly`) or its sidecar says it; else it is
refused.

## Names

Other names are read as the name in the first column.
"""


def data_dictionary() -> str:
    """The tables of the warehouse, floor by floor, each with a link to its columns, as Markdown."""
    lines = [_ABOUT_TABLES]
    for floor in FLOORS:
        page = (REFERENCE / f"{floor}.md").relative_to(DICTIONARY.parent)
        lines += ["", f"## {floor}", "", _ABOUT_FLOORS[floor], "", "| table | what it holds |", "|---|---|"]
        for name, text in _tables(floor):
            anchor = name.replace(".", "")
            lines.append(f"| [{name}]({page}#{anchor}) | {_cell(_first_sentence(text))} |")
    return "\n".join(lines) + "\n"


def floor_page(floor: str) -> str:
    """Every table and column of a floor in words, as Markdown."""
    return "\n".join([f"# {floor}", "", _ABOUT_FLOORS[floor], "", _ABOUT_COLUMNS, *_floor(floor)]) + "\n"


def _tables(floor: str) -> Iterator[tuple[str, str]]:
    if floor == RAW:
        yield from ((f"raw.{table.name}", table.comment) for table in TABLES)
    yield from ((model.name, model.description) for model in _models(floor))
    yield from ((each.table, each.text) for each in DESCRIPTIONS if each.table.startswith(f"{floor}."))


def _first_sentence(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split()).split(". ")[0].rstrip(".") + "."


def _models(floor: str) -> list[Model]:
    return sorted((model for model in all_models() if model.schema == floor), key=lambda model: model.table)


def _floor(floor: str) -> Iterator[str]:
    if floor == RAW:
        yield from _raw_tables()
    for model in _models(floor):
        yield from _table(model)
    for described in DESCRIPTIONS:
        if described.table.startswith(f"{floor}."):
            yield from _published(described)


def _raw_tables() -> Iterator[str]:
    for table in TABLES:
        yield from ("", f"## raw.{table.name}", "", table.comment, "", "| column | type | meaning |", "|---|---|---|")
        for column in table.columns:
            yield f"| {column.name} | {column.type} | {_cell(column.comment)} |"


def _table(model: Model) -> Iterator[str]:
    yield from ("", f"## {model.name}", "", model.description, "")
    kind = "View." if model.is_view else "Table."
    yield f"{kind} A row is identified by {', '.join(f'`{column}`' for column in model.key)}."
    yield from ("", "| column | meaning |", "|---|---|")
    for column, meaning in model.columns.items():
        yield f"| {column} | {_cell(meaning)} |"


def _published(described: Description) -> Iterator[str]:
    yield from ("", f"## {described.table}", "", described.text, "")
    yield "Table of `finance.duckdb` only, made when that file is published."
    yield from ("", "| column | meaning |", "|---|---|")
    for column, meaning in described.columns.items():
        yield f"| {column} | {_cell(meaning)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def exports_page(written: str) -> str:
    """The page as it is written, with the table of sources as the registry has it."""
    before, begin, rest = written.partition(_BEGIN)
    remark, _, rest = rest.partition("\n")
    _, end, after = rest.partition(_END)
    return "\n".join([f"{before}{begin}{remark}", *_sources(), f"{end}{after}"])


def _sources() -> Iterator[str]:
    yield from ("| export | command | file |", "|---|---|---|")
    for source in SOURCES.values():
        yield f"| {source.title} | {_cell(source.export)} | `landing/{source.file}` |"


def dialects() -> str:
    """The forms in which clients print rows, and the names in each, as Markdown."""
    return "\n".join([_ABOUT_DIALECTS, *_forms(), _MORE_ABOUT_DIALECTS, *_names()]) + "\n"


def _forms() -> Iterator[str]:
    yield from ("| container | names | escape codes | printed by | read |", "|---|---|---|---|---|")
    for each in DIALECTS:
        colour, read = ("yes" if flag else "no" for flag in (each.is_coloured, each.is_read))
        yield f"| {each.container} | {each.spelling} | {colour} | {each.printed_by} | {read} |"


def _names() -> Iterator[str]:
    yield from ("| export | name | Title Case | SDK |", "|---|---|---|---|")
    for source, export in EXPORTS.items():
        for name in dict.fromkeys(export.names.values()):
            others = [_printed_as(export.spellings.get(spelling, {}), name) for spelling in ("Title Case", "SDK")]
            yield f"| {SOURCES[source].title} | `{name}` | {' | '.join(others)} |"


def _printed_as(names: Mapping[str, str], name: str) -> str:
    return next((f"`{printed}`" for printed, known in names.items() if known == name), "")


def catalog_page() -> str:
    """Every file of a catalog with its fields, and an example of it, as Markdown."""
    lines = [line for name, kind in CATALOG_FILES.items() for line in _catalog_file(name, kind)]
    return _ABOUT_CATALOG + "\n".join(lines) + "\n"


def _catalog_file(name: str, kind: type[BaseModel]) -> Iterator[str]:
    schema = kind.model_json_schema()
    needed = "Needed." if name in NEEDED else "May be missing."
    yield from ("", f"## {name}.yaml", "", f"{needed} [JSON schema](../reference/catalog/{name}.schema.json).", "")
    yield from _fields(schema, "the file")
    for part, described in schema.get("$defs", {}).items():
        yield from ("", f"**{part}.** {described.get('description', '').splitlines()[0]}", "")
        yield from _fields(described, part)
    yield from ("", "Example:", "", "```yaml")
    content = (resource_path("catalog") / f"{name}.yaml").read_text(encoding="utf-8").rstrip().splitlines()
    yield from content[:_LONGEST_EXAMPLE]
    if len(content) > _LONGEST_EXAMPLE:
        yield "# …"
    yield "```"


def _fields(schema: Mapping[str, Any], of: str) -> Iterator[str]:
    yield from (f"| field of {of} | holds | without it |", "|---|---|---|")
    for name, field in schema.get("properties", {}).items():
        default = "needed" if name in schema.get("required", ()) else f"`{json.dumps(field.get('default'))}`"
        yield f"| `{name}` | {_cell(_held(field))} | {_cell(default)} |"


def _held(field: Mapping[str, Any]) -> str:
    """Word what a field takes, by its JSON schema."""
    if "anyOf" in field:
        return " or ".join(_held(each) for each in field["anyOf"] if each.get("type") != "null")
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "enum" in field:
        return " or ".join(f"`{each}`" for each in field["enum"])
    kind = {"array": "list of", "string": "text", "integer": "whole number", "boolean": "true or false"}.get(
        str(field.get("type")), "value"
    )
    if "items" in field:
        return f"list of {_held(field['items'])}"
    if "pattern" in field:
        return 'number in quotes, like "2.10"'
    if "format" in field:
        return {"date-time": "time with its offset, like 2026-10-19T10:40:00Z", "date": "day"}[field["format"]]
    bounds = [f"{word} {field[key]}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in field]
    return " ".join([kind, *bounds])


def decisions_page() -> str:
    """The decisions by number, as Markdown."""
    lines = ["# Decisions", "", "Choices that someone will question later: context, choice, consequence.", ""]
    for path in sorted(DECISIONS.glob("0*.md")):
        title = path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
        lines.append(f"- [{path.name[:4]}]({path.name}): {title.partition(' ')[2]}")
    return "\n".join(lines) + "\n"


def _as_json(kind: type[BaseModel]) -> str:
    return json.dumps(kind.model_json_schema(), indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` say which are out of date; returns the exit code."""
    pages = {
        DICTIONARY: data_dictionary(),
        **{REFERENCE / f"{floor}.md": floor_page(floor) for floor in FLOORS},
        DECISIONS / "README.md": decisions_page(),
        DIALECT_PAGE: dialects(),
        EXPORTS_PAGE: exports_page(EXPORTS_PAGE.read_text(encoding="utf-8")),
        CATALOG_PAGE: catalog_page(),
        **{SCHEMAS / f"{name}.schema.json": _as_json(kind) for name, kind in CATALOG_FILES.items()},
    }
    if "--check" not in arguments:
        for path, page in pages.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(page, encoding="utf-8")
        return 0
    stale = [path for path, page in pages.items() if not path.exists() or path.read_text(encoding="utf-8") != page]
    for path in stale:
        print(f"{path} is out of date; `make docs` writes it anew", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
