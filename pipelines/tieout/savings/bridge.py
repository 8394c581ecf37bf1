"""The bridge: every dollar between the published saving and the realized one (docs/reference/rules.md, "Bridge").

It has two stages. The first corrects the claim: published → its own lines added up (`ROUNDING`) → the same claim at
measured billed seconds per call instead of an hour per call (`UNIT_CORRECTION`): the restated projection. The second
explains how reality differs from that by what moved: each driver's Shapley value, its mean effect over all orderings
in which the drivers could have moved. What follows is the adjustments' ledger, and what nothing explains.

A saving in a period is calls × coverage × (cost of a call before − cost of a call after), and the cost of a call is
execution seconds × overhead × (GPU + CPU + memory rate). The arithmetic is in fractions; a step is rounded to a
picodollar, and once more to a cent for print. Both roundings add up to their ends.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import StrEnum
from fractions import Fraction
from math import floor

from tieout.core.money import CENT, PICODOLLARS_PER_USD, from_picodollars, round_picodollars, to_cents, to_picodollars
from tieout.savings.saving_terms import CallCost, ContainerRates, SavingTerms
from tieout.savings.shapley import shapley

_ZERO = Decimal(0)


class Step(StrEnum):
    """The steps of every bridge, in their order."""

    ROUNDING = "rounding"
    UNIT_CORRECTION = "unit_correction"
    CALLS = "calls"
    COVERAGE = "coverage"
    SECONDS_BEFORE = "seconds_before"
    SECONDS_AFTER = "seconds_after"
    OVERHEAD_BEFORE = "overhead_before"
    OVERHEAD_AFTER = "overhead_after"
    GPU_RATE = "gpu_rate"
    CPU_RATE = "cpu_rate"
    MEMORY_RATE = "memory_rate"
    LIST_PRICES = "list_prices"
    MOVED_OUTSIDE = "moved_outside_catalog"
    ADJUSTMENTS = "adjustments"
    OUTSIDE_CLAIM = "outside_claim"
    UNALLOCATED = "unallocated"

    @property
    def is_driver(self) -> bool:
        """Whether the step is the Shapley value of something that moved."""
        return self in DRIVERS


DRIVERS = (
    Step.CALLS,
    Step.COVERAGE,
    Step.SECONDS_BEFORE,
    Step.SECONDS_AFTER,
    Step.OVERHEAD_BEFORE,
    Step.OVERHEAD_AFTER,
    Step.GPU_RATE,
    Step.CPU_RATE,
    Step.MEMORY_RATE,
)


@dataclass(frozen=True)
class BridgeInputs:
    """One function in one phase: what was claimed, what the claim comes to, and what was realized.

    Attributes:
        function: its name.
        phase: the phase that claims or made the saving.
        published_usd: the claim's own line, as published; zero for a function that the projection does not name.
        projected: the claim at measured seconds and rates; None when nothing was projected, or nothing measured.
        realized: the terms as they were measured after the rollout; None when they cannot be measured.
        adjustments_usd: what the ledger of non-routine adjustments adds to the saving.
        realized_usd: the realized saving with everything that is added to it, at most 12 decimals.
        list_prices_usd: what the change of list prices since the baseline makes of the counterfactual; no saving.
        moved_usd: what moved outside the catalog, as a negative amount.
    """

    function: str
    phase: str
    published_usd: Decimal
    projected: SavingTerms | None
    realized: SavingTerms | None
    adjustments_usd: Decimal
    realized_usd: Decimal
    list_prices_usd: Decimal = _ZERO
    moved_usd: Decimal = _ZERO

    def __post_init__(self) -> None:
        """Refuse amounts that the warehouse could not keep.

        Raises:
            MoneyError: an amount has more than 12 decimals.
        """
        amounts = self.published_usd, self.adjustments_usd, self.realized_usd, self.list_prices_usd, self.moved_usd
        for amount in amounts:
            to_picodollars(amount)


@dataclass(frozen=True)
class Amount:
    """An amount to the picodollar, and as it is printed: in cents that add up with those around it."""

    exact_usd: Decimal
    printed_usd: Decimal

    def __add__(self, other: "Amount") -> "Amount":
        """Add both forms."""
        return Amount(self.exact_usd + other.exact_usd, self.printed_usd + other.printed_usd)

    def __sub__(self, other: "Amount") -> "Amount":
        """Subtract both forms."""
        return Amount(self.exact_usd - other.exact_usd, self.printed_usd - other.printed_usd)


NOTHING = Amount(_ZERO, _ZERO)


@dataclass(frozen=True)
class BridgeStep:
    """One step and what it adds."""

    step: Step
    amount: Amount


@dataclass(frozen=True)
class Bridge:
    """A closed bridge: published + Σ steps = realized, exactly and in printed cents.

    Attributes:
        published: where it starts.
        steps: every member of `Step`, in that order, those of zero included.
        realized: where it ends.
    """

    published: Amount
    steps: tuple[BridgeStep, ...]
    realized: Amount

    def amount(self, step: Step) -> Amount:
        """What one step adds."""
        return next(line.amount for line in self.steps if line.step is step)

    @property
    def claimed(self) -> Amount:
        """The claim's lines added up, without the rounding of its total."""
        return self.published + self.amount(Step.ROUNDING)

    @property
    def restated(self) -> Amount:
        """The restated projection: the claim at measured seconds per call and rates."""
        return self.claimed + self.amount(Step.UNIT_CORRECTION)


@dataclass(frozen=True)
class BridgeReport:
    """The bridges of a programme; printed steps add up from functions to phases to the total.

    Attributes:
        functions: one bridge per (phase, function), sorted.
        phases: their sums by phase, sorted.
        total: the sum of the phases, starting from the published total, so it alone has a `ROUNDING`.
    """

    functions: Mapping[tuple[str, str], Bridge]
    phases: Mapping[str, Bridge]
    total: Bridge

    def realized_by_function(self) -> dict[str, Amount]:
        """What each function realized, over its phases."""
        realized: dict[str, Amount] = {}
        for (_, function), bridge in self.functions.items():
            realized[function] = realized.get(function, NOTHING) + bridge.realized
        return realized


@dataclass(frozen=True)
class RealizationRates:
    """How much of the promise was kept, three ways; None where the promise is zero or unknown.

    Attributes:
        vs_published: realized ÷ the published saving.
        vs_restated: realized ÷ the restated projection.
        cost_cut: realized ÷ counterfactual cost, to be read beside `claimed_cost_cut`.
        claimed_cost_cut: the claim's lines ÷ the claimed cost before.
    """

    vs_published: Fraction | None
    vs_restated: Fraction | None
    cost_cut: Fraction | None
    claimed_cost_cut: Fraction | None


def bridge_one(inputs: BridgeInputs) -> Bridge:
    """Return the bridge of one function on its own: its ends rounded to the nearest cent."""
    return bridge_all([inputs]).total


def bridge_all(inputs: Iterable[BridgeInputs], *, published_usd: Decimal | None = None) -> BridgeReport:
    """Return the bridges of all functions, their phases and the total.

    The realized total is rounded to cents once and shared down to phases and functions by largest remainder; the steps
    of a function fill the cents between its printed ends. A printed sum of steps is the sum of what is printed above
    it, so it may be some cents (never more than one a function) from its exact value.

    Args:
        inputs: one value per function and phase, in any order.
        published_usd: the total as the claim printed it; default: its lines added up.

    Raises:
        ValueError: a function and phase come twice.
        MoneyError: the published total has more than 12 decimals.
    """
    cells = _by_phase_and_function(inputs)
    starts = _printed_down({key: one.published_usd for key, one in cells.items()})
    ends = _printed_down({key: one.realized_usd for key, one in cells.items()})
    functions = {key: _function_bridge(one, starts[key], ends[key]) for key, one in cells.items()}
    phases = {
        phase: _sum([bridge for (own, _), bridge in functions.items() if own == phase])
        for phase in dict.fromkeys(phase for phase, _ in functions)
    }
    return BridgeReport(functions, phases, _from_published(_sum(list(phases.values())), published_usd))


def realization_rates(
    bridge: Bridge, *, counterfactual_usd: Decimal | None = None, claimed_before_usd: Decimal | None = None
) -> RealizationRates:
    """Return the realization rate three ways.

    Args:
        bridge: from the published to the realized saving.
        counterfactual_usd: what the measured calls would have cost before, over the same length of time.
        claimed_before_usd: what the claim says everything cost before.
    """
    realized = bridge.realized.exact_usd
    return RealizationRates(
        vs_published=_ratio(realized, bridge.published.exact_usd),
        vs_restated=_ratio(realized, bridge.restated.exact_usd),
        cost_cut=_ratio(realized, counterfactual_usd),
        claimed_cost_cut=_ratio(bridge.claimed.exact_usd, claimed_before_usd),
    )


def _by_phase_and_function(inputs: Iterable[BridgeInputs]) -> dict[tuple[str, str], BridgeInputs]:
    cells: dict[tuple[str, str], BridgeInputs] = {}
    for one in inputs:
        if cells.setdefault((one.phase, one.function), one) is not one:
            raise ValueError(f"function {one.function!r} comes twice in phase {one.phase!r}: merge its inputs first")
    return dict(sorted(cells.items()))


def _ratio(part: Decimal, whole: Decimal | None) -> Fraction | None:
    return Fraction(part) / Fraction(whole) if whole else None


def _drivers_usd(projected: SavingTerms, realized: SavingTerms) -> dict[Step, Decimal]:
    """Shapley value of every driver in dollars, to the picodollar; they add up to the rounded ends' difference.

    Drivers that did not move are left out of the game, which changes nobody's value.
    """
    moved = [step for step in DRIVERS if _move(projected, realized, {step}) != projected]
    values = shapley(lambda steps: _move(projected, realized, steps).saving_usd(), moved)
    change = round_picodollars(realized.saving_usd()) - round_picodollars(projected.saving_usd())
    rounded = _to_picodollars([values[step] for step in moved], to_picodollars(change))
    return dict(zip(moved, map(from_picodollars, rounded), strict=True))


def _move(projected: SavingTerms, realized: SavingTerms, steps: Iterable[str]) -> SavingTerms:
    """The projected terms with these drivers at their realized values."""
    moved = frozenset(steps)
    return SavingTerms(
        calls=(realized if Step.CALLS in moved else projected).calls,
        coverage=(realized if Step.COVERAGE in moved else projected).coverage,
        before=_move_call(projected.before, realized.before, moved, Step.SECONDS_BEFORE, Step.OVERHEAD_BEFORE),
        after=_move_call(projected.after, realized.after, moved, Step.SECONDS_AFTER, Step.OVERHEAD_AFTER),
    )


def _move_call(
    projected: CallCost, realized: CallCost, moved: frozenset[str], seconds: Step, overhead: Step
) -> CallCost:
    return CallCost(
        execution_seconds=(realized if seconds in moved else projected).execution_seconds,
        overhead=(realized if overhead in moved else projected).overhead,
        rates=ContainerRates(
            (realized if Step.GPU_RATE in moved else projected).rates.gpu_usd_per_second,
            (realized if Step.CPU_RATE in moved else projected).rates.cpu_usd_per_second,
            (realized if Step.MEMORY_RATE in moved else projected).rates.memory_usd_per_second,
        ),
    )


def _to_picodollars(amounts: Sequence[Fraction], total: int) -> list[int]:
    """Round to picodollars that add up to a total which is one picodollar at most away from the sum."""
    scaled = [amount * PICODOLLARS_PER_USD for amount in amounts]
    rounded = [floor(amount) for amount in scaled]
    missing = total - sum(rounded)
    by_remainder = sorted(range(len(scaled)), key=lambda i: rounded[i] - scaled[i])
    for i in by_remainder[:missing] if missing >= 0 else by_remainder[missing:]:
        rounded[i] += 1 if missing >= 0 else -1
    return rounded


def _function_bridge(inputs: BridgeInputs, published: Amount, realized: Amount) -> Bridge:
    restated = _ZERO if inputs.projected is None else round_picodollars(inputs.projected.saving_usd())
    drivers: dict[Step, Decimal] = {}
    if inputs.projected is not None and inputs.realized is not None:
        drivers = _drivers_usd(inputs.projected, inputs.realized)
    added = inputs.adjustments_usd + inputs.list_prices_usd + inputs.moved_usd
    explained = sum(drivers.values(), restated + added)
    nothing_projected = inputs.projected is None and not inputs.published_usd
    exact = {
        **dict.fromkeys(Step, _ZERO),
        **drivers,
        Step.UNIT_CORRECTION: restated - inputs.published_usd,
        Step.LIST_PRICES: inputs.list_prices_usd,
        Step.MOVED_OUTSIDE: inputs.moved_usd,
        Step.ADJUSTMENTS: inputs.adjustments_usd,
        Step.OUTSIDE_CLAIM if nothing_projected else Step.UNALLOCATED: inputs.realized_usd - explained,
    }
    printed = _printed_steps(exact, realized.printed_usd - published.printed_usd)
    return Bridge(published, tuple(BridgeStep(step, Amount(exact[step], printed[step])) for step in Step), realized)


def _printed_steps(exact: Mapping[Step, Decimal], change_usd: Decimal) -> dict[Step, Decimal]:
    """Round steps to cents that add up to the change between the printed ends.

    When both ends were rounded the change can be a cent further from the steps' sum than rounding the steps reaches;
    that cent is nothing's doing and shows as unallocated.
    """
    whole = sum(exact.values(), _ZERO)
    lowest, highest = whole.quantize(CENT, ROUND_FLOOR), whole.quantize(CENT, ROUND_CEILING)
    reached = min(max(change_usd, lowest), highest)
    printed = dict(zip(exact, to_cents(list(exact.values()), reached), strict=True))
    printed[Step.UNALLOCATED] += change_usd - reached
    return printed


def _printed_down(amounts: Mapping[tuple[str, str], Decimal]) -> dict[tuple[str, str], Amount]:
    """Round amounts by (phase, function) to cents, from the total down to phases and on to functions."""
    by_phase: dict[str, dict[tuple[str, str], Decimal]] = {}
    for key, amount in amounts.items():
        by_phase.setdefault(key[0], {})[key] = amount
    totals = to_cents([sum(own.values(), _ZERO) for own in by_phase.values()])
    printed = {}
    for own, total in zip(by_phase.values(), totals, strict=True):
        cents = to_cents(list(own.values()), total)
        printed.update({key: Amount(own[key], cent) for key, cent in zip(own, cents, strict=True)})
    return printed


def _sum(bridges: Sequence[Bridge]) -> Bridge:
    steps = {step: sum((bridge.amount(step) for bridge in bridges), NOTHING) for step in Step}
    return Bridge(
        published=sum((bridge.published for bridge in bridges), NOTHING),
        steps=tuple(BridgeStep(step, amount) for step, amount in steps.items()),
        realized=sum((bridge.realized for bridge in bridges), NOTHING),
    )


def _from_published(lines: Bridge, published_usd: Decimal | None) -> Bridge:
    """Start the sum of all lines from the total that was published, with the difference as its rounding."""
    if published_usd is None:
        return lines
    to_picodollars(published_usd)
    published = Amount(published_usd, to_cents([published_usd])[0])
    rounding = BridgeStep(Step.ROUNDING, lines.published - published)
    return Bridge(published, (rounding, *lines.steps[1:]), lines.realized)
