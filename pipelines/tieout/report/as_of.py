"""A week's report as it stood at a moment, and whether that is what was issued."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.periods import IsoWeek
from tieout.report.contents import WeeklyReport
from tieout.report.figures import read_figures
from tieout.report.weekly import build_report
from tieout.report.wording import causes_of, listing
from tieout.savings.baseline_lock import BaselineLock
from tieout.warehouse.as_of import warehouse_as_of
from tieout.warehouse.closed_week import Closing, Figures, causes_between, have_same_inputs, is_moved
from tieout.warehouse.closings import closings_of
from tieout.warehouse.week_inputs import deliveries_for


@dataclass(frozen=True)
class ReportAsOf:
    """A report as it stood, and how it compares with what was issued from the data of that time.

    Attributes:
        report: from what had been fetched by then.
        is_issued: its input hash and its printed figures are those of an issue.
        remarks: which issue that is, or what differs from the last one and why, in sentences.
    """

    report: WeeklyReport
    is_issued: bool
    remarks: tuple[str, ...]


def report_as_of(
    warehouse: Path, week: IsoWeek, as_of: dt.datetime, catalog: Catalog, *, lock: BaselineLock | None
) -> ReportAsOf:
    """Build a week's report from what had been fetched by a moment; the warehouse and the reports stay untouched.

    Args:
        warehouse: the workspace's warehouse.
        week: the week.
        as_of: naive UTC.
        catalog: the programme, as it is now.
        lock: the frozen baseline, as it is now.

    Raises:
        WarehouseError: the warehouse cannot be read, or nothing had been fetched by then.
    """
    with warehouse_as_of(warehouse, as_of, catalog) as con:
        report = build_report(con, week, catalog, lock=lock)
        figures, issues = read_figures(con, report), closings_of(con, week)
        same = [issue for issue in issues if have_same_inputs(issue.figures, figures)]
        is_issued = bool(same) and not is_moved(same[-1].figures, figures)
        if is_issued:
            remarks = [f"These are the figures of {_name(same[-1])}; {_why_same(same[-1].figures, figures)}."]
        elif issues:
            remarks = list(_differences(con, week, (same or [*issues])[-1], figures))
        else:
            remarks = [f"No issue of {week.label} was made from what had been fetched by then."]
    return ReportAsOf(report, is_issued, tuple(remarks))


def _name(issue: Closing) -> str:
    return f"revision {issue.revision}, issued {issue.closed_at:%Y-%m-%d %H:%M} UTC"


def _why_same(said: Figures, figures: Figures) -> str:
    if said.input_version == figures.input_version:
        return "the input hash is the same"
    return "bills, logs, configurations, catalog and baseline are the same; the input hash was computed otherwise then"


def _differences(con: duckdb.DuckDBPyConnection, week: IsoWeek, issue: Closing, figures: Figures) -> Iterator[str]:
    """Say how a report differs from an issue: its figures, and what it was computed from."""
    said = issue.figures
    if have_same_inputs(said, figures):
        cause = causes_of((), causes_between(said, figures))
        yield f"The inputs are those of {_name(issue)}, but the figures are not, because of {cause}."
        return
    what = "These are not" if is_moved(said, figures) else "No printed figure differs, but these are not"
    yield f"{what} the inputs of {_name(issue)} (input hash {said.input_sha256})."
    known = {delivery.identity: delivery.path for delivery in deliveries_for(con, week)}
    late = tuple(sorted({path for identity, path in known.items() if identity not in said.deliveries}))
    if late:
        yield f"Fetched by then, but landed after the issue: {causes_of(late)}."
    gone = len(set(said.deliveries) - known.keys())
    if gone:
        yield f"Part of the issue, but not fetched by then or not landed any more: {gone} bills or call logs."
    is_same_basis = (said.catalog_sha256, said.baseline_sha256) == (figures.catalog_sha256, figures.baseline_sha256)
    if is_same_basis and not late and not gone:
        yield "What differs is no bill or call log, but a summary, an invoice, prices, configurations or apps."
    if causes := causes_between(said, figures):
        yield f"What differs besides: {listing(list(causes))}."
