"""What two versions differ in: by table, column and report, and the first rows where both workspaces are there."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.identity.figures import Figures, Table, columns_of, opened, read_report, select_of

_SHOWN_ROWS = 5
_SHOWN_CHARACTERS = 300


@dataclass(frozen=True)
class Finding:
    """What the comparison says about a table, column or report, and whether that is a failure."""

    verdict: str
    subject: str
    detail: str = ""
    is_failure: bool = False
    columns: tuple[str, ...] = ()

    @property
    def is_column(self) -> bool:
        """Whether it is about one column, `database.schema.table.column`."""
        return self.subject.count(".") == 3


def compare(was: Figures, now: Figures) -> Iterator[Finding]:
    """Compare the figures of two versions, table by table, then the report."""
    for name, table in was.tables.items():
        if name in now.tables:
            yield from _compare_table(name, table, now.tables[name])
        else:
            yield Finding("MISSING", name, f"had {table.rows:,} rows", is_failure=True)
    for name in sorted(now.tables.keys() - was.tables.keys()):
        yield Finding("new", name, f"{now.tables[name].rows:,} rows")
    subject = f"report {now.report.week}"
    if was.report == now.report:
        yield Finding("identical", subject, f"{now.report.lines:,} lines")
    else:
        before = f"{was.report.lines:,} lines" + f" in {was.report.week}" * (was.report.week != now.report.week)
        yield Finding("CHANGED", subject, f"{now.report.lines:,} lines, recorded {before}", is_failure=True)


def _compare_table(name: str, was: Table, now: Table) -> Iterator[Finding]:
    yield from _compare_columns(name, was, now)
    common = [column for column in was.columns if column in now.columns]
    in_order = [column for column in now.columns if column in was.columns]
    changed = tuple(column for column in common if was.columns[column] != now.columns[column])
    is_complete = len(common) == len(was.columns)  # else the digests are of different columns
    is_recombined = is_complete and not changed and was.digest != now.digest
    if (was.rows, common) == (now.rows, in_order) and not changed and not is_recombined:
        yield Finding("identical", name, _rows(was.rows))
        return
    reasons = [f"columns: {', '.join(changed)}"] if changed else []
    if common != in_order:
        reasons.append("columns in another order")
    if is_recombined:
        reasons.append("values in other combinations")
    detail = f"{_rows(now.rows)}, recorded {_rows(was.rows)}; {'; '.join(reasons)}"
    yield Finding("CHANGED", name, detail, is_failure=True, columns=changed)


def _compare_columns(name: str, was: Table, now: Table) -> Iterator[Finding]:
    for column, before in was.columns.items():
        if column not in now.columns:
            yield Finding("MISSING", f"{name}.{column}", f"was {before.type}", is_failure=True)
        elif now.columns[column].type != before.type:
            detail = f"{now.columns[column].type}, recorded {before.type}"
            yield Finding("CHANGED", f"{name}.{column}", detail, is_failure=True)
    for column in sorted(now.columns.keys() - was.columns.keys()):
        yield Finding("new", f"{name}.{column}", now.columns[column].type)


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"


# Showing what differs


def differing_rows(before: Path, after: Path, finding: Finding) -> Iterator[str]:
    """Yield the first rows of a table that only one of two workspaces has, those of the first with `-`."""
    with opened(before) as was, opened(after) as now:
        old, new = columns_of(was).get(finding.subject, {}), columns_of(now).get(finding.subject, {})
        common = [column for column in old if column in new]
        columns = [column for column in common if column not in finding.columns]
        columns += [column for column in common if column in finding.columns]  # rows alike come next to each other
        select = select_of(finding.subject, columns)
        now.register("old", was.sql(select).to_arrow_table())
        now.execute(f"create temp table new as {select}")
        for mark, one, other in (("-", "old", "new"), ("+", "new", "old")):
            rows = now.execute(
                f"select * from (select * from {one} except all select * from {other}) order by all limit {_SHOWN_ROWS}"
            ).fetchall()
            for row in rows:
                yield _shown(mark, finding, dict(zip(columns, row, strict=True)))


def _shown(mark: str, finding: Finding, row: Mapping[str, str | None]) -> str:
    """Word a row, the columns that differ first."""
    names = [*finding.columns, *(name for name in row if name not in finding.columns)]
    text = ", ".join(f"{name}={row[name]}" for name in names if name in row and row[name] is not None)
    return f"{mark} {text[:_SHOWN_CHARACTERS]}{'…' * (len(text) > _SHOWN_CHARACTERS)}"


def differing_lines(before: Path, after: Path) -> list[str]:
    """Return the first lines of the newest report that differ."""
    _, old = read_report(before)
    _, new = read_report(after)
    lines = list(difflib.unified_diff(old, new, n=0, lineterm=""))[2:]  # without the names of the files
    return lines[: 3 * _SHOWN_ROWS]
