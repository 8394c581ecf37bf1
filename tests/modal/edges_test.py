"""What a pull says at the edges of what Modal answers: one clear line, and a hint that leads somewhere."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from grpclib import Status

from tests.conftest import Spoken
from tests.modal.conftest import Puller
from tests.modal.faults import Refusal
from tests.modal.simulated_workspace import SimulatedWorkspace
from tieout.simulator.bill import Item

ONLY_BILL = ("--only", "billing_report")
Billed = list[tuple[dt.datetime, Item]]


def lines(spoken: Spoken, beginning: str) -> list[str]:
    return [line for line in (spoken.out + spoken.err).splitlines() if line.startswith(beginning)]


def change_bill(monkeypatch: pytest.MonkeyPatch, change: Callable[[Billed], Billed]) -> None:
    """Let the server bill otherwise; a report with nothing in it stays as it is."""
    billed = SimulatedWorkspace._billed

    def changed(self: SimulatedWorkspace, *asked: Any) -> Iterator[tuple[dt.datetime, Item]]:
        items = list(billed(self, *asked))
        yield from change(items) if items else ()

    monkeypatch.setattr(SimulatedWorkspace, "_billed", changed)


def test_an_environment_that_the_token_may_not_list_leaves_the_rest_of_use(puller: Puller) -> None:
    refusal = Refusal(Status.PERMISSION_DENIED, "You may not see it.")
    puller.server.fail("AppList", refusal, times=None)
    spoken = puller.pull("--only", "billing_report", "--only", "app_list")
    assert spoken.code == 1
    assert lines(spoken, "Not pulled") == [
        "Not pulled: app list of main: the token may not list this environment, so its bill comes without calls "
        "(You may not see it.)"
    ]
    assert "owners and managers" not in spoken.err
    assert "Asking again changes nothing until the plan or the permissions do" in spoken.err
    assert puller.rows("billing_report", ".plain")


def test_a_bill_that_the_plan_does_not_have_is_one_line_for_all_its_weeks(puller: Puller) -> None:
    puller.server.fail("WorkspaceBillingReport", Refusal(Status.UNIMPLEMENTED, "Not on your plan."), times=None)
    spoken = puller.pull(*ONLY_BILL)
    assert spoken.code == 1
    [line] = lines(spoken, "Not pulled")
    assert line.endswith("and 6 more: Not on your plan.")
    assert "Asking again changes nothing" in spoken.err


def test_doctor_does_not_send_to_itself_where_the_plan_refuses_the_bill(puller: Puller) -> None:
    puller.server.fail("WorkspaceBillingReport", Refusal(Status.UNIMPLEMENTED, "Not on your plan."), times=None)
    spoken = puller.tieout("doctor", "--home", puller.home.root, "--modal")
    assert "Modal refuses it: Not on your plan." in spoken.out
    assert "also reads files exported by hand" in spoken.out
    assert "doctor --home" not in spoken.out


@pytest.mark.slow
@pytest.mark.usefixtures("unvalidated")
def test_an_empty_workspace_is_said_to_be_empty(puller: Puller, monkeypatch: pytest.MonkeyPatch) -> None:
    change_bill(monkeypatch, lambda _items: [])
    for app in puller.server.workspace.world.scenario.apps:
        puller.server.workspace.delete_app(app.name)
    spoken = puller.pull()
    assert spoken.code == 0
    assert lines(spoken, "Note: nothing was billed") == [
        "Note: nothing was billed and no app is listed: the workspace is empty, or the token is another's"
    ]
    assert puller.tieout("run", "--home", puller.home.root).code == 0
    assert "problem" not in puller.tieout("doctor", "--home", puller.home.root).out


def test_objects_without_an_id_or_of_an_unknown_kind_are_named_when_they_are_pulled(
    puller: Puller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(items: Billed) -> Billed:
        (first, nameless), (second, unknown), *others = items
        return [(first, replace(nameless, object_id="")), (second, replace(unknown, object_id="zz-1")), *others]

    change_bill(monkeypatch, odd)
    spoken = puller.pull(*ONLY_BILL)
    assert spoken.code == 0
    assert any(
        line.endswith("without an object id, kept; spend shows the cost without a function")
        for line in lines(spoken, "Note: bill of ")
    )
    assert any(
        "1 row ($" in line and "of an unknown kind of object (zz-1), kept" in line for line in lines(spoken, "Note")
    )
    assert {"", "zz-1"} <= {row["object_id"] for row in puller.rows("billing_report", ".plain")}


def test_rows_of_hours_that_were_not_asked_for_are_left_out_and_named(
    puller: Puller, monkeypatch: pytest.MonkeyPatch
) -> None:
    early = puller.server.workspace.world.start - dt.timedelta(days=100)
    change_bill(monkeypatch, lambda items: [*items, (early, items[0][1])])
    spoken = puller.pull(*ONLY_BILL)
    assert spoken.code == 0
    assert any("1 row ($" in line and "of other hours (2026-07-04 00:00" in line for line in lines(spoken, "Note"))
    assert not any(row["interval_start"] < "2026-10-12" for row in puller.rows("billing_report", ".plain"))
