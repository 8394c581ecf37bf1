import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest

from tieout.savings.evidence import Evidence, GuardrailOutcomes
from tieout.savings.status import Judgement, ReasonCode, Status, judge

DAY = dt.date(2026, 11, 10)
SOUND = Evidence(
    avoided_usd=Decimal(100),
    half_width_usd=Decimal(10),
    is_deployed=True,
    baseline_days=28,
    baseline_calls=5000,
    measured_days=7,
    guardrails=GuardrailOutcomes(passed=("errors", "p95")),
)


def codes(judgement: Judgement) -> list[ReasonCode]:
    return [reason.code for reason in judgement.reasons]


def test_a_precise_saving_with_passed_guardrails_is_verified() -> None:
    assert judge(SOUND) == Judgement(Status.VERIFIED, ())


@pytest.mark.parametrize(
    ("half_width", "status"),
    [
        ("25", Status.VERIFIED),
        ("25.01", Status.PROVISIONAL),
        ("50", Status.PROVISIONAL),
        ("50.01", Status.NOT_DETERMINABLE),
        ("100", Status.NOT_DETERMINABLE),
        ("300", Status.NOT_DETERMINABLE),
    ],
)
def test_the_interval_decides_how_much_may_be_said(half_width: str, status: Status) -> None:
    assert judge(replace(SOUND, half_width_usd=Decimal(half_width))).status is status


def test_a_significant_loss_is_a_reversal() -> None:
    judgement = judge(replace(SOUND, avoided_usd=Decimal("-10.01")))
    assert judgement.status is Status.REVERSED
    assert judgement.reasons[0].data == {"avoided_usd": "-10.01", "half_width_usd": "10"}


@pytest.mark.parametrize("avoided", ["-10", "-1", "0", "10"])
def test_an_interval_that_includes_zero_shows_nothing(avoided: str) -> None:
    judgement = judge(replace(SOUND, avoided_usd=Decimal(avoided)))
    assert judgement.status is Status.NOT_DETERMINABLE
    assert codes(judgement) == [ReasonCode.INTERVAL_INCLUDES_ZERO]


def test_no_cost_on_either_side_is_no_saving() -> None:
    nothing = replace(SOUND, avoided_usd=Decimal(0), half_width_usd=Decimal(0))
    assert judge(nothing).status is Status.NOT_DETERMINABLE


def test_a_short_baseline_is_provisional_and_a_shorter_one_no_claim() -> None:
    assert codes(judge(replace(SOUND, baseline_days=13))) == [ReasonCode.SHORT_BASELINE]
    assert judge(replace(SOUND, baseline_days=13)).status is Status.PROVISIONAL
    assert judge(replace(SOUND, baseline_days=14)).status is Status.VERIFIED
    assert judge(replace(SOUND, baseline_days=6)).status is Status.NO_CLAIM
    assert judge(replace(SOUND, baseline_days=6)).reasons[0].data == {"baseline_days": "6", "least_days": "7"}


def test_unsettled_days_are_provisional() -> None:
    judgement = judge(replace(SOUND, unsettled_days=(DAY, DAY + dt.timedelta(days=1))))
    assert judgement.status is Status.PROVISIONAL
    assert judgement.reasons[0].data == {"days": "2", "first": "2026-11-10", "last": "2026-11-11"}


def test_harm_turns_verified_off_with_its_reason() -> None:
    judgement = judge(replace(SOUND, guardrails=GuardrailOutcomes(passed=("p95",), failed=("errors",))))
    assert judgement.status is Status.NOT_DETERMINABLE
    assert judgement.reasons[0].code is ReasonCode.GUARDRAIL_FAILED
    assert judgement.reasons[0].data == {"guardrail": "errors"}


def test_an_inconclusive_guardrail_blocks_verified() -> None:
    judgement = judge(replace(SOUND, guardrails=GuardrailOutcomes(passed=("p95",), inconclusive=("errors",))))
    assert judgement.status is Status.PROVISIONAL
    assert codes(judgement) == [ReasonCode.GUARDRAIL_INCONCLUSIVE]


def test_untested_guardrails_block_verified() -> None:
    assert codes(judge(replace(SOUND, guardrails=GuardrailOutcomes()))) == [ReasonCode.GUARDRAILS_NOT_TESTED]


def test_a_premise_that_is_not_met_comes_before_everything() -> None:
    gpu = {"gpu": "catalog A100-40GB, deployed none"}
    for evidence in (SOUND, replace(SOUND, avoided_usd=Decimal(-500)), replace(SOUND, baseline_days=0)):
        judgement = judge(replace(evidence, contradictions=gpu))
        assert judgement.status is Status.PREMISE_NOT_MET
        assert judgement.reasons[0].data == gpu


def test_what_was_never_measured_is_no_claim() -> None:
    nothing = replace(SOUND, avoided_usd=None, half_width_usd=None)
    assert codes(judge(replace(nothing, is_deployed=False, measured_days=0))) == [ReasonCode.NOTHING_DEPLOYED]
    unplanned = replace(nothing, names_change=False, is_deployed=False, measured_days=0)
    assert codes(judge(unplanned)) == [ReasonCode.NO_CHANGE_NAMED]
    assert codes(judge(replace(nothing, measured_days=0))) == [ReasonCode.NO_MEASURED_DAY]
    assert codes(judge(replace(nothing, baseline_calls=0))) == [ReasonCode.NO_BASELINE_CALLS]
    assert judge(replace(nothing, baseline_calls=0)).status is Status.NO_CLAIM


def test_a_missing_figure_without_a_reason_is_an_error() -> None:
    with pytest.raises(ValueError, match="avoided cost is missing"):
        judge(replace(SOUND, avoided_usd=None))


def test_every_reason_is_kept_the_weightiest_first() -> None:
    judgement = judge(
        replace(
            SOUND,
            half_width_usd=Decimal(30),
            baseline_days=10,
            unsettled_days=(DAY,),
            extrapolated_days=(DAY,),
            extrapolated_usd=Decimal(100),
            guardrails=GuardrailOutcomes(failed=("oom",)),
        )
    )
    assert judgement.status is Status.NOT_DETERMINABLE
    assert codes(judgement) == [
        ReasonCode.GUARDRAIL_FAILED,
        ReasonCode.WIDE_INTERVAL,
        ReasonCode.SHORT_BASELINE,
        ReasonCode.UNSETTLED_DAYS,
        ReasonCode.EXTRAPOLATED,
    ]


@pytest.mark.parametrize(("extrapolated_usd", "reasons"), [("50", [ReasonCode.EXTRAPOLATED]), ("49.99", [])])
def test_a_quarter_of_the_counterfactual_at_volumes_that_the_baseline_has_not_seen_is_not_verified(
    extrapolated_usd: str, reasons: list[ReasonCode]
) -> None:
    unseen = replace(
        SOUND,
        counterfactual_usd=Decimal(200),
        extrapolated_days=(DAY,),
        extrapolated_usd=Decimal(extrapolated_usd),
    )
    assert codes(judge(unseen)) == reasons
