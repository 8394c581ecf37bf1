"""Earlier, issued weeks that have moved since the report before this one."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.money import CENT
from tieout.core.periods import IsoWeek
from tieout.report.formats.sheets import Kind, Sheet, SheetColumn
from tieout.report.sections.gates import judge_week, obstacles
from tieout.report.sections.spend import function_label
from tieout.report.wording import causes_of, listing, movement, signed_usd
from tieout.warehouse.closed_week import NOTHING, Closing, Figures, Move
from tieout.warehouse.closings import carried_by, closings_of, unissued_moves

_ALL_BY_LESS = "all functions, each by less than a cent"
_OTHERS_BY_LESS = "all other functions, each by less than a cent"


@dataclass(frozen=True)
class RestatementLine:
    """A function whose cost in an earlier, issued week has moved.

    Attributes:
        week: label of the week that moved.
        function: whose cost; or all others, where each moved by less than a cent.
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
        return causes_of(self.files, self.causes)

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
        reasons = listing(list(self.obstacles)) or "its report was not made anew"
        moved = f"The cost of {self.week} has moved {_by(self.moved_usd)} since it was issued"
        return f"{moved}; it is not issued anew yet: {reasons}."


@dataclass(frozen=True)
class Restatements:
    """What has moved in earlier, issued weeks and stands in no report that was issued before.

    Attributes:
        lines: what later issues of those weeks say, by week and function.
        total_usd: what they add up to, in cents; zero where cost has moved between functions.
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
            f"Since the report before this one, the cost of {weeks} has moved {_by(self.total_usd)}."
            if self.lines
            else "No issued cost of an earlier week has moved since the report before this one."
        )
        return " ".join([issued, *(move.sentence for move in self.unissued)])


def _by(moved_usd: Decimal) -> str:
    return f"by {signed_usd(moved_usd)}" if moved_usd else "between functions"


def read_restatements(con: duckdb.DuckDBPyConnection, week: IsoWeek, catalog: Catalog) -> Restatements:
    """Read what has moved in earlier, issued weeks, in cents: lines by week and function, then what is not issued."""
    carried = defaultdict(list)
    for earlier, revision in carried_by(con, (week,))[week]:
        carried[earlier].append(revision)
    lines: list[RestatementLine] = []
    for earlier, revisions in carried.items():
        issues = closings_of(con, earlier)
        lines += _lines(earlier, [closing for closing in issues if closing.revision in revisions], issues, catalog)
    unissued = tuple(_unissued(con, earlier, moved) for earlier, moved in unissued_moves(con, week).items())
    return Restatements(tuple(lines), sum((line.moved_usd for line in lines), NOTHING), unissued)


def _unissued(con: duckdb.DuckDBPyConnection, week: IsoWeek, moved_usd: Decimal) -> UnissuedMove:
    return UnissuedMove(week.label, moved_usd, obstacles(*judge_week(con, week)))


def _lines(
    week: IsoWeek, carried: Sequence[Closing], issues: Sequence[Closing], catalog: Catalog
) -> Iterator[RestatementLine]:
    """Word what revisions of a week have moved, by function; cents that none has moved by alone, for the others."""
    moves: dict[tuple[str, str], list[tuple[Move, Closing]]] = defaultdict(list)
    for closing in carried:
        for move in closing.moves:
            moves[move.environment, move.function].append((move, closing))
    figures = {issue.revision: issue.figures for issue in issues}
    lines = [_line(week.label, of_function, figures, catalog) for of_function in moves.values()]
    moved = [line for line in lines if line.moved_usd]
    yield from moved
    before = figures.get(carried[0].revision - 1)
    if before is None:
        return
    listed = [(line.before_usd, line.after_usd) for line in moved]
    others = moved_by_less(before.cost_usd, carried[-1].figures.cost_usd, listed)
    if others is not None:
        whose, was, is_now = others
        files = tuple(sorted({path for line in lines for path in line.files}))
        causes = tuple(dict.fromkeys(cause for closing in carried for cause in closing.causes))
        yield RestatementLine(week.label, whose, was, is_now, is_now - was, files, causes)


def moved_by_less(
    before_usd: Decimal, after_usd: Decimal, listed: Sequence[tuple[Decimal, Decimal]]
) -> tuple[str, Decimal, Decimal] | None:
    """Return what all functions but the listed ones cost, so that the lines add up to the printed cost of the week.

    Each of the others has moved by less than a cent; this is what the listed ones leave.

    Args:
        before_usd: the week's cost before, exact.
        after_usd: the same after.
        listed: cost before and after of each function that has a line of its own, in the cents of the week.

    Returns:
        Who they are in words, their cost before and after in cents; None where it is the same.
    """
    was = before_usd.quantize(CENT) - sum((cost for cost, _ in listed), NOTHING)
    is_now = after_usd.quantize(CENT) - sum((cost for _, cost in listed), NOTHING)
    return None if was == is_now else (_OTHERS_BY_LESS if listed else _ALL_BY_LESS, was, is_now)


def _line(
    week: str, moves: Sequence[tuple[Move, Closing]], figures: Mapping[int, Figures], catalog: Catalog
) -> RestatementLine:
    """Word what revisions have moved a function by, in the cents that they print; `figures` has those that are kept."""
    (first, earliest), (_, latest) = moves[0], moves[-1]
    function, issued = (first.environment, first.function), figures.get(earliest.revision - 1)
    before = first.before_usd.quantize(CENT) if issued is None else issued.printed_costs.get(function, NOTHING)
    after = latest.figures.printed_costs.get(function, NOTHING)
    return RestatementLine(
        week=week,
        function=function_label(first.function, first.environment, catalog),
        before_usd=before,
        after_usd=after,
        moved_usd=after - before,
        files=tuple(sorted({path for move, _ in moves for path in move.files})),
        causes=tuple(dict.fromkeys(cause for _, closing in moves for cause in closing.causes)),
    )


def write_restatements(sheet: Sheet, restatements: Restatements) -> None:
    """Write the sheet of what has moved in weeks that were issued before."""
    sheet.title("Restatements of earlier weeks", below=restatements.sentence)
    columns = (
        SheetColumn("Week"),
        SheetColumn("Function"),
        SheetColumn("As issued", Kind.CENTS),
        SheetColumn("Now", Kind.CENTS),
        SheetColumn("Moved", Kind.CENTS, has_total=True),
        SheetColumn("Because of", width=60, wraps=True),
    )
    rows = [
        (line.week, line.function, line.before_usd, line.after_usd, line.moved_usd, line.because)
        for line in restatements.lines
    ]
    sheet.browse(sheet.table(columns, rows, total="Total"), len(columns))
