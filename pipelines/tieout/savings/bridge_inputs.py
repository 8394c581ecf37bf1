"""What the bridge compares, function by function: the terms of the claim and those that were measured."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from tieout.catalog.models import ProjectionLine
from tieout.core.money import round_picodollars
from tieout.core.periods import HOURS_PER_DAY, SECONDS_PER_HOUR
from tieout.savings.bridge import BridgeInputs
from tieout.savings.daily_work import DailyWork
from tieout.savings.function_measurement import FunctionMeasurement
from tieout.savings.programme import Programme
from tieout.savings.saving_terms import CallCost, ContainerRates, SavingTerms, measured_call_cost, projected_terms
from tieout.savings.week_basis import WeekBasis


def bridge_inputs(
    basis: WeekBasis, functions: Sequence[FunctionMeasurement], *, moved_usd_per_day: Decimal
) -> list[BridgeInputs]:
    """What the bridge starts from, for every function that claims a saving or is in the projection.

    Args:
        basis: the days that count.
        functions: as measured; at least one claims a saving.
        moved_usd_per_day: what moved outside the catalog. It lowers the functions by what they avoided.
    """
    shares = _shares(moved_usd_per_day, functions)
    return [
        _function_inputs(basis, function, moved_usd=shares.get(function.function, Decimal(0)))
        for function in functions
        if function.avoided is not None or function.projected_usd_per_day is not None
    ]


def _shares(amount: Decimal, functions: Sequence[FunctionMeasurement]) -> dict[str, Decimal]:
    """Share an amount by what the functions avoided, to the picodollar; where none saved, the first carries it."""
    claiming = [function for function in functions if function.avoided is not None]
    saved = {f.function: max(f.avoided_usd_per_day or Decimal(0), Decimal(0)) for f in claiming}
    whole = sum(saved.values(), Decimal(0))
    shares = {
        name: round_picodollars(Fraction(amount) * Fraction(own) / Fraction(whole)) if whole else Decimal(0)
        for name, own in saved.items()
    }
    first = max(saved, key=lambda name: saved[name])
    shares[first] += amount - sum(shares.values(), Decimal(0))
    return shares


def _function_inputs(basis: WeekBasis, function: FunctionMeasurement, *, moved_usd: Decimal) -> BridgeInputs:
    name = function.function
    own = basis.work.get(name, ())
    phases = basis.programme.phases_of(name)
    phase = function.phase or (phases[0].id if phases else "none")
    before = measured_call_cost([value for value in own if value.day in basis.baseline_days])
    measured = [value for value in own if value.day in function.days]
    moved = [value for value in measured if value.phase == phase]
    after = measured_call_cost(moved)
    line = basis.programme.lines.get(name)
    adjustments = _adjustments(basis, function)
    claimed = function.projected_usd_per_day or Decimal(0)
    return BridgeInputs(
        function=name,
        phase=phase,
        published_usd=claimed,
        projected=_projected(basis.programme, line, before),
        realized=_realized(function, measured, moved, before, after),
        adjustments_usd=adjustments,
        realized_usd=(function.avoided_usd_per_day or Decimal(0)) + adjustments - moved_usd,
        list_prices_usd=_list_prices(function),
        moved_usd=-moved_usd,
    )


def _projected(programme: Programme, line: ProjectionLine | None, before: CallCost | None) -> SavingTerms | None:
    if line is None or before is None:
        return None
    on_gpu = programme.gpus[line.function]
    return projected_terms(
        line.calls_per_hour * HOURS_PER_DAY,
        before,
        before=_claimed_rates(line.before_usd_per_hour, on_gpu=on_gpu.before),
        after=_claimed_rates(line.after_usd_per_hour, on_gpu=on_gpu.after),
    )


def _claimed_rates(usd_per_hour: Decimal, *, on_gpu: bool) -> ContainerRates:
    """The claim has one price for a whole container: it is the GPU's where there is one, else the CPU's."""
    price, nothing = Fraction(usd_per_hour) / SECONDS_PER_HOUR, Fraction(0)
    return ContainerRates(price, nothing, nothing) if on_gpu else ContainerRates(nothing, price, nothing)


def _realized(
    function: FunctionMeasurement,
    measured: Sequence[DailyWork],
    moved: Sequence[DailyWork],
    before: CallCost | None,
    after: CallCost | None,
) -> SavingTerms | None:
    calls = sum(value.successful_calls for value in measured)
    if function.avoided is None or before is None or calls == 0:
        return None
    return SavingTerms(
        calls=Fraction(calls, len(function.days)),
        coverage=Fraction(sum(value.successful_calls for value in moved), calls),
        before=before,
        after=after or before,
    )


def _list_prices(function: FunctionMeasurement) -> Decimal:
    return round_picodollars(Fraction(function.list_prices_usd) / len(function.days)) if function.days else Decimal(0)


def _adjustments(basis: WeekBasis, function: FunctionMeasurement) -> Decimal:
    amounts = [
        adjustment.amount_usd
        for adjustment in basis.programme.adjustments
        if adjustment.function == function.function and adjustment.day in function.days
    ]
    total = sum(amounts, Decimal(0))
    return round_picodollars(Fraction(total) / len(function.days)) if function.days else Decimal(0)
