import datetime as dt
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tieout.catalog.load import load_catalog
from tieout.catalog.models import Catalog
from tieout.core.periods import IsoWeek, days_between
from tieout.core.resources import resource_path
from tieout.savings.daily_work import DailyWork
from tieout.savings.days import BaselinePeriod
from tieout.savings.function_measurement import FunctionMeasurement
from tieout.savings.guardrails import Guardrail, GuardrailVerdict
from tieout.savings.ledger import LedgerState
from tieout.savings.log_coverage import LogGap
from tieout.savings.programme import Programme
from tieout.savings.status import ReasonCode, Status
from tieout.savings.week import WeekMeasurement, measure_week

CATALOG: Catalog = load_catalog(resource_path("catalog"))
PROGRAMME = Programme.of(CATALOG)
GENERATE, EVALUATE, ALERTS = "generate_code_modal", "evaluate_genome_modal", "get_emergent_alerts_modal"

BASELINE = BaselinePeriod(dt.date(2026, 9, 21), dt.date(2026, 10, 19))
BEFORE = days_between(BASELINE.start, BASELINE.end)
BETWEEN = days_between(dt.date(2026, 10, 20), dt.date(2026, 11, 2))
LAST = days_between(dt.date(2026, 11, 3), dt.date(2026, 11, 16))
FIRST_WEEK, DEPLOYMENT_WEEK, SECOND_WEEK = (IsoWeek.parse(f"2026-W{week}") for week in (44, 45, 46))


def day_of_work(day: dt.date, calls: int, cost: str, *, function: str = GENERATE, phase: str = "baseline") -> DailyWork:
    """A day of calls that all succeed: 10 s each in containers that are billed for 12 s a call, all of it GPU."""
    amount = Decimal(cost)
    return DailyWork(
        function=function,
        phase=phase,
        day=day,
        successful_calls=calls,
        function_calls=calls,
        inputs=calls,
        errors=0,
        timeouts=0,
        ooms=0,
        p50_seconds=9.0,
        p95_seconds=20.0,
        busy_us=calls * 10_000_000,
        container_us=calls * 12_000_000,
        cost_usd=amount,
        gpu_usd=amount,
        cpu_usd=Decimal(0),
        memory_usd=Decimal(0),
        is_settled=True,
    )


def days_of_work(
    days: Iterable[dt.date], calls: int, cost: str, *, function: str = GENERATE, phase: str = "baseline"
) -> list[DailyWork]:
    return [day_of_work(day, calls, cost, function=function, phase=phase) for day in days]


def measure(
    work: Sequence[DailyWork],
    week: IsoWeek = FIRST_WEEK,
    *,
    programme: Programme = PROGRAMME,
    baseline: BaselinePeriod | None = BASELINE,
    landed: Iterable[dt.date] | None = None,
    contradictions: Mapping[str, Mapping[str, str]] | None = None,
    log_gaps: Iterable[LogGap] = (),
) -> WeekMeasurement:
    return measure_week(
        week,
        work,
        programme=programme,
        baseline=baseline,
        landed={value.day for value in work} if landed is None else landed,
        contradictions=contradictions or {},
        log_gaps=log_gaps,
    )


def rollout(calls: int = 100, cost: str = "8") -> list[DailyWork]:
    """Four weeks at 100 calls and $20 a day, then two weeks after the first phase."""
    return days_of_work(BEFORE, 100, "20") + days_of_work(BETWEEN, calls, cost, phase="phase-1")


def generate(measurement: WeekMeasurement) -> FunctionMeasurement:
    return measurement.function(GENERATE)


def codes(function: FunctionMeasurement | WeekMeasurement) -> list[ReasonCode]:
    return [reason.code for reason in function.judgement.reasons]


# What is a saving


def test_the_same_work_for_less_is_a_saving() -> None:
    measurement = measure(rollout())
    assert measurement.avoided_usd == 84
    assert len(measurement.days) == 7
    assert generate(measurement).cash_change_usd == 84
    assert measurement.judgement.status is Status.VERIFIED


def test_a_volume_drop_is_not_a_saving() -> None:
    measurement = measure(rollout(calls=60, cost="12"))
    assert measurement.avoided_usd == 0
    assert generate(measurement).cash_change_usd == 56
    assert measurement.judgement.status is Status.NOT_DETERMINABLE


def test_a_volume_drop_without_a_rollout_claims_nothing() -> None:
    never = replace(PROGRAMME, phases=())
    measurement = measure(rollout(calls=60, cost="12"), programme=never)
    assert measurement.avoided_usd is None
    assert codes(generate(measurement)) == [ReasonCode.NO_CHANGE_NAMED]


def test_more_work_at_the_same_cost_is_a_saving_without_cash() -> None:
    measurement = measure(rollout(calls=150, cost="20"))
    assert measurement.avoided_usd == 70
    assert generate(measurement).cash_change_usd == 0


def test_a_rollout_that_makes_cost_worse_is_reported_negative() -> None:
    measurement = measure(rollout(cost="25"))
    assert measurement.avoided_usd == -35
    assert measurement.judgement.status is Status.REVERSED


def test_warm_containers_keep_a_drop_from_looking_like_a_loss() -> None:
    # $10 a day stand ready, $0.10 a call: a proportional model would expect $12 of 60 calls, not $16.
    work = [day_of_work(day, 80 + i % 5 * 10, f"{10 + (80 + i % 5 * 10) * 0.1:.2f}") for i, day in enumerate(BEFORE)]
    measurement = measure(work + days_of_work(BETWEEN, 60, "16", phase="phase-1"))
    assert measurement.avoided_usd == 0
    assert ReasonCode.EXTRAPOLATED in codes(generate(measurement))


def test_the_amount_is_exact_until_it_is_rounded_once() -> None:
    work = days_of_work(BEFORE, 3, "1") + days_of_work(BETWEEN, 3, "0", phase="phase-1")
    assert measure(work).avoided_usd == 7


def test_the_order_of_the_days_does_not_matter() -> None:
    work = rollout() + days_of_work(BEFORE, 7, "1.23", function=ALERTS)
    shuffled = random.Random(5).sample(work, len(work))
    assert measure(shuffled) == measure(work)


# What counts


def test_nothing_is_claimed_before_anything_is_deployed() -> None:
    measurement = measure(days_of_work(BEFORE, 100, "20"), IsoWeek.parse("2026-W42"))
    assert measurement.avoided_usd is None
    assert measurement.bridge is None
    assert codes(generate(measurement)) == [ReasonCode.NOTHING_DEPLOYED]


def test_the_deployment_day_counts_on_neither_side() -> None:
    deployment = dt.date(2026, 10, 19)
    work = [*rollout(), *days_of_work([deployment], 1, "1000000")]
    measurement = measure(work, IsoWeek.parse("2026-W43"))
    assert measurement.days == tuple(days_between(dt.date(2026, 10, 20), dt.date(2026, 10, 26)))
    assert measurement.avoided_usd == 72


def test_the_deployment_day_of_one_phase_is_blacked_out_for_all() -> None:
    second = days_of_work([dt.date(2026, 11, 2), *LAST], 100, "8", phase="phase-1")
    assert generate(measure(rollout() + second, DEPLOYMENT_WEEK)).days == tuple(LAST[:6])


def test_a_day_without_its_bill_is_no_saving() -> None:
    work = rollout()
    landed = {value.day for value in work} - {dt.date(2026, 10, 28)}
    measurement = measure(work, landed=landed)
    assert measurement.avoided_usd == 72
    assert measurement.missing_days == (dt.date(2026, 10, 28),)


def test_a_refund_is_no_saving() -> None:
    refunded = dt.date(2026, 10, 28)
    measurement = measure([*rollout(), day_of_work(refunded, 0, "-1500", phase="phase-1")])
    assert measurement.avoided_usd == 72
    assert measurement.missing_days == (refunded,)
    assert [(day.function, day.cost_usd) for day in measurement.negative_days] == [(GENERATE, Decimal(-1492))]
    assert measurement.rates is not None
    assert measurement.rates.cost_cut == Fraction(6, 10)


def test_a_refund_that_leaves_a_cost_is_a_lower_cost() -> None:
    measurement = measure([*rollout(), day_of_work(dt.date(2026, 10, 28), 0, "-1", phase="phase-1")])
    assert measurement.avoided_usd == 85
    assert measurement.negative_days == ()


def test_a_day_without_one_of_the_logs_counts_for_no_function() -> None:
    before, after = BEFORE[3], dt.date(2026, 10, 28)
    gap = LogGap("coral-x-production", EVALUATE, (before, after, dt.date(2026, 12, 1)))
    work = [*rollout(), day_of_work(before, 0, "900"), day_of_work(after, 0, "900", phase="phase-1")]
    measurement = measure(work, log_gaps=[gap])
    assert measurement.avoided_usd == 72
    assert before not in measurement.baseline_days
    assert measurement.uncounted == {before, after}
    assert not measurement.uncounted & set(measurement.counted)


def test_work_after_the_week_is_not_looked_at() -> None:
    later = days_of_work(LAST, 100, "900", phase="phase-2", function=EVALUATE)
    assert measure(rollout() + later) == measure(rollout())


def test_nothing_is_claimed_without_a_baseline_or_without_work_in_it() -> None:
    work = days_of_work(BETWEEN, 100, "8", phase="phase-1")
    assert codes(generate(measure(work, baseline=None))) == [ReasonCode.TOO_FEW_BASELINE_DAYS]
    idle = days_of_work(BEFORE, 0, "1") + work
    assert codes(generate(measure(idle))) == [ReasonCode.NO_BASELINE_CALLS]
    assert generate(measure(idle)).avoided_usd is None


def test_a_week_without_its_bill_claims_nothing() -> None:
    measurement = measure(rollout(), SECOND_WEEK)
    assert measurement.avoided_usd is None
    assert codes(generate(measurement)) == [ReasonCode.NO_MEASURED_DAY]


@pytest.mark.parametrize(("weeks", "status"), [(1, Status.PROVISIONAL), (2, Status.VERIFIED)])
def test_a_short_baseline_is_provisional(weeks: int, status: Status) -> None:
    baseline = BaselinePeriod(BASELINE.end - dt.timedelta(weeks=weeks), BASELINE.end)
    assert measure(rollout(), baseline=baseline).judgement.status is status


def test_a_bill_that_may_still_change_is_provisional() -> None:
    *work, last = [value for value in rollout() if value.day < FIRST_WEEK.end]
    measurement = measure([*work, replace(last, is_settled=False)])
    assert measurement.judgement.status is Status.PROVISIONAL
    assert codes(measurement) == [ReasonCode.UNSETTLED_DAYS]


def test_a_saving_that_starts_from_what_was_never_deployed_says_so() -> None:
    measurement = measure(rollout(), contradictions={GENERATE: {"gpu": "catalog A100-40GB, deployed no GPU"}})
    assert generate(measurement).judgement.status is Status.PREMISE_NOT_MET
    [line] = [line for line in measurement.ledger if line.function == GENERATE]
    assert line.state is Status.PREMISE_NOT_MET


# The interval


def test_days_that_scatter_make_the_interval_wide() -> None:
    quiet = [day_of_work(day, 100, str(20 + (-1) ** i)) for i, day in enumerate(BEFORE)]
    wild = [day_of_work(day, 100, str(20 + 19 * (-1) ** i)) for i, day in enumerate(BEFORE)]
    after = days_of_work(BETWEEN, 100, "8", phase="phase-1")
    calm, loud = measure(quiet + after), measure(wild + after)
    assert calm.half_width is not None
    assert loud.half_width is not None
    assert calm.half_width.half_width_usd < loud.half_width.half_width_usd
    assert calm.avoided_usd == loud.avoided_usd == 84
    assert loud.judgement.status is not Status.VERIFIED


def test_functions_that_scatter_together_are_less_certain_than_their_squares_say() -> None:
    work = [
        day_of_work(day, 100, str(20 + (-1) ** i), function=function)
        for i, day in enumerate(BEFORE)
        for function in (GENERATE, ALERTS)
    ]
    work += [w for f in (GENERATE, ALERTS) for w in days_of_work(BETWEEN, 100, "8", function=f, phase="phase-1")]
    measurement = measure(work)
    [one, other] = [f.half_width for f in measurement.functions if f.half_width is not None]
    assert measurement.half_width is not None
    total = float(measurement.half_width.half_width_usd)
    assert total == pytest.approx(float(one.half_width_usd + other.half_width_usd))


# Harm


def harmed(**quality: int | float) -> WeekMeasurement:
    """A rollout that saves, and harms what the guardrails watch."""
    after = [replace(value, **quality) for value in days_of_work(BETWEEN, 100, "8", phase="phase-1")]  # type: ignore[arg-type]
    return measure(days_of_work(BEFORE, 100, "20") + after)


@pytest.mark.parametrize(
    ("quality", "guardrail"),
    [
        ({"errors": 8}, Guardrail.ERROR_RATE),
        ({"timeouts": 8}, Guardrail.TIMEOUT_RATE),
        ({"ooms": 8}, Guardrail.OOM_RATE),
        ({"p50_seconds": 18.0}, Guardrail.P50_SECONDS),
        ({"p95_seconds": 40.0}, Guardrail.P95_SECONDS),
    ],
)
def test_injected_harm_takes_the_verified_away_and_says_which(
    quality: Mapping[str, int | float], guardrail: Guardrail
) -> None:
    assert generate(harmed()).judgement.status is Status.VERIFIED
    measurement = harmed(**quality)
    assert generate(measurement).avoided_usd == 84
    for judgement, name in (
        (generate(measurement).judgement, guardrail.value),
        (measurement.judgement, f"{GENERATE}: {guardrail.value}"),
    ):
        assert judgement.status is Status.NOT_DETERMINABLE
        assert [(reason.code, reason.data) for reason in judgement.reasons] == [
            (ReasonCode.GUARDRAIL_FAILED, {"guardrail": name})
        ]


def test_too_little_data_is_inconclusive_and_no_pass() -> None:
    work = days_of_work(BEFORE, 2, "20") + days_of_work(BETWEEN, 2, "8", phase="phase-1")
    function = generate(measure(work))
    assert function.guardrails is not None
    assert function.guardrails.verdict is GuardrailVerdict.INCONCLUSIVE
    assert function.judgement.status is Status.PROVISIONAL
    assert set(codes(function)) == {ReasonCode.GUARDRAIL_INCONCLUSIVE}


def test_what_a_function_does_that_moves_hardly_anything_does_not_hold_up_the_total() -> None:
    tiny = days_of_work(BEFORE, 2, "0.02", function=ALERTS)
    tiny += days_of_work(BETWEEN, 2, "0.01", function=ALERTS, phase="phase-1")
    measurement = measure(rollout() + tiny)
    assert measurement.function(ALERTS).judgement.status is Status.PROVISIONAL
    assert measurement.judgement.status is Status.VERIFIED


def test_calls_that_stayed_on_the_old_app_are_not_held_against_the_new_one() -> None:
    stayed = [replace(value, errors=50) for value in days_of_work(BETWEEN, 100, "20")]
    function = generate(measure(rollout() + stayed))
    assert function.guardrails is not None
    assert function.guardrails.verdict is GuardrailVerdict.PASS


# The ledger


def test_phases_add_up_and_never_count_twice() -> None:
    both = replace(
        PROGRAMME, phases=tuple(phase.model_copy(update={"functions": (GENERATE,)}) for phase in PROGRAMME.phases)
    )
    work = days_of_work(BEFORE, 1000, "200") + days_of_work(BETWEEN, 1000, "80", phase="phase-1")
    work += days_of_work(LAST, 1000, "50", phase="phase-2")
    measurement = measure(work, SECOND_WEEK, programme=both)
    own = [line for line in measurement.ledger if line.function == GENERATE]
    assert [(line.phases, line.avoided_usd) for line in own] == [
        (("phase-1",), Decimal(840)),
        (("phase-2",), Decimal(210)),
    ]
    assert generate(measurement).avoided_usd == 1050
    assert [line.half_width_usd for line in own] == [None, None]


def test_a_phase_is_proposed_then_deployed_then_measured() -> None:
    work = rollout() + days_of_work([*BEFORE, *BETWEEN], 100, "20", function=EVALUATE)

    def state(week: IsoWeek, work: Sequence[DailyWork]) -> object:
        return next(line.state for line in measure(work, week).ledger if line.function == EVALUATE)

    assert state(FIRST_WEEK, work) is LedgerState.PROPOSED
    assert state(DEPLOYMENT_WEEK, work) is LedgerState.DEPLOYED
    moved = days_of_work(LAST, 100, "10", function=EVALUATE, phase="phase-2")
    assert state(SECOND_WEEK, work + moved) is Status.VERIFIED


def test_a_function_that_was_never_seen_keeps_its_line_of_the_claim() -> None:
    function = measure(rollout()).function(EVALUATE)
    assert (function.projected_usd_per_day, function.avoided_usd) == (Decimal(504), None)


# At the projection's own calls


def test_the_normalized_saving_has_the_projections_volume() -> None:
    assert generate(measure(rollout(calls=10, cost="0.8"))).normalized_usd_per_day == 1200 * Decimal("0.12")
    assert generate(measure(rollout(calls=150, cost="12"))).normalized_usd_per_day == 1200 * Decimal("0.12")


# The bridge


@st.composite
def _programmes_work(draw: st.DrawFn) -> list[DailyWork]:
    """Eight weeks of three functions with arbitrary volumes and cost, some of them on the old app after the rollout."""
    work = []
    for function, phase in ((GENERATE, "phase-1"), (ALERTS, "phase-1"), (EVALUATE, "phase-2")):
        for days, own in ((BEFORE, "baseline"), (BETWEEN, phase), (LAST, phase), (LAST, "baseline")):
            calls = draw(st.integers(0, 500))
            cost = Decimal(draw(st.integers(0, 10**15))).scaleb(-12)
            work += days_of_work(days, calls, str(cost), function=function, phase=own)
    return work


@settings(max_examples=15, deadline=None)
@given(_programmes_work())
def test_the_bridge_closes_for_every_function_phase_and_week(work: list[DailyWork]) -> None:
    for week in (FIRST_WEEK, DEPLOYMENT_WEEK, SECOND_WEEK):
        measurement = measure(work, week)
        if measurement.bridge is None:
            continue
        report = measurement.bridge
        for bridge in (report.total, *report.phases.values(), *report.functions.values()):
            for form in ("exact_usd", "printed_usd"):
                steps = sum(getattr(step.amount, form) for step in bridge.steps)
                assert getattr(bridge.published, form) + steps == getattr(bridge.realized, form)
        for (_, name), bridge in report.functions.items():
            assert bridge.realized.exact_usd == (measurement.function(name).avoided_usd_per_day or 0)


def test_the_bridge_does_not_depend_on_the_order_of_what_goes_in() -> None:
    work = rollout() + days_of_work(BEFORE, 70, "9", function=ALERTS)
    work += days_of_work(BETWEEN, 80, "1", function=ALERTS, phase="phase-1")
    bridge = measure(work).bridge
    assert bridge is not None
    assert measure(work[::-1]).bridge == bridge
    reversed_names = replace(PROGRAMME, functions=tuple(reversed(PROGRAMME.functions)))
    assert measure(work, programme=reversed_names).bridge == bridge


def test_a_function_that_loses_its_gpu_has_a_bridge_like_any_other() -> None:
    before = days_of_work(BEFORE, 100, "20", function=ALERTS)
    after = [
        replace(value, gpu_usd=Decimal(0), cpu_usd=value.cost_usd)
        for value in days_of_work(BETWEEN, 100, "0.5", function=ALERTS, phase="phase-1")
    ]
    measurement = measure(before + after)
    assert measurement.bridge is not None
    bridge = measurement.bridge.functions["phase-1", ALERTS]
    assert bridge.realized.printed_usd == Decimal("19.50")
    assert bridge.published.exact_usd + sum(step.amount.exact_usd for step in bridge.steps) == Decimal("19.5")


def test_what_is_realized_is_held_against_the_promise_three_ways() -> None:
    rates = measure(rollout()).rates
    assert rates is not None
    assert rates.vs_published == pytest.approx(12 / 4140)
    assert rates.cost_cut == pytest.approx(0.6)
    assert rates.claimed_cost_cut == pytest.approx(4137.6 / 6540)
    assert rates.vs_restated is not None
