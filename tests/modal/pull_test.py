"""`tieout pull` against the local server: what it brings, what it asks for again, and what it says when Modal fails."""

import datetime as dt
import resource
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.modal.call_history import SteadyCalls
from tests.modal.conftest import SEED, CommandLine, Puller, PullFrom, days_for_weeks, quiet_scenario, renamed
from tests.modal.faults import (
    BILLING,
    CutConnection,
    Request,
    Silence,
    not_found,
    permission_denied,
    rate_limited,
    unavailable,
)
from tests.modal.local_modal import LocalModal
from tests.support.loading import load_at
from tieout.catalog.load import load_catalog
from tieout.core.home import Home
from tieout.core.locks import only_process
from tieout.core.money import format_usd
from tieout.core.periods import day_start
from tieout.core.resources import resource_path
from tieout.modal import worker
from tieout.modal.client import Session, _Worker
from tieout.modal.first_catalog import first_catalog
from tieout.simulator import World, run, simulate
from tieout.simulator.world import to_us
from tieout.sources.workspace_snapshot import Deployed
from tieout.warehouse.build import Period, write_models
from tieout.warehouse.catalog_tables import write_catalog
from tieout.warehouse.connection import open_warehouse
from tieout.warehouse.models import load_models, models_behind

OLD_APP, OLD_ID = "coral-x-production", "ap-6Vw0cXq2mTzr1Yb9LkHn3S"
PROGRESS, ALERTS, GENERATE = "get_evolution_progress_modal", "get_emergent_alerts_modal", "generate_code_modal"
CALL_TABLES = tuple(model.name for model in models_behind("staging.function_calls"))
START_A_CHILD = _Worker._start  # whose processor time counts, other than that of a forked one
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
START = dt.datetime(2026, 10, 12, tzinfo=dt.UTC)


def happened(world: World) -> dict[str, int]:
    """How many rows a world has in the end."""
    return {"billing_report": len(world.bill.items), "function_calls": sum(len(log.call) for log in world.pools)}


def landed(puller: Puller) -> dict[str, int]:
    """How many different rows of the world's week have landed."""
    end = puller.server.workspace.world.end.isoformat()
    bill = {(row["object_id"], row["interval_start"]) for row in puller.rows("billing_report", ".plain")}
    calls = {(row["function_call_id"], row["container_id"]) for row in puller.rows("function_calls")}
    return {"billing_report": sum(hour < end for _, hour in bill), "function_calls": len(calls)}


def of(function: str) -> Callable[[Request], bool]:
    return lambda request: request.function == function


def covers(instant: dt.datetime) -> Callable[[Request], bool]:
    return lambda request: (request.since or 0) <= instant.timestamp() < (request.until or 0)


def write_empty_catalog(directory: Path) -> Path:
    """What `tieout init` writes where nothing is deployed."""
    today = START.date()
    nothing = Deployed("coral-x", "main", (), (), (), {}, True, seen_on=today, rates_seen_on=today, billed_from=today)
    directory.mkdir()
    built_in = load_catalog(resource_path("catalog"))
    for name, text in first_catalog(nothing, built_in).items():
        (directory / name).write_text(text)
    return directory


# What is pulled


def test_the_first_pull_brings_everything_and_the_second_asks_for_the_running_day_only(puller: Puller) -> None:
    assert puller.pull().code == 0
    assert landed(puller) == happened(puller.server.workspace.world)
    puller.server.requests.clear()
    assert puller.pull().code == 0
    ranges = [request for request in puller.server.requests if request.until is not None]
    assert {dt.datetime.fromtimestamp(request.since or 0, dt.UTC) for request in ranges} == {START + 7 * DAY}


def test_a_bill_that_is_corrected_after_it_has_settled_is_read_again_where_it_changed(puller: Puller) -> None:
    modal, bill = puller.server.workspace, ("--only", "billing_report", "--only", "billing_summary")
    assert puller.pull(*bill).code == 0
    modal.restate(OLD_APP, START + 2 * DAY + 9 * HOUR, permille=500)
    modal.now += DAY
    puller.server.requests.clear()
    spoken = puller.pull(*bill)
    assert "bill of 2026-10-14: corrected by Modal" in spoken.out
    asked = {(request.since, request.until) for request in puller.server.received("WorkspaceBillingReport")}
    compared = (START.replace(day=1), START + 7 * DAY)
    corrected = (START + 2 * DAY, START + 3 * DAY)
    unsettled = (START + 7 * DAY, START + 8 * DAY + 8 * HOUR)
    assert asked == {(since.timestamp(), until.timestamp()) for since, until in (compared, corrected, unsettled)}
    puller.server.requests.clear()
    assert "Note" not in puller.pull(*bill).out
    [today] = puller.server.received("WorkspaceBillingReport")
    assert today.since == (START + 8 * DAY).timestamp()


def test_names_with_slashes_spaces_and_dots_of_another_environment_stay_inside_the_landing_folder(
    small_world: World, pull_from: PullFrom
) -> None:
    """The environment is not the catalog's: the bill tells of it."""
    names = {OLD_APP: "../a b", PROGRESS: "deep/ly nested", ALERTS: "..", GENERATE: "Trainer.*"}
    world = run(renamed(small_world.scenario, names), SEED, 1)
    with LocalModal(world) as server:
        server.workspace.now = world.end + 8 * HOUR
        server.workspace.move_app("../a b", "staging")
        puller = pull_from(server)
        assert puller.pull().code == 0
    assert landed(puller) == happened(world)
    with open_warehouse(puller.home.warehouse) as con:
        assert not load_at(con, puller.home.landing, now=server.workspace.now).rejected
        query = "select distinct environment, app, function from raw.files where source = 'function_calls'"
        loaded = con.sql(query).fetchall()
    assert {("staging", "../a b", name) for name in ("deep/ly nested", "..", "Trainer.*")} <= set(loaded)
    assert {(environment, app) for environment, app, _ in loaded} == {("staging", "../a b")}


def test_a_day_of_more_calls_than_modal_hands_out_at_once_comes_in_parts(puller: Puller) -> None:
    crowd = SteadyCalls(to_us(START + DAY), 72_000, 1_200_000, kept_every=2000)
    puller.server.workspace.replace_calls(OLD_APP, PROGRESS, crowd)
    assert puller.pull("--only", "function_calls").code == 0
    asked = [request for request in puller.server.received("FunctionCallCount") if request.function == PROGRESS]
    lengths = [request.until - request.since for request in asked if request.until and request.since]
    assert min(lengths) < 86_400 < max(lengths)
    calls = [row["function_call_id"] for row in puller.rows("function_calls") if row["startup_time_seconds"] is None]
    assert sum(call.startswith("fc-0000") for call in calls) == 600


def test_a_range_that_modal_finds_too_long_is_asked_for_in_parts(puller: Puller) -> None:
    puller.server.workspace.most_inputs = 40
    assert puller.pull("--only", "function_calls").code == 0
    assert landed(puller)["function_calls"] == happened(puller.server.workspace.world)["function_calls"]


def test_what_modal_has_forgotten_does_not_erase_what_was_pulled_in_time(puller: Puller) -> None:
    assert puller.pull("--only", "function_calls").code == 0
    puller.server.workspace.retention = DAY
    spoken = puller.pull("--only", "function_calls", "--since", f"{START:%Y-%m-%d}")
    assert (spoken.code, "forgotten" in spoken.out) == (0, True)
    build(puller.home, puller.server.workspace.now, *CALL_TABLES)
    [kept] = ask(puller.home, "select count(*) from staging.function_calls")
    assert kept == (happened(puller.server.workspace.world)["function_calls"],)


def test_a_stopped_app_that_was_billed_is_asked_for_its_calls_until_they_are_there(
    puller: Puller, tmp_path: Path
) -> None:
    """No catalog names it, and when Modal gives its calls at last, its bill has settled."""
    modal, catalog = puller.server.workspace, str(write_empty_catalog(tmp_path / "catalog"))
    modal.stop_app(OLD_APP)
    puller.server.fail("FunctionCallCount", rate_limited(), times=None)
    assert puller.pull("--catalog", catalog).code == 1
    puller.server.heal()
    modal.now += 2 * DAY
    assert puller.pull("--catalog", catalog).code == 0
    assert landed(puller) == happened(modal.world)


# What goes wrong


def test_what_passes_by_itself_is_not_heard_of(puller: Puller) -> None:
    modal = puller.server
    modal.fail("AppList", unavailable(), times=3)
    modal.fail("WorkspaceBillingReport", unavailable(after_items=100))
    modal.fail("WorkspaceBillingSummary", CutConnection())
    modal.fail("FunctionCallCount", rate_limited(), where=of(ALERTS))
    modal.fail("FunctionCallFetch", CutConnection(), where=of(GENERATE))
    spoken = puller.pull()
    assert (spoken.code, spoken.err) == (0, "Asking Modal …\n")
    assert landed(puller) == happened(modal.workspace.world)


def test_what_lasts_is_named_and_the_next_pull_brings_it_and_nothing_else(puller: Puller) -> None:
    modal, world = puller.server, puller.server.workspace.world
    modal.fail("WorkspaceBillingReport", CutConnection(after_items=100), times=None, where=covers(START))
    modal.fail("FunctionCallFetch", rate_limited(), times=None, where=of(ALERTS))
    spoken = puller.pull()
    assert spoken.code == 1
    failures = [line for line in spoken.err.splitlines() if "Not pulled" in line]
    lasting = ("Not pulled: bill of", f"Not pulled: calls of {OLD_APP}/{ALERTS}")
    assert all(line.startswith(lasting) for line in failures)
    assert {name for name in lasting for line in failures if line.startswith(name)} == set(lasting)
    assert landed(puller) != happened(world)
    modal.heal()
    modal.requests.clear()
    assert puller.pull().code == 0
    assert landed(puller) == happened(world)
    again = modal.received("WorkspaceBillingReport", "FunctionCallCount")
    assert {request.function for request in again if covers(START)(request)} == {None, ALERTS}


def be_patient_with_the_others(subject: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let only requests about the subject end in time: a loaded machine may be slow with any."""
    once = Session._once

    def patiently(session: Session, request: Mapping[str, Any], seconds: float) -> Any:
        return once(session, request, seconds if subject in request.get("arguments", ()) else 300)

    monkeypatch.setattr(Session, "_once", patiently)


def test_a_request_that_is_never_answered_is_given_up_and_made_again_by_the_next_pull(
    puller: Puller, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = puller.server.workspace.world
    last = max(log.function for log in world.pools)
    puller.server.fail("FunctionCallCount", Silence(), where=of(last))
    with monkeypatch.context() as impatient:
        impatient.setenv("TIEOUT_PULL_ATTEMPTS", "1")
        impatient.setenv("TIEOUT_PULL_REQUEST_SECONDS", "1")
        be_patient_with_the_others(f"{OLD_APP}/{last}", impatient)
        spoken = puller.pull("--only", "function_calls")
    assert spoken.code == 1
    assert f"Not pulled: calls of {OLD_APP}/{last}" in spoken.err
    assert "no answer within 1 s" in spoken.err
    puller.server.heal()  # in case a loaded machine did not let it ask within this time
    assert puller.pull("--only", "function_calls").code == 0
    assert landed(puller)["function_calls"] == happened(world)["function_calls"]


def test_what_is_asked_ends_with_whoever_asks(puller: Puller) -> None:
    arrived = threading.Event()

    def notice(_: Request) -> bool:
        arrived.set()
        return True

    puller.server.fail("WorkspaceNameLookup", Silence(), where=notice)
    asking = subprocess.Popen([sys.executable, "-P", worker.__file__], stdin=subprocess.PIPE, text=True)
    assert asking.stdin is not None
    asking.stdin.write('{"kind": "workspace"}\n')
    asking.stdin.flush()
    assert arrived.wait(60)
    asking.stdin.close()
    assert asking.wait(60) == 0


def test_an_app_that_is_deleted_meanwhile_is_noted_and_its_bill_stays(puller: Puller) -> None:
    gone = ("AppGetInfo", "AppGetByDeploymentName", "AppDeploymentHistory", "FunctionGet")
    puller.server.fail(gone, not_found(), times=None, where=lambda request: request.app == OLD_APP)
    spoken = puller.pull()
    assert spoken.code == 0
    [note] = [line for line in spoken.out.splitlines() if line.startswith("Note")]
    assert f"functions of {OLD_APP}; history of {OLD_APP}" in note
    assert landed(puller) == {**happened(puller.server.workspace.world), "function_calls": 0}


def test_a_member_gets_what_is_not_the_bill_and_hears_whom_to_ask(puller: Puller) -> None:
    puller.server.fail(BILLING, permission_denied(), times=None)
    spoken = puller.pull()
    assert spoken.code == 2
    assert "owners and managers" in spoken.err
    assert landed(puller) == {**happened(puller.server.workspace.world), "billing_report": 0}
    puller.server.heal()
    assert puller.pull("--only", "billing_report").code == 0
    assert landed(puller) == happened(puller.server.workspace.world)


def test_a_member_gets_a_first_catalog_with_the_list_prices_that_are_built_in(puller: Puller, tmp_path: Path) -> None:
    puller.server.fail(BILLING, permission_denied(), times=None)
    spoken = puller.tieout("init", tmp_path / "mine" / "catalog")
    assert spoken.code == 0
    assert "10 functions in 10 configurations of 1 app in the environment main of coral-x, and 0 rates." in spoken.out
    assert "The token may not read the rates" in spoken.out
    assert load_catalog(tmp_path / "mine" / "catalog").prices == load_catalog(resource_path("catalog")).prices
    assert f"Next: `tieout pull --home {tmp_path / 'mine'}`, then" in spoken.out


def test_while_a_pull_is_under_way_no_other_one_begins(puller: Puller) -> None:
    puller.home.landing.mkdir(parents=True)
    with only_process(puller.home.pull_lock):
        spoken = puller.pull()
    assert spoken.code == 2
    assert "another pull into" in spoken.err
    assert not puller.server.received("AppList")


def test_a_token_that_modal_does_not_take_is_one_message(puller: Puller) -> None:
    puller.server.token = ("ak-another", "as-another")
    spoken = puller.pull()
    assert spoken.code == 2
    assert "modal token" in spoken.err
    assert not puller.files()


def test_a_server_that_never_answers_is_one_message(puller: Puller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEOUT_PULL_REACH_SECONDS", "0.5")
    puller.server.fail("WorkspaceNameLookup", Silence(), times=None)
    spoken = puller.pull()
    assert spoken.code == 2
    assert "cannot be reached" in spoken.err


def test_a_server_that_is_not_there_is_one_message(puller: Puller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEOUT_PULL_REACH_SECONDS", "0.5")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        server = f"http://127.0.0.1:{closed.getsockname()[1]}"
        monkeypatch.setenv("MODAL_SERVER_URL", server)
        spoken = puller.pull()
    assert spoken.code == 2
    assert f"cannot be reached: {server}: " in spoken.err


# What comes of it


def build(home: Home, until: dt.datetime, *beginnings: str) -> None:
    """Load what has landed, and write the tables whose names begin so."""
    period = Period(START.date() - 14 * DAY, until.date())
    with open_warehouse(home.warehouse) as con:
        assert not load_at(con, home.landing, now=until + 7 * DAY).rejected  # what was fetched since counts, too
        write_catalog(con, load_catalog(resource_path("catalog")))
        write_models(con, (model for model in load_models() if model.name.startswith(beginnings)), period)


def ask(home: Home, query: str) -> list[tuple[Any, ...]]:
    with open_warehouse(home.warehouse) as con:
        return con.sql(query).fetchall()


def test_a_restated_hour_replaces_the_earlier_one_and_a_vanished_one_vanishes(puller: Puller) -> None:
    """The first pull sees an unsettled day, the second one the same day, corrected."""
    modal = puller.server.workspace
    billed = {item.hour: Decimal(item.cost).scaleb(-8) for item in modal.world.bill.items if item.object_id == OLD_ID}
    nine, ten, eleven = [hour for hour in sorted(billed) if hour < 24][:3]
    modal.now = START + DAY + 2 * HOUR
    assert puller.pull("--only", "billing_report").code == 0
    modal.restate(OLD_APP, START + nine * HOUR, permille=500)
    modal.restate(OLD_APP, START + ten * HOUR, permille=0)
    modal.now += DAY
    assert puller.pull("--only", "billing_report").code == 0
    tables = (
        "staging.deliveries",
        "staging.monthly",
        "staging.restated_lines",
        "staging.closed_days",
        "staging.billing",
    )
    build(puller.home, modal.now, *tables)
    query = (
        "select hour, sum(amount_usd) from staging.billing_items "
        f"where reading = 'now' and object_id = '{OLD_ID}' group by hour"
    )
    read = {(hour - START.replace(tzinfo=None)) // HOUR: cost for hour, cost in ask(puller.home, query)}
    assert abs(2 * read[nine] - billed[nine]) <= Decimal("0.00000002")
    assert ten not in read
    assert read[eleven] == billed[eleven]


HASH = "select count(*), md5(string_agg(h, ',' order by h)) from (select md5(s::varchar) as h from spend.hourly as s)"


@pytest.mark.slow
def test_pulled_weeks_come_to_the_same_spend_as_the_written_ones(pull_from: PullFrom, tmp_path: Path) -> None:
    """Pulled after each deployment and on the day of the new price; the bill once more when its correction is in."""
    scenario, weeks = days_for_weeks(quiet_scenario()), 2
    simulate(scenario, seed=SEED, weeks=weeks, out=tmp_path / "written")
    world = run(scenario, SEED, weeks)
    first, second = sorted({rollout.at for rollout in scenario.rollouts})
    [price] = [day_start(change.effective).replace(tzinfo=dt.UTC) for change in scenario.prices.changes]
    assert world.start < first < first + DAY < second < price < world.end
    with LocalModal(world) as server:
        puller = pull_from(server)
        for pulled_at in (first + DAY, price + 8 * HOUR, world.end + 8 * HOUR):
            server.workspace.now = pulled_at
            assert puller.pull().code == 0
        server.workspace.now = world.end + 7 * DAY
        assert puller.pull("--only", "billing_report", "--since", f"{world.start:%Y-%m-%d}").code == 0
    # a pull brings series of containers, too, which show what the written files leave to be inferred
    shutil.rmtree(puller.home.landing / "function_metrics")
    for home in (puller.home, written := Home(tmp_path / "written")):
        build(home, world.end, "staging.", "usage.", "spend.")
    assert ask(puller.home, HASH) == ask(written, HASH)
    assert ask(written, HASH)[0][0] > 2_500


@pytest.mark.slow
def test_an_empty_folder_becomes_a_report_that_ties_with_a_catalog_that_nobody_edited(
    puller: Puller, tmp_path: Path
) -> None:
    catalog = tmp_path / "catalog"
    assert puller.tieout("init", catalog).code == 0
    assert puller.pull("--catalog", str(catalog)).code == 0
    spoken = puller.tieout("run", "--home", puller.home.root, "--catalog", catalog, "--week", "2026-W42")
    assert spoken.code == 0
    billed = format_usd(puller.server.workspace.world.billed_usd(), places=12)
    assert f"{billed} billed = attributed, difference $0.000000000000." in " ".join(spoken.out.split())


def seconds_of(work: Callable[[], object]) -> float:
    """The processor time of this process and of those that it started and saw end."""

    def spent() -> float:
        usages = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(usage.ru_utime + usage.ru_stime for usage in usages)

    before = spent()
    work()
    return spent() - before


def test_pulling_a_day_of_many_calls_costs_less_than_the_command_line_alone(
    puller: Puller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line spends most of its time on colours, which no file gets."""
    monkeypatch.setattr(_Worker, "_start", START_A_CHILD)
    crowd = SteadyCalls(to_us(START), 28_800_000, 3000)
    puller.server.workspace.replace_calls(OLD_APP, PROGRESS, crowd)
    bounds = ("--since", f"{START:%Y-%m-%d}", "--until", f"{START + DAY:%Y-%m-%d}")
    command = ("function", "calls", f"{OLD_APP}/{PROGRESS}", "--all-variants", *bounds, "--json")
    printed: list[str] = []
    alone = seconds_of(lambda: printed.append(CommandLine(puller.server).run(*command).stdout))
    pulled = seconds_of(lambda: puller.pull("--only", "function_calls", *bounds))
    [kept] = [path for path in puller.files() if f"function={PROGRESS}" in path.parts and ".meta." not in path.name]
    assert kept.read_text() == printed[0]
    assert pulled < alone
