"""The ledger of the programme, the models behind it, and the saving at the projection's own volumes."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from tieout.catalog.models import Catalog
from tieout.core.money import CENT, round_picodollars, to_cents
from tieout.report.reasons import FORMS, remarks
from tieout.report.saving_contents import (
    CounterfactualLine,
    Ledger,
    LedgerRow,
    Normalized,
    NormalizedLine,
    Savings,
    Standing,
)
from tieout.report.sections.realized import standing_of
from tieout.report.wording import listing, share_of
from tieout.savings.function_measurement import FunctionMeasurement
from tieout.savings.ledger import LedgerLine, LedgerState
from tieout.savings.week import WeekMeasurement


def describe_ledger(measurement: WeekMeasurement, savings: Savings) -> Ledger:
    """Set out function × phase; a function's phases add up to the cents of its line in `savings`."""
    totals = {line.function: line.avoided_usd for group in savings.groups for line in group.lines}
    cents: dict[tuple[str, tuple[str, ...]], Decimal] = {}
    for function, total in totals.items():
        own = [line for line in measurement.ledger if line.function == function and line.avoided_usd is not None]
        amounts = to_cents([line.avoided_usd or Decimal(0) for line in own], total) if own else []
        cents |= {(function, line.phases): amount for line, amount in zip(own, amounts, strict=True)}
    return Ledger(
        rows=tuple(
            LedgerRow(
                phase=listing(line.phases),
                function=line.function,
                standing=_standing(line, measurement.function(line.function)),
                avoided_usd=cents.get((line.function, line.phases)),
                half_width_usd=None if line.half_width_usd is None else line.half_width_usd.quantize(CENT),
            )
            for line in measurement.ledger
        ),
        total_usd=savings.total.avoided_usd,
        half_width_usd=savings.total.half_width_usd,
    )


def _standing(line: LedgerLine, function: FunctionMeasurement) -> Standing:
    if isinstance(line.state, LedgerState):
        return Standing(line.state.value)
    return standing_of(function.judgement)


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
            remarks=remarks(function.judgement),
        )
        for function in functions
        if function.model is not None
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else str(share_of(round_picodollars(Fraction(share)), 1))
