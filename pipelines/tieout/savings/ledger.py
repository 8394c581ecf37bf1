"""The ledger: what every function was promised in every phase, and what has become of it by the end of the week."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from tieout.core.money import round_picodollars
from tieout.savings.counterfactual import PhaseRollout, PhaseUnitCost, phase_chain, phase_groups
from tieout.savings.function_measurement import FunctionMeasurement
from tieout.savings.status import Status
from tieout.savings.week_basis import WeekBasis


class LedgerState(StrEnum):
    """Where a function stands in a phase before anything can be judged."""

    PROPOSED = "proposed"
    DEPLOYED = "deployed"


@dataclass(frozen=True)
class LedgerLine:
    """A function in a phase: what was promised, and what has become of it by the end of the week.

    Attributes:
        phases: the phase, or several that cannot be told apart and are reported jointly.
        function: its name.
        state: proposed, deployed, or the status of the measurement.
        avoided_usd: the phase's part of the week's avoided cost; None when nothing is claimed.
        half_width_usd: of the function's avoided cost; None for a phase among several, and without an interval.
    """

    phases: tuple[str, ...]
    function: str
    state: LedgerState | Status
    avoided_usd: Decimal | None
    half_width_usd: Decimal | None


def ledger(basis: WeekBasis, functions: Sequence[FunctionMeasurement]) -> Iterable[LedgerLine]:
    """The lines of every function and phase, in the order of the rollout."""
    rollouts = [
        PhaseRollout(phase.id, frozenset(phase.functions), phase.deployed_at.date(), phase.deployed_at.date())
        for phase in basis.programme.phases
    ]
    ordinal = {phase.id: position for position, phase in enumerate(basis.programme.phases)}
    lines = [
        line
        for function in functions
        for line in _function_ledger(basis, function, phase_groups(function.function, rollouts))
    ]
    return sorted(lines, key=lambda line: ordinal[line.phases[0]])


def _function_ledger(
    basis: WeekBasis, function: FunctionMeasurement, groups: Sequence[tuple[str, ...]]
) -> Iterable[LedgerLine]:
    deployments = basis.programme.deployment_days
    deployed = [group for group in groups if deployments[group[0]] < basis.week.end]
    amounts = _phase_amounts(basis, function, deployed)
    for group in groups:
        if group not in deployed:
            yield LedgerLine(group, function.function, LedgerState.PROPOSED, None, None)
        elif not function.days:
            yield LedgerLine(group, function.function, LedgerState.DEPLOYED, None, None)
        else:
            width = function.half_width if len(deployed) == 1 else None
            yield LedgerLine(
                group,
                function.function,
                function.judgement.status,
                amounts.get(group),
                None if width is None else width.half_width_usd,
            )


def _phase_amounts(
    basis: WeekBasis, function: FunctionMeasurement, deployed: Sequence[tuple[str, ...]]
) -> dict[tuple[str, ...], Decimal]:
    """Split a function's avoided cost over its phases by the chain of unit costs; the parts add up to it."""
    if function.avoided is None or function.avoided_usd is None:
        return {}
    calls = function.avoided.calls
    if len(deployed) == 1 or calls == 0:
        return {deployed[-1]: function.avoided_usd}
    windows = [PhaseUnitCost(group, _unit_cost(basis, function, deployed, i)) for i, group in enumerate(deployed)]
    windows[-1] = PhaseUnitCost(deployed[-1], Fraction(function.avoided.actual_usd) / calls)
    chain = phase_chain(calls, Fraction(function.avoided.counterfactual_usd) / calls, windows)
    amounts = {part.phases: round_picodollars(part.saving_usd) for part in chain[:-1]}
    return {**amounts, deployed[-1]: function.avoided_usd - sum(amounts.values(), Decimal(0))}


def _unit_cost(
    basis: WeekBasis, function: FunctionMeasurement, deployed: Sequence[tuple[str, ...]], position: int
) -> Fraction:
    deployments = basis.programme.deployment_days
    since = deployments[deployed[position][-1]]
    until = deployments[deployed[position + 1][0]] if position + 1 < len(deployed) else basis.week.end
    window = [d for d in sorted(basis.counted) if since < d < until and d not in basis.blackout]
    days = basis.working_days(function.function, window)
    calls = sum(day.successful_calls for day in days)
    if calls == 0:
        return Fraction(function.actual_usd) / function.calls
    return Fraction(sum((day.cost_usd for day in days), Decimal(0))) / calls
