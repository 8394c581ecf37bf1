"""What a report says of its own issue: its revision, what moved since the one before, and earlier weeks that moved."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.money import CENT, format_usd
from tieout.core.periods import IsoWeek
from tieout.report.archive import PAGE_NAME
from tieout.report.contents import WeeklyReport
from tieout.report.inputs import days_of_week, states_of_landed_days
from tieout.report.issue_contents import (
    PastRevision,
    RestatementLine,
    Restatements,
    Revision,
    UnissuedMove,
    because,
    movement,
)
from tieout.report.sections.gates import obstacles, read_gates, read_tie_out
from tieout.report.sections.spend import function_label
from tieout.report.wording import listing, with_interval
from tieout.warehouse.closed_week import (
    NOTHING,
    ClosedSaving,
    Closing,
    Draft,
    Figures,
    Move,
    causes_between,
    is_moved,
    moved_in_print,
)
from tieout.warehouse.closings import (
    REVISION_FOLDER,
    carried_by,
    closed_amounts,
    closings_of,
    code_sha256,
    contents_for,
    deliveries_for,
    moves_between,
    unissued_moves,
    vanished_files,
)

ALL_BY_LESS = "all functions, each by less than a cent"


def describe_issue(con: duckdb.DuckDBPyConnection, report: WeeklyReport, catalog: Catalog) -> WeeklyReport:
    """Say which revision a report is, what moved since the one before, and which earlier weeks have moved."""
    issued = closings_of(con, report.week)
    draft = draft_issue(con, report, issued)
    if issued and not is_moved(issued[-1].figures, draft.figures):
        revision = _revision(issued[:-1], issued[-1], catalog, issued_at=issued[-1].closed_at)
    else:
        revision = _revision(issued, draft, catalog, issued_at=None)
    return replace(report, revision=revision, restatements=read_restatements(con, report, catalog))


def draft_issue(con: duckdb.DuckDBPyConnection, report: WeeklyReport, issued: Sequence[Closing]) -> Draft:
    """Draw up the next issue of a week."""
    figures = read_figures(con, report)
    if not issued:
        return Draft(week=report.week.label, revision=1, figures=figures)
    before = issued[-1].figures
    return Draft(
        week=report.week.label,
        revision=issued[-1].revision + 1,
        figures=figures,
        moves=moves_between(con, report.week, before, figures),
        causes=(*causes_between(before, figures), *_vanished(con, before)),
    )


def _vanished(con: duckdb.DuckDBPyConnection, before: Figures) -> tuple[str, ...]:
    number = vanished_files(con, before)
    if not number:
        return ()
    return ("a file that is no longer landed" if number == 1 else f"{number:,} files that are no longer landed",)


def read_figures(con: duckdb.DuckDBPyConnection, report: WeeklyReport) -> Figures:
    """Take a report's figures, with the exact cost behind them and what they were computed from."""
    headline, inputs = report.headline, report.inputs
    return Figures(
        as_of=inputs.as_of,
        input_sha256=inputs.sha256,
        catalog_sha256=inputs.catalog_sha256,
        baseline_sha256=inputs.baseline_sha256,
        code_sha256=code_sha256(),
        method_version=report.method_version,
        status=headline.standing.state,
        avoided_usd=headline.avoided_usd,
        half_width_usd=headline.half_width_usd,
        amounts=closed_amounts(con, report.week),
        savings=tuple(
            ClosedSaving(
                function=line.function,
                avoided_usd=line.avoided_usd,
                half_width_usd=line.half_width_usd,
                status=line.standing.state,
            )
            for group in report.savings.groups
            for line in group.lines
        ),
        deliveries=tuple(dict.fromkeys(delivery.identity for delivery in deliveries_for(con, report.week))),
        contents=contents_for(con, report.week),
    )


def read_restatements(con: duckdb.DuckDBPyConnection, report: WeeklyReport, catalog: Catalog) -> Restatements:
    """Read what has moved in earlier, issued weeks, in cents: lines by week and function, then what is not issued."""
    carried = defaultdict(list)
    for week, revision in carried_by(con, report.week):
        carried[week].append(revision)
    lines: list[RestatementLine] = []
    for week, revisions in carried.items():
        issues = closings_of(con, week)
        lines += _lines(week, [closing for closing in issues if closing.revision in revisions], issues, catalog)
    unissued = tuple(_unissued(con, week, amounts) for week, amounts in unissued_moves(con, report.week).items())
    return Restatements(tuple(lines), sum((line.moved_usd for line in lines), NOTHING), unissued)


def _unissued(con: duckdb.DuckDBPyConnection, week: IsoWeek, moved_usd: Sequence[Decimal]) -> UnissuedMove:
    days = days_of_week(states_of_landed_days(con, week), week)
    gates = read_gates(con, week, tie_out=read_tie_out(con, week), days=days)
    return UnissuedMove(week.label, sum(moved_usd, NOTHING), obstacles(days, gates))


def _lines(
    week: IsoWeek, carried: Sequence[Closing], issues: Sequence[Closing], catalog: Catalog
) -> Iterator[RestatementLine]:
    """Word what revisions of a week have moved, by function; a cent that no function has moved by alone, for all."""
    moves: dict[tuple[str, str], list[tuple[Move, Closing]]] = defaultdict(list)
    for closing in carried:
        for move in closing.moves:
            moves[move.environment, move.function].append((move, closing))
    lines = [_line(week.label, of_function, catalog) for of_function in moves.values()]
    moved = [line for line in lines if line.moved_usd]
    yield from moved
    before = next((issue.figures for issue in issues if issue.revision == carried[0].revision - 1), None)
    if moved or before is None:
        return
    was, is_now = before.cost_usd.quantize(CENT), carried[-1].figures.cost_usd.quantize(CENT)
    if was != is_now:
        files = tuple(sorted({path for line in lines for path in line.files}))
        causes = tuple(dict.fromkeys(cause for closing in carried for cause in closing.causes))
        yield RestatementLine(week.label, ALL_BY_LESS, was, is_now, is_now - was, files, causes)


def _line(week: str, moves: Sequence[tuple[Move, Closing]], catalog: Catalog) -> RestatementLine:
    first, last = moves[0][0], moves[-1][0]
    before, after = first.before_usd.quantize(CENT), last.after_usd.quantize(CENT)
    return RestatementLine(
        week=week,
        function=function_label(first.function, first.environment, catalog),
        before_usd=before,
        after_usd=after,
        moved_usd=after - before,
        files=tuple(sorted({path for move, _ in moves for path in move.files})),
        causes=tuple(dict.fromkeys(cause for _, closing in moves for cause in closing.causes)),
    )


def _revision(issued: Sequence[Closing], last: Draft, catalog: Catalog, *, issued_at: dt.datetime | None) -> Revision:
    """Word an issue, or what would be the next one, after those before it."""
    return Revision(
        number=last.revision,
        issued_at=issued_at,
        moved=tuple(_moved(issued[-1].figures, last, catalog)) if issued else (),
        past=tuple(_past(closing) for closing in reversed(issued)),
    )


def _past(closing: Closing) -> PastRevision:
    figures = closing.figures
    return PastRevision(
        number=closing.revision,
        issued_at=closing.closed_at,
        avoided_usd=figures.avoided_usd,
        half_width_usd=figures.half_width_usd,
        cost_usd=figures.cost_usd.quantize(CENT),
        input_sha256=figures.input_sha256,
        href=f"{REVISION_FOLDER.format(closing.revision)}/{PAGE_NAME}",
    )


def _moved(old: Figures, after: Draft, catalog: Catalog) -> list[str]:
    """Say what moved: the cost by function, then the saving, then whose saving, then why where no cost has moved."""
    new = after.figures
    sentences = _moved_costs(old, after, catalog)
    if (old.avoided_usd, old.half_width_usd) != (new.avoided_usd, new.half_width_usd):
        sentences.append(f"Avoided cost: {_saving(old)} is now {_saving(new)}.")
    if old.status != new.status:
        sentences.append(f"Status: {old.status} is now {new.status}.")
    savings = {saving.function: saving for saving in old.savings}
    moved = [saving.function for saving in new.savings if savings.get(saving.function) != saving]
    if moved:
        sentences.append(f"The saving or the status moved of {listing(moved)}.")
    if not after.moves:
        causes = list(after.causes) or ["a restatement of other days that it is measured against"]
        sentences.append(f"No cost of the week has moved; the cause is {listing(causes)}.")
    return sentences


def _moved_costs(old: Figures, after: Draft, catalog: Catalog) -> list[str]:
    """Word the functions that have moved in print; where only their sum has, that."""
    if moved_in_print(old, after.figures):
        return [_moved_cost(move, after, catalog) for move in after.moves]
    was, is_now = old.cost_usd.quantize(CENT), after.figures.cost_usd.quantize(CENT)
    if was == is_now:
        return []
    files = tuple(sorted({path for move in after.moves for path in move.files}))
    return [f"{ALL_BY_LESS.capitalize()}: {movement(was, is_now)}, because of {because(files, after.causes)}."]


def _moved_cost(move: Move, after: Draft, catalog: Catalog) -> str:
    function = function_label(move.function, move.environment, catalog)
    was, is_now = move.before_usd.quantize(CENT), move.after_usd.quantize(CENT)
    cause = because(move.files, after.causes)
    if was == is_now:
        return f"{function}: {format_usd(is_now)} as before, of other phases or components, because of {cause}."
    return f"{function}: {movement(was, is_now)}, because of {cause}."


def _saving(figures: Figures) -> str:
    return "no claim" if figures.avoided_usd is None else with_interval(figures.avoided_usd, figures.half_width_usd)
