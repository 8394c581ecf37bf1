import datetime as dt
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tieout.modal.apps import ModalApp
from tieout.modal.calls import CalledFunction, function_errands, named
from tieout.modal.client import Cause, ModalError, Session
from tieout.modal.expired_calls import note_days_without_calls
from tieout.modal.pull import ignore_progress
from tieout.modal.retry_policy import RetryPolicy
from tieout.modal.snapshots import LandingFolder, Range, Subject, read_snapshots
from tieout.modal.tasks import Errands
from tieout.modal.visit import CatalogedFunctions, Visit, Wanted

NOW = dt.datetime(2026, 11, 10, 7, tzinfo=dt.UTC)
CREATED = dt.datetime(2026, 11, 8, tzinfo=dt.UTC)
API = ModalApp("main", "ap-1234567890123456789012", "api", "deployed", CREATED, None)
Modal = Callable[[str, dt.datetime, dt.datetime], Sequence[dt.datetime]]


class Answering(Session):
    """A session whose `modal function calls` prints the calls that a function of reference and range returns."""

    def __init__(self, modal: Modal) -> None:
        super().__init__(RetryPolicy(at_once=1))
        self._modal = modal
        self.asked: list[tuple[str, str, str]] = []

    def command(self, arguments: Sequence[str], output: Path) -> None:
        since, until = arguments[3], arguments[5]
        self.asked.append((arguments[-1], since, until))
        start, end = (dt.datetime.fromisoformat(bound) for bound in (since, until))
        calls = [call for call in self._modal(arguments[-1], start, end) if start <= call < end]
        rows = ",".join(
            f'\n  {{\n    "function_call_id": "fc-{call:%d%H}",\n    "enqueued_at": "{call:%Y-%m-%dT%H:%M:%SZ}",\n'
            '    "status": "success"\n  }'
            for call in calls
        )
        output.write_text(f"[{rows}\n]\n" if rows else "[]\n")


@contextmanager
def visiting(landing: Path, modal: Modal, *, now: dt.datetime = NOW) -> Iterator[tuple[Visit, Answering]]:
    scratch = landing.with_name("scratch")
    scratch.mkdir(exist_ok=True)
    with Answering(modal) as session:
        errands = Errands(session, ignore_progress)
        yield (
            Visit(
                session,
                LandingFolder(landing, "1.6.4"),
                errands,
                programme=CatalogedFunctions("main", {}),
                wanted=Wanted(frozenset({"function_calls"})),
                clock=lambda: now,
                scratch=scratch,
            ),
            session,
        )


def pull_calls(visit: Visit, *functions: CalledFunction) -> None:
    visit.errands.run(function_errands(visit, [functions]))


def hours(day: int, *numbers: int) -> list[dt.datetime]:
    return [dt.datetime(2026, 11, day, hour, tzinfo=dt.UTC) for hour in numbers]


def landed_calls(landing: Path) -> list[str]:
    """The calls that count: of each instant, those of the latest snapshot that speaks for it."""
    counting: set[str] = set()
    for snapshot in sorted(read_snapshots(landing), key=lambda snapshot: snapshot.fetched_at):
        assert snapshot.range is not None
        start, end = (f"{bound:%Y-%m-%dT%H:%M:%SZ}" for bound in (snapshot.range.start, snapshot.range.end))
        lines = snapshot.path.read_text().splitlines()
        counting = {call for call in counting if not start <= call < end}
        counting |= {line.split('"')[3] for line in lines if "enqueued_at" in line}
    return sorted(counting)


def test_calls_are_asked_for_from_the_day_on_which_the_app_was_made(tmp_path: Path) -> None:
    with visiting(tmp_path / "landing", lambda *_: hours(9, 1)) as (visit, session):
        pull_calls(visit, named(API, "f"))
    assert [asked[1:] for asked in session.asked] == [
        ("2026-11-08T00:00:00Z", "2026-11-09T00:00:00Z"),
        ("2026-11-09T00:00:00Z", "2026-11-10T07:00:00Z"),
    ]


def test_a_function_of_many_calls_is_asked_about_in_short_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tieout.modal.plan._HANDY_BYTES", 400)
    with visiting(tmp_path / "landing", lambda *_: hours(8, *range(24))) as (visit, session):
        pull_calls(visit, named(API, "f"))
    first, *others = [
        dt.datetime.fromisoformat(asked[2]) - dt.datetime.fromisoformat(asked[1]) for asked in session.asked
    ]
    assert first == dt.timedelta(days=1)
    assert {part < dt.timedelta(hours=6) for part in others} == {True}
    assert len(landed_calls(tmp_path / "landing")) == 24


def test_what_modal_has_forgotten_does_not_replace_what_was_landed(tmp_path: Path) -> None:
    landing, calls = tmp_path / "landing", [*hours(9, 1, 6, 12, 23), *hours(10, 2, 9)]
    with visiting(landing, lambda *_: calls, now=NOW - dt.timedelta(days=1)) as (visit, _):
        pull_calls(visit, named(API, "f"))

    def starter(_: str, __: dt.datetime, ___: dt.datetime) -> Sequence[dt.datetime]:
        return [call for call in calls if call >= NOW - dt.timedelta(days=1)]

    with visiting(landing, starter) as (visit, session):
        pull_calls(visit, named(API, "f"))
    assert len(session.asked) > 1
    assert landed_calls(landing) == [f"{call:%Y-%m-%dT%H:%M:%SZ}" for call in calls if call < NOW]


def test_where_all_is_forgotten_it_is_noted_and_what_was_landed_stays(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    with visiting(landing, lambda *_: hours(9, 1), now=NOW - dt.timedelta(days=1)) as (visit, _):
        pull_calls(visit, named(API, "f"))
    before = landed_calls(landing)
    with visiting(landing, lambda *_: [], now=NOW + dt.timedelta(days=2)) as (visit, _):
        pull_calls(visit, named(API, "f"))
        assert not visit.errands.failures
    assert set(before) <= set(landed_calls(landing))


def test_apps_of_one_name_give_one_log(tmp_path: Path) -> None:
    stopped = ModalApp("main", "ap-9999999999999999999999", "api", "stopped", CREATED, NOW)
    by_reference = {"fu-1": hours(9, 1), "api/f": hours(9, 2, 3)}
    with visiting(tmp_path / "landing", lambda reference, *_: by_reference[reference]) as (visit, session):
        pull_calls(visit, named(stopped, "f", "fu-1"), named(API, "f", "fu-2"))
    assert [asked[0] for asked in session.asked] == ["fu-1", "api/f", "fu-1", "api/f"]
    assert [file.rows for file in visit.errands.landed] == [0, 3]
    assert len(landed_calls(tmp_path / "landing")) == 3


def test_an_app_is_asked_only_about_days_on_which_it_was_there(tmp_path: Path) -> None:
    stopped = ModalApp("main", "ap-9999999999999999999999", "api", "stopped", CREATED, CREATED + dt.timedelta(hours=9))
    with visiting(tmp_path / "landing", lambda *_: hours(8, 1)) as (visit, session):
        pull_calls(visit, named(stopped, "f", "fu-1"), named(API, "f", "fu-2"))
    assert [(reference, since[:10]) for reference, since, _ in session.asked] == [
        ("fu-1", "2026-11-08"),
        ("api/f", "2026-11-08"),
        ("api/f", "2026-11-09"),
    ]


def test_files_from_a_clock_that_was_ahead_settle_nothing_and_are_named(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    with visiting(landing, lambda *_: [], now=NOW + dt.timedelta(days=3)) as (visit, _):
        pull_calls(visit, named(API, "f"))
    with visiting(landing, lambda *_: hours(9, 1)) as (visit, session):
        pull_calls(visit, named(API, "f"))
        [failure] = visit.errands.failures
    assert failure.cause is Cause.CLOCK
    assert failure.message.startswith("it is 2026-11-10 07:00 UTC, and 2 of the landed files say that they were fetch")
    assert [asked[1] for asked in session.asked] == ["2026-11-08T00:00:00Z", "2026-11-09T00:00:00Z"]


def write_text(text: str, path: Path) -> None:
    path.write_text(text)


def land_bill(landing: Path, start: dt.datetime, end: dt.datetime, *billed: dt.datetime, cost: str = "1") -> None:
    rows = [
        {"environment": "main", "description": "api", "interval_start": f"{hour:%Y-%m-%dT%H:%M:%S}", "cost": cost}
        for hour in billed
    ]
    LandingFolder(landing, "1.6.4").receive(
        Subject("billing_report"),
        label=f"{start:%Y-%m-%d}.plain",
        command="",
        fetched_at=end,
        covers=Range(start, end),
        write=partial(write_text, json.dumps(rows)),
    )


def test_calls_of_days_beyond_the_last_billed_hour_are_asked_for_again(tmp_path: Path) -> None:
    """The clock was three days ahead, and still is."""
    landing, fast = tmp_path / "landing", NOW + dt.timedelta(days=3)
    land_bill(landing, CREATED, fast, *hours(10, 5))
    with visiting(landing, lambda *_: hours(9, 1), now=fast) as (visit, _):
        pull_calls(visit, named(API, "f"))
    with visiting(landing, lambda *_: hours(9, 1), now=fast + dt.timedelta(days=1)) as (visit, session):
        pull_calls(visit, named(API, "f"))
    assert session.asked[0][1] == "2026-11-11T00:00:00Z"


def test_an_app_that_was_billed_before_its_first_call_is_noted(tmp_path: Path) -> None:
    """On Starter, whose calls are gone after a day; a day that was billed nothing is none."""
    landing = tmp_path / "landing"
    land_bill(landing, CREATED - dt.timedelta(days=1), CREATED, *hours(7, 5), cost="0")
    land_bill(landing, CREATED, NOW, *hours(8, 5), *hours(10, 5))
    with visiting(landing, lambda *_: hours(10, 5)) as (visit, _):
        pull_calls(visit, named(API, "f"))
        note_days_without_calls(visit)
        [note] = visit.errands.notes
    assert note.startswith("no calls came of api before 2026-11-10 (billed on 2026-11-08): they are gone")


def test_an_app_with_calls_since_it_was_billed_is_not(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    land_bill(landing, CREATED, NOW, *hours(8, 5), *hours(10, 5))
    with visiting(landing, lambda *_: hours(8, 5)) as (visit, _):
        pull_calls(visit, named(API, "f"))
        note_days_without_calls(visit)
        assert visit.errands.notes == []


def test_a_function_that_is_gone_is_asked_for_once_and_noted(tmp_path: Path) -> None:
    def gone(*_: object) -> Sequence[dt.datetime]:
        raise ModalError(Cause.MISSING, "not found")

    old = ModalApp("main", "ap-1234567890123456789012", "api", "deployed", None, None)
    with visiting(tmp_path / "landing", gone) as (visit, session):
        pull_calls(visit, named(old, "f"))
        assert len(session.asked) == 1
        assert not visit.errands.failures
        assert visit.errands.notes == [
            "not on Modal, or not any more: calls of api/f, 2026-10-11 07:05 to 2026-10-18 00:00 UTC"
        ]


@pytest.mark.parametrize(
    ("app", "state", "reference"),
    [("api", "deployed", "api/f"), ("a/b", "deployed", "fu-1"), ("api", "stopped", "fu-1"), ("..", "deployed", "../f")],
)
def test_a_function_is_named_so_that_modal_finds_it(app: str, state: str, reference: str) -> None:
    assert named(ModalApp("main", "ap-1", app, state, None, None), "f", "fu-1").reference == reference
