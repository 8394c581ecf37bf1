"""The models behind the saving, and the saving at the projection's own volumes."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tieout.catalog.models import Catalog
from tieout.core.money import round_picodollars, to_cents
from tieout.report.formats.sheets import Kind, Sheet, SheetColumn, share_cell
from tieout.report.reasons import FORMS, extrapolation
from tieout.report.wording import Share, share_of
from tieout.savings.function_measurement import FunctionMeasurement
from tieout.savings.week import WeekMeasurement


@dataclass(frozen=True)
class NormalizedLine:
    """A function's saving a day at the projection's own calls, in cents; None when it cannot be measured."""

    function: str
    claimed_usd: Decimal
    normalized_usd: Decimal | None
    share: Share | None


@dataclass(frozen=True)
class Normalized:
    """The saving at the projection's own calls against the claim; the lines add up."""

    lines: tuple[NormalizedLine, ...]
    claimed_usd: Decimal
    normalized_usd: Decimal | None
    share: Share | None


@dataclass(frozen=True)
class CounterfactualLine:
    """What a function's work would have cost before: Ĉ(calls) = a + b × calls a day, fitted on the baseline.

    Attributes:
        function: its name.
        form: which of a and b are there.
        usd_per_day: a.
        usd_per_call: b.
        baseline_days: fitted on.
        calls_range: fewest and most calls on a baseline day.
        scatter: standard deviation of a day around the model, in percent of the mean day; `–` when unknown.
        remarks: days whose volume the baseline has not seen.
    """

    function: str
    form: str
    usd_per_day: Decimal
    usd_per_call: Decimal
    baseline_days: int
    calls_range: tuple[int, int]
    scatter: str
    remarks: tuple[str, ...]


def describe_normalized(measurement: WeekMeasurement, catalog: Catalog) -> Normalized | None:
    """Set the saving at the projection's calls against the claim; None without a claim."""
    functions = [measurement.function(line.function) for line in catalog.projection.lines]
    if not functions:
        return None
    known = [function for function in functions if function.normalized_usd_per_day is not None]
    amounts = to_cents([function.normalized_usd_per_day or Decimal(0) for function in known]) if known else []
    cents = {function.function: amount for function, amount in zip(known, amounts, strict=True)}
    lines = tuple(_normalized_line(function, cents.get(function.function)) for function in functions)
    claimed = sum((line.claimed_usd for line in lines), Decimal(0))
    total = sum(amounts, Decimal(0)) if known else None
    return Normalized(lines, claimed, total, None if total is None else share_of(total, claimed))


def _normalized_line(function: FunctionMeasurement, normalized: Decimal | None) -> NormalizedLine:
    claimed = function.projected_usd_per_day or Decimal(0)
    share = None if normalized is None else share_of(normalized, claimed)
    return NormalizedLine(function.function, claimed, normalized, share)


def describe_counterfactuals(functions: Sequence[FunctionMeasurement]) -> tuple[CounterfactualLine, ...]:
    """Say what every function's counterfactual is made of; functions without one are left out."""
    return tuple(
        CounterfactualLine(
            function=function.function,
            form=FORMS[function.model.form],
            usd_per_day=round_picodollars(function.model.usd_per_day),
            usd_per_call=round_picodollars(function.model.usd_per_call),
            baseline_days=len(function.model.days),
            calls_range=function.model.calls_range,
            scatter=_percent(function.model.quality.cvrmse_adjusted),
            remarks=extrapolation(function.judgement),
        )
        for function in functions
        if function.model is not None
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else str(share_of(round_picodollars(Fraction(share)), 1))


def write_normalized(sheet: Sheet, normalized: Normalized | None) -> None:
    """Write the sheet of both models at the projection's own calls."""
    sheet.title("At the projection's own calls", below="Dollars a day: the figure that compares with the claim.")
    columns = (
        SheetColumn("Function"),
        SheetColumn("Claimed", Kind.CENTS, has_total=True),
        SheetColumn("Measured", Kind.CENTS, has_total=True),
        SheetColumn("Of the claim", Kind.SHARE),
    )
    lines = normalized.lines if normalized is not None else ()
    rows = [(line.function, line.claimed_usd, line.normalized_usd, share_cell(line.share)) for line in lines]
    sheet.browse(sheet.table(columns, rows, total="Total"), len(columns), fixed=1)


def write_counterfactuals(sheet: Sheet, lines: Sequence[CounterfactualLine]) -> None:
    """Write the sheet of the fitted models."""
    sheet.title("How the counterfactual is made", below="What a day would have cost before: a day + a call × calls.")
    columns = (
        SheetColumn("Function"),
        SheetColumn("Form"),
        SheetColumn("A day", Kind.UNIT_USD),
        SheetColumn("A call", Kind.UNIT_USD),
        SheetColumn("Baseline days", Kind.COUNT),
        SheetColumn("Fewest calls a day", Kind.COUNT),
        SheetColumn("Most calls a day", Kind.COUNT),
        SheetColumn("Scatter"),
        SheetColumn("Remarks", width=60, wraps=True),
    )
    rows = [
        (
            line.function,
            line.form,
            line.usd_per_day,
            line.usd_per_call,
            line.baseline_days,
            *line.calls_range,
            line.scatter,
            "; ".join(line.remarks),
        )
        for line in lines
    ]
    sheet.browse(sheet.table(columns, rows), len(columns), fixed=1)
