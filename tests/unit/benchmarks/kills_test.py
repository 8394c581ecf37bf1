"""How the kill benchmark judges: what counts as identical, how a mail has fared, and what a kill is."""

import datetime as dt
import json
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from benchmarks.commands import Command, Ended, run, run_or_kill
from benchmarks.kills import Interrupted, Killed, table
from benchmarks.kills.contents import built, differences, landed
from benchmarks.kills.mails import DOUBT_ARRIVED, DOUBT_LOST, LOST, ONCE, TWICE, fate_of
from tieout.core.home import Home
from tieout.mail.messages import RecipientState
from tieout.warehouse.connection import open_warehouse

MONDAY, TUESDAY = dt.datetime(2026, 11, 16, 8), dt.datetime(2026, 11, 17, 8)  # noqa: DTZ001 - naive UTC
FETCHED, AGAIN = "20261116T080000Z", "20261116T080100Z"
MIDNIGHT = dt.datetime(2026, 11, 16, tzinfo=dt.UTC)


def workspace(root: Path, *, at: dt.datetime, amount: str = "1.25", printed_at: dt.datetime | None = None) -> Home:
    """A workspace with one closed week and one amount, all of it done at a time."""
    home = Home(root)
    document = json.dumps({"sha256": f"{at}", "closing": {"week": "2026-W46", "closed_at": at.isoformat()}})
    with open_warehouse(home.warehouse) as con:
        con.execute("create table spend.hourly as select ?::decimal(38, 12) as amount_usd", [amount])
        con.execute("insert into meta.closings values ('2026-W46', 1, ?, ?)", [at, document])
        con.execute("insert into meta.week_inputs values ('2026-W46', 'hash', ?)", [at])
        con.execute("insert into meta.published_file values (7, ?, 'code')", [int(at.timestamp())])
    with duckdb.connect(home.finance) as con:
        con.execute("create table main.about as select 7 as pools, ?::timestamp as built_at", [at])
    kept = home.reports / "2026-W46" / "revision-1"
    kept.mkdir(parents=True)
    (kept / "figures.json").write_text(document)
    (kept / "report.txt").write_text(f"Revision 1, issued {printed_at or at:%Y-%m-%d %H:%M} UTC.")
    return home


def land(folder: Path, name: str, rows: list[dict[str, str]], *, start: str, end: str) -> None:
    """Land calls of a function as a pull does, from a day to the start of another."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{start}.{name}.json"
    file.write_text(json.dumps(rows))
    sidecar = {"range_start": f"{start}T00:00:00Z", "range_end": f"{end}T00:00:00Z", "fetched_at": name}
    file.with_name(f"{file.name}.meta.json").write_text(json.dumps(sidecar))


def test_the_same_done_a_day_later_is_identical(tmp_path: Path) -> None:
    monday, tuesday = (workspace(tmp_path / f"{at:%a}", at=at) for at in (MONDAY, TUESDAY))
    assert differences(built(monday), built(tuesday)) == ()


def test_a_table_that_differs_is_named(tmp_path: Path) -> None:
    one, other = (workspace(tmp_path / amount, at=MONDAY, amount=amount) for amount in ("1.25", "1.250000000001"))
    assert differences(built(one), built(other)) == ("warehouse spend.hourly",)


def test_a_report_that_was_issued_at_another_time_than_the_warehouse_knows_is_named(tmp_path: Path) -> None:
    one = workspace(tmp_path / "one", at=MONDAY)
    other = workspace(tmp_path / "other", at=MONDAY, printed_at=TUESDAY)
    assert differences(built(one), built(other)) == ("reports/2026-W46/revision-1/report.txt",)


def test_what_a_kill_leaves_in_the_reports_is_named(tmp_path: Path) -> None:
    one, other = (workspace(tmp_path / name, at=MONDAY) for name in ("one", "other"))
    (other.reports / ".index.html.partial").touch()
    assert differences(built(one), built(other)) == ("reports/.index.html.partial",)


def test_a_pull_that_went_on_in_other_ranges_has_brought_the_same(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    first, second = {"id": "1", "status": "success"}, {"status": "success", "id": "2"}
    land(one, FETCHED, [first, second], start="2026-11-14", end="2026-11-16")
    land(other, FETCHED, [first], start="2026-11-14", end="2026-11-15")
    land(other, AGAIN, [dict(reversed(first.items())), second], start="2026-11-14", end="2026-11-17")
    assert differences(landed(one, until=MIDNIGHT), landed(other, until=MIDNIGHT)) == ()


@pytest.mark.parametrize(
    ("rows", "end"),
    [([], "2026-11-16"), ([{"id": "1"}, {"id": "2"}], "2026-11-16"), ([{"id": "1"}], "2026-11-15")],
    ids=["a row is missing", "a row more", "a day is missing"],
)
def test_a_pull_that_has_brought_something_else_is_named(tmp_path: Path, rows: list[dict[str, str]], end: str) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    land(one, FETCHED, [{"id": "1"}], start="2026-11-14", end="2026-11-16")
    land(other, AGAIN, rows, start="2026-11-14", end=end)
    [name] = differences(landed(one, until=MIDNIGHT), landed(other, until=MIDNIGHT))
    assert name.startswith("landing/")


@pytest.mark.parametrize(
    ("state", "copies", "fate"),
    [
        (RecipientState.SENT, 1, ONCE),
        (RecipientState.SENT, 0, LOST),
        (RecipientState.SENT, 2, TWICE),
        (RecipientState.IN_DOUBT, 1, DOUBT_ARRIVED),
        (RecipientState.IN_DOUBT, 0, DOUBT_LOST),
        (RecipientState.IN_DOUBT, 2, TWICE),
        (RecipientState.WAITING, 0, LOST),
        (RecipientState.WAITING, 1, TWICE),
        (None, 0, LOST),
    ],
)
def test_what_has_become_of_a_mail(state: RecipientState | None, copies: int, fate: str) -> None:
    assert fate_of(state, copies) == fate


def test_a_command_ends_by_itself_or_is_killed(tmp_path: Path) -> None:
    ended = run(Command(("--help",)), tmp_path)
    assert (ended.code, "tieout" in ended.said) == (0, True)
    assert run_or_kill(Command(("--help",)), tmp_path, 0.01) is None


def test_a_mismatch_says_how_to_repeat_it() -> None:
    killed = Killed("run")
    killed.add(Interrupted((0.5, 1.25), Ended(0, 3.0, 2.0, "")), ())
    killed.add(Interrupted((2.0,), Ended(0, 3.0, 2.0, "")), ("warehouse spend.hourly",))
    killed.add(Interrupted((), Ended(0, 3.0, 2.0, "")), ())
    assert (killed.trials, killed.kills, killed.ends, killed.identical) == (3, 3, 2, 1)
    assert "- run, trial 2, killed after 2.00 s: warehouse spend.hourly" in table([killed])


def test_mails_are_counted_by_what_became_of_them() -> None:
    killed = Killed("send", fates=Counter({ONCE: 8, DOUBT_ARRIVED: 2}), decided=2)
    assert "| 10 | 8 | 2 | 0 | 0 | 0 |" in table([killed])
    assert "Of 2 in doubt, 2 had" in table([killed])
