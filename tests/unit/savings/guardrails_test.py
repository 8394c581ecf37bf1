import math
import statistics
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.catalog.models import Margins
from tieout.savings.guardrails import (
    Guardrail,
    GuardrailReason,
    GuardrailVerdict,
    Interval,
    Proportion,
    Quality,
    RateGuardrail,
    RateMethod,
    assess,
    clopper_pearson_upper,
    duration_guardrail,
    newcombe,
    rate_guardrail,
    wilson,
)

MARGINS = Margins(
    error_rate=Decimal("0.01"),
    timeout_rate=Decimal("0.005"),
    oom_rate=Decimal("0.005"),
    p50_ratio=Decimal("1.10"),
    p95_ratio=Decimal("1.20"),
)
STEADY = (10.0, 10.2, 9.9, 10.1, 9.8, 10.0, 10.1, 10.3, 9.7, 10.0, 10.1, 9.9, 10.2, 10.0)


def _quality(
    *,
    calls: int = 5000,
    errors: int = 50,
    timeouts: int = 5,
    ooms: int = 0,
    p50: tuple[float, ...] = STEADY,
    p95: tuple[float, ...] = STEADY,
) -> Quality:
    return Quality(
        calls=calls, errors=errors, timeouts=timeouts, ooms=ooms, daily_p50_seconds=p50, daily_p95_seconds=p95
    )


def _rate(before: tuple[int, int], after: tuple[int, int], margin: str = "0.01") -> RateGuardrail:
    return rate_guardrail(Guardrail.ERROR_RATE, Proportion(*before), Proportion(*after), Decimal(margin))


def _times(seconds: tuple[float, ...], factor: float) -> tuple[float, ...]:
    return tuple(second * factor for second in seconds)


# Golden figures (docs/reference/rules.md, "Guardrails").


def test_golden_newcombe_of_7_in_34_against_1_in_34() -> None:
    interval = newcombe(Proportion(1, 34), Proportion(7, 34), confidence=0.975)
    assert (round(interval.low, 3), round(interval.high, 3)) == (0.019, 0.340)


def test_golden_no_event_in_1500_calls() -> None:
    assert round(clopper_pearson_upper(Proportion(0, 1500), confidence=0.95), 7) == 0.0019952


def test_golden_exact_bound_is_used_where_nothing_happened() -> None:
    result = _rate((0, 1500), (0, 1500))
    assert result.method is RateMethod.EXACT_WHERE_ZERO
    assert result.interval is not None
    assert round(result.interval.high, 7) == 0.0019952


# Published examples, 95% two-sided: Newcombe (1998), Two-sided confidence intervals for the single proportion, table I.


@pytest.mark.parametrize(
    ("events", "calls", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_as_published(events: int, calls: int, low: float, high: float) -> None:
    interval = wilson(Proportion(events, calls), confidence=0.975)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@pytest.mark.parametrize(("events", "calls"), [(0, 1500), (1, 29), (7, 34), (28, 29)])
def test_at_the_exact_bound_so_few_events_have_a_chance_of_five_percent(events: int, calls: int) -> None:
    rate = clopper_pearson_upper(Proportion(events, calls))
    chances = (math.comb(calls, k) * rate**k * (1 - rate) ** (calls - k) for k in range(events + 1))
    assert math.fsum(chances) == pytest.approx(0.05)


def test_when_every_call_fails_the_exact_bound_is_one() -> None:
    assert clopper_pearson_upper(Proportion(3, 3)) == 1.0


# Rates.


def test_as_many_errors_as_before_passes_when_there_is_enough_data() -> None:
    result = _rate((50, 5000), (50, 5000))
    assert result.verdict is GuardrailVerdict.PASS
    assert result.reason is GuardrailReason.WITHIN_MARGIN
    assert result.estimate == 0.0
    assert result.method is RateMethod.NEWCOMBE


def test_as_many_errors_as_before_is_inconclusive_on_little_data() -> None:
    result = _rate((1, 100), (1, 100))
    assert result.verdict is GuardrailVerdict.INCONCLUSIVE
    assert result.reason is GuardrailReason.UNDERPOWERED


def test_clearly_more_errors_fail() -> None:
    result = _rate((50, 5000), (400, 5000))
    assert result.verdict is GuardrailVerdict.FAIL
    assert result.reason is GuardrailReason.BEYOND_MARGIN
    assert result.interval is not None
    assert result.interval.low > 0.01


def test_oom_kills_after_a_memory_cut_fail() -> None:
    assert _rate((0, 3000), (90, 3000), "0.005").verdict is GuardrailVerdict.FAIL


def test_a_harm_near_the_margin_is_inconclusive_and_not_a_pass() -> None:
    assert _rate((50, 5000), (95, 5000)).verdict is GuardrailVerdict.INCONCLUSIVE


def test_an_arm_without_calls_is_inconclusive() -> None:
    for before, after in [((0, 0), (0, 1500)), ((0, 1500), (0, 0))]:
        result = _rate(before, after)
        assert result.verdict is GuardrailVerdict.INCONCLUSIVE
        assert result.reason is GuardrailReason.NO_CALLS
        assert result.interval is None
        assert result.estimate is None


def test_no_event_in_few_calls_proves_nothing() -> None:
    assert _rate((0, 100), (0, 100), "0.005").verdict is GuardrailVerdict.INCONCLUSIVE
    assert _rate((0, 1500), (0, 1500), "0.005").verdict is GuardrailVerdict.PASS


def test_every_call_failing_is_a_failure() -> None:
    assert _rate((0, 40), (40, 40)).verdict is GuardrailVerdict.FAIL


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="5 events in 4 calls"):
        Proportion(5, 4)
    with pytest.raises(ValueError, match="-1 events"):
        Proportion(-1, 4)


def test_a_margin_must_be_one() -> None:
    with pytest.raises(ValueError, match="error_rate"):
        Margins(Decimal("-0.01"), Decimal(0), Decimal(0), Decimal(1), Decimal(1))
    with pytest.raises(ValueError, match="p95_ratio"):
        Margins(Decimal("0.01"), Decimal(0), Decimal(0), Decimal(1), Decimal("0.9"))


# Durations.


def test_the_same_durations_pass() -> None:
    result = duration_guardrail(Guardrail.P50_SECONDS, STEADY, STEADY, Decimal("1.10"))
    assert result.verdict is GuardrailVerdict.PASS
    assert result.estimate == 1.0
    assert (result.before_days, result.after_days) == (14, 14)


def test_half_as_slow_again_fails() -> None:
    result = duration_guardrail(Guardrail.P95_SECONDS, STEADY, _times(STEADY, 1.5), Decimal("1.20"))
    assert result.verdict is GuardrailVerdict.FAIL
    assert result.estimate == pytest.approx(1.5)


def test_noisy_days_are_inconclusive() -> None:
    noisy = (4.0, 25.0, 7.0, 18.0, 10.0, 12.0, 6.0)
    result = duration_guardrail(Guardrail.P95_SECONDS, noisy, noisy, Decimal("1.20"))
    assert result.verdict is GuardrailVerdict.INCONCLUSIVE
    assert result.reason is GuardrailReason.UNDERPOWERED


def test_a_single_day_is_inconclusive() -> None:
    result = duration_guardrail(Guardrail.P50_SECONDS, STEADY, (10.0,), Decimal("1.10"))
    assert result.verdict is GuardrailVerdict.INCONCLUSIVE
    assert result.reason is GuardrailReason.TOO_FEW_DAYS
    assert result.interval is None


def test_welch_by_hand() -> None:
    before, after = (1.0, math.e, math.e**2), (math.e, math.e**3)
    # Logs 0, 1, 2 and 1, 3: means 1 and 2, variances 1 and 2; se² = 1/3 + 1; ν = (4/3)² / ((1/3)²/2 + 1²/1) = 32/19.
    result = duration_guardrail(Guardrail.P50_SECONDS, before, after, Decimal("1.10"))
    assert result.degrees_of_freedom == pytest.approx(32 / 19)
    assert result.estimate == pytest.approx(math.e)
    assert result.interval is not None
    assert math.log(result.interval.high) - 1 == pytest.approx(1 - math.log(result.interval.low))
    # t(.95) between ν = 1 (6.314) and ν = 2 (2.920).
    assert 2.920 < (math.log(result.interval.high) - 1) / math.sqrt(4 / 3) < 6.314


def test_days_that_do_not_vary_are_compared_as_they_are() -> None:
    assert (
        duration_guardrail(Guardrail.P50_SECONDS, (5.0, 5.0), (5.0, 5.0), Decimal("1.1")).verdict
        is GuardrailVerdict.PASS
    )
    assert (
        duration_guardrail(Guardrail.P50_SECONDS, (5.0, 5.0), (6.0, 6.0), Decimal("1.1")).verdict
        is GuardrailVerdict.FAIL
    )


def test_a_call_of_no_measurable_time_counts_as_a_microsecond() -> None:
    result = duration_guardrail(Guardrail.P50_SECONDS, (0.0, 0.0), (1e-6, 1e-6), Decimal("1.1"))
    assert result.estimate == 1.0


@pytest.mark.parametrize("seconds", [-1.0, math.nan, math.inf])
def test_seconds_must_be_a_duration(seconds: float) -> None:
    with pytest.raises(ValueError, match="p50_seconds"):
        duration_guardrail(Guardrail.P50_SECONDS, STEADY, (10.0, seconds), Decimal("1.1"))


# All together.


def test_a_function_that_does_as_well_as_before_passes_all_five() -> None:
    result = assess("f", before=_quality(), after=_quality(), margins=MARGINS)
    assert [one.guardrail for one in result.results] == list(Guardrail)
    assert result.verdict is GuardrailVerdict.PASS
    assert result.not_passed == ()


def test_one_failure_fails_the_function_and_says_which() -> None:
    result = assess("f", before=_quality(), after=_quality(ooms=200), margins=MARGINS)
    assert result.verdict is GuardrailVerdict.FAIL
    assert [one.guardrail for one in result.not_passed] == [Guardrail.OOM_RATE]


def test_a_slower_p95_fails_the_function() -> None:
    result = assess("f", before=_quality(), after=_quality(p95=_times(STEADY, 1.6)), margins=MARGINS)
    assert [one.guardrail for one in result.not_passed] == [Guardrail.P95_SECONDS]


def test_too_little_data_is_inconclusive_and_never_a_pass() -> None:
    little = _quality(calls=30, errors=0, timeouts=0, p50=(10.0,), p95=(12.0,))
    result = assess("f", before=_quality(), after=little, margins=MARGINS)
    assert result.verdict is GuardrailVerdict.INCONCLUSIVE
    assert len(result.not_passed) == 5


def test_a_failure_counts_more_than_missing_data() -> None:
    after = _quality(errors=900, p50=(10.0,))
    assert assess("f", before=_quality(), after=after, margins=MARGINS).verdict is GuardrailVerdict.FAIL


# Properties.

_counts = st.integers(1, 5000).flatmap(lambda calls: st.builds(Proportion, st.integers(0, calls), st.just(calls)))
_days = st.lists(st.floats(0.01, 1000), min_size=2, max_size=20).map(tuple)


@given(_counts, _counts)
def test_the_interval_holds_the_estimate_and_stays_within_bounds(before: Proportion, after: Proportion) -> None:
    interval = newcombe(before, after)
    difference = after.rate - before.rate
    assert -1 <= interval.low <= difference <= interval.high <= 1


@given(_counts, _counts)
def test_swapping_the_arms_mirrors_the_interval(before: Proportion, after: Proportion) -> None:
    there, back = newcombe(before, after), newcombe(after, before)
    assert there.low == pytest.approx(-back.high)
    assert there.high == pytest.approx(-back.low)


@given(_counts, _counts, st.decimals("0", "0.2", places=3))
def test_a_wider_margin_never_turns_a_pass_away(before: Proportion, after: Proportion, margin: Decimal) -> None:
    order = [GuardrailVerdict.FAIL, GuardrailVerdict.INCONCLUSIVE, GuardrailVerdict.PASS]
    narrow = rate_guardrail(Guardrail.ERROR_RATE, before, after, margin)
    wide = rate_guardrail(Guardrail.ERROR_RATE, before, after, margin + Decimal("0.05"))
    assert order.index(narrow.verdict) <= order.index(wide.verdict)


@given(_days, _days, st.floats(0.1, 10))
def test_the_unit_of_time_does_not_matter(before: tuple[float, ...], after: tuple[float, ...], factor: float) -> None:
    one = duration_guardrail(Guardrail.P95_SECONDS, before, after, Decimal("1.2"))
    other = duration_guardrail(Guardrail.P95_SECONDS, _times(before, factor), _times(after, factor), Decimal("1.2"))
    assert one.estimate is not None
    assert other.estimate == pytest.approx(one.estimate, rel=1e-6)


@given(_days, _days)
def test_the_estimate_is_the_ratio_of_geometric_means(before: tuple[float, ...], after: tuple[float, ...]) -> None:
    result = duration_guardrail(Guardrail.P95_SECONDS, before, after, Decimal("1.2"))
    ratio = statistics.geometric_mean(after) / statistics.geometric_mean(before)
    assert result.estimate == pytest.approx(ratio, rel=1e-9)
    assert isinstance(result.interval, Interval)
    assert result.interval.low <= ratio * (1 + 1e-9)
    assert ratio <= result.interval.high * (1 + 1e-9)
