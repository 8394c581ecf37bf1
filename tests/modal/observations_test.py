"""`tieout pull` of what Modal observed of functions: few requests, each for what is missing, and refusals said once."""

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from grpclib import Status

from tests.modal.beside_functions import SimulatedServer
from tests.modal.conftest import SEED, Puller, PullFrom
from tests.modal.faults import Refusal, Request, rate_limited, unavailable
from tests.modal.local_modal import LocalModal
from tests.support.loading import load_at
from tieout.simulator import SCENARIOS, World, larger, run
from tieout.warehouse.connection import open_warehouse

DAY = dt.timedelta(days=1)
METRICS, STATS = "FunctionGetMetrics", "FunctionGetTimeRangeStats"
OLD_APP = "coral-x-production"
LOOKUPS = ("FunctionGet", "FunctionGetById")
OBSERVED = ("--only", "billing_report", "--only", "function_metrics", "--only", "function_stats")


@pytest.fixture(scope="module")
def two_days() -> World:
    """Three functions, and what they did on two days."""
    scenario = larger(SCENARIOS["as-deployed"], functions=3, calls_per_day=30)
    return run(replace(scenario, bill=replace(scenario.bill, restated_week_from_end=None)), SEED, 1)


@pytest.fixture
def observer(two_days: World, pull_from: PullFrom) -> Iterator[Puller]:
    """Eight hours after the second day of the week; nothing was pulled yet."""
    with LocalModal(two_days) as server:
        server.workspace.now = two_days.start + 2 * DAY + dt.timedelta(hours=8)
        yield pull_from(server)


def asked(puller: Puller, rpc: str) -> Counter[tuple[str | None, str]]:
    """How often a function was asked about a day."""
    requests = puller.server.received(rpc)
    return Counter((each.function, f"{dt.datetime.fromtimestamp(each.since or 0, dt.UTC):%m-%d}") for each in requests)


def landed(puller: Puller, source: str) -> list[str]:
    """The files of a source, without the time of their fetch."""
    files = (path for path in puller.files() if source in path.parts and not path.name.endswith(".meta.json"))
    return sorted(f"{path.parent.name}/{path.name.split('.')[0]}" for path in files)


def functions_of(world: World) -> list[str]:
    return sorted({name for app in world.scenario.apps for each in app.deployments for name in each.functions})


def test_every_function_is_asked_once_about_every_day_that_is_over(observer: Puller, two_days: World) -> None:
    assert observer.pull(*OBSERVED).code == 0
    once = {(name, day): 1 for name in functions_of(two_days) for day in ("10-12", "10-13")}
    assert asked(observer, METRICS) == once
    assert asked(observer, STATS) == once
    assert landed(observer, "function_metrics") == [f"function={name}/2026-{day}" for name, day in sorted(once)]
    observer.server.requests.clear()
    assert observer.pull(*OBSERVED).code == 0
    assert asked(observer, METRICS) == asked(observer, STATS) == {}
    observer.server.workspace.now += DAY
    assert observer.pull(*OBSERVED).code == 0
    assert {day for _, day in asked(observer, METRICS)} == {day for _, day in asked(observer, STATS)} == {"10-14"}


def test_a_day_that_was_read_before_it_settled_is_read_again(observer: Puller) -> None:
    observer.server.workspace.now -= dt.timedelta(hours=6)
    assert observer.pull(*OBSERVED).code == 0
    observer.server.requests.clear()
    observer.server.workspace.now += dt.timedelta(hours=6)
    assert observer.pull(*OBSERVED).code == 0
    assert {day for _, day in asked(observer, METRICS)} == {"10-13"}


def test_what_was_pulled_loads_and_is_understood(observer: Puller, two_days: World) -> None:
    assert observer.pull().code == 0
    with open_warehouse(observer.home.warehouse) as con:
        assert not load_at(con, observer.home.landing, now=observer.server.workspace.now).rejected
        counted = con.sql(
            "select f.function, sum(s.input_success_count) from raw.function_stats as s "
            "inner join raw.files as f on s.file_id = f.file_id group by all"
        ).fetchall()
        logged = con.sql(
            "select f.function, count(*) from raw.function_calls as c "
            "inner join raw.files as f on c.file_id = f.file_id "
            "where c.status = 'success' and c.started_at + to_microseconds(c.execution_us) < '2026-10-14' group by all"
        ).fetchall()
        assert sorted(counted) == sorted(logged)
        series = con.sql("select distinct bucket_seconds, len(points) from raw.function_metrics").fetchall()
        assert series == [(300, 288)]


def test_groups_that_the_plan_refuses_are_said_once_and_the_others_land(observer: Puller) -> None:
    observer.server.workspace.observed.refused_groups |= {"gpu", "memory"}
    spoken = observer.pull(*OBSERVED)
    assert spoken.code == 0
    assert spoken.out.count("Modal refuses memory, gpu") == 1
    files = [path for path in observer.files() if "function_metrics" in path.parts and ".meta" not in path.name]
    units = {series["unit"] for path in files for series in json.loads(path.read_text())["series"]}
    assert len(files) == 6 and units == {"containers", "cores", "calls"}
    # The first request, one for every group, and then one for each function and day.
    assert len(observer.server.received(METRICS)) == 1 + 5 + 6


def test_a_plan_without_any_group_is_said_once(observer: Puller) -> None:
    observer.server.workspace.observed.refused_groups |= {"containers", "cpu", "memory", "gpu", "calls"}
    spoken = observer.pull(*OBSERVED)
    assert spoken.code == 0
    assert spoken.out.count("Modal refuses containers, cpu, memory, gpu, calls") == 1
    assert landed(observer, "function_metrics") == []
    assert len(observer.server.received(METRICS)) == 1 + 5


def test_counts_that_the_plan_refuses_are_said_once(observer: Puller) -> None:
    observer.server.fail(STATS, Refusal(Status.PERMISSION_DENIED, "Not on your plan."), times=None)
    spoken = observer.pull(*OBSERVED)
    assert spoken.code == 0
    assert spoken.out.count("function stats: Modal refuses them (Not on your plan.)") == 1
    assert len(observer.server.received(STATS)) == 1
    assert len(landed(observer, "function_metrics")) == 6


@pytest.mark.parametrize("rpc", [METRICS, STATS])
def test_a_day_that_fails_leaves_the_others_alone_and_comes_with_the_next_pull(
    rpc: str, observer: Puller, two_days: World
) -> None:
    [name, *_] = functions_of(two_days)

    def unlucky(request: Request) -> bool:
        return request.function == name and request.since == two_days.start.timestamp()

    observer.server.fail(rpc, unavailable(), times=None, where=unlucky)
    assert observer.pull(*OBSERVED).code == 1
    assert len(landed(observer, "function_metrics")) + len(landed(observer, "function_stats")) == 11
    observer.server.heal()
    observer.server.requests.clear()
    assert observer.pull(*OBSERVED).code == 0
    assert asked(observer, METRICS) + asked(observer, STATS) == {(name, "10-12"): 1}


def test_what_modal_has_forgotten_does_not_replace_what_was_landed(observer: Puller) -> None:
    assert observer.pull(*OBSERVED).code == 0
    before = landed(observer, "function_metrics")
    observer.server.workspace.observed.is_forgotten = True
    spoken = observer.pull(*OBSERVED, "--since", "2026-10-12")
    assert spoken.code == 0
    assert "2026-10-12: Modal has forgotten them; what was landed before stays" in spoken.out
    assert landed(observer, "function_metrics") == before


def test_servers_are_pulled_like_functions(observer: Puller) -> None:
    observer.server.workspace.beside.servers[OLD_APP]["inference"] = SimulatedServer(containers=3, requests_an_hour=5)
    only = ("server_info", "server_metrics", "server_stats", "billing_report")
    arguments = [word for source in only for word in ("--only", source)]
    assert observer.pull(*arguments).code == 0
    assert (
        landed(observer, "server_metrics")
        == landed(observer, "server_stats")
        == [
            "server=inference/2026-10-12",
            "server=inference/2026-10-13",
        ]
    )
    observer.server.requests.clear()
    assert observer.pull(*arguments).code == 0
    assert observer.server.received("ServerGetMetrics", "ServerGetTimeRangeStats") == []
    with open_warehouse(observer.home.warehouse) as con:
        assert not load_at(con, observer.home.landing, now=observer.server.workspace.now).rejected
        counted = con.sql("select since::date::varchar, request_count from raw.server_stats order by all").fetchall()
        assert counted == [("2026-10-12", 120), ("2026-10-13", 120)]
        deployed = con.sql("select gpu_type, min_containers from raw.server_info").fetchall()
        assert set(deployed) == {("H100", 3)}
        series = con.sql(
            "select points[1].value from raw.server_metrics where name = 'running_containers_avg'"
        ).fetchall()
        assert series == [(3.0,), (3.0,)]


def test_only_an_app_with_sandboxes_is_asked_what_they_cost(observer: Puller) -> None:
    observer.server.workspace.beside.sandboxes[OLD_APP, "blue"] = {"CPU": "0.25", "Memory": "0.0000000001"}
    arguments = ("--only", "billing_report", "--only", "app_stats", "--only", "sandbox_stats")
    assert observer.pull(*arguments).code == 0
    assert len(observer.server.received("SandboxGetTimeRangeStats")) == 2
    with open_warehouse(observer.home.warehouse) as con:
        assert not load_at(con, observer.home.landing, now=observer.server.workspace.now).rejected
        costs = con.sql("select distinct resource, cost_usd::varchar from raw.sandbox_stats order by all").fetchall()
        assert costs == [("CPU", "6.000000000000"), ("Memory", "0.000000002400")]
    observer.server.workspace.beside.sandboxes.clear()
    observer.server.requests.clear()
    observer.server.workspace.now += DAY
    assert observer.pull(*arguments).code == 0
    assert observer.server.received("SandboxGetTimeRangeStats") == []


def test_only_a_function_with_variants_is_asked_for_them(observer: Puller, two_days: World) -> None:
    [name, *_] = functions_of(two_days)
    observer.server.workspace.beside.variants[OLD_APP, name] = ("H100", "L4")
    arguments = (*OBSERVED, "--only", "function_variants")
    assert observer.pull(*arguments).code == 0
    assert [request.function for request in observer.server.received("FunctionListVariants")] == [name]
    with open_warehouse(observer.home.warehouse) as con:
        assert not load_at(con, observer.home.landing, now=observer.server.workspace.now).rejected
        assert con.sql("select gpu_type from raw.function_variants order by all").fetchall() == [("H100",), ("L4",)]


def test_what_runs_now_and_what_an_environment_was_metered_at(observer: Puller, two_days: World) -> None:
    observer.server.workspace.beside.servers[OLD_APP]["inference"] = SimulatedServer(containers=3)
    observer.server.workspace.now = two_days.end + 30 * DAY
    only = ("billing_report", "container_list", "environment_billing")
    assert observer.pull(*(word for source in only for word in ("--only", source))).code == 0
    with open_warehouse(observer.home.warehouse) as con:
        assert not load_at(con, observer.home.landing, now=observer.server.workspace.now).rejected
        assert con.sql("select count(*) from raw.container_list").fetchall() == [(3,)]
        query = "select month::varchar, amount_usd > 0 from raw.environment_billing where kind = 'metered' order by all"
        assert con.sql(query).fetchall() == [("2026-10-01", True), ("2026-11-01", False)]


def test_an_environment_that_the_token_may_not_see_is_a_note(observer: Puller) -> None:
    refusal = Refusal(Status.PERMISSION_DENIED, "You may not see it.")
    observer.server.fail("EnvironmentBillingSummary", refusal, times=None)
    spoken = observer.pull("--only", "billing_report", "--only", "environment_billing")
    assert spoken.code == 0
    assert "billing summary of the environment main, 2026-10: Modal refuses it (You may not see it.)" in spoken.out


@pytest.mark.parametrize(
    ("rpc", "source"),
    [
        ("AppGetTimeRangeStats", "app_stats"),
        ("ServerGetMetrics", "server_metrics"),
        ("ServerGetTimeRangeStats", "server_stats"),
        ("SandboxGetTimeRangeStats", "sandbox_stats"),
        ("FunctionListVariants", "function_variants"),
        ("TaskList", "container_list"),
    ],
)
def test_what_is_not_available_now_comes_with_the_next_pull(
    rpc: str, source: str, observer: Puller, two_days: World
) -> None:
    [name, *_] = functions_of(two_days)
    observer.server.workspace.beside.servers[OLD_APP]["inference"] = SimulatedServer()
    observer.server.workspace.beside.sandboxes[OLD_APP, "blue"] = {"CPU": "0.25"}
    observer.server.workspace.beside.variants[OLD_APP, name] = ("H100",)
    only = ["billing_report", "app_stats", "function_stats", source]
    arguments = [word for each in only for word in ("--only", each)]
    observer.server.fail(rpc, rate_limited(), times=None)
    assert observer.pull(*arguments).code == 1
    assert landed(observer, source) == []
    observer.server.heal()
    assert observer.pull(*arguments).code == 0
    assert landed(observer, source)


def test_a_day_of_fifty_functions_takes_six_requests_for_each_at_most(pull_from: PullFrom) -> None:
    """Name look-ups apart, which precede every command: those are one for each command, and as few."""
    scenario = larger(SCENARIOS["as-deployed"], functions=50, calls_per_day=5)
    world = run(replace(scenario, bill=replace(scenario.bill, restated_week_from_end=None)), SEED, 1)
    with LocalModal(world) as server:
        server.workspace.now = world.start + DAY + dt.timedelta(hours=8)
        assert pull_from(server).pull("--since", "2026-10-12", "--until", "2026-10-13").code == 0
        commands = Counter(each.function for each in server.requests if each.rpc in LOOKUPS)
        requests = Counter(each.function for each in server.requests if each.function and each.rpc not in LOOKUPS)
    assert len(requests) == len(commands) == 50
    assert max(commands.values()) <= 6
    assert max(requests.values()) <= 6
