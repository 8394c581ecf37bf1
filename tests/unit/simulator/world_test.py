"""The simulated world behaves like Modal: containers, queues, deployments, and a bill for container life."""

import dataclasses
import datetime as dt
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from tieout.simulator import SCENARIOS, World, larger, run
from tieout.simulator.bill import ROUNDING_FUNCTION
from tieout.simulator.configuration import Behaviour, ContainerConfiguration, DeployedFunction
from tieout.simulator.containers import (
    INIT_FAILURE,
    NEVER,
    TERMINATED,
    TIMEOUT,
    PoolLog,
    Version,
    container_use,
    run_pool,
)
from tieout.simulator.coral_x import EVALUATE, GENERATE, NEW_APP, OLD_APP, PHASE_1, PROGRESS
from tieout.simulator.demand import HOUR_US, SECOND_US, Calls, Integers
from tieout.simulator.metering import COMPONENTS, CPU, container_stretches, meter
from tieout.simulator.scenario import SimulatedRollout, StayingCallers
from tieout.simulator.truth import avoided_daily, cost_hourly
from tieout.simulator.world import from_us, to_us

START = to_us(dt.datetime(2026, 10, 12, tzinfo=dt.UTC))
END = START + 24 * HOUR_US
STEADY = Behaviour(
    median_seconds=10.0,
    spread=0.0,
    cold_start_seconds=(4.0, 4.0),
    millicores_executing=(1000, 1000),
    memory_mib_used=(100, 100),
    failure_rate=0.0,
    init_failure_rate=0.0,
    preemptions_per_hour=0.0,
)
ON_GPU = ContainerConfiguration("A100-40GB", None, 16384, 1800)


@pytest.fixture(scope="module")
def world() -> World:
    return run(SCENARIOS["coral-x"], seed=1, weeks=2)


def calls_at(*seconds: float, preemption: float = 0.99) -> Calls:
    """Calls at seconds after the start, all with the same middling luck."""
    count = len(seconds)
    enqueued = START + np.rint(np.array(seconds) * SECOND_US).astype(np.int64)
    even = np.full(count, 0.5)
    return Calls(
        function="f",
        enqueued_us=enqueued,
        service_score=np.zeros(count),
        fate=even,
        moment=even,
        preemption=np.full(count, preemption),
        cold_start=even,
        init_failure=even,
        scaledown=even,
        use=even,
        dispatch=even,
        loyalty=even,
        log_delay=even,
    )


def pool_of(calls: Calls, *versions: Version) -> PoolLog:
    log = run_pool(calls, np.arange(len(calls)), app="a", versions=versions, end_us=END)
    assert log is not None
    return log


def version(behaviour: Behaviour = STEADY, since_us: int = START - HOUR_US, **changes: object) -> Version:
    configuration = dataclasses.replace(ON_GPU, **changes)  # type: ignore[arg-type]
    return Version(since_us, DeployedFunction(configuration, behaviour))


def seconds_alive(log: PoolLog) -> list[float]:
    return [(stopped - created) / SECOND_US for created, stopped in zip(log.created_us, log.stopped_us, strict=True)]


def gpu_seconds(log: PoolLog, calls: Calls) -> Integers:
    metered = meter(log, container_use(log, calls), start_us=START, end_us=END)
    seconds: Integers = metered["A100-40GB"].sum(axis=0) // (4 * SECOND_US)
    return seconds


def test_a_lone_call_pays_for_its_cold_start_and_for_the_scaledown_window_after_it() -> None:
    calls = calls_at(100.0)
    log = pool_of(calls, version())
    assert seconds_alive(log) == pytest.approx([4.0 + 10.0 + 60.0], abs=0.3)
    startup, execution, idle, *_ = gpu_seconds(log, calls)
    assert (startup, execution) == (4, 10)
    assert idle in {60, 61}


def test_a_warm_container_serves_the_next_call_without_a_cold_start() -> None:
    log = pool_of(calls_at(100.0, 130.0), version())
    assert len(log.created_us) == 1
    assert log.first.tolist() == [True, False]


def test_after_the_scaledown_window_a_call_starts_a_new_container() -> None:
    log = pool_of(calls_at(100.0, 300.0), version())
    assert len(log.created_us) == 2


def test_concurrent_inputs_share_the_time_of_their_container() -> None:
    calls = calls_at(100.0, 130.0, 131.0, 132.0)
    log = pool_of(calls, version(concurrent_inputs=4))
    assert len(log.created_us) == 1
    stretches = container_stretches(log)
    busy = stretches.component == COMPONENTS.index("execution")
    executed = (stretches.end_us - stretches.start_us)[busy].sum() / SECOND_US
    assert executed == pytest.approx(10 + 12, abs=0.3)


def test_never_more_than_max_containers_and_the_queue_waits() -> None:
    calls = calls_at(*np.arange(100.0, 101.0, 0.1))
    log = pool_of(calls, version(max_containers=2))
    assert len(log.created_us) == 2
    assert np.bincount(log.container).tolist() == [5, 5]
    assert (log.started_us - calls.enqueued_us[log.call]).max() > 40 * SECOND_US


def test_min_containers_are_billed_without_a_call() -> None:
    calls = calls_at(100.0)
    log = pool_of(calls, version(min_containers=1))
    assert log.stopped_us.max() == END
    startup, execution, idle, *_ = gpu_seconds(log, calls)
    assert startup + execution + idle == 24 * 3600
    assert execution == 10


def test_a_deployment_lets_busy_containers_finish_and_stops_idle_ones() -> None:
    calls = calls_at(100.0, 140.0, 141.0)
    log = pool_of(calls, version(), version(since_us=START + 145 * SECOND_US))
    ended = (log.stopped_us - START) / SECOND_US
    # The first container is busy with the second call; the one started for the third is still starting.
    assert ended[0] == pytest.approx(150.2, abs=0.3)
    assert ended[1] == 145.0
    assert log.version.tolist() == [0, 0, 1]
    assert len(log.call) == 3


def test_a_preempted_call_ends_on_one_container_and_starts_again_on_another() -> None:
    behaviour = dataclasses.replace(STEADY, preemptions_per_hour=1000.0)
    log = pool_of(calls_at(100.0, preemption=0.1), version(behaviour))
    assert log.call.tolist() == [0, 0]
    assert log.container.tolist() == [0, 1]
    assert log.status.tolist() == [TERMINATED, 0]


def test_a_call_that_hangs_is_cut_off_at_the_timeout() -> None:
    log = pool_of(calls_at(100.0), version(dataclasses.replace(STEADY, hang_rate=1.0), timeout_seconds=30))
    assert log.status.tolist() == [TIMEOUT]
    assert (log.finished_us - log.started_us).tolist() == [30 * SECOND_US]


def test_a_container_that_dies_before_it_is_ready_is_billed_and_its_call_never_starts() -> None:
    calls = calls_at(100.0)
    log = pool_of(calls, version(dataclasses.replace(STEADY, init_failure_rate=1.0)))
    assert log.status.tolist() == [INIT_FAILURE]
    assert log.started_us.tolist() == [NEVER]
    startup, *others = gpu_seconds(log, calls).tolist()
    assert (startup, set(others)) == (4, {0})


def test_cpu_is_billed_at_the_higher_of_request_and_use() -> None:
    calls = calls_at(100.0)
    for requested, billed in ((None, 1000), (500, 1000), (4000, 4000)):
        log = pool_of(calls, version(cpu_millicores=requested))
        executing = meter(log, container_use(log, calls), start_us=START, end_us=END)[CPU][:, 1].sum()
        assert executing == billed * 10 * SECOND_US * 4


def test_nonpreemptible_triples_the_price_of_cpu_but_not_of_the_gpu() -> None:
    calls = calls_at(100.0)
    plain, dear = (pool_of(calls, version(nonpreemptible=flag)) for flag in (False, True))
    once, thrice = (meter(log, container_use(log, calls), start_us=START, end_us=END) for log in (plain, dear))
    assert thrice[CPU].sum() == 3 * once[CPU].sum()
    assert thrice["A100-40GB"].sum() == once["A100-40GB"].sum()


def test_no_duration_is_negative_and_the_stretches_of_a_container_add_up_to_its_life(world: World) -> None:
    for log in world.pools:
        stretches = container_stretches(log)
        assert (stretches.end_us > stretches.start_us).all()
        assert (log.stopped_us >= log.created_us).all()
        started = log.started_us != NEVER
        assert (log.finished_us >= log.started_us)[started].all()
        assert (log.started_us >= world.calls[log.function].enqueued_us[log.call])[started].all()
        per_container = np.bincount(
            stretches.container, stretches.end_us - stretches.start_us, minlength=len(log.created_us)
        )
        assert (per_container == log.stopped_us - log.created_us).all()


def test_every_call_ends_exactly_once_and_only_restarts_repeat_it(world: World) -> None:
    for name, calls in world.calls.items():
        final = [log.call[log.status != TERMINATED] for log in world.pools if log.function == name]
        assert sorted(np.concatenate(final).tolist()) == list(range(len(calls)))


def test_the_bill_is_for_container_life_and_not_for_calls(world: World) -> None:
    first, last = to_us(world.start), to_us(world.end)
    alive_us = executed_us = 0
    for log in world.pools:
        if log.versions[0].deployed.configuration.gpu_type == "A100-40GB":
            alive_us += int((np.clip(log.stopped_us, first, last) - np.clip(log.created_us, first, last)).sum())
            executed_us += int((log.finished_us - log.started_us)[log.started_us != NEVER].sum())
    billed = Decimal(sum(item.parts.get("A100-40GB", 0) for item in world.bill.items)).scaleb(-8)
    at_list_price = Decimal(alive_us) * Decimal("2.10") / Decimal(3_600_000_000)
    assert abs(billed - at_list_price) < Decimal("0.0001")
    assert executed_us < alive_us * 0.7


def test_the_truth_adds_up_to_the_bill_in_every_hour_of_every_object(world: World) -> None:
    billed = {(item.description, item.hour): item.cost * 10_000 for item in world.bill.items}
    true = dict.fromkeys(billed, 0)
    for cell in world.bill.cells:
        true[cell.app, cell.hour] += cell.picodollars
    assert true == billed


def test_rounding_is_never_more_than_a_ten_millionth_of_a_dollar(world: World) -> None:
    rounding = [abs(cell.picodollars) for cell in world.bill.cells if cell.function == ROUNDING_FUNCTION]
    assert rounding
    assert max(rounding) <= 100_000


def test_the_twin_is_the_world_itself_before_the_first_deployment(world: World) -> None:
    avoided = avoided_daily(world)
    before = avoided.filter(pl.col("day") < PHASE_1.date())
    assert set(before["avoided_usd"].to_list()) == {Decimal(0)}
    after = avoided.filter((pl.col("day") > PHASE_1.date()) & (pl.col("function") == GENERATE))
    assert min(after["avoided_usd"].to_list()) > 0


def test_a_function_that_never_moves_avoids_nothing(world: World) -> None:
    unmoved = avoided_daily(world).filter(pl.col("function") == EVALUATE)
    assert set(unmoved["avoided_usd"].to_list()) == {Decimal(0)}


def test_a_share_of_the_callers_stays_on_the_old_app() -> None:
    world = run(SCENARIOS["as-deployed"], seed=1, weeks=2)
    after = {
        log.app: int(np.count_nonzero(world.calls[PROGRESS].enqueued_us[log.call] >= to_us(PHASE_1)))
        for log in world.pools
        if log.function == PROGRESS
    }
    assert after[OLD_APP] / sum(after.values()) == pytest.approx(0.35, abs=0.03)


def test_as_deployed_progress_never_had_a_gpu_to_save() -> None:
    deployment = next(app for app in SCENARIOS["as-deployed"].apps if app.name == OLD_APP).deployments[0]
    assert deployment.functions[PROGRESS].configuration.gpu_type is None
    assert len(SCENARIOS["as-deployed"].functions) == 10


def test_the_price_of_an_a10g_falls_at_its_midnight() -> None:
    prices = SCENARIOS["coral-x"].prices
    rates = [prices.on(dt.date(2026, 11, day))["gpu_hour_cost_a10g"] for day in (8, 9)]
    assert rates == [Decimal("1.10000"), Decimal("1.05000")]


def test_eight_weeks_end_with_the_week_of_the_first_report() -> None:
    start, end = SCENARIOS["coral-x"].period(8)
    assert (start.date(), end.date()) == (dt.date(2026, 9, 21), dt.date(2026, 11, 16))
    with pytest.raises(ValueError, match="at least 1"):
        SCENARIOS["coral-x"].period(0)


def test_calls_come_at_the_projected_rate_and_mostly_by_day(world: World) -> None:
    enqueued = world.calls[GENERATE].enqueued_us
    assert len(enqueued) / (14 * 24) == pytest.approx(50, rel=0.1)
    hours = np.array([from_us(int(instant)).hour for instant in enqueued])
    assert np.count_nonzero((hours >= 9) & (hours < 18)) > 1.5 * np.count_nonzero(hours < 9)


def test_a_larger_world_has_that_many_functions_and_calls() -> None:
    big = larger(SCENARIOS["coral-x"], functions=30, calls_per_day=6000)
    assert len(big.functions) == len({function.name for function in big.functions}) == 30
    assert len({app.app_id for app in big.apps}) == len(big.apps)
    world = run(big, seed=3, weeks=1)
    assert sum(map(len, world.calls.values())) / 7 == pytest.approx(6000, rel=0.1)


def test_daily_truth_has_every_function_and_day(world: World) -> None:
    daily = world.daily()
    assert len(daily) == 7 * 14
    by_function = cost_hourly(world).filter(~pl.col("function").str.starts_with("__"))
    assert daily["cost_usd"].sum() == by_function["amount_usd"].sum()


def test_a_scenario_whose_parts_do_not_fit_is_refused() -> None:
    coral = SCENARIOS["coral-x"]
    with pytest.raises(ValueError, match="not among the apps"):
        dataclasses.replace(coral, apps=())
    nowhere = SimulatedRollout(EVALUATE, NEW_APP, PHASE_1, StayingCallers())
    with pytest.raises(ValueError, match="does not deploy it"):
        dataclasses.replace(coral, rollouts=(nowhere,))
