import datetime as dt
from pathlib import Path

import dagster as dg
import pytest

from tieout.core.home import Home
from tieout.core.periods import IsoWeek
from tieout.core.resources import resource_path
from tieout.defs import calendar
from tieout.defs.calendar import WEEKS, Calendar, period_of, read_calendar, show_weeks, write_calendar
from tieout.defs.instance import complete_instance, open_instance
from tieout.warehouse.build import Period

CATALOG = resource_path("catalog")


def shown(instance: dg.DagsterInstance) -> list[str]:
    return list(WEEKS.get_partition_keys(dynamic_partitions_store=instance))


def weeks(*labels: str) -> list[IsoWeek]:
    return [IsoWeek.parse(label) for label in labels]


def test_weeks_are_shown_as_the_command_line_writes_them_the_oldest_first() -> None:
    with dg.instance_for_test() as instance:
        show_weeks(instance, weeks("2026-W53", "2026-W46"))
        assert shown(instance) == ["2026-W46", "2026-W53"]
        show_weeks(instance, weeks("2026-W46", "2026-W53", "2027-W01"))
        assert shown(instance) == ["2026-W46", "2026-W53", "2027-W01"]
        show_weeks(instance, weeks("2026-W40", "2026-W53"))
        assert shown(instance) == ["2026-W40", "2026-W53"]


def test_a_workspace_of_an_earlier_version_shows_its_weeks_before_its_next_run(tmp_path: Path) -> None:
    home = Home(tmp_path)
    write_calendar(home, weeks("2026-W39", "2026-W41"))
    complete_instance(home)
    with open_instance(home) as instance:
        assert shown(instance) == ["2026-W39", "2026-W40", "2026-W41"]
        show_weeks(instance, weeks("2026-W39", "2026-W41"))
    complete_instance(home)
    with open_instance(home) as instance:
        assert shown(instance) == ["2026-W39", "2026-W41"], "it has its own by now"


def test_before_anything_is_landed_the_calendar_starts_with_the_longest_baseline(tmp_path: Path) -> None:
    assert read_calendar(Home(tmp_path), CATALOG).first == IsoWeek.parse("2026-W35")


def test_the_calendar_spans_what_was_landed(tmp_path: Path) -> None:
    home = Home(tmp_path)
    write_calendar(home, [IsoWeek.parse("2026-W46"), IsoWeek.parse("2026-W39")])
    assert read_calendar(home, CATALOG) == Calendar(IsoWeek.parse("2026-W39"), IsoWeek.parse("2026-W46"))


def test_a_calendar_that_cannot_be_read_is_made_from_the_catalog(tmp_path: Path) -> None:
    home = Home(tmp_path)
    write_calendar(home, [IsoWeek.parse("2026-W46")])
    (home.dagster / "weeks.json").write_text("{")
    assert read_calendar(home, CATALOG).first == IsoWeek.parse("2026-W35")


@pytest.mark.parametrize("today", [dt.date(2026, 1, 15), dt.date(2026, 10, 7), dt.date(2026, 11, 23)])
def test_landed_days_are_there_whatever_the_clock_says(monkeypatch: pytest.MonkeyPatch, today: dt.date) -> None:
    monkeypatch.setattr(calendar, "_today", lambda: today)
    span = Calendar(IsoWeek.parse("2026-W39"), IsoWeek.parse("2026-W46"))
    noon = dt.datetime(today.year, today.month, today.day, 12, tzinfo=dt.UTC)
    days = span.daily.get_partition_keys(current_time=noon)
    assert days[0] == "2026-09-21"
    assert "2026-11-15" in days


def test_the_running_day_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    today = dt.datetime(2026, 11, 25, 9, tzinfo=dt.UTC)
    monkeypatch.setattr(calendar, "_today", today.date)
    span = Calendar(IsoWeek.parse("2026-W39"), IsoWeek.parse("2026-W46"))
    assert span.daily.get_partition_keys(current_time=today)[-1] == "2026-11-25"


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")  # backfill_policy
@pytest.mark.parametrize(
    ("keys", "since", "until"),
    [
        (["2026-W44"], dt.date(2026, 10, 26), dt.date(2026, 11, 2)),
        (["2026-W53", "2027-W01"], dt.date(2026, 12, 28), dt.date(2027, 1, 11)),
    ],
)
def test_a_run_is_about_all_days_of_its_weeks(keys: list[str], since: dt.date, until: dt.date) -> None:
    with dg.instance_for_test() as instance:
        show_weeks(instance, [IsoWeek.parse(key) for key in keys])
        context = dg.build_asset_context(partition_key_range=dg.PartitionKeyRange(keys[0], keys[-1]), instance=instance)
        seen: list[Period] = []

        @dg.asset(partitions_def=WEEKS, backfill_policy=dg.BackfillPolicy.single_run())
        def chosen(context: dg.AssetExecutionContext) -> None:
            seen.append(period_of(context))

        chosen(context)
    assert seen == [Period(since, until)]
