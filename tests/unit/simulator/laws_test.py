"""Every law does what its name says, in the truth, in the bill and in the exports."""

import dataclasses
import datetime as dt
import json
from collections import defaultdict
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from benchmarks.worlds import APP, WORLDS, world
from tieout.core import ids
from tieout.simulator import SCENARIOS, World, run, write_world
from tieout.simulator.containers import INIT_FAILURE, NEVER, PoolLog, Purpose, container_use
from tieout.simulator.laws import LogHabits, SeriesHabits
from tieout.simulator.scenario import shown_name
from tieout.simulator.truth import cost_hourly
from tieout.simulator.world import to_us

SECOND_US = 1_000_000
NO_COST = Decimal(0)


@cache
def ran(name: str, seed: int = 1) -> World:
    return run(world(name), seed, weeks=1)


def pool(of: World, function: str, variant: str | None = None) -> PoolLog:
    return next(log for log in of.pools if (log.function, log.variant) == (function, variant))


def costs(of: World, *by: str) -> dict[Any, Decimal]:
    frame = cost_hourly(of).group_by(*by).agg(pl.col("amount_usd").sum())
    return {key if len(by) > 1 else key[0]: usd for *key_list, usd in frame.rows() for key in [tuple(key_list)]}


def billed(of: World, label: str) -> Decimal:
    return Decimal(sum(item.parts.get(label, 0) for item in of.bill.items)).scaleb(-8)


def idle_seconds(log: PoolLog) -> np.ndarray[Any, np.dtype[np.float64]]:
    """How long each container lived after its last input."""
    last = np.full(len(log.created_us), NEVER)
    np.maximum.at(last, log.container, log.finished_us)
    served = np.unique(log.container[log.started_us != NEVER])
    seconds: np.ndarray[Any, np.dtype[np.float64]] = (log.stopped_us - last)[served] / SECOND_US
    return seconds


def exports(of: World, folder: Path, source: str) -> list[Any]:
    write_world(of, folder)
    return [json.loads(path.read_text()) for path in sorted((folder / "landing" / source).rglob("*[0-9].json"))]


@pytest.mark.parametrize("name", WORLDS)
def test_the_truth_of_every_world_adds_up_to_its_bill(name: str) -> None:
    assert cost_hourly(ran(name))["amount_usd"].sum() == ran(name).billed_usd()


def test_the_truth_of_the_field_adds_up_to_its_bill_and_knows_its_environments() -> None:
    field = run(SCENARIOS["field"], 1, weeks=1)
    truth = cost_hourly(field)
    assert truth["amount_usd"].sum() == field.billed_usd()
    assert set(truth["environment"]) == {"main", "staging"}
    assert {"__server__/llm", "__sandboxes__", "__run__"} < set(truth["function"])


def test_where_nothing_is_broken_every_container_gets_an_input_and_lives_for_its_window() -> None:
    for log in ran("nothing_broken").pools:
        assert set(log.container.tolist()) == set(range(len(log.created_us)))
        window = log.versions[0].deployed.configuration.scaledown_window_seconds
        # A container that is killed for want of memory, or by the end of the period, has no tail.
        assert np.quantile(idle_seconds(log), [0.01, 0.99]) == pytest.approx([window, window], abs=0.01)


def test_tails_follow_their_law() -> None:
    shares = {
        name: idle_seconds(pool(ran(name), "check")) / 120 for name in ("tail_early", "tail_fixed_30", "tail_late")
    }
    assert np.quantile(shares["tail_early"], [0.05, 0.5, 0.95]) == pytest.approx([0.145, 0.55, 0.955], abs=0.05)
    assert np.quantile(shares["tail_fixed_30"], [0.02, 0.98]) == pytest.approx([0.3, 0.3], abs=0.01)
    assert np.quantile(shares["tail_late"], [0.05, 0.95]) == pytest.approx([1.03, 1.57], abs=0.05)


def test_a_surplus_container_never_gets_an_input_and_is_billed() -> None:
    log = pool(ran("surplus"), "rank")
    surplus = set(np.flatnonzero(log.purpose == Purpose.SURPLUS).tolist())
    assert len(surplus) / (len(log.created_us) - len(surplus)) == pytest.approx(0.2, abs=0.05)
    assert not surplus & set(log.container.tolist())
    assert costs(ran("surplus"), "function")["rank"] > costs(ran("nothing_broken"), "function")["rank"] * Decimal("1.1")


def test_a_busy_function_keeps_its_buffer() -> None:
    log = pool(ran("buffer"), "rank")
    assert (log.purpose == Purpose.BUFFER).any()
    assert costs(ran("buffer"), "function", "component")["rank", "warm"] > 1


def test_a_warm_floor_costs_its_function_without_any_call() -> None:
    of = ran("warm_no_calls")
    assert len(of.calls["web"]) == 0
    log = pool(of, "web")
    assert log.trigger.tolist() == [NEVER]
    # One A10G, a core and 2 GiB for a week less its start-up.
    hourly = Decimal("1.10") + Decimal("0.0473") + 2 * Decimal("0.008")
    assert costs(of, "function", "component")["web", "warm"] == pytest.approx(hourly * 168, rel=Decimal("0.001"))


def test_a_warm_floor_with_calls_is_never_left_without_a_container() -> None:
    log = pool(ran("warm_with_calls"), "embed")
    hours = to_us(ran("warm_with_calls").start) + np.arange(1, 168) * 3600 * SECOND_US
    alive = (log.created_us <= hours[:, None]) & (log.stopped_us > hours[:, None])
    assert alive.any(axis=1).all()


def test_use_above_the_request_is_billed() -> None:
    for name, column, request in (
        ("cpu_above_request", "millicores", 125),
        ("memory_above_request", "memory_mib", 128),
    ):
        of = ran(name)
        log = pool(of, "rank")
        quantity = getattr(container_use(log, of.calls["rank"]), column)[1]
        assert quantity.min() > 5 * request


def test_a_crash_loop_shows_ids_without_starts_and_costs_up_to_the_startup_timeout() -> None:
    log = pool(ran("crash_loop"), "rank")
    lives = (log.stopped_us - log.created_us)[log.failed] / SECOND_US
    assert lives.min() >= 60 and lives.max() <= 300
    failed = log.status == INIT_FAILURE
    assert (log.started_us[failed] == NEVER).all()
    assert set(log.container[failed].tolist()) <= set(np.flatnonzero(log.failed).tolist())
    assert costs(ran("crash_loop"), "function", "component")["rank", "failed"] > 10


def test_a_fallback_bills_the_other_gpu() -> None:
    of = ran("gpu_fallback")
    log = pool(of, "generate")
    assert set(log.gpu_choice.tolist()) == {0, 1}
    assert billed(of, "H100") > 0
    assert billed(of, "A100-40GB") > billed(ran("single_use"), "A100-40GB") * Decimal("0.5")


def test_a_variant_has_containers_of_its_own_and_one_log_with_its_function(tmp_path: Path) -> None:
    of = ran("variants")
    plain, large = pool(of, "embed"), pool(of, "embed", "large")
    assert len(large.call) / (len(large.call) + len(plain.call)) == pytest.approx(0.3, abs=0.05)
    rows = [row for day in exports(of, tmp_path, f"function_calls/app={APP}/function=embed") for row in day]
    assert len(rows) == len(plain.call) + len(large.call)
    arrivals = [dt.datetime.fromisoformat(row["enqueued_at"]) for row in rows]
    assert arrivals == sorted(arrivals)


def test_a_disk_raises_the_billed_memory_to_a_twentieth_of_it() -> None:
    of = ran("disk")
    use = container_use(pool(of, "fetch"), of.calls["fetch"])
    assert use.memory_mib.min() == 512 * 1024 // 20


def test_a_cluster_bills_all_of_its_containers_and_logs_one() -> None:
    of, alone = ran("cluster"), ran("nothing_broken")
    assert len(pool(of, "train").created_us) == len(pool(alone, "train").created_us)
    ratio = costs(of, "function")["train"] / costs(alone, "function")["train"]
    assert ratio == pytest.approx(Decimal(4), abs=Decimal("0.001"))


def test_single_use_has_no_tail_in_the_truth() -> None:
    of = ran("single_use")
    log = pool(of, "rank")
    assert np.unique(log.container, return_counts=True)[1].max() == 1
    parts = costs(of, "function", "component")
    # What is left is the moment between readiness and the start of the input.
    assert parts["rank", "idle"] < parts["rank", "execution"] * Decimal("0.02")


def test_a_server_is_billed_under_the_app_and_never_appears_in_a_call_log(tmp_path: Path) -> None:
    of = ran("server")
    assert {item.object_id for item in of.bill.items} == {app.app_id for app in of.scenario.apps}
    assert costs(of, "function")["__server__/llm"] > 100
    write_world(of, tmp_path)
    calls, server = (tmp_path / "landing" / source for source in ("function_calls", "server_info"))
    assert not [path for path in calls.rglob("*") if "llm" in path.name]
    assert [path.name for path in server.rglob("server=llm")] == ["server=llm"]


def test_sandboxes_cost_the_same_under_the_app_or_apart_at_prices_of_their_own() -> None:
    inside, apart = ran("sandbox_in_app"), ran("sandbox_apart")
    ids = {item.object_id for item in apart.bill.items if item.object_id.startswith("sb-")}
    assert len(ids) == len(apart.fleets[0].created_us)
    assert not [item for item in inside.bill.items if item.object_id.startswith("sb-")]
    own, shared = (sum(v for k, v in costs(of, "function").items() if k == "__sandboxes__") for of in (apart, inside))
    assert own == pytest.approx(shared, abs=Decimal("0.001"))
    lives = apart.fleets[0]
    hours = Decimal(int((lives.stopped_us - lives.created_us).sum())) / (3600 * SECOND_US)
    assert own == pytest.approx(hours * (Decimal("0.1419") + 2 * Decimal("0.024")), rel=Decimal("0.001"))


def test_a_run_is_billed_under_an_ephemeral_id_of_the_deployed_name(tmp_path: Path) -> None:
    of = ran("modal_run")
    names = defaultdict(set)
    for item in of.bill.items:
        names[item.description].add(item.object_id)
    assert set(names) == {APP}
    assert len(names[APP]) == 1 + len(of.fleets[0].created_us)
    listed = exports(of, tmp_path, "app_list")[-1]
    assert {row["app_id"] for row in listed} == names[APP]
    assert {row["description"] for row in listed} == {APP}


def test_the_inputs_of_a_map_share_one_call_id(tmp_path: Path) -> None:
    rows = [row for day in exports(ran("maps"), tmp_path, f"function_calls/app={APP}/function=embed") for row in day]
    inputs: dict[str, int] = defaultdict(int)
    for row in rows:
        inputs[row["function_call_id"]] += 1
    maps = [count for count in inputs.values() if count > 10]
    assert 20 <= len(maps) <= 65
    assert np.mean(maps) == pytest.approx(60, rel=0.1)


def test_a_new_price_stands_in_the_rates_and_in_the_bill(tmp_path: Path) -> None:
    of, before = ran("price_change"), ran("nothing_broken")
    write_world(of, tmp_path)
    folder = tmp_path / "landing/billing_rates"
    rates = [json.loads((folder / f"2026-10-{day}.json").read_text()) for day in (12, 15)]
    assert [Decimal(rate["gpu_hour_cost_a10g"]) for rate in rates] == [Decimal("1.10"), Decimal("0.88")]

    def a10g(world: World, *, after: bool) -> int:
        change = 3 * 24
        return sum(item.parts.get("A10G", 0) for item in world.bill.items if (item.hour >= change) == after)

    assert a10g(of, after=False) == a10g(before, after=False)
    assert a10g(of, after=True) == pytest.approx(0.8 * a10g(before, after=True), rel=1e-6)


def test_an_id_is_older_than_the_placement_where_a_container_waits_for_a_gpu(tmp_path: Path) -> None:
    log = pool(ran("gpu_wait"), "train")
    waits = (log.created_us - log.requested_us) / SECOND_US
    assert np.mean(waits > 0) == pytest.approx(0.3, abs=0.05)
    assert np.median(waits[waits > 0]) == pytest.approx(180, rel=0.25)
    rows = [
        row for day in exports(ran("gpu_wait"), tmp_path, f"function_calls/app={APP}/function=train") for row in day
    ]
    first = [row for row in rows if row["startup_time_seconds"] is not None]
    # The start-up time counts from the placement, so it is never as long as the wait that the id shows.
    assert max(row["startup_time_seconds"] for row in first) <= 25
    created = [ids.created_at(row["container_id"]) for row in first]
    started = [dt.datetime.fromisoformat(row["started_at"][:19]) for row in first]
    lags = [(begun - made).total_seconds() for begun, made in zip(started, created, strict=True) if made]
    assert sum(lag > 60 for lag in lags) > len(lags) / 5


def test_a_log_whose_clock_is_ahead_shows_later_times_for_the_same_bill(tmp_path: Path) -> None:
    skewed, true = ran("clock_skew"), ran("nothing_broken")
    assert skewed.bill == true.bill
    log = f"function_calls/app={APP}/function=rank"
    (ahead, *_), *_ = exports(skewed, tmp_path / "skewed", log)
    (usual, *_), *_ = exports(true, tmp_path / "true", log)
    for field in ("enqueued_at", "started_at"):
        times = (dt.datetime.fromisoformat(row[field]) for row in (ahead, usual))
        assert next(times) - next(times) == dt.timedelta(seconds=90)
    made = [ids.created_at(row["container_id"]) for row in (ahead, usual)]
    assert made[0] and made[1] and made[0] - made[1] == dt.timedelta(seconds=90)


def test_lost_rows_are_in_no_export_and_in_the_bill(tmp_path: Path) -> None:
    lossy, true = ran("lost_rows"), ran("nothing_broken")
    assert lossy.bill == true.bill
    shown = sum(len(day) for day in exports(lossy, tmp_path, "function_calls"))
    assert shown / sum(len(log.call) for log in lossy.pools) == pytest.approx(0.95, abs=0.01)


def test_rows_are_lost_from_a_day_on(tmp_path: Path) -> None:
    of = ran("nothing_broken")
    since = of.start + dt.timedelta(days=4)
    lossy = dataclasses.replace(
        of, scenario=dataclasses.replace(of.scenario, log=LogHabits(lost_share=0.5, lost_since=since))
    )
    days = exports(lossy, tmp_path / "lossy", f"function_calls/app={APP}/function=embed")
    usual = exports(of, tmp_path / "usual", f"function_calls/app={APP}/function=embed")
    assert days[:4] == usual[:4]
    assert len(days[5]) < 0.7 * len(usual[5])


def test_an_input_in_halves_is_the_same_work_in_two_rows(tmp_path: Path) -> None:
    of = ran("nothing_broken")
    since = of.start + dt.timedelta(days=4)
    habits = LogHabits(has_halves=True, halves_since=since)
    halved = dataclasses.replace(of, scenario=dataclasses.replace(of.scenario, log=habits))
    days = exports(halved, tmp_path / "halved", f"function_calls/app={APP}/function=embed")
    usual = exports(of, tmp_path / "usual", f"function_calls/app={APP}/function=embed")
    assert days[:4] == usual[:4]
    assert len({row["function_call_id"] for row in days[5]}) == len(days[5]) == 2 * len(usual[5])
    seconds = [sum(row["execution_time_seconds"] for row in day) for day in (days[5], usual[5])]
    assert seconds[0] == pytest.approx(seconds[1])
    assert {row["container_id"] for row in days[5]} == {row["container_id"] for row in usual[5]}
    assert [row["enqueued_at"] for row in days[5]] == sorted(row["enqueued_at"] for row in days[5])


def test_rounded_lives_are_whole_seconds_and_never_shorter() -> None:
    rounded, true = pool(ran("rounded_lives"), "embed"), pool(ran("nothing_broken"), "embed")
    added = (rounded.stopped_us - rounded.created_us) - (true.stopped_us - true.created_us)
    assert ((rounded.stopped_us - rounded.created_us) % SECOND_US == 0).all()
    assert (added >= 0).all() and (added < SECOND_US).all()


def test_long_lives_cross_the_edges_of_hours() -> None:
    log = pool(ran("hour_edges"), "train")
    hours = log.stopped_us // (3600 * SECOND_US) - log.created_us // (3600 * SECOND_US)
    assert np.median(hours) >= 1


def test_two_environments_have_one_name_and_two_ids(tmp_path: Path) -> None:
    of = ran("two_environments")
    write_world(of, tmp_path)
    report = json.loads((tmp_path / "landing/billing_report/2026-10-13.plain.json").read_text())
    apps = {(row["environment"], row["description"], row["object_id"]) for row in report}
    assert {(environment, name) for environment, name, _ in apps} == {("main", APP), ("staging", APP)}
    assert len({object_id for _, _, object_id in apps}) == 2
    logs = tmp_path / "landing/function_calls"
    assert (logs / f"environment=staging/app={APP}/function=embed").is_dir()
    assert (logs / f"app={APP}/function=embed").is_dir()
    assert not list((tmp_path / "landing").rglob("*@*"))
    assert shown_name("embed@staging") == "embed"


def test_container_series_are_sampled_with_holes_and_complete_a_day_later(tmp_path: Path) -> None:
    of = ran("warm_with_calls")
    sampled = dataclasses.replace(of, scenario=dataclasses.replace(of.scenario, series=SeriesHabits()))
    write_world(sampled, tmp_path)
    folder = tmp_path / f"landing/function_metrics/app={APP}/function=embed"
    first, final = (json.loads((folder / f"2026-10-14{suffix}.json").read_text()) for suffix in ("", ".r2"))
    assert (first["bucket_secs"], first["since"]) == (300, "2026-10-14T00:00:00+00:00")
    assert {series["unit"] for series in first["series"]} == {"containers"}
    assert [series["name"].rpartition("_")[2] for series in first["series"]] == ["avg", "max", "count"]
    assert all(point["value"] is None for point in first["series"][0]["points"][-6:])
    assert any(point["value"] is not None for point in final["series"][0]["points"][-6:])
    average = [
        point["value"]
        for path in sorted(folder.glob("*.r2.json"))
        for point in json.loads(path.read_text())["series"][0]["points"]
    ]
    assert len(average) == 7 * 288
    nulls = sum(value is None for value in average)
    assert 36 + 10 <= nulls <= 36 + 80
    log = pool(of, "embed")
    lived = np.clip(log.stopped_us, None, to_us(of.end)) - np.clip(log.created_us, to_us(of.start), None)
    seen = np.mean([value for value in average if value is not None]) * 7 * 86400
    assert seen == pytest.approx(lived.sum() / SECOND_US, rel=0.05)


def test_series_are_written_only_where_the_scenario_asks_for_them(tmp_path: Path) -> None:
    write_world(ran("server"), tmp_path)
    assert not (tmp_path / "landing/function_metrics").exists()


def test_sandboxes_are_told_to_the_cent_by_day_and_variants_by_what_they_ask_for_otherwise(tmp_path: Path) -> None:
    of = ran("sandbox_in_app")
    write_world(of, tmp_path / "sandboxes")
    days = (tmp_path / "sandboxes" / "landing" / "sandbox_stats").rglob("????-??-??.json")
    told = sum(Decimal(group["cost"]) for day in days for group in json.loads(day.read_text())["groups"])
    assert told == pytest.approx(costs(of, "function")["__sandboxes__"], abs=Decimal("0.01"))
    write_world(ran("variants"), tmp_path / "variants")
    (listed,) = (tmp_path / "variants" / "landing" / "function_variants").rglob("????-??-??.json")
    assert [row["options"] for row in json.loads(listed.read_text())] == [{}, {"gpu": "A100-40GB"}]
