"""One function in one week: avoided cost with its interval, guardrails and status (docs/method.md, "Savings")."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tieout.catalog.models import Phase, ProjectionLine
from tieout.core.money import round_picodollars
from tieout.core.periods import HOURS_PER_DAY
from tieout.savings.counterfactual import (
    AvoidedCost,
    Counterfactual,
    avoided_cost,
    fit_counterfactual,
    normalized_saving_usd_per_day,
)
from tieout.savings.daily_work import DailyWork, WorkingDay
from tieout.savings.days import projected_usd_per_day
from tieout.savings.guardrails import FunctionGuardrails, GuardrailVerdict, Quality, assess
from tieout.savings.status import Evidence, GuardrailOutcomes, Judgement, judge
from tieout.savings.uncertainty import HalfWidth, MeasuredVolume, half_width
from tieout.savings.week_basis import WeekBasis


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


def measure_function(basis: WeekBasis, name: str) -> FunctionMeasurement:
    """Measure one function on the days of the week that count after its own deployment."""
    deployed = [p for p in basis.programme.phases_of(name) if p.deployed_at.date() < basis.week.end]
    first = deployed[0].deployed_at.date() if deployed else None
    days = tuple(day for day in basis.days if first is not None and day > first)
    before = basis.working_days(name, basis.baseline_days)
    after = basis.working_days(name, days)
    model = fit_counterfactual(before) if before else None
    avoided = avoided_cost(model, after) if model is not None and days and deployed else None
    width = (
        half_width(MeasuredVolume(model, tuple(day.successful_calls for day in after))) if model and avoided else None
    )
    guardrails = _guardrails(basis, name, deployed[-1], since=first) if deployed and first else None
    line = basis.programme.lines.get(name)
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
        normalized_usd_per_day=_normalized(basis, name, model, line, first),
        projected_usd_per_day=_published(line),
        guardrails=guardrails,
        judgement=judge(
            Evidence(
                avoided_usd=None if avoided is None else avoided.avoided_usd,
                half_width_usd=None if width is None else width.half_width_usd,
                is_deployed=bool(deployed),
                names_change=bool(basis.programme.phases),
                baseline_days=len(basis.baseline_days),
                baseline_calls=sum(day.successful_calls for day in before),
                measured_days=len(days),
                unsettled_days=basis.unsettled_days(name, days),
                extrapolated_days=() if avoided is None else avoided.extrapolated_days,
                guardrails=guardrail_outcomes(guardrails),
                contradictions=basis.contradictions.get(name, {}),
            )
        ),
    )


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
