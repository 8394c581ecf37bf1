"""Realized against projected: what the week avoided, function by function."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import compress

from tieout.catalog.models import Catalog
from tieout.core.money import CENT, round_picodollars
from tieout.report.formats.sheets import Kind, Row, Sheet, SheetColumn, share_cell
from tieout.report.reasons import because
from tieout.report.wording import Share, count, share_of, span
from tieout.savings.days import BaselinePeriod, baseline_days
from tieout.savings.function_measurement import FunctionMeasurement
from tieout.savings.printed import PrintedSaving
from tieout.savings.status import BEARS_A_FIGURE, Judgement
from tieout.savings.uncertainty import HalfWidth
from tieout.savings.week import WeekMeasurement

IN_THE_PROJECTION = "Functions in the projection"
OTHERS = "Other functions of the programme"

_SAVING_COLUMNS = (
    SheetColumn("Group"),
    SheetColumn("Function"),
    SheetColumn("State"),
    SheetColumn("Counterfactual", Kind.CENTS, has_total=True),
    SheetColumn("Actual", Kind.CENTS, has_total=True),
    SheetColumn("Avoided cost", Kind.CENTS, has_total=True),
    SheetColumn("Projected a day", Kind.CENTS),
    SheetColumn("Realized", Kind.SHARE),
    SheetColumn("Calls", Kind.COUNT),
    SheetColumn("A call before", Kind.UNIT_USD),
    SheetColumn("A call now", Kind.UNIT_USD),
)
_OF_A_PROJECTION = frozenset({"Group", "Projected a day", "Realized"})


@dataclass(frozen=True)
class Standing:
    """How much weight an avoided cost bears, in words.

    Attributes:
        state: the status, or `proposed` or `deployed` before there is one.
        because: why it is not verified, the weightiest first.
    """

    state: str
    because: tuple[str, ...] = ()

    @property
    def bears_a_figure(self) -> bool:
        """Whether the amount may be used: it is verified, or provisional."""
        return self.state in BEARS_A_FIGURE

    def notes(self, avoided_usd: Decimal | None) -> tuple[str, ...]:
        """`not verified, because …` where there is an amount, else `not claimed, because …`; none without a reason."""
        if not self.because:
            return ()
        what = "not claimed" if avoided_usd is None else "not verified"
        return (f"{what}, because {'; '.join(self.because)}",)


@dataclass(frozen=True)
class SavingLine:
    """One function of the programme over the measured days.

    Attributes:
        function: its name.
        projected_usd_per_day: the claim; None when it has no line of its own.
        counterfactual_usd: what its work would have cost before; printed avoided plus actual.
        actual_usd: what it cost.
        avoided_usd: counterfactual less actual, negative when cost rose; None when nothing is claimed.
        half_width_usd: half of the 90% interval around it; None without one.
        successful_calls: the work, on the measured days.
        before_unit_usd: baseline cost per successful call.
        after_unit_usd: cost per successful call on the measured days.
        realization: avoided cost per measured day over the projected one.
        standing: what may be said of it.
    """

    function: str
    projected_usd_per_day: Decimal | None
    counterfactual_usd: Decimal | None
    actual_usd: Decimal | None
    avoided_usd: Decimal | None
    half_width_usd: Decimal | None
    successful_calls: int
    before_unit_usd: Decimal | None
    after_unit_usd: Decimal | None
    realization: Share | None
    standing: Standing

    @property
    def notes(self) -> tuple[str, ...]:
        """What stands against the amount, or why there is none."""
        return self.standing.notes(self.avoided_usd)


@dataclass(frozen=True)
class SavingTotal:
    """A total over the functions that claim something; None where none does."""

    projected_usd_per_day: Decimal | None
    counterfactual_usd: Decimal | None
    actual_usd: Decimal | None
    avoided_usd: Decimal | None
    half_width_usd: Decimal | None
    realization: Share | None


@dataclass(frozen=True)
class SavingGroup:
    """Functions of one kind with their subtotal."""

    title: str
    lines: tuple[SavingLine, ...]
    subtotal: SavingTotal


@dataclass(frozen=True)
class Savings:
    """Realized against projected, function by function.

    Attributes:
        measured_days: days of the week after the first deployment, without deployment days, that count.
        baseline: the frozen period before the first deployment; None when there is no whole week.
        baseline_days_landed: days of it, up to the end of the week, whose bill is landed.
        groups: functions with a line in the projection, then the others of the programme.
        total: over all of them.
        silent_functions: functions of the programme with neither calls nor cost since the baseline began.
    """

    measured_days: int
    baseline: BaselinePeriod | None
    baseline_days_landed: int
    groups: tuple[SavingGroup, ...]
    total: SavingTotal
    silent_functions: tuple[str, ...]

    @property
    def baseline_sentence(self) -> str:
        """Which days the week is compared with."""
        if self.baseline is None:
            return "Baseline: none; there is no whole week of data before the first deployment."
        days = f"{count(self.baseline.days, 'day')}, {span(self.baseline.start, self.baseline.end)}"
        if self.baseline_days_landed == self.baseline.days:
            return f"Baseline: {days}."
        return f"Baseline: {days}; the bill of {self.baseline_days_landed} of them is landed so far."


def standing_of(judgement: Judgement) -> Standing:
    """Put a judgement into words."""
    return Standing(judgement.status.value, because(judgement))


def half_width_in_cents(width: HalfWidth | None) -> Decimal | None:
    """Return a half-width in cents; None without one."""
    return None if width is None else width.half_width_usd.quantize(CENT)


def describe_savings(measurement: WeekMeasurement, catalog: Catalog, printed: PrintedSaving) -> Savings:
    """Set out realized against projected, in the cents of the week."""
    projected = [f for f in measurement.functions if f.projected_usd_per_day is not None]
    others = [f for f in measurement.functions if f.projected_usd_per_day is None]
    described = []
    for title, group in ((IN_THE_PROJECTION, projected), (OTHERS, others)):
        lines = tuple(_line(function, printed) for function in group)
        if lines:
            described.append(SavingGroup(title, lines, _total(lines, len(measurement.days), half_width_usd=None)))
    measured = {function.function for function in measurement.functions}
    baseline = baseline_days(measurement.baseline) if measurement.baseline else []
    return Savings(
        measured_days=len(measurement.days),
        baseline=measurement.baseline,
        baseline_days_landed=len({*measurement.baseline_days, *(measurement.uncounted & set(baseline))}),
        groups=tuple(described),
        total=_total(
            [line for group in described for line in group.lines],
            len(measurement.days),
            half_width_usd=half_width_in_cents(measurement.half_width),
        ),
        silent_functions=tuple(f.name for f in catalog.functions.functions if f.name not in measured),
    )


def _line(function: FunctionMeasurement, printed: PrintedSaving) -> SavingLine:
    projected = function.projected_usd_per_day
    avoided, actual = (amounts.get(function.function) for amounts in (printed.avoided_usd, printed.actual_usd))
    realization = None
    if avoided is not None and projected:
        realization = share_of(avoided, projected * len(function.days))
    return SavingLine(
        function=function.function,
        projected_usd_per_day=projected,
        counterfactual_usd=None if avoided is None or actual is None else avoided + actual,
        actual_usd=actual,
        avoided_usd=avoided,
        half_width_usd=half_width_in_cents(function.half_width),
        successful_calls=function.calls,
        before_unit_usd=_before_unit(function),
        after_unit_usd=_unit(Fraction(function.actual_usd), function.calls),
        realization=realization,
        standing=standing_of(function.judgement),
    )


def _before_unit(function: FunctionMeasurement) -> Decimal | None:
    """Baseline cost per call: every form of the model meets the baseline's mean day."""
    if function.model is None:
        return None
    calls = sum(function.model.calls)
    return _unit(function.model.exact_cost_usd(Fraction(calls), len(function.model.days)), calls)


def _unit(cost: Fraction, calls: int) -> Decimal | None:
    return round_picodollars(cost / calls) if calls else None


def _total(lines: Sequence[SavingLine], days: int, *, half_width_usd: Decimal | None) -> SavingTotal:
    claimed = [line for line in lines if line.avoided_usd is not None]
    projected = [line.projected_usd_per_day for line in lines if line.projected_usd_per_day is not None]
    projected_usd = sum(projected, Decimal(0)) if projected else None
    if not claimed:
        return SavingTotal(projected_usd, None, None, None, None, None)
    avoided = sum((line.avoided_usd or Decimal(0) for line in claimed), Decimal(0))
    actual = sum((line.actual_usd or Decimal(0) for line in claimed), Decimal(0))
    realization = share_of(avoided, projected_usd * days) if projected_usd else None
    return SavingTotal(projected_usd, avoided + actual, actual, avoided, half_width_usd, realization)


def write_savings(sheet: Sheet, savings: Savings, *, has_projection: bool) -> None:
    """Write the sheet of realized against projected; without a projection, of what was avoided."""
    title = "Realized against projected" if has_projection else "Function by function"
    sheet.title(title, below="Counterfactual, actual and avoided cost are of all measured days.")
    kept = [has_projection or column.title not in _OF_A_PROJECTION for column in _SAVING_COLUMNS]
    columns = tuple(compress(_SAVING_COLUMNS, kept))
    lines = [(group.title, line) for group in savings.groups for line in group.lines]
    rows = [tuple(compress(_saving_row(title, line), kept)) for title, line in lines]
    names = [column.title for column in columns]
    sheet.browse(sheet.table(columns, rows, total="Total"), len(columns), fixed=names.index("Function") + 1)


def _saving_row(group: str, line: SavingLine) -> Row:
    return (
        group,
        line.function,
        line.standing.state,
        line.counterfactual_usd,
        line.actual_usd,
        line.avoided_usd,
        line.projected_usd_per_day,
        share_cell(line.realization),
        line.successful_calls,
        line.before_unit_usd,
        line.after_unit_usd,
    )
