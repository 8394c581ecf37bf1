"""The real SDK and the real CLI read from the local server what the simulator wrote into its files."""

import datetime as dt
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import click
import modal
import modal.exception
import numpy as np
import pytest
from grpclib.exceptions import StreamTerminatedError

from tests.modal.call_history import SteadyCalls
from tests.modal.conftest import CALLS_PER_DAY, SEED, Command, CommandLine, Connect, Delivered, InOneProcess, renamed
from tests.modal.faults import BILLING, CutConnection, Fault, permission_denied, rate_limited, unavailable
from tests.modal.local_modal import LocalModal
from tieout.simulator import run
from tieout.simulator.cli_format import rfc3339
from tieout.simulator.world import to_us

OLD_APP, NEW_APP = "coral-x-production", "coral-x-production-optimized"
OLD_ID = "ap-6Vw0cXq2mTzr1Yb9LkHn3S"
GENERATE, EVALUATE = "generate_code_modal", "evaluate_genome_modal"
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
START = dt.datetime(2026, 10, 12, tzinfo=dt.UTC)
OPEN_STATES = {"pending", "running"}


def rows(items: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Rows without their order: the breakdown of an item is a map, which has none."""
    return Counter(repr(sorted(item.items())) for item in items)


def report_arguments(day: dt.datetime, *more: str) -> list[str]:
    bounds = ["--start", f"{day:%Y-%m-%d}", "--end", f"{day + DAY:%Y-%m-%d}"]
    return ["billing", "report", *bounds, "-r", "h", "-t", "*", *more]


def call_arguments(name: str, since: dt.datetime, until: dt.datetime) -> list[str]:
    return ["function", "calls", name, "--since", rfc3339(since), "--until", rfc3339(until), "--all-variants"]


def in_path(path: str) -> tuple[str, str, dt.datetime]:
    """The app, the function and the day of an export of calls."""
    _, app, function, file = (part.rpartition("=")[2] for part in path.split("/"))
    return app, function, dt.datetime.fromisoformat(file[:10]).replace(tzinfo=dt.UTC)


# The command line


@pytest.mark.parametrize(
    ("path", "flags"),
    [
        ("billing_report/2026-10-14.plain.json", ()),
        ("billing_report/2026-10-14.resources.json", ("--show-resources",)),
        ("billing_report/2026-10-14.resources.r2.json", ("--show-resources",)),
    ],
)
def test_a_bill_reads_as_on_the_day_that_it_was_fetched(
    path: str, flags: tuple[str, ...], delivered: Delivered, local_modal: LocalModal, one_process: Command
) -> None:
    local_modal.workspace.now = delivered.fetched_at(path)
    printed = one_process(*report_arguments(START + 2 * DAY, *flags))
    assert rows(printed) == rows(delivered.export(path))


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("billing_summary/2026-10.json", ["billing", "summary", "--for", "2026-10"]),
        ("billing_rates/2026-10-19.json", ["billing", "rates"]),
        ("app_list/2026-10-19.json", ["app", "list"]),
        (f"app_history/app={NEW_APP}/2026-10-19.json", ["app", "history", NEW_APP]),
        (
            f"function_info/app={NEW_APP}/function={GENERATE}/2026-10-19.json",
            ["function", "info", f"{NEW_APP}/{GENERATE}"],
        ),
    ],
)
def test_what_is_no_table_of_rows_reads_as_written(
    path: str, arguments: list[str], delivered: Delivered, local_modal: LocalModal, one_process: Command
) -> None:
    local_modal.workspace.now = delivered.fetched_at(path)
    assert one_process(*arguments) == delivered.export(path)


def test_calls_read_as_on_the_day_that_they_were_fetched(delivered: Delivered, command_line: CommandLine) -> None:
    exports = {path: delivered.export(path) for path in delivered.exports("function_calls")}
    path = next(path for path, calls in exports.items() if len({call["status"] for call in calls} & OPEN_STATES) == 2)
    app, function, day = in_path(path)
    command_line.server.workspace.now = delivered.fetched_at(path)
    assert command_line.prints(*call_arguments(f"{app}/{function}", day, day + DAY)) == exports[path]


def test_a_week_of_calls_comes_in_pages_and_is_whole(local_modal: LocalModal, one_process: Command) -> None:
    crowd = SteadyCalls(to_us(START - DAY), 216_000_000, 4000)
    local_modal.workspace.replace_calls(OLD_APP, GENERATE, crowd)
    printed = one_process(*call_arguments(f"{OLD_APP}/{GENERATE}", START, START + 7 * DAY))
    assert len(printed) == len({call["function_call_id"] for call in printed}) == 7 * 400
    pages = local_modal.received("FunctionCallFetch")
    assert len(pages) > 1
    assert [page.until for page in pages[:-1]] == [page.since for page in pages[1:]]


def test_the_calls_of_every_function_around_a_rollout_read_as_written(
    delivered: Delivered, local_modal: LocalModal, one_process: Command
) -> None:
    compared: Counter[tuple[str, str]] = Counter()
    for path in delivered.exports("function_calls"):
        app, function, day = in_path(path)
        if abs(day - START - 7 * DAY) <= DAY:
            local_modal.workspace.now = delivered.fetched_at(path)
            written = delivered.export(path)
            assert one_process(*call_arguments(f"{app}/{function}", day, day + DAY)) == written, path
            compared[app, function] += len(written)
    assert {app for app, _ in compared} == {OLD_APP, NEW_APP}
    assert compared.total() > 2 * CALLS_PER_DAY


# The SDK


def billed(connect: Connect, server: LocalModal, since: dt.datetime, until: dt.datetime) -> list[dict[str, Any]]:
    """What the SDK reads, in the words of the CLI: one row per object, hour and resource, with the whole cost."""
    items = connect(server).billing.report(start=since, end=until, resolution="h", tag_names=["*"])
    return [
        {
            "object_id": item.object_id,
            "description": item.description,
            "environment": item.environment_name,
            "interval_start": item.interval_start.replace(tzinfo=None).isoformat(),
            "cost": str(item.cost),
            "parts": sorted((label, str(cost)) for label, cost in item.cost_by_resource.items()),
            "tags": json.dumps(item.tags),
        }
        for item in items
    ]


def test_two_weeks_of_the_bill_read_as_written_in_the_end(
    delivered: Delivered, local_modal: LocalModal, connect: Connect
) -> None:
    newest: dict[tuple[str, str], Any] = {}
    for path in delivered.exports("billing_report"):
        day, kind = path.rpartition("/")[2].split(".")[:2]
        newest[kind, day] = delivered.export(path)
    parts: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for (kind, _), export in newest.items():
        for row in export if kind == "resources" else ():
            parts[row["object_id"], row["interval_start"]].append((row["resource"], row["cost"]))
    written = [
        {**row, "parts": sorted(parts[row["object_id"], row["interval_start"]])}
        for (kind, _), export in newest.items()
        if kind == "plain"
        for row in export
    ]
    assert len(written) > 14 * 24
    assert rows(billed(connect, local_modal, START, START + 14 * DAY)) == rows(written)


def test_the_newest_hours_grow_until_the_day_has_settled(local_modal: LocalModal, connect: Connect) -> None:
    def cost_of_the_last_hour(after_midnight: dt.timedelta) -> Decimal:
        local_modal.workspace.now = START + 2 * DAY + after_midnight
        items = billed(connect, local_modal, START + DAY + 23 * HOUR, START + 2 * DAY)
        return sum((Decimal(item["cost"]) for item in items), Decimal(0))

    running = cost_of_the_last_hour(-HOUR / 2)
    late, settled, later = (cost_of_the_last_hour(hours * HOUR) for hours in (2, 6, 48))
    assert running <= late < settled == later


def test_what_has_not_happened_yet_is_not_there(local_modal: LocalModal, connect: Connect) -> None:
    local_modal.workspace.now = START + 12 * HOUR
    items = billed(connect, local_modal, START, START + 2 * DAY)
    assert max(item["interval_start"] for item in items) == "2026-10-12T11:00:00"


def test_an_hour_is_restated_or_vanishes(local_modal: LocalModal, connect: Connect) -> None:
    before = billed(connect, local_modal, START, START + DAY)
    local_modal.workspace.restate(OLD_APP, START + 9 * HOUR, permille=500)
    local_modal.workspace.restate(OLD_APP, START + 10 * HOUR, permille=0)
    after = billed(connect, local_modal, START, START + DAY)
    changed = rows(before) - rows(after)
    assert (len(before) - len(after), changed.total()) == (1, 2)


def test_a_day_is_the_sum_of_its_hours(local_modal: LocalModal, connect: Connect) -> None:
    report = connect(local_modal).billing.report
    hours, days = (report(start=START, end=START + 2 * DAY, resolution=resolution) for resolution in "hd")
    assert {item.interval_start for item in days} == {START, START + DAY}
    assert sum(item.cost for item in hours) == sum(item.cost for item in days)


def test_a_function_of_any_name_is_found(delivered: Delivered, in_one_process: InOneProcess) -> None:
    names = {GENERATE: "a b/c d", EVALUATE: "..", "save_realtime_results_modal": "Trainer.*"}
    world = run(renamed(delivered.world.scenario, names), SEED, 1)
    with LocalModal(world) as server:
        command = in_one_process(server)
        for name in names.values():
            printed = command(*call_arguments(f"{OLD_APP}/{name}", world.start, world.start + DAY))
            assert len(printed) == np.count_nonzero(world.calls[name].enqueued_us < to_us(world.start + DAY)), name
        assert set(names.values()) <= set(command("app", "info", OLD_APP)["functions"])


# What goes wrong


def test_the_client_asks_again_where_the_server_was_away_for_a_moment(
    local_modal: LocalModal, connect: Connect
) -> None:
    local_modal.fail("WorkspaceBillingRates", unavailable(), times=2)
    assert connect(local_modal).billing.rates()
    assert len(local_modal.received("WorkspaceBillingRates")) == 3


@pytest.mark.parametrize(
    "fault", [unavailable(), unavailable(after_items=100), CutConnection(), CutConnection(after_items=100)]
)
def test_a_report_that_breaks_off_yields_nothing_and_is_not_asked_again(
    fault: Fault, local_modal: LocalModal, connect: Connect
) -> None:
    local_modal.fail("WorkspaceBillingReport", fault)
    with pytest.raises((modal.exception.ServiceError, StreamTerminatedError)):
        billed(connect, local_modal, START, START + DAY)
    assert len(local_modal.received("WorkspaceBillingReport")) == 1
    assert billed(connect, local_modal, START, START + DAY)


def test_a_member_cannot_read_the_bill(local_modal: LocalModal, connect: Connect) -> None:
    local_modal.fail(BILLING, permission_denied(), times=None)
    with pytest.raises(modal.exception.PermissionDeniedError):
        billed(connect, local_modal, START, START + DAY)
    with pytest.raises(modal.exception.PermissionDeniedError):
        connect(local_modal).billing.rates()


def test_another_token_is_not_accepted(local_modal: LocalModal, connect: Connect) -> None:
    workspace = connect(local_modal)
    local_modal.token = ("ak-another", "as-another")
    with pytest.raises(modal.exception.AuthError):
        workspace.billing.rates()


def test_only_the_request_that_is_meant_fails(local_modal: LocalModal, connect: Connect) -> None:
    second_day = int((START + DAY).timestamp())
    local_modal.fail(
        "WorkspaceBillingReport", rate_limited(), first=2, where=lambda request: request.since == second_day
    )
    for since in (START, START + DAY, START):
        assert billed(connect, local_modal, since, since + DAY)
    with pytest.raises(modal.exception.ResourceExhaustedError):
        billed(connect, local_modal, START + DAY, START + 2 * DAY)
    assert billed(connect, local_modal, START + DAY, START + 2 * DAY)


def test_a_report_of_more_than_31_days_is_refused(local_modal: LocalModal, connect: Connect) -> None:
    with pytest.raises(modal.exception.ResourceExhaustedError):
        billed(connect, local_modal, START, START + 32 * DAY)


def test_more_than_a_million_inputs_are_counted_and_not_fetched(local_modal: LocalModal, one_process: Command) -> None:
    crowd = SteadyCalls(to_us(START), 72_000, 1_200_000, kept_every=1000)
    local_modal.workspace.replace_calls(OLD_APP, GENERATE, crowd)
    with pytest.raises(click.UsageError, match="1,000,000"):
        one_process(*call_arguments(f"{OLD_APP}/{GENERATE}", START, START + DAY))
    half = one_process(*call_arguments(f"{OLD_APP}/{GENERATE}", START, START + DAY / 2))
    assert len(half) == 600


def test_a_range_that_the_server_finds_too_long_is_refused(local_modal: LocalModal, one_process: Command) -> None:
    local_modal.workspace.most_inputs = 10
    with pytest.raises(modal.exception.ResourceExhaustedError):
        one_process(*call_arguments(f"{OLD_APP}/{GENERATE}", START, START + DAY))


def test_calls_are_gone_when_the_plan_keeps_them_no_longer(local_modal: LocalModal, one_process: Command) -> None:
    local_modal.workspace.now = START + 3 * DAY
    local_modal.workspace.retention = DAY
    assert one_process(*call_arguments(f"{OLD_APP}/{GENERATE}", START, START + DAY)) == []
    assert one_process(*call_arguments(f"{OLD_APP}/{GENERATE}", START + 2 * DAY, START + 3 * DAY))


def test_a_stopped_app_is_listed_and_found_by_its_id(local_modal: LocalModal, one_process: Command) -> None:
    local_modal.workspace.stop_app(OLD_APP)
    states = {app["description"]: app["state"] for app in one_process("app", "list")}
    assert states == {OLD_APP: "stopped", NEW_APP: "deployed"}
    with pytest.raises(modal.exception.NotFoundError):
        one_process("function", "info", f"{OLD_APP}/{GENERATE}")
    function_id = one_process("app", "info", OLD_ID)["functions"][GENERATE]["id"]
    assert one_process(*call_arguments(function_id, START, START + DAY))


def test_a_deleted_app_is_gone_but_for_its_bill(local_modal: LocalModal, one_process: Command) -> None:
    local_modal.workspace.delete_app(OLD_APP)
    assert [app["description"] for app in one_process("app", "list")] == [NEW_APP]
    with pytest.raises(modal.exception.NotFoundError):
        one_process("app", "history", OLD_ID)
    bill = one_process(*report_arguments(START))
    assert OLD_APP in {row["description"] for row in bill}
