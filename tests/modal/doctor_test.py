"""`tieout doctor` against the local server: what a pull would meet, and what to do about it."""

import datetime as dt
from pathlib import Path

import pytest

from tests.modal.conftest import Puller
from tests.modal.faults import BILLING, permission_denied
from tieout.modal.snapshots import LandingFolder, Range, Subject

DAY = dt.timedelta(days=1)


def lines(puller: Puller) -> dict[str, str]:
    """What the doctor says of each subject, with its remedy behind it."""
    said: dict[str, str] = {}
    subject = ""
    for line in puller.tieout("doctor", "--modal", "--home", puller.home.root).out.splitlines():
        if not line.startswith(" "):
            subject = line.split()[1]
        said[subject] = f"{said.get(subject, '')} {line}".strip()
    return said


def write_no_calls(path: Path) -> None:
    path.write_text("[]\n")


def test_all_is_well_with_a_manager_and_a_right_clock(puller: Puller) -> None:
    said = lines(puller)
    assert said["modal"].startswith("ok       modal      workspace coral-x at http://127.0.0.1:")
    assert "the last hour is 2026-10-18 23:00 UTC" in said["bill"]
    assert said["calls"].startswith("ok") and "none was pulled yet" in said["calls"]


def test_a_member_hears_whom_to_ask_and_which_calls_are_at_risk(puller: Puller) -> None:
    puller.server.fail(BILLING, permission_denied(), times=None)
    now = puller.server.workspace.now
    LandingFolder(puller.home.landing, "1.6.4").receive(
        Subject("function_calls", app="a", function="f"),
        label="2026-10-12",
        command="modal function calls a/f",
        fetched_at=now - 6 * DAY,
        covers=Range(now - 7 * DAY, now - 6 * DAY),
        write=write_no_calls,
    )
    said = lines(puller)
    assert said["bill"].startswith("problem") and "Only owners and managers" in said["bill"]
    assert said["calls"].startswith("problem") and "Pull now, and every day" in said["calls"]


def test_a_clock_that_is_slow_is_told_by_what_is_billed(puller: Puller, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = puller.server.workspace.now - DAY / 2
    monkeypatch.setattr("tieout.cli.pull.utc_now", lambda: slow)
    said = lines(puller)
    assert said["clock"].startswith("problem") and "Set this machine's clock" in said["clock"]


def test_a_token_that_modal_does_not_take_is_a_problem_that_shows_none_of_it(puller: Puller) -> None:
    puller.server.token = ("ak-another", "as-another")
    said = lines(puller)
    assert said["modal"].startswith("problem") and "`modal token new`" in said["modal"]
    assert not any(credential in line for credential in puller.credentials for line in said.values())
