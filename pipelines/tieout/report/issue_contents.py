"""What the weekly report says about its own issue: its revision, those before it, and weeks that moved since.

Amounts are whole cents, each rounded for itself: a line's `moved` is its printed `after` less its printed `before`.
Sentences are made here, so that every form of the report says the same.
"""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from tieout.core.money import format_usd
from tieout.report.wording import listing, with_interval

NAMED_FILES = 3


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
    def saving_figure(self) -> str:
        """`$522.35 ± $12.59`, or that nothing was claimed."""
        return "no claim" if self.avoided_usd is None else with_interval(self.avoided_usd, self.half_width_usd)

    @property
    def sentence(self) -> str:
        """When it was issued, and with which figures."""
        return (
            f"Revision {self.number}, issued {self.issued_at:%Y-%m-%d %H:%M} UTC: {format_usd(self.cost_usd)} cost, "
            f"avoided {self.saving_figure}."
        )


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


@dataclass(frozen=True)
class RestatementLine:
    """A function whose cost in an earlier, issued week has moved.

    Attributes:
        week: label of the week that moved.
        function: whose cost; or all functions, where each moved by less than a cent.
        before_usd: as it was issued, in cents.
        after_usd: as it is now, in cents.
        moved_usd: after less before.
        files: paths below the landing folder that moved it; empty when no file did.
        causes: what else did, in words: the catalog, the method.
    """

    week: str
    function: str
    before_usd: Decimal
    after_usd: Decimal
    moved_usd: Decimal
    files: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()

    @property
    def because(self) -> str:
        """The files and other causes, the first few by name."""
        return because(self.files, self.causes)

    @property
    def sentence(self) -> str:
        """The movement and its cause."""
        moved = movement(self.before_usd, self.after_usd)
        return f"{self.week}, {self.function}: {moved}, because of {self.because}."


@dataclass(frozen=True)
class UnissuedMove:
    """An earlier week whose cost is no longer what was issued, and which is not issued anew.

    Attributes:
        week: its label.
        moved_usd: its cost now less its cost as issued, in cents; zero where it has moved between functions.
        obstacles: what stands in the way of an issue, in words; empty when nothing does.
    """

    week: str
    moved_usd: Decimal
    obstacles: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The movement, and why it is not issued."""
        moved = f"by {signed_usd(self.moved_usd)}" if self.moved_usd else "between functions"
        reasons = listing(list(self.obstacles)) or "its report was not made anew"
        return f"The cost of {self.week} has moved {moved} since it was issued; it is not issued anew yet: {reasons}."


@dataclass(frozen=True)
class Restatements:
    """What has moved in earlier, issued weeks and stands in no report that was issued before.

    Attributes:
        lines: what later issues of those weeks say, by week and function.
        total_usd: what they add up to, in cents.
        unissued: what no issue says yet, by week.
    """

    lines: tuple[RestatementLine, ...] = ()
    total_usd: Decimal = Decimal(0)
    unissued: tuple[UnissuedMove, ...] = ()

    @property
    def sentence(self) -> str:
        """What the lines add up to, or that there are none; then the weeks that are not issued anew."""
        weeks = listing(list(dict.fromkeys(line.week for line in self.lines)))
        issued = (
            f"Since the report before this one, the cost of {weeks} has moved by {signed_usd(self.total_usd)}."
            if self.lines
            else "No issued cost of an earlier week has moved since the report before this one."
        )
        return " ".join([issued, *(move.sentence for move in self.unissued)])


def signed_usd(amount: Decimal) -> str:
    """Print a movement: `+$1.60`, `−$0.25`."""
    return format_usd(amount) if amount < 0 else f"+{format_usd(amount)}"


def movement(before: Decimal, after: Decimal) -> str:
    """Print what an amount was and is: `$1.00 is now $3.50 (+$2.50)`."""
    return f"{format_usd(before)} is now {format_usd(after)} ({signed_usd(after - before)})"


def because(files: tuple[str, ...], causes: tuple[str, ...] = ()) -> str:
    """Word what moved an amount: `a.json, b.json, c.json and 4 more files`; other causes after them."""
    named = list(files[:NAMED_FILES])
    more = len(files) - len(named)
    if more:
        named.append(f"{more} more file{'s' if more > 1 else ''}")
    return listing([*named, *causes]) or "files of other weeks or a change of Tieout itself"
