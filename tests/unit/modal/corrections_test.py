import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from tieout.modal.corrections import billed_by_day, changed_days, landed_by_day
from tieout.modal.snapshots import PLAIN, RESOURCES, Range, Snapshot, Subject

MONDAY, TUESDAY = dt.date(2026, 11, 2), dt.date(2026, 11, 3)
START, DAY, HOUR = dt.datetime(2026, 11, 2, tzinfo=dt.UTC), dt.timedelta(days=1), dt.timedelta(hours=1)


def row(interval: str, cost: str, object_id: str = "ap-1") -> Mapping[str, str]:
    return {"object_id": object_id, "interval_start": interval, "cost": cost}


def landed(folder: Path, covers: Range, *rows: Mapping[str, str], kind: str = PLAIN, age: int = 0) -> Snapshot:
    """A report of the bill that was read so many days ago."""
    path = folder / f"{covers.label}.{kind}.{age}.json"
    path.write_text(json.dumps(rows))
    fetched_at = START + 30 * DAY - age * DAY
    return Snapshot(Subject("billing_report"), kind, covers, fetched_at, open_from=None, path=path)


def test_of_each_hour_the_latest_report_counts_and_what_it_leaves_out_is_gone(tmp_path: Path) -> None:
    first = landed(
        tmp_path,
        Range(START, START + 2 * DAY),
        row("2026-11-02T01:00:00", "1.5"),
        row("2026-11-03T01:00:00", "4"),
        age=9,
    )
    corrected = landed(tmp_path, Range(START, START + DAY), row("2026-11-02T02:00:00", "2"), age=1)
    assert landed_by_day([corrected, first]) == {MONDAY: {"ap-1": Decimal(2)}, TUESDAY: {"ap-1": Decimal(4)}}


def test_the_breakdown_is_not_added_to_the_bill(tmp_path: Path) -> None:
    covers, hour = Range(START, START + DAY), row("2026-11-02T01:00:00", "1")
    snapshots = [landed(tmp_path, covers, hour), landed(tmp_path, covers, hour, hour, kind=RESOURCES)]
    assert landed_by_day(snapshots) == {MONDAY: {"ap-1": Decimal(1)}}


def test_a_day_costs_what_its_hours_cost_but_for_rounding() -> None:
    hours = billed_by_day(row(f"2026-11-02T{hour:02d}:00:00", "0.33333333") for hour in range(3))
    assert changed_days([MONDAY], hours, billed_by_day([row("2026-11-02", "1")])) == []
    assert changed_days([MONDAY], hours, billed_by_day([row("2026-11-02", "1.00001")])) == [MONDAY]


def test_a_cost_that_moves_to_another_object_is_a_change_though_the_sum_stays() -> None:
    before = billed_by_day([row("2026-11-02", "1"), row("2026-11-02", "2", "ap-2")])
    after = billed_by_day([row("2026-11-02", "2"), row("2026-11-02", "1", "ap-2")])
    assert changed_days([MONDAY, TUESDAY], before, after) == [MONDAY]


def test_a_day_that_vanished_from_the_bill_or_was_added_to_it_is_a_change() -> None:
    billed = billed_by_day([row("2026-11-02", "1")])
    assert changed_days([MONDAY], billed, {}) == changed_days([MONDAY], {}, billed) == [MONDAY]


def test_only_the_days_that_were_asked_about_count() -> None:
    assert changed_days([TUESDAY], {}, billed_by_day([row("2026-11-02", "1")])) == []
