"""The measurement of a week: every function's avoided cost with its interval, status and guardrails, and the bridge.

Puts together what the other modules of this floor define (docs/method.md, "Savings"). One value of `DailyWork` per
function, phase and day goes in, one frozen `WeekMeasurement` comes out; the report, the tables of `savings` and the
command line show that and compute nothing of their own.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from tieout.catalog.models import Adjustment, Catalog, Margins, Phase, ProjectionLine
from tieout.core.money import round_picodollars
from tieout.core.periods import HOURS_PER_DAY, SECONDS_PER_HOUR, IsoWeek
from tieout.savings.bridge import (
    BridgeInputs,
    BridgeReport,
    CallCost,
    Rates,
    RealizationRates,
    SavingTerms,
    bridge_all,
    projected_terms,
    realization_rates,
)
from tieout.savings.counterfactual import (
    AvoidedCost,
    Counterfactual,
    PhaseRollout,
    PhaseUnitCost,
    avoided_cost,
    fit_counterfactual,
    normalized_saving_usd_per_day,
    phase_chain,
    phase_groups,
)
from tieout.savings.days import BaselinePeriod, FunctionDay, baseline_days, measured_days, projected_usd_per_day
from tieout.savings.guardrails import FunctionGuardrails, Quality, Verdict, assess
from tieout.savings.log_coverage import LogGap
from tieout.savings.status import Evidence, GuardrailOutcomes, Judgement, Status, judge
from tieout.savings.uncertainty import HalfWidth, MeasuredVolume, half_width, total_half_width

METHOD_VERSION = "1"
SMALLEST_CARRYING_SHARE = 100
_MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class DailyWork:
    """Work, quality and cost of one function in one rollout phase on one UTC day.

    Attributes:
        function: its name.
        phase: rollout phase of its containers.
        day: UTC.
        successful_calls: distinct function calls that ended in success.
        inputs: inputs that ended, whatever the way.
        errors: those that ended in failure (timeouts and kills for lack of memory apart).
        timeouts: those that ran into the timeout.
        ooms: those killed for lack of memory.
        p50_seconds: median execution seconds of successful inputs; None without any.
        p95_seconds: their 95th percentile.
        busy_us: container time with at least one input, microseconds.
        container_us: container time, microseconds.
        cost_usd: attributed cost, failures included.
        gpu_usd: what of it is for GPUs.
        cpu_usd: what of it is for CPU.
        memory_usd: what of it is for memory.
        is_settled: the bill of the day was read after the settle buffer.
    """

    function: str
    phase: str
    day: dt.date
    successful_calls: int
    inputs: int
    errors: int
    timeouts: int
    ooms: int
    p50_seconds: float | None
    p95_seconds: float | None
    busy_us: int
    container_us: int
    cost_usd: Decimal
    gpu_usd: Decimal
    cpu_usd: Decimal
    memory_usd: Decimal
    is_settled: bool


@dataclass(frozen=True)
class WorkingDay:
    """A function's day over all its phases: what a counterfactual is fitted on and compared with."""

    day: dt.date
    successful_calls: int
    cost_usd: Decimal


class LedgerState(StrEnum):
    """Where a function stands in a phase before anything can be judged."""

    PROPOSED = "proposed"
    DEPLOYED = "deployed"


@dataclass(frozen=True)
class FunctionMeasurement:
    """One function in one week.

    Attributes:
        function: its name.
        phase: the newest phase that changes it and is deployed by the end of the week; None before that.
        days: the days of the week that count: after its own deployment, no deployment day, bill and logs landed.
        calls_by_day: successful calls on each of those days.
        actual_usd: cost of those days.
        model: what its calls would have cost; None when no call succeeded in the baseline.
        avoided: counterfactual against actual; None when nothing is measured.
        half_width: the interval around it; None when the baseline is too short.
        cash_change_usd: mean daily baseline cost × days, less actual: it moves with volume and is no saving.
        normalized_usd_per_day: both fitted models at the projection's calls; None without a projection or a model.
        projected_usd_per_day: the claim's line, as published; None for a function that the claim does not name.
        guardrails: how quality after the rollout compares with before; None before the rollout.
        judgement: status and reasons.
    """

    function: str
    phase: str | None
    days: tuple[dt.date, ...]
    calls_by_day: tuple[int, ...]
    actual_usd: Decimal
    model: Counterfactual | None
    avoided: AvoidedCost | None
    half_width: HalfWidth | None
    cash_change_usd: Decimal | None
    normalized_usd_per_day: Decimal | None
    projected_usd_per_day: Decimal | None
    guardrails: FunctionGuardrails | None
    judgement: Judgement

    @property
    def calls(self) -> int:
        """Successful calls on the measured days."""
        return sum(self.calls_by_day)

    @property
    def avoided_usd(self) -> Decimal | None:
        """The claimed avoided cost of the week; None when nothing is claimed."""
        return None if self.avoided is None else self.avoided.avoided_usd

    @property
    def avoided_usd_per_day(self) -> Decimal | None:
        """The same per measured day."""
        amount = self.avoided_usd
        return None if amount is None else round_picodollars(Fraction(amount) / len(self.days))


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


@dataclass(frozen=True)
class WeekMeasurement:
    """A week as measured.

    Attributes:
        week: which.
        baseline: the frozen period; None when there is no whole week of data before the first deployment.
        baseline_days: its days that count.
        days: days of the week after the first deployment, without deployment days, that count.
        missing_days: days that would count, but for their bill, a call log or a negative cost.
        counted: every day before the week's end that counts: its bill is landed, no call log of the programme's apps is
            missing, and nothing that the programme did has a negative cost.
        log_gaps: the call logs that are missing on days with a landed bill.
        negative_days: the programme's function days before the week's end whose cost is negative.
        functions: every function of the catalog that was ever seen or is in the claim, in the catalog's order.
        avoided_usd: sum over the functions that claim something; None when none does.
        half_width: of that sum, from the functions' residuals added by day; None without an interval.
        judgement: of the sum.
        ledger: function × phase, in the order of the rollout.
        bridge: from the published to the realized saving, per day; None when nothing is claimed.
        rates: the realization rate, three ways; None without a bridge.
    """

    week: IsoWeek
    baseline: BaselinePeriod | None
    baseline_days: tuple[dt.date, ...]
    days: tuple[dt.date, ...]
    missing_days: tuple[dt.date, ...]
    counted: tuple[dt.date, ...]
    log_gaps: tuple[LogGap, ...]
    negative_days: tuple[FunctionDay, ...]
    functions: tuple[FunctionMeasurement, ...]
    avoided_usd: Decimal | None
    half_width: HalfWidth | None
    judgement: Judgement
    ledger: tuple[LedgerLine, ...]
    bridge: BridgeReport | None
    rates: RealizationRates | None

    @property
    def uncounted(self) -> frozenset[dt.date]:
        """The days with a landed bill that count for nothing."""
        return frozenset(day for gap in self.log_gaps for day in gap.days) | {value.day for value in self.negative_days}

    def function(self, name: str) -> FunctionMeasurement:
        """The measurement of one function.

        Raises:
            KeyError: it was never seen and is not in the claim.
        """
        for measured in self.functions:
            if measured.function == name:
                return measured
        raise KeyError(name)


@dataclass(frozen=True)
class GpuUse:
    """Whether the catalog gives a function a GPU before the rollout, and in its last phase."""

    before: bool
    after: bool


@dataclass(frozen=True)
class Programme:
    """What the catalog says that a measurement needs, resolved once.

    Attributes:
        phases: in order of deployment.
        lines: the claim by function.
        functions: every catalogued function, in order.
        gpus: by function, whether the catalog gives it a GPU.
        margins: of the guardrails.
        adjustments: the ledger of non-routine adjustments.
        published_usd_per_day: the claim's total as printed; None when it printed none.
        claimed_before_usd_per_day: what the claim says everything cost before; None likewise.
    """

    phases: tuple[Phase, ...]
    lines: Mapping[str, ProjectionLine]
    functions: tuple[str, ...]
    gpus: Mapping[str, GpuUse]
    margins: Margins
    adjustments: tuple[Adjustment, ...]
    published_usd_per_day: Decimal | None
    claimed_before_usd_per_day: Decimal | None

    @classmethod
    def of(cls, catalog: Catalog) -> "Programme":
        """Resolve a catalog."""
        published = catalog.projection.published
        return cls(
            phases=tuple(sorted(catalog.rollout.phases, key=lambda phase: phase.deployed_at)),
            lines={line.function: line for line in catalog.projection.lines},
            functions=tuple(function.name for function in catalog.functions.functions),
            gpus={
                function.name: GpuUse(
                    before=function.configurations[0].gpu is not None, after=function.configurations[-1].gpu is not None
                )
                for function in catalog.functions.functions
            },
            margins=catalog.rollout.guardrails.margins(),
            adjustments=catalog.adjustments.adjustments,
            published_usd_per_day=published.saving_usd_per_day if published else None,
            claimed_before_usd_per_day=published.before_usd_per_day if published else None,
        )

    @property
    def deployment_days(self) -> dict[str, dt.date]:
        """Day of deployment by phase."""
        return {phase.id: phase.deployed_at.date() for phase in self.phases}

    def phases_of(self, function: str) -> list[Phase]:
        """The phases that change a function, in order of deployment."""
        return [phase for phase in self.phases if function in phase.functions]


@dataclass(frozen=True)
class _Week:
    """The days of a measurement, and the work on them by function."""

    week: IsoWeek
    programme: Programme
    baseline: BaselinePeriod | None
    baseline_days: tuple[dt.date, ...]
    days: tuple[dt.date, ...]
    blackout: frozenset[dt.date]
    counted: frozenset[dt.date]
    log_gaps: tuple[LogGap, ...]
    negative_days: tuple[FunctionDay, ...]
    work: Mapping[str, Sequence[DailyWork]]
    contradictions: Mapping[str, Mapping[str, str]]


def measure_week(
    week: IsoWeek,
    work: Iterable[DailyWork],
    *,
    programme: Programme,
    baseline: BaselinePeriod | None,
    landed: Iterable[dt.date],
    contradictions: Mapping[str, Mapping[str, str]],
    log_gaps: Iterable[LogGap] = (),
) -> WeekMeasurement:
    """Measure a week.

    A day counts when its bill and its logs are landed: a day with calls but without its bill would look like a saving,
    and a missing log leaves the cost of one function to the others. So does a refund that exceeds a function's cost.
    What does not count for one function counts for none, because all of them share their baseline days.

    Args:
        week: which week; work after its end is not looked at.
        work: all days of the baseline and from then on, in any order; the baseline's days on their frozen basis.
        programme: what the catalog says.
        baseline: the baseline period.
        landed: days whose bill is landed whole.
        contradictions: by function, what the catalog says was deployed before and was not.
        log_gaps: the call logs that are missing, of all the functions that share an app with the programme's.
    """
    landed_days = frozenset(day for day in landed if day < week.end)
    gaps = tuple(_within(log_gaps, landed_days))
    known = [value for value in work if value.day in landed_days]
    negative = _negative_days(known, programme)
    counted = landed_days.difference((value.day for value in negative), *(gap.days for gap in gaps))
    by_function: dict[str, list[DailyWork]] = {}
    for value in known:
        if value.day in counted:
            by_function.setdefault(value.function, []).append(value)
    deployments = programme.deployment_days
    first = min(deployments.values(), default=None)
    counting = measured_days(week, first_deployment=first, blackout=deployments.values())
    within = baseline_days(baseline) if baseline else []
    setting = _Week(
        week=week,
        programme=programme,
        baseline=baseline,
        baseline_days=tuple(day for day in within if day in counted),
        days=tuple(day for day in counting if day in counted),
        blackout=frozenset(deployments.values()),
        counted=counted,
        log_gaps=gaps,
        negative_days=negative,
        work=by_function,
        contradictions=contradictions,
    )
    names = [name for name in programme.functions if name in by_function or name in programme.lines]
    functions = tuple(_measure_function(setting, name) for name in names)
    return _sum_up(setting, functions, missing=tuple(day for day in counting if day not in counted))


def _within(gaps: Iterable[LogGap], days: Collection[dt.date]) -> Iterable[LogGap]:
    for gap in gaps:
        if within := tuple(day for day in gap.days if day in days):
            yield replace(gap, days=within)


def _negative_days(work: Iterable[DailyWork], programme: Programme) -> tuple[FunctionDay, ...]:
    negative = [value for value in function_days(work, programme.functions) if value.cost_usd < 0]
    return tuple(sorted(negative, key=lambda value: (value.day, value.function)))


def function_days(work: Iterable[DailyWork], functions: Collection[str]) -> list[FunctionDay]:
    """Add up calls and cost over phases for every one of the functions and day, in the order they come."""
    sums: dict[tuple[str, dt.date], FunctionDay] = {}
    for value in work:
        if value.function not in functions:
            continue
        key = (value.function, value.day)
        sofar = sums.get(key, FunctionDay(*key, 0, Decimal(0)))
        calls, cost = sofar.successful_calls + value.successful_calls, sofar.cost_usd + value.cost_usd
        sums[key] = FunctionDay(*key, calls, cost)
    return list(sums.values())


def _sum_up(
    setting: _Week, functions: tuple[FunctionMeasurement, ...], *, missing: tuple[dt.date, ...]
) -> WeekMeasurement:
    claiming = [function for function in functions if function.avoided is not None]
    avoided = sum((f.avoided_usd for f in claiming if f.avoided_usd is not None), Decimal(0)) if claiming else None
    width = _total_half_width(claiming)
    inputs = _bridge_inputs(setting, functions) if claiming else []
    published = setting.programme.published_usd_per_day
    bridge = bridge_all(inputs, published_usd=published) if inputs else None
    counterfactual = sum((_per_day(f, f.avoided.counterfactual_usd) for f in claiming if f.avoided), Fraction(0))
    return WeekMeasurement(
        week=setting.week,
        baseline=setting.baseline,
        baseline_days=setting.baseline_days,
        days=setting.days,
        missing_days=missing,
        counted=tuple(sorted(setting.counted)),
        log_gaps=setting.log_gaps,
        negative_days=setting.negative_days,
        functions=functions,
        avoided_usd=avoided,
        half_width=width,
        judgement=_judge_total(setting, functions, avoided, width),
        ledger=tuple(_ledger(setting, functions)),
        bridge=bridge,
        rates=realization_rates(
            bridge.total,
            counterfactual_usd=round_picodollars(counterfactual),
            claimed_before_usd=setting.programme.claimed_before_usd_per_day,
        )
        if bridge
        else None,
    )


def _measure_function(setting: _Week, name: str) -> FunctionMeasurement:
    deployed = [p for p in setting.programme.phases_of(name) if p.deployed_at.date() < setting.week.end]
    first = deployed[0].deployed_at.date() if deployed else None
    days = tuple(day for day in setting.days if first is not None and day > first)
    before = _working_days(setting, name, setting.baseline_days)
    after = _working_days(setting, name, days)
    model = fit_counterfactual(before) if before else None
    avoided = avoided_cost(model, after) if model is not None and days and deployed else None
    width = (
        half_width(MeasuredVolume(model, tuple(day.successful_calls for day in after))) if model and avoided else None
    )
    guardrails = _guardrails(setting, name, deployed[-1], since=first) if deployed and first else None
    line = setting.programme.lines.get(name)
    actual = sum((day.cost_usd for day in after), Decimal(0))
    return FunctionMeasurement(
        function=name,
        phase=deployed[-1].id if deployed else None,
        days=days,
        calls_by_day=tuple(day.successful_calls for day in after),
        actual_usd=actual,
        model=model,
        avoided=avoided,
        half_width=width,
        cash_change_usd=_cash_change(before, days, actual),
        normalized_usd_per_day=_normalized(setting, name, model, line, first),
        projected_usd_per_day=_published(line),
        guardrails=guardrails,
        judgement=judge(
            Evidence(
                avoided_usd=None if avoided is None else avoided.avoided_usd,
                half_width_usd=None if width is None else width.half_width_usd,
                is_deployed=bool(deployed),
                names_change=bool(setting.programme.phases),
                baseline_days=len(setting.baseline_days),
                baseline_calls=sum(day.successful_calls for day in before),
                measured_days=len(days),
                unsettled_days=_unsettled(setting, name, days),
                extrapolated_days=() if avoided is None else avoided.extrapolated_days,
                guardrails=_outcomes(guardrails),
                contradictions=setting.contradictions.get(name, {}),
            )
        ),
    )


def _working_days(setting: _Week, name: str, days: Sequence[dt.date]) -> tuple[WorkingDay, ...]:
    return working_days(setting.work.get(name, ()), days)


def working_days(work: Iterable[DailyWork], days: Iterable[dt.date]) -> tuple[WorkingDay, ...]:
    """Add up the work of one function over its phases, for every one of the days; a day without work has zeros."""
    calls = dict.fromkeys(days, 0)
    costs = dict.fromkeys(calls, Decimal(0))
    for value in work:
        if value.day in calls:
            calls[value.day] += value.successful_calls
            costs[value.day] += value.cost_usd
    return tuple(WorkingDay(day, calls[day], costs[day]) for day in calls)


def _cash_change(before: Sequence[WorkingDay], days: Sequence[dt.date], actual: Decimal) -> Decimal | None:
    if not before or not days:
        return None
    mean = Fraction(sum((day.cost_usd for day in before), Decimal(0))) / len(before)
    return round_picodollars(mean * len(days)) - actual


def _published(line: ProjectionLine | None) -> Decimal | None:
    if line is None:
        return None
    return projected_usd_per_day(line.before_usd_per_hour, line.after_usd_per_hour, line.calls_per_hour)


def _normalized(
    setting: _Week, name: str, model: Counterfactual | None, line: ProjectionLine | None, first: dt.date | None
) -> Decimal | None:
    if model is None or line is None or first is None:
        return None
    since = [day for day in sorted(setting.counted) if day > first and day not in setting.blackout]
    after = fit_counterfactual(_working_days(setting, name, since)) if since else None
    if after is None:
        return None
    return normalized_saving_usd_per_day(model, after, Fraction(line.calls_per_hour * HOURS_PER_DAY))


def _unsettled(setting: _Week, name: str, days: Sequence[dt.date]) -> tuple[dt.date, ...]:
    open_days = {value.day for value in setting.work.get(name, ()) if not value.is_settled}
    return tuple(day for day in days if day in open_days)


# Guardrails


def _guardrails(setting: _Week, name: str, phase: Phase, *, since: dt.date) -> FunctionGuardrails:
    own = setting.work.get(name, ())
    before = [value for value in own if value.day in setting.baseline_days]
    after = [v for v in own if v.phase == phase.id and v.day > since and v.day not in setting.blackout]
    return assess(name, before=_quality(before), after=_quality(after), margins=setting.programme.margins)


def _quality(work: Sequence[DailyWork]) -> Quality:
    return Quality(
        calls=sum(value.inputs for value in work),
        errors=sum(value.errors for value in work),
        timeouts=sum(value.timeouts for value in work),
        ooms=sum(value.ooms for value in work),
        daily_p50_seconds=tuple(value.p50_seconds for value in work if value.p50_seconds is not None),
        daily_p95_seconds=tuple(value.p95_seconds for value in work if value.p95_seconds is not None),
    )


def _outcomes(guardrails: FunctionGuardrails | None) -> GuardrailOutcomes:
    if guardrails is None:
        return GuardrailOutcomes()
    by_verdict = {
        verdict: tuple(result.guardrail.value for result in guardrails.results if result.verdict is verdict)
        for verdict in Verdict
    }
    return GuardrailOutcomes(
        passed=by_verdict[Verdict.PASS],
        inconclusive=by_verdict[Verdict.INCONCLUSIVE],
        failed=by_verdict[Verdict.FAIL],
    )


# The sum over functions


def _total_half_width(claiming: Sequence[FunctionMeasurement]) -> HalfWidth | None:
    return total_half_width([MeasuredVolume(f.model, f.calls_by_day) for f in claiming if f.model])


def _judge_total(
    setting: _Week, functions: Sequence[FunctionMeasurement], avoided: Decimal | None, width: HalfWidth | None
) -> Judgement:
    claiming = [function for function in functions if function.avoided is not None]
    calls = sum(sum(f.model.calls) for f in functions if f.model)
    first = min(setting.programme.deployment_days.values(), default=None)
    outcomes = [(f.function, _outcomes(f.guardrails)) for f in _carrying(claiming)]
    named = {
        verdict: tuple(f"{function}: {name}" for function, outcome in outcomes for name in getattr(outcome, verdict))
        for verdict in ("passed", "inconclusive", "failed")
    }
    return judge(
        Evidence(
            avoided_usd=avoided,
            half_width_usd=None if width is None else width.half_width_usd,
            is_deployed=first is not None and first < setting.week.end,
            names_change=bool(setting.programme.phases),
            baseline_days=len(setting.baseline_days),
            baseline_calls=calls,
            measured_days=len(setting.days),
            unsettled_days=_distinct(day for f in claiming for day in _unsettled(setting, f.function, f.days)),
            extrapolated_days=_distinct(day for f in claiming if f.avoided for day in f.avoided.extrapolated_days),
            guardrails=GuardrailOutcomes(**named),
        )
    )


def _carrying(claiming: Sequence[FunctionMeasurement]) -> list[FunctionMeasurement]:
    """The functions that carry the sum; one that moves under a hundredth of it cannot keep it from being verified."""
    amounts = {f.function: abs(f.avoided_usd or Decimal(0)) for f in claiming}
    whole = sum(amounts.values(), Decimal(0))
    return [f for f in claiming if amounts[f.function] * SMALLEST_CARRYING_SHARE >= whole]


def _distinct(days: Iterable[dt.date]) -> tuple[dt.date, ...]:
    return tuple(sorted(set(days)))


# The ledger


def _ledger(setting: _Week, functions: Sequence[FunctionMeasurement]) -> Iterable[LedgerLine]:
    rollouts = [
        PhaseRollout(phase.id, frozenset(phase.functions), phase.deployed_at.date(), phase.deployed_at.date())
        for phase in setting.programme.phases
    ]
    ordinal = {phase.id: position for position, phase in enumerate(setting.programme.phases)}
    lines = [
        line
        for function in functions
        for line in _function_ledger(setting, function, phase_groups(function.function, rollouts))
    ]
    return sorted(lines, key=lambda line: ordinal[line.phases[0]])


def _function_ledger(
    setting: _Week, function: FunctionMeasurement, groups: Sequence[tuple[str, ...]]
) -> Iterable[LedgerLine]:
    deployments = setting.programme.deployment_days
    deployed = [group for group in groups if deployments[group[0]] < setting.week.end]
    amounts = _phase_amounts(setting, function, deployed)
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
    setting: _Week, function: FunctionMeasurement, deployed: Sequence[tuple[str, ...]]
) -> dict[tuple[str, ...], Decimal]:
    """Split a function's avoided cost over its phases by the chain of unit costs; the parts add up to it."""
    if function.avoided is None or function.avoided_usd is None:
        return {}
    calls = function.avoided.calls
    if len(deployed) == 1 or calls == 0:
        return {deployed[-1]: function.avoided_usd}
    windows = [PhaseUnitCost(group, _unit_cost(setting, function, deployed, i)) for i, group in enumerate(deployed)]
    windows[-1] = PhaseUnitCost(deployed[-1], Fraction(function.avoided.actual_usd) / calls)
    chain = phase_chain(calls, Fraction(function.avoided.counterfactual_usd) / calls, windows)
    amounts = {part.phases: round_picodollars(part.saving_usd) for part in chain[:-1]}
    return {**amounts, deployed[-1]: function.avoided_usd - sum(amounts.values(), Decimal(0))}


def _unit_cost(
    setting: _Week, function: FunctionMeasurement, deployed: Sequence[tuple[str, ...]], position: int
) -> Fraction:
    deployments = setting.programme.deployment_days
    since = deployments[deployed[position][-1]]
    until = deployments[deployed[position + 1][0]] if position + 1 < len(deployed) else setting.week.end
    window = [d for d in sorted(setting.counted) if since < d < until and d not in setting.blackout]
    days = _working_days(setting, function.function, window)
    calls = sum(day.successful_calls for day in days)
    if calls == 0:
        return Fraction(function.actual_usd) / function.calls
    return Fraction(sum((day.cost_usd for day in days), Decimal(0))) / calls


# The bridge


def _bridge_inputs(setting: _Week, functions: Sequence[FunctionMeasurement]) -> list[BridgeInputs]:
    return [
        _function_inputs(setting, function)
        for function in functions
        if function.avoided is not None or function.projected_usd_per_day is not None
    ]


def _function_inputs(setting: _Week, function: FunctionMeasurement) -> BridgeInputs:
    name = function.function
    own = setting.work.get(name, ())
    phases = setting.programme.phases_of(name)
    phase = function.phase or (phases[0].id if phases else "none")
    before = _call_cost([value for value in own if value.day in setting.baseline_days])
    measured = [value for value in own if value.day in function.days]
    moved = [value for value in measured if value.phase == phase]
    after = _call_cost(moved)
    line = setting.programme.lines.get(name)
    adjustments = _adjustments(setting, function)
    claimed = _published(line) or Decimal(0)
    return BridgeInputs(
        function=name,
        phase=phase,
        published_usd=claimed,
        projected=_projected(setting.programme, line, before),
        realized=_realized(function, measured, moved, before, after),
        adjustments_usd=adjustments,
        realized_usd=(function.avoided_usd_per_day or Decimal(0)) + adjustments,
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


def _claimed_rates(usd_per_hour: Decimal, *, on_gpu: bool) -> Rates:
    """The claim has one price for a whole container: it is the GPU's where there is one, else the CPU's."""
    price, nothing = Fraction(usd_per_hour) / SECONDS_PER_HOUR, Fraction(0)
    return Rates(price, nothing, nothing) if on_gpu else Rates(nothing, price, nothing)


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


def _call_cost(work: Sequence[DailyWork]) -> CallCost | None:
    calls = sum(value.successful_calls for value in work)
    busy = sum(value.busy_us for value in work)
    container = sum(value.container_us for value in work)
    if not (calls and busy and container):
        return None
    seconds = Fraction(container, _MICROSECONDS)
    return CallCost(
        execution_seconds=Fraction(busy, _MICROSECONDS * calls),
        overhead=Fraction(container, busy),
        rates=Rates(
            gpu_usd_per_second=Fraction(sum((value.gpu_usd for value in work), Decimal(0))) / seconds,
            cpu_usd_per_second=Fraction(sum((value.cpu_usd for value in work), Decimal(0))) / seconds,
            memory_usd_per_second=Fraction(sum((value.memory_usd for value in work), Decimal(0))) / seconds,
        ),
    )


def _adjustments(setting: _Week, function: FunctionMeasurement) -> Decimal:
    amounts = [
        adjustment.amount_usd
        for adjustment in setting.programme.adjustments
        if adjustment.function == function.function and adjustment.day in function.days
    ]
    total = sum(amounts, Decimal(0))
    return round_picodollars(Fraction(total) / len(function.days)) if function.days else Decimal(0)


def _per_day(function: FunctionMeasurement, amount: Decimal) -> Fraction:
    return Fraction(amount) / len(function.days)
