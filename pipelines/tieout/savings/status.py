"""Status: how much weight the avoided cost of a function or a total bears, and why not more.

| status | when (docs/reference/rules.md, "Savings") |
|---|---|
| premise not met | what was deployed before is not what the catalog says the saving starts from |
| no claim | nothing deployed, fewer than 7 baseline days, no successful call in them, or no measured day |
| reversed | the saving is negative, and the whole interval is; not where an input may have become other work |
| not determinable | H over half of the saving, no saving to speak of, a guardrail failed, or it is refuted (below) |
| provisional | H over a quarter of it, fewer than 14 baseline days, unsettled days, a guardrail or gate that is open |
| verified | none of these |

Refuted is what no successful call in the week stands for, what moved outside the catalog or may have been taken over by
another function or app for at least half of it, what rests on outages of the baseline for a quarter of it, or on cost
of the baseline that no log explains for half of it, what the bill leaves unpaid of the log, what was rolled back, what
is told by inputs that may have become other work for half of it, and a counterfactual over twice the dearest week of
the baseline. The first that applies is the status. Every reason that applies is kept, with its data, so that a person
reads "not claimed, because …" rather than a word. A guardrail that is inconclusive may pass with more data, hence
provisional; one that failed says that the work is no longer the same work, and more data of the saving does not help.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from tieout.savings.evidence import Evidence, GuardrailOutcomes

LEAST_BASELINE_DAYS = 7
SUFFICIENT_BASELINE_DAYS = 14
VERIFIED_WITHIN = Decimal("0.25")
PROVISIONAL_WITHIN = Decimal("0.50")
COMPLETE_ROLLOUT = Fraction(9, 10)
WORK_UNIT_TOLERANCE = Fraction(1, 10)
OFFSETTING_SHARE = Decimal("0.5")
OUTAGE_SHARE = Decimal("0.25")
EXTRAPOLATED_SHARE = Decimal("0.25")
NEGLIGIBLE_SHARE = Decimal("0.01")
MOST_DEAREST_WEEKS = 2


class Status(StrEnum):
    """What may be said of an avoided cost."""

    VERIFIED = "verified"
    PROVISIONAL = "provisional"
    NOT_DETERMINABLE = "not determinable"
    NO_CLAIM = "no claim"
    PREMISE_NOT_MET = "premise not met"
    REVERSED = "reversed"


BEARS_A_FIGURE = frozenset({Status.VERIFIED, Status.PROVISIONAL})


class ReasonCode(StrEnum):
    """Why a status is not better, or what to know beside it."""

    PREMISE_CONTRADICTED = "premise_contradicted"
    NO_CHANGE_NAMED = "no_change_named"
    NOTHING_DEPLOYED = "nothing_deployed"
    TOO_FEW_BASELINE_DAYS = "too_few_baseline_days"
    NO_BASELINE_CALLS = "no_baseline_calls"
    NO_MEASURED_DAY = "no_measured_day"
    NEGATIVE_SAVING = "negative_saving"
    NO_INTERVAL = "no_interval"
    INTERVAL_INCLUDES_ZERO = "interval_includes_zero"
    INTERVAL_TOO_WIDE = "interval_too_wide"
    GUARDRAIL_FAILED = "guardrail_failed"
    WIDE_INTERVAL = "wide_interval"
    SHORT_BASELINE = "short_baseline"
    UNSETTLED_DAYS = "unsettled_days"
    GUARDRAIL_INCONCLUSIVE = "guardrail_inconclusive"
    GUARDRAILS_NOT_TESTED = "guardrails_not_tested"
    EXTRAPOLATED = "extrapolated"
    NO_SUCCESSFUL_CALL = "no_successful_call"
    MOVED_OUTSIDE = "moved_outside_catalog"
    OUTSIDE_GREW = "outside_catalog_grew"
    OTHER_APP_GREW = "other_app_grew"
    FAR_EXTRAPOLATED = "far_extrapolated"
    ROLLED_BACK = "rolled_back"
    TAKEN_OVER = "taken_over"
    GREW_APART = "grew_apart"
    UNEXPLAINED_BEFORE = "unexplained_before"
    UNEXPLAINED_FELL = "unexplained_fell"
    BILL_BELOW_LOG = "bill_below_log"
    IMPLAUSIBLE_COUNTERFACTUAL = "implausible_counterfactual"
    BASELINE_OUTAGE = "baseline_outage"
    WORK_UNIT_CHANGED = "work_unit_changed"
    WORK_UNIT_SHIFTED = "work_unit_shifted"
    WORK_UNIT_UNSURE = "work_unit_unsure"
    BASELINE_NOT_MATCHED = "baseline_not_matched"
    DAYS_NOT_MATCHED = "days_not_matched"
    ROLLOUT_INCOMPLETE = "rollout_incomplete"
    BASELINE_NOT_FROZEN = "baseline_not_frozen"
    WITNESSES_DISAGREE = "witnesses_disagree"


_STATUS_OF: Mapping[ReasonCode, Status] = {
    ReasonCode.PREMISE_CONTRADICTED: Status.PREMISE_NOT_MET,
    ReasonCode.NO_CHANGE_NAMED: Status.NO_CLAIM,
    ReasonCode.NOTHING_DEPLOYED: Status.NO_CLAIM,
    ReasonCode.TOO_FEW_BASELINE_DAYS: Status.NO_CLAIM,
    ReasonCode.NO_BASELINE_CALLS: Status.NO_CLAIM,
    ReasonCode.NO_MEASURED_DAY: Status.NO_CLAIM,
    ReasonCode.NEGATIVE_SAVING: Status.REVERSED,
    ReasonCode.NO_INTERVAL: Status.NOT_DETERMINABLE,
    ReasonCode.INTERVAL_INCLUDES_ZERO: Status.NOT_DETERMINABLE,
    ReasonCode.INTERVAL_TOO_WIDE: Status.NOT_DETERMINABLE,
    ReasonCode.GUARDRAIL_FAILED: Status.NOT_DETERMINABLE,
    ReasonCode.WIDE_INTERVAL: Status.PROVISIONAL,
    ReasonCode.SHORT_BASELINE: Status.PROVISIONAL,
    ReasonCode.UNSETTLED_DAYS: Status.PROVISIONAL,
    ReasonCode.GUARDRAIL_INCONCLUSIVE: Status.PROVISIONAL,
    ReasonCode.GUARDRAILS_NOT_TESTED: Status.PROVISIONAL,
    ReasonCode.NO_SUCCESSFUL_CALL: Status.NOT_DETERMINABLE,
    ReasonCode.MOVED_OUTSIDE: Status.NOT_DETERMINABLE,
    ReasonCode.OTHER_APP_GREW: Status.NOT_DETERMINABLE,
    ReasonCode.FAR_EXTRAPOLATED: Status.NOT_DETERMINABLE,
    ReasonCode.ROLLED_BACK: Status.NOT_DETERMINABLE,
    ReasonCode.TAKEN_OVER: Status.NOT_DETERMINABLE,
    ReasonCode.UNEXPLAINED_BEFORE: Status.NOT_DETERMINABLE,
    ReasonCode.BILL_BELOW_LOG: Status.NOT_DETERMINABLE,
    ReasonCode.IMPLAUSIBLE_COUNTERFACTUAL: Status.NOT_DETERMINABLE,
    ReasonCode.BASELINE_OUTAGE: Status.NOT_DETERMINABLE,
    ReasonCode.WORK_UNIT_SHIFTED: Status.NOT_DETERMINABLE,
    ReasonCode.OUTSIDE_GREW: Status.PROVISIONAL,
    ReasonCode.GREW_APART: Status.PROVISIONAL,
    ReasonCode.UNEXPLAINED_FELL: Status.PROVISIONAL,
    ReasonCode.WORK_UNIT_CHANGED: Status.PROVISIONAL,
    ReasonCode.WORK_UNIT_UNSURE: Status.PROVISIONAL,
    ReasonCode.BASELINE_NOT_MATCHED: Status.PROVISIONAL,
    ReasonCode.DAYS_NOT_MATCHED: Status.PROVISIONAL,
    ReasonCode.ROLLOUT_INCOMPLETE: Status.PROVISIONAL,
    ReasonCode.EXTRAPOLATED: Status.PROVISIONAL,
    ReasonCode.BASELINE_NOT_FROZEN: Status.PROVISIONAL,
    ReasonCode.WITNESSES_DISAGREE: Status.PROVISIONAL,
}
_WORST_FIRST = (
    Status.PREMISE_NOT_MET,
    Status.NO_CLAIM,
    Status.REVERSED,
    Status.NOT_DETERMINABLE,
    Status.PROVISIONAL,
    Status.VERIFIED,
)


@dataclass(frozen=True)
class Reason:
    """One reason with the figures behind it, as text."""

    code: ReasonCode
    data: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> Status:
        """The best status that this reason leaves possible."""
        return _STATUS_OF[self.code]


@dataclass(frozen=True)
class Judgement:
    """A status and every reason for it, the weightiest first."""

    status: Status
    reasons: tuple[Reason, ...]


def judge(evidence: Evidence) -> Judgement:
    """Return the status of an avoided cost with its reasons.

    Raises:
        ValueError: there is no avoided cost although nothing that is known explains why.
    """
    reasons = _premise(evidence) + _missing(evidence)
    if evidence.avoided_usd is not None:
        shifted = _shifted_unit(evidence, abs(evidence.avoided_usd))
        interval = _interval(evidence.avoided_usd, evidence.half_width_usd)
        if any(reason.code is ReasonCode.WORK_UNIT_SHIFTED for reason in shifted):
            interval = [reason for reason in interval if reason.code is not ReasonCode.NEGATIVE_SAVING]
        reasons += (
            interval
            + shifted
            + _refuted(evidence)
            + _guardrails(evidence.guardrails)
            + _preliminary(evidence)
            + _open_gates(evidence)
        )
    elif evidence.measured_calls == 0 and all(reason.status is not Status.NO_CLAIM for reason in reasons):
        reasons.append(Reason(ReasonCode.NO_SUCCESSFUL_CALL))
    elif all(reason.status is not Status.NO_CLAIM for reason in reasons):
        raise ValueError("an avoided cost is missing although there are a deployment, a baseline and measured days")
    reasons.sort(key=lambda reason: _WORST_FIRST.index(reason.status))
    return Judgement(reasons[0].status if reasons else Status.VERIFIED, tuple(reasons))


def _premise(evidence: Evidence) -> list[Reason]:
    return [Reason(ReasonCode.PREMISE_CONTRADICTED, evidence.contradictions)] if evidence.contradictions else []


def _missing(evidence: Evidence) -> list[Reason]:
    reasons = []
    if not evidence.names_change:
        reasons.append(Reason(ReasonCode.NO_CHANGE_NAMED))
    elif not evidence.is_deployed:
        reasons.append(Reason(ReasonCode.NOTHING_DEPLOYED))
    if evidence.baseline_days < LEAST_BASELINE_DAYS:
        data = {"baseline_days": str(evidence.baseline_days), "least_days": str(LEAST_BASELINE_DAYS)}
        reasons.append(Reason(ReasonCode.TOO_FEW_BASELINE_DAYS, data))
    elif evidence.baseline_calls == 0:
        reasons.append(Reason(ReasonCode.NO_BASELINE_CALLS, {"baseline_days": str(evidence.baseline_days)}))
    if evidence.is_deployed and evidence.measured_days == 0:
        reasons.append(Reason(ReasonCode.NO_MEASURED_DAY))
    return reasons


def _interval(avoided: Decimal, half_width: Decimal | None) -> list[Reason]:
    if half_width is None:
        return [Reason(ReasonCode.NO_INTERVAL, {"avoided_usd": str(avoided)})]
    data = {"avoided_usd": str(avoided), "half_width_usd": str(half_width)}
    if avoided + half_width < 0:
        return [Reason(ReasonCode.NEGATIVE_SAVING, data)]
    if avoided <= half_width:
        return [Reason(ReasonCode.INTERVAL_INCLUDES_ZERO, data)]
    if half_width > avoided * PROVISIONAL_WITHIN:
        return [Reason(ReasonCode.INTERVAL_TOO_WIDE, {**data, "limit": str(PROVISIONAL_WITHIN)})]
    if half_width > avoided * VERIFIED_WITHIN:
        return [Reason(ReasonCode.WIDE_INTERVAL, {**data, "limit": str(VERIFIED_WITHIN)})]
    return []


def _guardrails(outcomes: GuardrailOutcomes) -> list[Reason]:
    reasons = [Reason(ReasonCode.GUARDRAIL_FAILED, {"guardrail": name}) for name in outcomes.failed]
    reasons += [Reason(ReasonCode.GUARDRAIL_INCONCLUSIVE, {"guardrail": name}) for name in outcomes.inconclusive]
    if not (outcomes.passed or reasons):
        reasons.append(Reason(ReasonCode.GUARDRAILS_NOT_TESTED))
    return reasons


def _preliminary(evidence: Evidence) -> list[Reason]:
    reasons = []
    if LEAST_BASELINE_DAYS <= evidence.baseline_days < SUFFICIENT_BASELINE_DAYS:
        data = {"baseline_days": str(evidence.baseline_days), "sufficient_days": str(SUFFICIENT_BASELINE_DAYS)}
        reasons.append(Reason(ReasonCode.SHORT_BASELINE, data))
    if evidence.unsettled_days:
        reasons.append(Reason(ReasonCode.UNSETTLED_DAYS, _days(evidence.unsettled_days)))
    whole = evidence.counterfactual_usd or Decimal(0)
    if evidence.extrapolated_days and evidence.extrapolated_usd >= whole * EXTRAPOLATED_SHARE:
        reasons.append(Reason(ReasonCode.EXTRAPOLATED, _days(evidence.extrapolated_days)))
    return reasons


def _shifted_unit(evidence: Evidence, amount: Decimal) -> list[Reason]:
    """What says that inputs are other work than in the baseline: neither a saving nor a rise is told by them."""
    shift = evidence.shifted_unit
    if shift is None:
        return []
    data = {"function": shift.function, "inputs": f"{shift.inputs:.2f}", "seconds": f"{shift.seconds:.2f}"}
    is_refuted = evidence.shifted_usd >= amount * OFFSETTING_SHARE
    return [Reason(ReasonCode.WORK_UNIT_SHIFTED if is_refuted else ReasonCode.WORK_UNIT_UNSURE, data)]


def _refuted(evidence: Evidence) -> list[Reason]:
    """What says that the amount is no saving."""
    reasons = []
    avoided, claimed = evidence.avoided_usd or Decimal(0), evidence.counterfactual_usd
    if evidence.rolled_back is not None:
        reasons.append(Reason(ReasonCode.ROLLED_BACK, {"settings": evidence.rolled_back}))
    dearest = evidence.dearest_week_usd
    if (
        claimed is not None
        and dearest is not None
        and not evidence.has_agreeing_replay
        and claimed > dearest * MOST_DEAREST_WEEKS
    ):
        data = {"counterfactual_usd": str(claimed), "dearest_week_usd": str(dearest)}
        reasons.append(Reason(ReasonCode.IMPLAUSIBLE_COUNTERFACTUAL, data))
    if evidence.is_far_extrapolated:
        reasons.append(Reason(ReasonCode.FAR_EXTRAPOLATED))
    growth, width = evidence.outside_growth_usd, evidence.half_width_usd or Decimal(0)
    if avoided > 0 and growth > max(width, avoided * NEGLIGIBLE_SHARE):
        data = {"growth_usd": str(growth), "half_width_usd": str(width)}
        moved = growth - evidence.silent_usd >= avoided * OFFSETTING_SHARE
        reasons.append(Reason(ReasonCode.MOVED_OUTSIDE if moved else ReasonCode.OUTSIDE_GREW, data))
    if (other := evidence.grown_app) is not None and other.growth_usd > width:
        data = {"app": other.app, "growth_usd": str(other.growth_usd)}
        reasons.append(Reason(ReasonCode.OTHER_APP_GREW, data))
    if avoided > 0 and evidence.outage_usd >= avoided * OUTAGE_SHARE:
        reasons.append(Reason(ReasonCode.BASELINE_OUTAGE, {"outage_usd": str(evidence.outage_usd)}))
    taken, fell = evidence.taken_over_usd, evidence.unexplained_fell_usd
    if (code := _by_share(taken, avoided, ReasonCode.TAKEN_OVER, ReasonCode.GREW_APART)) is not None:
        reasons.append(Reason(code, {"taken_over_usd": str(taken)}))
    if (code := _by_share(fell, avoided, ReasonCode.UNEXPLAINED_BEFORE, ReasonCode.UNEXPLAINED_FELL)) is not None:
        reasons.append(Reason(code, {"fell_usd": str(fell)}))
    if avoided > 0 and evidence.unpaid_usd >= avoided * VERIFIED_WITHIN:
        reasons.append(Reason(ReasonCode.BILL_BELOW_LOG, {"unpaid_usd": str(evidence.unpaid_usd)}))
    return reasons


def _by_share(doubtful: Decimal, avoided: Decimal, refuting: ReasonCode, doubting: ReasonCode) -> ReasonCode | None:
    """What a doubtful part of an amount does to it: half of it refutes it, a quarter bars *verified*."""
    if avoided <= 0 or doubtful < avoided * VERIFIED_WITHIN:
        return None
    return refuting if doubtful >= avoided * OFFSETTING_SHARE else doubting


def _open_gates(evidence: Evidence) -> list[Reason]:
    """What the gates know that keeps an amount from being verified."""
    reasons = []
    if evidence.calls_per_unit is not None:
        before, after = evidence.calls_per_unit
        if abs(after - before) > before * WORK_UNIT_TOLERANCE:
            data = {"before": f"{float(before):.3g}", "after": f"{float(after):.3g}"}
            reasons.append(Reason(ReasonCode.WORK_UNIT_CHANGED, data))
    if evidence.unmatched_baseline_days:
        reasons.append(Reason(ReasonCode.BASELINE_NOT_MATCHED, _days(evidence.unmatched_baseline_days)))
    if evidence.unmatched_days:
        reasons.append(Reason(ReasonCode.DAYS_NOT_MATCHED, _days(evidence.unmatched_days)))
    if evidence.coverage is not None and evidence.coverage < COMPLETE_ROLLOUT:
        reasons.append(Reason(ReasonCode.ROLLOUT_INCOMPLETE, {"coverage": f"{float(evidence.coverage):.6f}"}))
    for each in evidence.disagreements:
        data = {"difference_usd": str(each.difference_usd), "half_width_usd": str(each.half_width_usd)}
        reasons.append(Reason(ReasonCode.WITNESSES_DISAGREE, {"witness": each.kind.value, **data}))
    if not evidence.is_baseline_frozen:
        reasons.append(Reason(ReasonCode.BASELINE_NOT_FROZEN))
    return reasons


def _days(days: tuple[dt.date, ...]) -> dict[str, str]:
    return {"days": str(len(days)), "first": min(days).isoformat(), "last": max(days).isoformat()}
