"""The trend as a sheet: the bill of every week by function, what it avoided, and what was avoided so far."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from tieout.core.money import CENT
from tieout.core.periods import IsoWeek
from tieout.report.formats.sheets import Kind, Row, Sheet, SheetColumn
from tieout.report.sections.cumulative import Cumulative, CumulativePoint
from tieout.report.sections.history import SpendHistory, WeekSpend
from tieout.report.wording import spoken

_COLOURS = ("#0B4F8A", "#3F7FB5", "#79A9D1", "#A9C8E3", "#CFE0EF")
_OTHERS, _SAVED = "#C9C6BF", "#0072B2"


def write_trend(sheet: Sheet, history: SpendHistory, cumulative: Cumulative | None) -> None:
    """Write the sheet of the trend with its pictures."""
    named, folded = history.dearest(len(_COLOURS))
    names = [*named, *([folded] if folded else [])]
    sheet.title(
        "Trend: every week up to half a year",
        below="Avoided so far is since the first deployment. Its ± is by all that this report knows: what an earlier "
        "week's own report said, the archive shows, and the two may differ by cents.",
    )
    columns = (
        SheetColumn("Week"),
        *(SheetColumn(spoken(name), Kind.CENTS) for name in names),
        SheetColumn("Cost of the week", Kind.CENTS),
        SheetColumn("Avoided in the week", Kind.CENTS),
        SheetColumn("Avoided so far", Kind.CENTS),
        SheetColumn("± (90%)", Kind.CENTS),
    )
    placed = sheet.table(columns, list(_rows(history.weeks, named, has_others=bool(folded), cumulative=cumulative)))
    sheet.browse(placed, len(columns), fixed=1)
    colours = [*_COLOURS[: len(named)], *([_OTHERS] if folded else [])]
    sheet.chart("column", "The bill of every week, by function", placed, list(enumerate(colours, start=1)), below=1)
    if cumulative is not None:
        saved = [(len(names) + 3, _SAVED)]
        sheet.chart("line", "Avoided since the first deployment", placed, saved, below=1)


def _rows(
    weeks: Sequence[WeekSpend], named: Sequence[str], *, has_others: bool, cumulative: Cumulative | None
) -> Iterator[Row]:
    points = _by_week(cumulative)
    for week in weeks:
        amounts = {each.name: each.amount_usd for each in week.functions}
        shown = [amounts.get(name, Decimal(0)) for name in named]
        others = [week.total_usd - sum(shown, Decimal(0))] if has_others else []
        own = points.get(week.week, [])
        counted = [point.avoided_usd for point in own if point.avoided_usd is not None]
        avoided = sum(counted, Decimal(0)).quantize(CENT) if counted else None
        reached = own[-1].cumulative_usd.quantize(CENT) if own else None
        width = own[-1].half_width_usd.quantize(CENT) if own and own[-1].half_width_usd is not None else None
        yield (week.week.label, *shown, *others, week.total_usd, avoided, reached, width)


def _by_week(cumulative: Cumulative | None) -> Mapping[IsoWeek, list[CumulativePoint]]:
    weeks: dict[IsoWeek, list[CumulativePoint]] = {}
    for point in cumulative.points if cumulative else ():
        weeks.setdefault(IsoWeek.of(point.day), []).append(point)
    return weeks
