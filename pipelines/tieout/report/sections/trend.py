"""The trend as a sheet: the bill of every week by function, what it avoided, and what was avoided so far."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from tieout.core.money import in_cents
from tieout.core.periods import IsoWeek
from tieout.report.formats.sheets import Kind, Row, Sheet, SheetColumn
from tieout.report.sections.cumulative import Cumulative
from tieout.report.sections.history import SpendHistory, WeekSpend
from tieout.report.wording import spoken

_COLOURS = ("#0B4F8A", "#3F7FB5", "#79A9D1", "#A9C8E3", "#CFE0EF")
_AVOIDED = (
    "Avoided so far is since the first deployment, with all that this report knows. The archive shows what each "
    "week's own report said: the two differ where an earlier week has moved since."
)
_OTHERS, _SAVED = "#C9C6BF", "#0072B2"


def write_trend(sheet: Sheet, history: SpendHistory, cumulative: Cumulative | None) -> None:
    """Write the sheet of the trend with its pictures."""
    named, folded = history.dearest(len(_COLOURS))
    names = [*named, *([folded] if folded else [])]
    sheet.title("Trend: every week up to half a year", below="" if cumulative is None else _AVOIDED)
    avoided = ("Avoided in the week", "Avoided so far", "± (90%)") if cumulative is not None else ()
    columns = (
        SheetColumn("Week"),
        *(SheetColumn(spoken(name), Kind.CENTS) for name in names),
        SheetColumn("Cost of the week", Kind.CENTS),
        *(SheetColumn(title, Kind.CENTS) for title in avoided),
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
    for week in weeks:
        amounts = {each.name: each.amount_usd for each in week.functions}
        shown = [amounts.get(name, Decimal(0)) for name in named]
        others = [week.total_usd - sum(shown, Decimal(0))] if has_others else []
        saved = () if cumulative is None else _saved(cumulative, week.week)
        yield (week.week.label, *shown, *others, week.total_usd, *saved)


def _saved(cumulative: Cumulative, week: IsoWeek) -> Row:
    """What a week avoided, what all weeks up to it did, and its ±; blank before the first deployment."""
    own = [point for point in cumulative.points if IsoWeek.of(point.day) == week]
    if not own:
        return (None, None, None)
    reached = sum((amount for each, amount in cumulative.weeks.items() if each <= week), Decimal(0))
    width = own[-1].half_width_usd
    return cumulative.weeks.get(week), reached, None if width is None else in_cents(width)
