import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.modal_pull.apps import App
from pipelines.modal_pull.calls import Function, function_errands, named
from pipelines.modal_pull.errands import Errands
from pipelines.modal_pull.landed import LandingFolder, read_snapshots
from pipelines.modal_pull.patience import Patience
from pipelines.modal_pull.pull import ignore_progress
from pipelines.modal_pull.session import Cause, ModalError, Session
from pipelines.modal_pull.visit import Programme, Visit, Wanted

NOW = dt.datetime(2026, 11, 10, 7, tzinfo=dt.UTC)
CREATED = dt.datetime(2026, 11, 8, tzinfo=dt.UTC)
API = App("main", "ap-1234567890123456789012", "api", "deployed", CREATED, None)
Modal = Callable[[str, dt.datetime, dt.datetime], Sequence[dt.datetime]]


class Answering(Session):
    """A session whose `modal function calls` prints the calls that a function of reference and range returns."""

    def __init__(self, modal: Modal) -> None:
        super().__init__(Patience(at_once=1))
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
                programme=Programme("main", {}),
                wanted=Wanted(frozenset({"function_calls"})),
                clock=lambda: now,
                scratch=scratch,
            ),
            session,
        )


def pull_calls(visit: Visit, *functions: Function) -> None:
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
    monkeypatch.setattr("pipelines.modal_pull.plan._HANDY_BYTES", 400)
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
    stopped = App("main", "ap-9999999999999999999999", "api", "stopped", CREATED, NOW)
    by_reference = {"fu-1": hours(9, 1), "api/f": hours(9, 2, 3)}
    with visiting(tmp_path / "landing", lambda reference, *_: by_reference[reference]) as (visit, session):
        pull_calls(visit, named(stopped, "f", "fu-1"), named(API, "f", "fu-2"))
    assert [asked[0] for asked in session.asked] == ["fu-1", "api/f", "fu-1", "api/f"]
    assert [file.rows for file in visit.errands.landed] == [0, 3]
    assert len(landed_calls(tmp_path / "landing")) == 3


def test_a_function_that_is_gone_is_asked_for_once_and_noted(tmp_path: Path) -> None:
    def gone(*_: object) -> Sequence[dt.datetime]:
        raise ModalError(Cause.MISSING, "not found")

    old = App("main", "ap-1234567890123456789012", "api", "deployed", None, None)
    with visiting(tmp_path / "landing", gone) as (visit, session):
        pull_calls(visit, named(old, "f"))
        assert len(session.asked) == 1
        assert not visit.errands.failures
        assert visit.errands.notes == [
            "not on Modal, or not any more: calls of api/f, 2026-10-12 00:00 to 2026-10-19 00:00 UTC"
        ]


@pytest.mark.parametrize(
    ("app", "state", "reference"),
    [("api", "deployed", "api/f"), ("a/b", "deployed", "fu-1"), ("api", "stopped", "fu-1"), ("..", "deployed", "../f")],
)
def test_a_function_is_named_so_that_modal_finds_it(app: str, state: str, reference: str) -> None:
    assert named(App("main", "ap-1", app, state, None, None), "f", "fu-1").reference == reference
