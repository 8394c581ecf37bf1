"""The fast path of call logs never accepts what the careful one refuses, and both read the same values."""

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.landing_folder import CALL, CALLS, LandingFolder
from tieout.sources import call_records
from tieout.sources.call_text import Occurrences
from tieout.sources.fields import parse_time
from tieout.sources.landing import RejectionError

FILE = f"{CALLS}/2026-11-02.json"
NAMES = list(CALL)
TIMES = [
    "2026-11-02T00:00:41.500Z",
    "2026-11-02T23:59:59.123456789Z",
    "2026-11-02T24:00:00Z",
    "2026-11-02T 1:02:03Z",
    "2026-11-02T01:02:03.Z",
    "2026-11-02T01:02:03.5+05Z",
    "2026-11-02T01:02:03.1234567891234Z",
    "2026-11-02T02:02:11+02:00",
    "2026-11-02 00:02",
    "2026-11-02",
    "20261102",
    " 2026-11-2T01:02:03.456Z",
    "2026-11-02T01:02:03.45Z ",
    "2026-11-02T01:02:03.45Z\t",
    "2026-1-2T01:02:03.45678Z",
    "2026-11-02T01:02:03.4 NZ",
    "2026-11-02T24:00:00.000Z",
    "2026-11-02T 1:02:03.456Z",
    "2026-11-02T01:02:03.456z",
    "1926-11-02T01:02:03.456Z",
    "2026-11-02T01:02:03.45678Z ",
    "2026-1-2T01:02:03.45678901Z",
    "2026-02-30T00:00:00Z",
    "2026-11-02T00:00:60Z",
    "epoch",
    "infinity",
    "",
]
ODD_NUMBERS = [0, 1, -1, 17, 2.5, 1e300, 10**30, float("nan")]
ODD_TEXTS = ["", "12.5", "true", "1", "fc-1", "ta-1", "x", "[1]", "{}", '"', '\\"', "a,b", "\ud800", "\0"]
ODD_OTHERS = [None, True, False, [], {}, {"status": None}, [1, {"started_at": 1}]]
ODD = st.sampled_from([*ODD_NUMBERS, *ODD_TEXTS, *ODD_OTHERS, *NAMES, *TIMES])
VALUES = {
    "function_call_id": st.sampled_from(["fc-1", "fc-2", "false", "x"]),
    "service_method_name": st.sampled_from([None, "run", "_private", "Run", "true"]),
    "enqueued_at": st.sampled_from(TIMES),
    "started_at": st.none() | st.sampled_from(TIMES),
    "container_id": st.sampled_from([None, "ta-1", "ta-2", "true"]),
    "startup_time_seconds": st.none() | st.sampled_from([0, 1, 0.5, 12.25]),
    "execution_time_seconds": st.none() | st.sampled_from([0, 1, 0.0000015, 99.125]),
    "status": st.sampled_from(["success", "failure", "a status of tomorrow", 17, "true"]),
}


@st.composite
def rows_of_calls(draw: st.DrawFn) -> list[list[tuple[str, Any]]]:
    """Rows as lists of pairs, so that a key may stand twice: most are whole, some lack, repeat or add something."""
    rows = []
    for _ in range(draw(st.integers(1, 4))):
        row = [(name, draw(VALUES[name]) if draw(st.integers(0, 3)) == 0 else CALL[name]) for name in NAMES]
        for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
            row = draw(st.sampled_from([_without, _with_odd_value, _with_another, _repeated]))(draw, row)
        rows.append(row)
    return rows


def _without(draw: st.DrawFn, row: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    name = draw(st.sampled_from(NAMES))
    return [pair for pair in row if pair[0] != name]


def _with_odd_value(draw: st.DrawFn, row: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    name, value = draw(st.sampled_from(NAMES)), draw(ODD)
    return [(key, value if key == name else kept) for key, kept in row]


def _with_another(draw: st.DrawFn, row: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return [*row, (draw(st.sampled_from(["note", "Status", "x"])), draw(ODD))]


def _repeated(draw: st.DrawFn, row: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return [*row, draw(st.sampled_from(row))] if row else row


def _text(rows: list[list[tuple[str, Any]]]) -> str:
    objects = ["{" + ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in row) + "}" for row in rows]
    return "[" + ", ".join(objects) + "]"


@settings(deadline=None, max_examples=50)
@given(rows_of_calls(), st.sampled_from(["", "", "", "]", ",", "\n", "x"]), st.sampled_from([0, 0, 0, 0, 1, 2, 40]))
@example([[*CALL.items()], [(name, True if name == "startup_time_seconds" else CALL[name]) for name in NAMES]], "", 0)
@example([[*CALL.items()]], ",", 1)
def test_a_log_is_loaded_only_if_the_careful_reader_accepts_it(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[tuple[str, Any]]], after: str, cut: int
) -> None:
    text = _text(rows)
    with LandingFolder(tmp_path_factory.mktemp("landing")) as folder:
        path = folder.put(FILE, text[: len(text) - cut] + after)
        is_loaded = folder.load().rejected == ()
        assert is_loaded is _is_accepted(path)
        if is_loaded:
            assert folder.rows(_LOADED) == [_values(call) for call in json.loads(path.read_bytes())]


_LOADED = """
select
    function_call_id, service_method_name, enqueued_at, started_at, container_id, startup_us, execution_us, status
from raw.function_calls left join raw.containers using (container_key) order by row_number
"""


def _is_accepted(path: Path) -> bool:
    try:
        call_records.check_records(path)
    except RejectionError:
        return False
    return True


def _values(call: dict[str, Any]) -> tuple[Any, ...]:
    return (
        call["function_call_id"],
        call["service_method_name"],
        _time(call["enqueued_at"]),
        _time(call["started_at"]),
        call["container_id"],
        _microseconds(call["startup_time_seconds"]),
        _microseconds(call["execution_time_seconds"]),
        str(call["status"]),
    )


def _time(text: str | None) -> dt.datetime | None:
    return None if text is None else parse_time(text)


def _microseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1e6)


@pytest.mark.parametrize("name", ["enqueued_at", "started_at"])
@pytest.mark.parametrize("time", TIMES)
def test_a_time_is_read_only_as_the_careful_reader_does(tmp_path: Path, name: str, time: str) -> None:
    with LandingFolder(tmp_path) as folder:
        path = folder.put(FILE, [CALL, CALL | {name: time}])
        is_loaded = folder.load().rejected == ()
        assert is_loaded is _is_accepted(path)
        if is_loaded:
            assert folder.rows(_LOADED) == [_values(call) for call in json.loads(path.read_bytes())]


PENDING = dict.fromkeys(("started_at", "container_id", "startup_time_seconds", "execution_time_seconds"))


@pytest.mark.parametrize("decimals", ["", ".500", ".123456", ".123456789"])
def test_what_modal_prints_is_proven_without_the_careful_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decimals: str
) -> None:
    monkeypatch.setattr(call_records, "check_records", lambda _: pytest.fail("the log was read record by record"))
    time = f"2026-11-02T00:02:11{decimals}Z"
    calls = [CALL, CALL | {"enqueued_at": time, "started_at": time}, CALL | PENDING]
    with LandingFolder(tmp_path) as folder:
        folder.put(FILE, calls)
        assert folder.load().rejected == ()
        assert folder.rows(_LOADED) == [_values(call) for call in calls]


@given(st.binary(max_size=60), st.integers(1, 7))
def test_what_spans_two_chunks_is_counted_once(noise: bytes, size: int) -> None:
    pattern = b'"key":'
    content = noise + pattern + noise + pattern + pattern + noise
    occurrences = Occurrences([pattern])
    for start in range(0, len(content), size):
        occurrences.observe(content[start : start + size])
    assert occurrences.counts == [len(re.findall(pattern, content))]
