"""What is known about an avoided cost, which its status is made of (docs/reference/rules.md, "Status")."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from tieout.savings.boundary import OtherApp
from tieout.savings.disagreement import Disagreement
from tieout.savings.unit_shift import UnitShift


@dataclass(frozen=True)
class GuardrailOutcomes:
    """Names of the guardrails by verdict; none at all means that none was tested."""

    passed: tuple[str, ...] = ()
    inconclusive: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """What is known about one avoided cost.

    Attributes:
        avoided_usd: counterfactual less actual; None when there is no counterfactual.
        half_width_usd: half the width of its 90% interval; None when the baseline is too short for one.
        is_deployed: whether a phase that changes the function was deployed by the end of the period.
        baseline_days: days of the frozen baseline.
        baseline_calls: successful calls on them.
        measured_days: days that count for the avoided cost.
        unsettled_days: those among them whose bill may still change.
        extrapolated_days: those among them whose volume the baseline has not seen.
        extrapolated_usd: how much of the counterfactual these days are.
        guardrails: what the guardrails said.
        contradictions: what the catalog says was deployed before and was not: field to "catalog …, deployed …".
        names_change: whether the catalog names any phase, whatever was deployed.
        measured_calls: successful calls on the measured days; None for what has none of its own.
        counterfactual_usd: what they would have cost; None without a counterfactual.
        is_far_extrapolated: most measured days have under half or over twice the calls that the baseline has seen.
        dearest_week_usd: what the dearest whole week of the baseline cost, at the week's list prices; None without one.
        outside_growth_usd: by how much the programme's apps cost more outside the catalog on the measured days.
        grown_app: the app outside the programme that grew by about what was saved; None without one.
        silent_usd: how much of that functions which nobody called any more may have taken along.
        outage_usd: how much of the counterfactual rests on baseline days that no other day resembles.
        calls_per_unit: successful calls for each function call in the baseline and on the measured days; None where one
            of them has none.
        shifted_unit: how an input may have become other work; None when it did not.
        shifted_usd: how much of the amount, whatever its sign, functions claim of which that is so.
        unmatched_baseline_days: days of the baseline on which log and bill differ (gate G6).
        unmatched_days: measured days on which they do.
        coverage: share of the successful calls that ran in the newest phase; None without any.
        is_baseline_frozen: a lock of this method's version holds the baseline.
        rolled_back: the old settings or commit that most calls ran on again, in words; None when they did not.
        taken_over_usd: what calls stand for that other functions may have taken over.
        unexplained_fell_usd: by how much less of the cost is unexplained on the measured days than in the baseline.
        unpaid_usd: how much more of what the log shows the bill leaves unpaid than it did in the baseline.
        disagreements: the witnesses that do not agree with the amount within its interval.
        has_agreeing_replay: there is a replay of the measured days, and it agrees.
    """

    avoided_usd: Decimal | None
    half_width_usd: Decimal | None
    is_deployed: bool
    baseline_days: int
    baseline_calls: int
    measured_days: int
    unsettled_days: tuple[dt.date, ...] = ()
    extrapolated_days: tuple[dt.date, ...] = ()
    extrapolated_usd: Decimal = Decimal(0)
    guardrails: GuardrailOutcomes = GuardrailOutcomes()
    contradictions: Mapping[str, str] = field(default_factory=dict)
    names_change: bool = True
    measured_calls: int | None = None
    counterfactual_usd: Decimal | None = None
    dearest_week_usd: Decimal | None = None
    outside_growth_usd: Decimal = Decimal(0)
    grown_app: OtherApp | None = None
    silent_usd: Decimal = Decimal(0)
    outage_usd: Decimal = Decimal(0)
    calls_per_unit: tuple[Fraction, Fraction] | None = None
    unmatched_baseline_days: tuple[dt.date, ...] = ()
    unmatched_days: tuple[dt.date, ...] = ()
    coverage: Fraction | None = None
    is_baseline_frozen: bool = True
    rolled_back: str | None = None
    disagreements: tuple[Disagreement, ...] = ()
    has_agreeing_replay: bool = False
    is_far_extrapolated: bool = False
    taken_over_usd: Decimal = Decimal(0)
    unexplained_fell_usd: Decimal = Decimal(0)
    unpaid_usd: Decimal = Decimal(0)
    shifted_unit: UnitShift | None = None
    shifted_usd: Decimal = Decimal(0)
