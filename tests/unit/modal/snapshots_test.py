import datetime as dt
import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from tests.support import landing_folder
from tieout.modal.snapshots import LandedFile, LandingFolder, Range, Snapshot, Subject, read_snapshots

FETCHED = dt.datetime(2026, 11, 3, 7, tzinfo=dt.UTC)
DAY = Range(dt.datetime(2026, 11, 2, tzinfo=dt.UTC), dt.datetime(2026, 11, 3, tzinfo=dt.UTC))
CALLS = Subject("function_calls", app="a", function="f")
CALL = landing_folder.CALL


@pytest.fixture
def loaded(tmp_path: Path) -> Iterator[landing_folder.LandingFolder]:
    with landing_folder.LandingFolder(tmp_path) as folder:
        yield folder


def write(content: str, path: Path) -> None:
    path.write_text(content)


def printed(*calls: Mapping[str, object]) -> str:
    return json.dumps(calls, indent=2) + "\n"


def land(
    landing: Path, content: str, subject: Subject = CALLS, covers: Range | None = DAY
) -> tuple[LandedFile, Snapshot]:
    return LandingFolder(landing, "1.6.4").receive(
        subject,
        label="2026-11-02",
        command="modal function calls a/f",
        fetched_at=FETCHED,
        covers=covers,
        write=partial(write, content),
    )


def test_what_a_pull_lands_is_loaded_with_its_range_and_its_time(loaded: landing_folder.LandingFolder) -> None:
    file, _ = land(loaded.landing, printed(CALL, {**CALL, "function_call_id": "fc-2"}))
    assert file.rows == 2
    assert not loaded.load().rejected
    assert loaded.rows("select path, client_version from raw.deliveries") == [(file.path, "1.6.4")]
    times = loaded.rows("select range_start::varchar, range_end::varchar, fetched_at::varchar from raw.deliveries")
    assert times == [("2026-11-02 00:00:00", "2026-11-03 00:00:00", "2026-11-03 07:00:00")]


@pytest.mark.parametrize("name", ["..", ".", "a/b", "../../etc", "white space", "Trainer.*", "=1+1", "ü", "%2E"])
def test_a_name_stays_inside_and_comes_back_as_it_was(loaded: landing_folder.LandingFolder, name: str) -> None:
    file, snapshot = land(loaded.landing, printed(CALL), Subject("function_calls", app=name, function=name))
    assert (loaded.landing / file.path).resolve().is_relative_to(loaded.landing.resolve() / "function_calls")
    assert (snapshot.subject.app, snapshot.subject.function) == (name, name)
    assert not loaded.load().rejected
    assert loaded.rows("select app, function from raw.files") == [(name, name)]


def test_what_fails_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    def half(path: Path) -> None:
        path.write_text('[{"function_call_id": "fc-')
        raise ConnectionError("cut")

    with pytest.raises(ConnectionError):
        LandingFolder(tmp_path, "1.6.4").receive(
            CALLS, label="2026-11-02", command="modal", fetched_at=FETCHED, covers=DAY, write=half
        )
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_kill_between_sidecar_and_file_lets_the_next_pull_ask_again(tmp_path: Path) -> None:
    file, _ = land(tmp_path, printed(CALL))
    (tmp_path / file.path).unlink()
    assert list(read_snapshots(tmp_path)) == []


def test_a_sidecar_that_cannot_be_read_lets_the_next_pull_ask_again(tmp_path: Path) -> None:
    file, _ = land(tmp_path, printed(CALL))
    (tmp_path / f"{file.path}.meta.json").write_text('{"fetched_at": ')
    assert list(read_snapshots(tmp_path)) == []


def test_what_a_killed_pull_left_half_written_is_swept_out_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "app_list"
    folder.mkdir()
    for name in ("1.json", ".2.json.partial", ".2.json.meta.json.partial", "notes.partial"):
        (folder / name).write_text("[")
    LandingFolder(tmp_path, "1.6.4")
    assert {path.name for path in folder.iterdir()} == {"1.json", "notes.partial"}


def test_the_sidecar_tells_since_when_calls_had_not_ended(tmp_path: Path) -> None:
    ended = {**CALL, "enqueued_at": "2026-11-02T01:00:00Z"}
    running = {**CALL, "enqueued_at": "2026-11-02T09:00:00.5Z", "status": "running", "execution_time_seconds": None}
    waiting = {**CALL, "enqueued_at": "2026-11-02T10:00:00Z", "status": "pending", "started_at": None}
    land(tmp_path, printed(ended, running, waiting))
    [snapshot] = read_snapshots(tmp_path)
    assert snapshot.open_from == dt.datetime(2026, 11, 2, 9, tzinfo=dt.UTC)


def test_a_call_that_does_not_say_when_lands_for_the_loading_to_refuse(tmp_path: Path) -> None:
    running = {**CALL, "enqueued_at": None, "status": "running"}
    assert [land(tmp_path, printed(*calls))[1].open_from for calls in ([running], [running, CALL])] == [None, None]


def test_a_large_log_is_counted_to_the_last_call(tmp_path: Path) -> None:
    calls = [{**CALL, "function_call_id": f"fc-{number}"} for number in range(20_000)]
    file, snapshot = land(tmp_path, printed(*calls, {**CALL, "status": "running"}))
    assert file.rows == 20_001
    assert snapshot.open_from is not None


def test_a_log_without_calls_lands_too(loaded: landing_folder.LandingFolder) -> None:
    file, snapshot = land(loaded.landing, "[]\n")
    assert (file.rows, snapshot.open_from) == (0, None)
    assert not loaded.load().rejected
