"""The measurement of a week: every function's avoided cost with its interval, status and guardrails, and the bridge.

Puts together what the other modules of this floor define (docs/reference/rules.md, "Savings"). One value of `DailyWork`
per function, phase and day goes in, one frozen `WeekMeasurement` comes out; the report, the tables of `savings` and the
command line show that and compute nothing of their own.
"""

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tieout.core.money import round_picodollars
from tieout.core.periods import IsoWeek
from tieout.savings.boundary import Boundary
from tieout.savings.bridge import BridgeReport, RealizationRates, bridge_all, realization_rates
from tieout.savings.bridge_inputs import bridge_inputs
from tieout.savings.context import NOTHING_KNOWN, WeekContext
from tieout.savings.daily_work import DailyWork
from tieout.savings.days import BaselinePeriod, FunctionDay
from tieout.savings.evidence import Evidence, GuardrailOutcomes
from tieout.savings.function_measurement import (
    FunctionMeasurement,
    dearest_week_usd,
    guardrail_outcomes,
    measure_function,
)
from tieout.savings.ledger import LedgerLine, ledger
from tieout.savings.log_coverage import LogGap
from tieout.savings.programme import Programme
from tieout.savings.status import Judgement, ReasonCode, judge
from tieout.savings.uncertainty import (
    HalfWidth,
    MeasuredVolume,
    total_half_width,
    with_attribution,
    with_disagreement,
    with_sampling,
)
from tieout.savings.week_basis import WeekBasis, week_basis
from tieout.savings.witnesses import Testimony, together

METHOD_VERSION = "2"
SMALLEST_CARRYING_SHARE = 100


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
        testimony: the witnesses of that sum; None when nothing is claimed.
        judgement: of the sum.
        ledger: function × phase, in the order of the rollout.
        bridge: from the published to the realized saving, per day; None when nothing is claimed.
        rates: the realization rate, three ways; None without a bridge.
        outside: what the programme's apps cost outside the catalog, before and on the measured days.
        evidence: what the judgement of the sum is made of.
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
    testimony: Testimony | None
    judgement: Judgement
    ledger: tuple[LedgerLine, ...]
    bridge: BridgeReport | None
    rates: RealizationRates | None
    outside: Boundary
    evidence: Evidence

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


def measure_week(
    week: IsoWeek,
    work: Iterable[DailyWork],
    *,
    programme: Programme,
    baseline: BaselinePeriod | None,
    landed: Iterable[dt.date],
    contradictions: Mapping[str, Mapping[str, str]],
    log_gaps: Iterable[LogGap] = (),
    context: WeekContext = NOTHING_KNOWN,
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
        context: prices, gates, the boundary and whether the baseline is frozen.
    """
    basis = week_basis(
        week,
        work,
        programme=programme,
        baseline=baseline,
        landed=landed,
        contradictions=contradictions,
        log_gaps=log_gaps,
        context=context,
    )
    names = [name for name in programme.functions if name in basis.work or name in programme.lines]
    return _sum_up(basis, tuple(measure_function(basis, name) for name in names))


def _sum_up(basis: WeekBasis, functions: tuple[FunctionMeasurement, ...]) -> WeekMeasurement:
    claiming = [function for function in functions if function.avoided is not None]
    avoided = sum((f.avoided_usd for f in claiming if f.avoided_usd is not None), Decimal(0)) if claiming else None
    alone = _total_half_width(basis, claiming)
    testimony = _testimony(claiming, alone)
    width = with_disagreement(alone, testimony.difference_usd) if alone and testimony else alone
    moved = basis.outside.moved_usd_per_day(None if width is None else width.half_width_usd)
    inputs = bridge_inputs(basis, functions, moved_usd_per_day=moved) if claiming else []
    evidence = _evidence(basis, functions, avoided, width, testimony)
    published = basis.programme.published_usd_per_day
    bridge = bridge_all(inputs, published_usd=published) if inputs else None
    counterfactual = sum((_per_day(f, f.avoided.counterfactual_usd) for f in claiming if f.avoided), Fraction(0))
    return WeekMeasurement(
        week=basis.week,
        baseline=basis.baseline,
        baseline_days=basis.baseline_days,
        days=basis.days,
        missing_days=basis.missing_days,
        counted=tuple(sorted(basis.counted)),
        log_gaps=basis.log_gaps,
        negative_days=basis.negative_days,
        functions=functions,
        avoided_usd=avoided,
        half_width=width,
        testimony=testimony,
        judgement=judge(evidence),
        ledger=tuple(ledger(basis, functions)),
        bridge=bridge,
        rates=realization_rates(
            bridge.total,
            counterfactual_usd=round_picodollars(counterfactual),
            claimed_before_usd=basis.programme.claimed_before_usd_per_day,
        )
        if bridge
        else None,
        outside=basis.outside,
        evidence=evidence,
    )


def _total_half_width(basis: WeekBasis, claiming: Sequence[FunctionMeasurement]) -> HalfWidth | None:
    width = total_half_width([MeasuredVolume(f.model, f.calls_by_day) for f in claiming if f.model])
    if width is None:
        return None
    open_usd = basis.attribution_usd({f.function: f.avoided.counterfactual_usd for f in claiming if f.avoided})
    sampling = math.hypot(*(float(f.sampling_usd) for f in claiming))
    return with_sampling(with_attribution(width, open_usd), round_picodollars(Fraction(sampling)))


def _testimony(claiming: Sequence[FunctionMeasurement], width: HalfWidth | None) -> Testimony | None:
    known = [(f.testimony, f.actual_usd) for f in claiming if f.testimony is not None]
    return together([own for own, _ in known], [actual for _, actual in known], width) if known else None


def _evidence(
    basis: WeekBasis,
    functions: Sequence[FunctionMeasurement],
    avoided: Decimal | None,
    width: HalfWidth | None,
    testimony: Testimony | None,
) -> Evidence:
    claiming = [function for function in functions if function.avoided is not None]
    first = min(basis.programme.deployment_days.values(), default=None)
    carrying = _carrying(claiming)
    outcomes = [(f.function, guardrail_outcomes(f.guardrails)) for f in carrying]
    named = {
        verdict: tuple(f"{function}: {name}" for function, outcome in outcomes for name in getattr(outcome, verdict))
        for verdict in ("passed", "inconclusive", "failed")
    }
    own = [f.evidence for f in carrying]
    return Evidence(
        avoided_usd=avoided,
        half_width_usd=None if width is None else width.half_width_usd,
        is_deployed=first is not None and first < basis.week.end,
        names_change=bool(basis.programme.phases),
        baseline_days=len(basis.baseline_days),
        baseline_calls=sum(sum(f.model.calls) for f in functions if f.model),
        measured_days=len(basis.days),
        unsettled_days=_distinct(day for f in claiming for day in basis.unsettled_days(f.function, f.days)),
        extrapolated_days=_distinct(day for one in own for day in one.extrapolated_days),
        extrapolated_usd=sum((one.extrapolated_usd for one in own), Decimal(0)),
        guardrails=GuardrailOutcomes(**named),
        measured_calls=sum(f.calls for f in claiming),
        counterfactual_usd=sum((f.avoided.counterfactual_usd for f in claiming if f.avoided), Decimal(0)),
        dearest_week_usd=dearest_week_usd(basis, [f.function for f in claiming]),
        outside_growth_usd=basis.outside.growth_usd,
        grown_app=basis.grown_like(avoided),
        silent_usd=basis.outside.silent_usd,
        outage_usd=sum((one.outage_usd for one in own), Decimal(0)),
        calls_per_unit=next((one.calls_per_unit for one in own if _unit_changed(one)), None),
        unmatched_baseline_days=_distinct(day for one in own for day in one.unmatched_baseline_days),
        unmatched_days=_distinct(day for one in own for day in one.unmatched_days),
        coverage=min((one.coverage for one in own if one.coverage is not None), default=None),
        is_baseline_frozen=basis.context.is_baseline_frozen,
        disagreements=() if testimony is None else testimony.disagreements,
        has_agreeing_replay=testimony is not None and testimony.has_agreeing_replay,
        is_far_extrapolated=any(one.is_far_extrapolated for one in own),
        taken_over_usd=round_picodollars(sum(basis.taken_over.values(), Fraction(0))),
        unexplained_fell_usd=basis.unexplained_fell_usd([f.function for f in claiming]),
        unpaid_usd=basis.unpaid_usd(f.function for f in claiming),
        rolled_back=next((one.rolled_back for one in own if one.rolled_back is not None), None),
        shifted_unit=next((one.shifted_unit for one in own if one.shifted_unit is not None), None),
        shifted_usd=sum((one.shifted_usd for one in own), Decimal(0)),
    )


def _unit_changed(evidence: Evidence) -> bool:
    return any(reason.code is ReasonCode.WORK_UNIT_CHANGED for reason in judge(evidence).reasons)


def _carrying(claiming: Sequence[FunctionMeasurement]) -> list[FunctionMeasurement]:
    """The functions that carry the sum; one that moves under a hundredth of it cannot keep it from being verified."""
    amounts = {f.function: abs(f.avoided_usd or Decimal(0)) for f in claiming}
    whole = sum(amounts.values(), Decimal(0))
    return [f for f in claiming if amounts[f.function] * SMALLEST_CARRYING_SHARE >= whole]


def _distinct(days: Iterable[dt.date]) -> tuple[dt.date, ...]:
    return tuple(sorted(set(days)))


def _per_day(function: FunctionMeasurement, amount: Decimal) -> Fraction:
    return Fraction(amount) / len(function.days)
