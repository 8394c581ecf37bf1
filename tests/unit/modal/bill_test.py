import datetime as dt
import json
from functools import partial
from pathlib import Path

import pytest

from tests.support.landing_folder import SAMPLES
from tieout.modal.bill import bill_errands, printed
from tieout.modal.client import Session
from tieout.modal.pull import ignore_progress
from tieout.modal.retry_policy import RetryPolicy
from tieout.modal.snapshots import PLAIN, RESOURCES, LandingFolder, Range, Subject
from tieout.modal.tasks import Errands
from tieout.modal.visit import CatalogedFunctions, Visit, Wanted

ITEM = {
    "object_id": "ap-1",
    "description": "Größe",
    "environment": "main",
    "interval_start": "2026-11-02T01:00:00",
    "cost": "1.25E-7",
    "cost_by_resource": {"CPU": "1.2E-7", "Memory": "0E-8"},
    "tags": {"team": "genai"},
}
VOLUME = {**ITEM, "object_id": "vo-1", "cost_by_resource": {}, "tags": {}}


def test_the_plain_report_has_every_object_with_its_cost_digit_for_digit() -> None:
    rows = json.loads(printed([ITEM, VOLUME], PLAIN))
    assert [(row["object_id"], row["cost"]) for row in rows] == [("ap-1", "1.25E-7"), ("vo-1", "1.25E-7")]


def test_the_breakdown_drops_what_has_none_as_the_cli_does() -> None:
    rows = json.loads(printed([ITEM, VOLUME], RESOURCES))
    assert [(row["object_id"], row["resource"], row["cost"]) for row in rows] == [
        ("ap-1", "CPU", "1.2E-7"),
        ("ap-1", "Memory", "0E-8"),
    ]


def test_the_layout_is_the_clis_own() -> None:
    sample = (SAMPLES / "billing_report.hourly.resources.json").read_text(encoding="utf-8")
    first = json.loads(sample)[0]
    item = {**first, "cost_by_resource": {first["resource"]: first["cost"]}, "tags": json.loads(first["tags"])}
    assert printed([item], RESOURCES) == json.dumps([first], indent=2, ensure_ascii=False) + "\n"
    assert "Größe" in printed([ITEM], PLAIN)


def test_a_report_without_anything_billed_is_an_empty_list() -> None:
    assert printed([], PLAIN) == "[]\n"


def write_text(text: str, path: Path) -> None:
    path.write_text(text)


def asked_for(tmp_path: Path, *, pulled: str, now: str, wanted: Wanted) -> list[str]:
    """What a pull asks of the bill, when one of that time has landed it from the first of its month on."""
    fetched_at, moment = (dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC) for text in (pulled, now))
    first, last = fetched_at.replace(day=1, hour=0), fetched_at - dt.timedelta(hours=1)
    bill = printed([{**ITEM, "interval_start": f"{last:%Y-%m-%dT%H:00:00}"}], PLAIN)
    folder, session = LandingFolder(tmp_path / "landing", "1.6.4"), Session(RetryPolicy(at_once=1))
    folder.receive(
        Subject("billing_report"),
        label="month.plain",
        command="modal billing report",
        fetched_at=fetched_at,
        covers=Range(first, fetched_at),
        write=partial(write_text, bill),
    )
    errands = Errands(session, ignore_progress)
    visit = Visit(
        session,
        folder,
        errands,
        programme=CatalogedFunctions("main", {}),
        wanted=wanted,
        clock=lambda: moment,
        scratch=tmp_path,
    )
    return [errand.what for errand in bill_errands(visit)]


def test_after_a_pause_over_a_months_end_no_hour_of_the_bill_and_no_summary_is_missing(tmp_path: Path) -> None:
    wanted = Wanted(frozenset({"billing_report", "billing_summary"}))
    assert asked_for(tmp_path, pulled="2026-11-23T17:00", now="2027-01-02T07:00", wanted=wanted) == [
        "bill of 2026-11-23 00:00 to 2026-11-30 00:00 UTC",
        "bill of 2026-11-30 00:00 to 2026-12-07 00:00 UTC",
        "bill of 2026-12-07 00:00 to 2026-12-14 00:00 UTC",
        "bill of 2026-12-14 00:00 to 2026-12-21 00:00 UTC",
        "bill of 2026-12-21 00:00 to 2026-12-28 00:00 UTC",
        "bill of 2026-12-28 00:00 to 2027-01-02 07:00 UTC",
        "summary of 2026-11",
        "summary of 2026-12",
        "summary of 2027-01",
    ]


@pytest.mark.parametrize(("until", "first"), [(None, "2026-11-23"), (dt.date(2027, 1, 1), "2026-12-01")])
def test_a_range_that_was_named_begins_where_it_says(tmp_path: Path, until: dt.date | None, first: str) -> None:
    wanted = Wanted(frozenset({"billing_report"}), until=until)
    asked = asked_for(tmp_path, pulled="2026-11-23T17:00", now="2027-01-02T07:00", wanted=wanted)
    assert asked[0].startswith(f"bill of {first}")
