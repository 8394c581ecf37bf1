"""One function in one week: avoided cost, interval, guardrails and status (docs/reference/rules.md, "Savings")."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tieout.catalog.models import Phase, ProjectionLine
from tieout.core.money import round_picodollars
from tieout.core.periods import HOURS_PER_DAY, IsoWeek
from tieout.savings.baseline_outliers import resting_on_dear_days
from tieout.savings.counterfactual import (
    AvoidedCost,
    Counterfactual,
    fit_counterfactual,
    normalized_saving_usd_per_day,
)
from tieout.savings.daily_work import DailyWork, WorkingDay
from tieout.savings.days import projected_usd_per_day
from tieout.savings.evidence import Evidence, GuardrailOutcomes
from tieout.savings.function_claim import FunctionClaim, claim
from tieout.savings.guardrails import FunctionGuardrails, GuardrailVerdict, Quality, assess
from tieout.savings.status import Judgement, judge
from tieout.savings.uncertainty import HalfWidth
from tieout.savings.week_basis import WeekBasis
from tieout.savings.witnesses import Testimony


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
        testimony: the witnesses of the amount; None when nothing is measured.
        sampling_usd: the part of the interval that the replay of a sample leaves open.
        cash_change_usd: mean daily baseline cost × days, less actual: it moves with volume and is no saving.
        normalized_usd_per_day: both fitted models at the projection's calls; None without a projection or a model.
        projected_usd_per_day: the claim's line, as published; None for a function that the claim does not name.
        list_prices_usd: what the change of list prices since the baseline makes of the counterfactual.
        guardrails: how quality after the rollout compares with before; None before the rollout.
        evidence: what the judgement is made of.
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
    testimony: Testimony | None
    sampling_usd: Decimal
    cash_change_usd: Decimal | None
    list_prices_usd: Decimal
    normalized_usd_per_day: Decimal | None
    projected_usd_per_day: Decimal | None
    guardrails: FunctionGuardrails | None
    evidence: Evidence
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


def measure_function(basis: WeekBasis, name: str) -> FunctionMeasurement:
    """Measure one function on the days of the week that count after its own deployment."""
    deployed = _deployed(basis, name)
    first = deployed[0].deployed_at.date() if deployed else None
    days = tuple(day for day in basis.days if first is not None and day > first)
    before = basis.baseline_work(name)
    after = basis.working_days(name, days)
    own = claim(basis, name, before, after, newest=deployed[-1].id if deployed else None)
    guardrails = _guardrails(basis, name, deployed[-1], since=first) if deployed and first else None
    line = basis.programme.lines.get(name)
    actual = sum((day.cost_usd for day in after), Decimal(0))
    evidence = _evidence(basis, name, before, after, own=own, guardrails=guardrails)
    return FunctionMeasurement(
        function=name,
        phase=deployed[-1].id if deployed else None,
        days=days,
        calls_by_day=tuple(day.successful_calls for day in after),
        actual_usd=actual,
        model=own.model,
        avoided=own.avoided,
        half_width=own.half_width,
        testimony=own.testimony,
        sampling_usd=own.sampling_usd,
        cash_change_usd=_cash_change(basis.working_days(name, basis.baseline_days), days, actual),
        list_prices_usd=_list_prices(basis, name, own),
        normalized_usd_per_day=_normalized(basis, name, own.model, line, first),
        projected_usd_per_day=_published(line),
        guardrails=guardrails,
        evidence=evidence,
        judgement=judge(evidence),
    )


def _evidence(
    basis: WeekBasis,
    name: str,
    before: Sequence[WorkingDay],
    after: Sequence[WorkingDay],
    *,
    own: FunctionClaim,
    guardrails: FunctionGuardrails | None,
) -> Evidence:
    """What the judgement of a function is made of."""
    model, avoided, width, testimony = own.model, own.avoided, own.half_width, own.testimony
    deployed, days = _deployed(basis, name), tuple(day.day for day in after)
    return Evidence(
        avoided_usd=None if avoided is None else avoided.avoided_usd,
        half_width_usd=None if width is None else width.half_width_usd,
        is_deployed=bool(deployed),
        names_change=bool(basis.programme.phases),
        baseline_days=len(basis.baseline_days),
        baseline_calls=sum(day.successful_calls for day in before),
        measured_days=len(days),
        unsettled_days=basis.unsettled_days(name, days),
        extrapolated_days=() if avoided is None else avoided.extrapolated_days,
        extrapolated_usd=Decimal(0) if avoided is None else avoided.extrapolated_usd,
        guardrails=guardrail_outcomes(guardrails),
        contradictions=basis.contradictions.get(name, {}),
        measured_calls=sum(day.successful_calls for day in after),
        counterfactual_usd=None if avoided is None else avoided.counterfactual_usd,
        dearest_week_usd=dearest_week_usd(basis, [name]),
        outside_growth_usd=basis.outside.growth_usd,
        grown_app=basis.grown_like(None if avoided is None else avoided.avoided_usd),
        silent_usd=basis.outside.silent_usd,
        outage_usd=_outage(before, model, avoided),
        calls_per_unit=_calls_per_unit(basis, name, days),
        unmatched_baseline_days=basis.context.mismatched_days(name, basis.baseline_days),
        unmatched_days=basis.context.mismatched_days(name, days),
        coverage=_coverage(basis, name, days, deployed[-1].id) if deployed else None,
        is_baseline_frozen=basis.context.is_baseline_frozen,
        rolled_back=basis.context.rolled_back.get(name),
        taken_over_usd=_taken_over(basis, name),
        unexplained_fell_usd=basis.unexplained_fell_usd([name]),
        unpaid_usd=basis.unpaid_usd([name]),
        shifted_unit=basis.shifted_units.get(name),
        shifted_usd=abs(avoided.avoided_usd) if avoided is not None and name in basis.shifted_units else Decimal(0),
        disagreements=() if testimony is None else testimony.disagreements,
        has_agreeing_replay=testimony is not None and testimony.has_agreeing_replay,
        is_far_extrapolated=model is not None and model.is_far_extrapolated([day.successful_calls for day in after]),
    )


def _taken_over(basis: WeekBasis, name: str) -> Decimal:
    """What other functions may have taken over, on the days of the week that count."""
    return round_picodollars(sum((usd for other, usd in basis.taken_over.items() if other != name), Fraction(0)))


def _deployed(basis: WeekBasis, name: str) -> list[Phase]:
    """The phases that change a function and are deployed by the end of the week."""
    return [phase for phase in basis.programme.phases_of(name) if phase.deployed_at.date() < basis.week.end]


def dearest_week_usd(basis: WeekBasis, names: Sequence[str]) -> Decimal | None:
    """What the dearest week of the baseline cost, of some functions together, at the list prices of the week."""
    weeks: dict[dt.date, Decimal] = {}
    for name in names:
        for day in basis.baseline_work(name):
            week = IsoWeek.of(day.day).start
            weeks[week] = weeks.get(week, Decimal(0)) + day.cost_usd
    return max(weeks.values(), default=None)


def _list_prices(basis: WeekBasis, name: str, claimed: FunctionClaim) -> Decimal:
    """The counterfactual at the week's list prices less that at the baseline's own; zero where no price changed."""
    before, avoided = basis.working_days(name, basis.baseline_days), claimed.avoided
    if avoided is None or claimed.model is None or before == basis.baseline_work(name):
        return Decimal(0)
    model = fit_counterfactual(before, standing_share=claimed.model.given_share)
    return Decimal(0) if model is None else avoided.counterfactual_usd - model.cost_usd(avoided.calls, avoided.days)


def _outage(before: Sequence[WorkingDay], model: Counterfactual | None, avoided: AvoidedCost | None) -> Decimal:
    if model is None or avoided is None:
        return Decimal(0)
    return round_picodollars(resting_on_dear_days(before, model, calls=avoided.calls, days=avoided.days))


def _calls_per_unit(basis: WeekBasis, name: str, days: Sequence[dt.date]) -> tuple[Fraction, Fraction] | None:
    """Successful calls for each function call, in the baseline and on the measured days."""
    sides = []
    for side in (frozenset(basis.baseline_days), frozenset(days)):
        work = [value for value in basis.work.get(name, ()) if value.day in side]
        units = sum(value.function_calls for value in work)
        calls = sum(value.successful_calls for value in work)
        if not (units and calls):
            return None
        sides.append(Fraction(calls, units))
    return sides[0], sides[1]


def _coverage(basis: WeekBasis, name: str, days: Sequence[dt.date], phase: str) -> Fraction | None:
    """The share of the successful calls of the measured days that ran in the newest phase."""
    within = frozenset(days)
    work = [value for value in basis.work.get(name, ()) if value.day in within]
    calls = sum(value.successful_calls for value in work)
    moved = sum(value.successful_calls for value in work if value.phase == phase)
    return Fraction(moved, calls) if calls else None


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
    basis: WeekBasis, name: str, model: Counterfactual | None, line: ProjectionLine | None, first: dt.date | None
) -> Decimal | None:
    if model is None or line is None or first is None:
        return None
    since = [day for day in sorted(basis.counted) if day > first and day not in basis.blackout]
    after = fit_counterfactual(basis.working_days(name, since)) if since else None
    if after is None:
        return None
    return normalized_saving_usd_per_day(model, after, Fraction(line.calls_per_hour * HOURS_PER_DAY))


def _guardrails(basis: WeekBasis, name: str, phase: Phase, *, since: dt.date) -> FunctionGuardrails:
    own = basis.work.get(name, ())
    before = [value for value in own if value.day in basis.baseline_days]
    after = [v for v in own if v.phase == phase.id and v.day > since and v.day not in basis.blackout]
    return assess(name, before=_quality(before), after=_quality(after), margins=basis.programme.margins)


def _quality(work: Sequence[DailyWork]) -> Quality:
    return Quality(
        calls=sum(value.inputs for value in work),
        errors=sum(value.errors for value in work),
        timeouts=sum(value.timeouts for value in work),
        ooms=sum(value.ooms for value in work),
        daily_p50_seconds=tuple(value.p50_seconds for value in work if value.p50_seconds is not None),
        daily_p95_seconds=tuple(value.p95_seconds for value in work if value.p95_seconds is not None),
    )


def guardrail_outcomes(guardrails: FunctionGuardrails | None) -> GuardrailOutcomes:
    """The names of the guardrails by verdict; none of any verdict before the rollout."""
    if guardrails is None:
        return GuardrailOutcomes()
    by_verdict = {
        verdict: tuple(result.guardrail.value for result in guardrails.results if result.verdict is verdict)
        for verdict in GuardrailVerdict
    }
    return GuardrailOutcomes(
        passed=by_verdict[GuardrailVerdict.PASS],
        inconclusive=by_verdict[GuardrailVerdict.INCONCLUSIVE],
        failed=by_verdict[GuardrailVerdict.FAIL],
    )
