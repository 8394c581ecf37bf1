"""The week's own issue: its revision, those before it, and what moved since."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.money import CENT, format_usd
from tieout.core.periods import IsoWeek
from tieout.report.file_names import PAGE_NAME
from tieout.report.sections.restatements import moved_by_less
from tieout.report.sections.spend import function_label
from tieout.report.wording import causes_of, listing, movement, with_interval
from tieout.warehouse.closed_week import (
    NOTHING,
    Closing,
    Draft,
    Figures,
    Move,
    causes_between,
    is_moved,
    moved_in_print,
)
from tieout.warehouse.closings import REVISION_FOLDER, closings_of, moves_between, vanished_files


@dataclass(frozen=True)
class PastRevision:
    """A revision that a later one has replaced; its page, text and workbook stay as they were sent.

    Attributes:
        number: from 1.
        issued_at: naive UTC.
        avoided_usd: its headline, in cents; None when it claimed nothing.
        half_width_usd: half of the 90% interval, in cents; None without one.
        cost_usd: what the week cost by it, in cents.
        input_sha256: what it was computed from.
        href: its page, from the week's newest page: `revision-1/index.html`.
    """

    number: int
    issued_at: dt.datetime
    avoided_usd: Decimal | None
    half_width_usd: Decimal | None
    cost_usd: Decimal
    input_sha256: str
    href: str

    @property
    def sentence(self) -> str:
        """When it was issued, and with which figures."""
        amount, width = self.avoided_usd, self.half_width_usd
        saved = "no saving claimed" if amount is None else f"avoided {with_interval(amount, width)}"
        issued = f"{self.issued_at:%Y-%m-%d %H:%M} UTC"
        return f"Revision {self.number}, issued {issued}: {format_usd(self.cost_usd)} cost, {saved}."


@dataclass(frozen=True)
class Revision:
    """Which issue of the week's figures this is.

    Attributes:
        number: from 1; of a report that is not issued, the number that it would have.
        issued_at: naive UTC; None when it is not issued: a day is not settled, or a gate is closed.
        moved: what differs from the revision before it and why, in sentences; empty in a first one.
        past: the revisions before it, the newest first.
    """

    number: int
    issued_at: dt.datetime | None
    moved: tuple[str, ...] = ()
    past: tuple[PastRevision, ...] = ()

    @property
    def sentence(self) -> str:
        """The revision's number and standing."""
        replaced = listing([str(past.number) for past in reversed(self.past)])
        noun = "revision" if len(self.past) == 1 else "revisions"
        if self.issued_at is None:
            stands = f" Revision {self.past[0].number} stands until then." if self.past else ""
            return f"Revision {self.number}, not issued: a day is not settled, or a gate is closed.{stands}"
        replaces = f"; it replaces {noun} {replaced}" if self.past else ""
        return f"Revision {self.number}, issued {self.issued_at:%Y-%m-%d %H:%M} UTC{replaces}."


def describe_revision(con: duckdb.DuckDBPyConnection, week: IsoWeek, figures: Figures, catalog: Catalog) -> Revision:
    """Say which revision of a week its figures are, and what moved since the one before."""
    issued = closings_of(con, week)
    if issued and not is_moved(issued[-1].figures, figures):
        return _revision(issued[:-1], issued[-1], catalog, issued_at=issued[-1].closed_at)
    return _revision(issued, draft_issue(con, week, figures, issued), catalog, issued_at=None)


def draft_issue(con: duckdb.DuckDBPyConnection, week: IsoWeek, figures: Figures, issued: Sequence[Closing]) -> Draft:
    """Draw up the next issue of a week."""
    if not issued:
        return Draft(week=week.label, revision=1, figures=figures)
    before = issued[-1].figures
    return Draft(
        week=week.label,
        revision=issued[-1].revision + 1,
        figures=figures,
        moves=moves_between(con, week, before, figures),
        causes=(*causes_between(before, figures), *_vanished(con, before)),
    )


def _vanished(con: duckdb.DuckDBPyConnection, before: Figures) -> tuple[str, ...]:
    number = vanished_files(con, before)
    if not number:
        return ()
    return ("a file that is no longer landed" if number == 1 else f"{number:,} files that are no longer landed",)


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
    """Word the functions that have moved in print, in the cents of the week's pages; then what they leave."""
    before, now, in_parts = old.printed_costs, after.figures.printed_costs, moved_in_print(old, after.figures)
    named, listed = [], []
    for move in after.moves:
        name = (move.environment, move.function)
        costs = (before.get(name, NOTHING), now.get(name, NOTHING))
        if name in in_parts or costs[0] != costs[1]:
            named.append(move)
            listed.append(costs)
    sentences = [_moved_cost(move, costs, after, catalog) for move, costs in zip(named, listed, strict=True)]
    others = moved_by_less(old.cost_usd, after.figures.cost_usd, listed)
    if others is None:
        return sentences
    whose, was, is_now = others
    files = tuple(sorted({path for move in after.moves for path in move.files}))
    cause = causes_of(files, after.causes)
    return [*sentences, f"{whose[0].upper()}{whose[1:]}: {movement(was, is_now)}, because of {cause}."]


def _moved_cost(move: Move, costs: tuple[Decimal, Decimal], after: Draft, catalog: Catalog) -> str:
    """Word how a function moved, from its printed cost before to that after."""
    function, (was, is_now) = function_label(move.function, move.environment, catalog), costs
    cause = causes_of(move.files, after.causes)
    if was == is_now:
        return f"{function}: {format_usd(is_now)} as before, of other phases or components, because of {cause}."
    return f"{function}: {movement(was, is_now)}, because of {cause}."


def _saving(figures: Figures) -> str:
    return "no claim" if figures.avoided_usd is None else with_interval(figures.avoided_usd, figures.half_width_usd)
