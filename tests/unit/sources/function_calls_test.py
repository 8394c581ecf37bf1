import datetime as dt
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.landing_folder import CALL, CALLS, SAMPLES, LandingFolder
from tieout.core import ids
from tieout.sources import call_records

FILE = f"{CALLS}/2026-11-02.json"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[LandingFolder]:
    with LandingFolder(tmp_path) as folder:
        yield folder


def call(**fields: Any) -> dict[str, Any]:
    return CALL | fields


def refusal_of(folder: LandingFolder, *calls: object) -> str:
    folder.put(FILE, list(calls))
    return folder.refusal()


def loaded(folder: LandingFolder, *calls: object, columns: str) -> list[tuple[Any, ...]]:
    folder.put(FILE, list(calls))
    assert folder.load().rejected == ()
    return folder.rows(f"select {columns} from raw.function_calls order by row_number")


def test_the_sample_loads_as_the_cli_printed_it(folder: LandingFolder) -> None:
    folder.put_sample(SAMPLES / "function_calls.json", FILE)
    folder.load()
    assert folder.rows(
        """
        select row_number, status, enqueued_at::varchar, started_at::varchar, container_id, startup_us, execution_us
        from raw.function_calls left join raw.containers using (container_key) order by row_number
        """
    ) == [
        (1, "success", "2026-11-02 00:00:00.123456", "2026-11-02 00:00:41.5", CALL["container_id"], 40250000, 73374438),
        (2, "success", "2026-11-02 00:02:00.5", "2026-11-02 00:02:00.75", CALL["container_id"], None, 83178026),
        (3, "timeout", "2026-11-02 00:02:11", "2026-11-02 00:02:50", SECOND_CONTAINER, 38900000, 1800000000),
        (4, "kernel oom kill", "2026-11-02 00:33:20", "2026-11-02 00:33:20.2", SECOND_CONTAINER, None, 12500000),
        (5, "pending", "2026-11-02 00:35:00", None, None, None, None),
    ]


SECOND_CONTAINER = "ta-01KB1MPXQ0Z3F6W1N9YB5KJD8T"


def test_app_and_function_come_from_the_path(folder: LandingFolder) -> None:
    folder.put("function_calls/environment=dev/app=a%2Fb/function=..%2Fx/day.json", [CALL])
    folder.load()
    assert folder.rows("select environment, app, function from raw.files") == [("dev", "a/b", "../x")]


@pytest.mark.parametrize("path", ["day.json", "app=a/day.json", "function=f/day.json", "app=/function=f/day.json"])
def test_calls_whose_path_names_no_app_and_function_are_refused(folder: LandingFolder, path: str) -> None:
    folder.put(f"function_calls/{path}", [CALL])
    [rejected] = folder.load().rejected
    assert "app=" in rejected.fix


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("2026-11-02T00:02:11Z", "2026-11-02 00:02:11"),
        ("2026-11-02T00:02:11.500Z", "2026-11-02 00:02:11.5"),
        ("2026-11-02T00:02:11.123456Z", "2026-11-02 00:02:11.123456"),
        ("2026-11-02T00:02:11.123456999Z", "2026-11-02 00:02:11.123456"),
        ("2026-11-02T00:02:11", "2026-11-02 00:02:11"),
        ("2026-11-02T02:02:11+02:00", "2026-11-02 00:02:11"),
    ],
)
def test_a_timestamp_is_utc_and_cut_to_microseconds(folder: LandingFolder, text: str, kept: str) -> None:
    assert loaded(folder, call(enqueued_at=text), columns="enqueued_at::varchar") == [(kept,)]


@pytest.mark.parametrize(
    "enqueued_at", [None, "", "infinity", "soon", 5, "1026-11-02T00:00:00Z", "9999-11-02T00:00:00Z"]
)
def test_a_call_that_was_never_enqueued_is_refused(folder: LandingFolder, enqueued_at: object) -> None:
    assert refusal_of(folder, CALL, call(enqueued_at=enqueued_at)).startswith("row 2: enqueued_at is")


def test_a_start_that_is_no_time_is_refused(folder: LandingFolder) -> None:
    assert refusal_of(folder, CALL, call(started_at="infinity")).startswith("row 2: started_at is 'infinity'")


def test_a_pending_call_has_neither_start_nor_container(folder: LandingFolder) -> None:
    pending = call(started_at=None, container_id=None, startup_time_seconds=None, execution_time_seconds=None)
    assert loaded(folder, pending, columns="started_at, container_key, startup_us, execution_us") == [(None,) * 4]
    assert folder.rows("select count(*) from raw.containers") == [(0,)]


@pytest.mark.parametrize("status", ["memory thrashing eviction", "a status of tomorrow"])
def test_an_unknown_status_loads_as_it_is(folder: LandingFolder, status: str) -> None:
    assert loaded(folder, call(status=status), columns="status") == [(status,)]


def test_a_status_that_the_client_has_no_name_for_is_a_number(folder: LandingFolder) -> None:
    assert loaded(folder, call(status=17), columns="status") == [("17",)]


@pytest.mark.parametrize(
    ("seconds", "microseconds"),
    [(0, 0), (0.0000005, 0), (0.0000015, 2), (0.0000025, 2), (1800.0, 1800000000), (3, 3000000)],
)
def test_durations_become_whole_microseconds_half_to_even(
    folder: LandingFolder, seconds: float, microseconds: int
) -> None:
    assert loaded(folder, call(execution_time_seconds=seconds), columns="execution_us") == [(microseconds,)]


@pytest.mark.parametrize("name", ["startup_time_seconds", "execution_time_seconds"])
@pytest.mark.parametrize("value", [-0.5, float("nan"), float("inf"), 1e300, "fast", {"a": 1}])
def test_a_duration_that_cannot_be_is_refused(folder: LandingFolder, name: str, value: object) -> None:
    folder.put(FILE, [CALL, call(**{name: value})])
    reason = folder.refusal()
    assert reason.startswith(f"row 2: {name} is") or "NaN" in reason or "Infinity" in reason


@pytest.mark.parametrize("name", list(CALL))
def test_a_missing_field_is_named(folder: LandingFolder, name: str) -> None:
    lacking = {key: value for key, value in CALL.items() if key != name}
    assert refusal_of(folder, lacking, lacking) == f"row 1: {name} is missing"


@pytest.mark.parametrize("name", list(CALL))
def test_a_field_that_only_the_second_row_lacks_is_named(folder: LandingFolder, name: str) -> None:
    lacking = {key: value for key, value in CALL.items() if key != name}
    assert refusal_of(folder, CALL, lacking, CALL) == f"row 2: {name} is missing"


@pytest.mark.parametrize("name", ["startup_time_seconds", "service_method_name", "started_at"])
def test_a_field_that_is_missing_is_not_made_up_for_by_its_name_elsewhere(folder: LandingFolder, name: str) -> None:
    lacking = {key: value for key, value in CALL.items() if key != name}
    nested = call(note={name: None})
    assert refusal_of(folder, nested, CALL | {name: None}, lacking) == f"row 3: {name} is missing"
    assert refusal_of(folder, call(note=name), CALL | {name: None}, lacking) == f"row 3: {name} is missing"


TEXTS = ("function_call_id", "service_method_name", "enqueued_at", "started_at", "container_id", "status")
SECONDS = ("startup_time_seconds", "execution_time_seconds")


@pytest.mark.parametrize("value", [5.5, True, False, {"a": 1}, ["x"], []])
@pytest.mark.parametrize("name", TEXTS)
def test_a_text_of_another_type_in_the_second_row_is_named(folder: LandingFolder, name: str, value: object) -> None:
    assert refusal_of(folder, CALL, call(**{name: value})).startswith(f"row 2: {name} is ")


@pytest.mark.parametrize("value", ["12.5", "", True, False, {"a": 1}, [1]])
@pytest.mark.parametrize("name", SECONDS)
def test_seconds_of_another_type_in_the_second_row_are_named(folder: LandingFolder, name: str, value: object) -> None:
    reason = refusal_of(folder, CALL, call(**{name: value}))
    assert reason == f"row 2: {name} is {str(value)!r}, not a number of seconds"


@pytest.mark.parametrize("name", ["function_call_id", "service_method_name", "container_id", "status"])
def test_a_text_that_is_too_long_in_the_second_row_is_named(folder: LandingFolder, name: str) -> None:
    assert refusal_of(folder, CALL, call(**{name: "x" * 65_537})).startswith(f"row 2: {name} has 65,537 characters")


@pytest.mark.parametrize("value", ["1999-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "2026-11-02T24:00:00Z"])
@pytest.mark.parametrize("name", ["enqueued_at", "started_at"])
def test_a_time_out_of_range_in_the_second_row_is_named(folder: LandingFolder, name: str, value: str) -> None:
    assert refusal_of(folder, CALL, call(**{name: value})).startswith(f"row 2: {name} is '{value}', not a time")


@pytest.mark.parametrize("value", [-1, -1e-9, 1e9 + 1, 10**400])
@pytest.mark.parametrize("name", SECONDS)
def test_seconds_out_of_range_in_the_second_row_are_named(folder: LandingFolder, name: str, value: float) -> None:
    reason = refusal_of(folder, CALL, call(**{name: value}))
    assert reason == f"row 2: {name} is {str(value)[:60]}, not between 0 and 1000000000 seconds"


def test_a_status_number_out_of_range_in_the_second_row_is_named(folder: LandingFolder) -> None:
    assert refusal_of(folder, CALL, call(status=-1)).startswith("row 2: status is a number")


@pytest.mark.parametrize("before", range(4))
def test_a_message_that_duckdb_cuts_in_the_middle_of_a_character_refuses_one_file_and_no_other(
    folder: LandingFolder, before: int
) -> None:
    """DuckDB quotes so many bytes of the file; Python cannot read a message that ends in half a character."""
    text = "x" * before + "\N{SLIGHTLY SMILING FACE}" * 100
    folder.put(FILE, json.dumps([CALL, call(startup_time_seconds=text)], ensure_ascii=False))
    folder.put(f"{CALLS}/other.json", [CALL])
    result = folder.load()
    assert (result.loaded, result.rows) == (1, 1)
    [refused] = result.rejected
    assert refused.path == FILE
    assert refused.reason == f"row 2: startup_time_seconds is {text[:60]!r}, not a number of seconds"


@pytest.mark.parametrize("number", ["1" * 10**6, "0." + "1" * 10**6, "1e" + "9" * 10**6])
def test_a_million_digits_are_refused_and_the_other_files_load(folder: LandingFolder, number: str) -> None:
    text = json.dumps([CALL, call(execution_time_seconds=987.125)]).replace("987.125", number)
    folder.put(f"{CALLS}/other.json", [CALL])
    folder.put(FILE, text)
    result = folder.load()
    assert [rejected.path for rejected in result.rejected] == ([] if number.startswith("0.") else [FILE])
    assert folder.rows("select count(*) from raw.function_calls") == [(3,) if number.startswith("0.") else (1,)]


@pytest.mark.parametrize(
    "twice",
    [
        '"status": "failure"',
        '"note": 1, "note": 2',
        '"note": {"a": 1, "a": 2}',
        '"startup_time_seconds": null',
        '"\\u0073tatus": "success"',
    ],
)
def test_a_key_that_stands_twice_in_a_row_is_refused(folder: LandingFolder, twice: str) -> None:
    text = json.dumps([CALL, CALL])
    folder.put(FILE, f"{text[:-2]}, {twice}}}]")
    assert "stands twice in one object" in folder.refusal()


def test_a_log_that_is_cut_off_after_a_comma_is_refused(folder: LandingFolder) -> None:
    folder.put(FILE, json.dumps([CALL, CALL], indent=2).rstrip("]\n") + ",\n")
    assert "the file is cut off" in folder.refusal()


@pytest.mark.parametrize("line_end", ["\r", "\r\n", "\n", ""])
def test_any_line_ends_are_read(folder: LandingFolder, line_end: str) -> None:
    folder.put(FILE, json.dumps([CALL, CALL], indent=2).replace("\n", line_end).encode())
    assert folder.load().rows == 2


@pytest.mark.parametrize("name", ["execution_time_seconds", "startup_time_seconds"])
@pytest.mark.parametrize("value", [0, 1, 0.0, 1.0])
def test_a_round_number_of_seconds_is_a_number(folder: LandingFolder, name: str, value: float) -> None:
    column = name.replace("_time_seconds", "_us")
    assert loaded(folder, CALL, call(**{name: value}), columns=column)[1] == (int(value * 1_000_000),)


def test_a_failure_that_nobody_foresaw_refuses_one_file_and_no_other(
    folder: LandingFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = call_records.check_first_record

    def broken(location: Path, *, is_gzip: bool) -> None:
        if location.name == "broken.json":
            raise ZeroDivisionError("by chance")
        check(location, is_gzip=is_gzip)

    monkeypatch.setattr(call_records, "check_first_record", broken)
    folder.put(f"{CALLS}/broken.json", [CALL])
    folder.put(FILE, [CALL])
    result = folder.load()
    [rejected] = result.rejected
    assert (result.loaded, rejected.reason, rejected.detail) == (
        1,
        "the file cannot be read: ZeroDivisionError",
        "by chance",
    )


def test_an_unknown_field_is_tolerated(folder: LandingFolder) -> None:
    assert loaded(folder, call(input_id="in-1"), columns="status") == [("success",)]


@pytest.mark.parametrize("name", ["function_call_id", "status"])
def test_a_call_without_id_or_status_is_refused(folder: LandingFolder, name: str) -> None:
    assert refusal_of(folder, CALL, CALL, call(**{name: None})) == f"row 3: {name} is null, not a text"


def test_a_call_that_ran_twice_is_two_rows(folder: LandingFolder) -> None:
    rows = loaded(
        folder,
        call(status="terminated"),
        call(container_id=SECOND_CONTAINER),
        columns="row_number, function_call_id, container_key, status",
    )
    assert rows == [(1, CALL["function_call_id"], 1, "terminated"), (2, CALL["function_call_id"], 2, "success")]


def test_rows_keep_the_order_of_the_file(folder: LandingFolder) -> None:
    many = [call(function_call_id=f"fc-{number}") for number in range(3000)]
    rows = loaded(folder, *many, columns="row_number, function_call_id")
    assert rows == [(number + 1, f"fc-{number}") for number in range(3000)]


def test_rows_count_from_one_in_each_of_many_files(folder: LandingFolder) -> None:
    for day in range(5):
        calls = [call(function_call_id=f"fc-{day}-{number}") for number in range(day)]
        folder.put(f"{CALLS}/{day}.json", calls)
    folder.load()
    assert folder.rows(
        """
        select path, list(function_call_id order by row_number), list(row_number order by row_number)
        from raw.function_calls join raw.files using (file_id) group by path order by path
        """
    ) == [
        (f"{CALLS}/{day}.json", [f"fc-{day}-{number}" for number in range(day)], list(range(1, day + 1)))
        for day in range(1, 5)
    ]
    assert folder.rows("select count(*) from raw.files") == [(5,)]


def test_a_container_is_listed_once_whatever_the_number_of_files(folder: LandingFolder) -> None:
    for day in range(3):
        folder.put(f"{CALLS}/{day}.json", [CALL, call(function_call_id=f"fc-{day}")])
        folder.load()
    assert folder.rows("select container_key, container_id, created_at::varchar from raw.containers") == [
        (1, CALL["container_id"], "2025-11-27 03:10:41.881")
    ]


@settings(deadline=None, max_examples=15)
@given(
    st.lists(
        st.builds(
            lambda time, randomness: ids.encode("ta", time, randomness),
            st.integers(0, 2**48 - 1) | st.integers(1_577_836_799_990, 1_577_836_800_010),
            st.integers(0, 2**80 - 1),
        )
        | st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZILOUabc-", min_size=24, max_size=28).map(lambda text: f"ta-{text}")
        | st.sampled_from(["", "ta-", "not a ulid", "ta-01KB1MNAPSD9XH8T7E4VQZ2C5R\n"]),
        min_size=1,
        max_size=60,
        unique=True,
    )
)
def test_containers_get_the_creation_time_inside_their_id(
    tmp_path_factory: pytest.TempPathFactory, container_ids: list[str]
) -> None:
    with LandingFolder(tmp_path_factory.mktemp("landing")) as folder:
        folder.put(FILE, [call(container_id=container_id) for container_id in container_ids])
        folder.load()
        created = dict(folder.rows("select container_id, created_at from raw.containers"))
    assert created == {container_id: ids.created_at(container_id) for container_id in container_ids}


def test_the_range_of_calls_without_a_sidecar_ends_behind_the_last_one(folder: LandingFolder) -> None:
    folder.put(FILE, [CALL, call(enqueued_at="2026-11-02T05:00:00Z")])
    folder.load()
    assert folder.rows("select range_start::varchar, range_end::varchar from raw.deliveries") == [
        ("2026-11-02 00:00:00.123456", "2026-11-02 05:00:00.000001")
    ]


def test_a_day_without_calls_is_a_snapshot_of_nothing(folder: LandingFolder) -> None:
    folder.put(FILE, [])
    folder.put_sidecar(FILE, range_start="2026-11-02T00:00:00Z", range_end="2026-11-03T00:00:00Z")
    assert (folder.load().loaded, folder.rows("select row_count from raw.files")) == (1, [(0,)])
    assert folder.rows("select range_start::varchar, range_end::varchar from raw.deliveries") == [
        ("2026-11-02 00:00:00", "2026-11-03 00:00:00")
    ]


def test_calls_outside_the_pulled_range_are_refused(folder: LandingFolder) -> None:
    folder.put(FILE, [CALL])
    folder.put_sidecar(FILE, range_start="2026-11-03T00:00:00Z", range_end="2026-11-04T00:00:00Z")
    assert "beyond the range that the sidecar declares" in folder.refusal()


def test_gzipped_calls_have_the_identity_of_plain_ones(folder: LandingFolder) -> None:
    plain = folder.put(FILE, [CALL])
    folder.put(f"{CALLS}/copy.json.gz", gzip.compress(plain.read_bytes()))
    result = folder.load()
    assert (result.loaded, result.unchanged, result.rejected) == (1, 1, ())


def test_gzip_is_told_by_the_content_not_by_the_name(folder: LandingFolder) -> None:
    folder.put(f"{CALLS}/packed.json", gzip.compress(json.dumps([CALL]).encode()))
    folder.put(f"{CALLS}/unpacked.json.gz", [call(status="failure")])
    assert (folder.load().loaded, folder.rows("select count(*) from raw.function_calls")) == (2, [(2,)])


def test_a_byte_order_mark_does_no_harm(folder: LandingFolder) -> None:
    folder.put(FILE, b"\xef\xbb\xbf" + json.dumps([CALL]).encode())
    assert folder.load().loaded == 1


TEXT = json.dumps([CALL, CALL], indent=2)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b" \n ", "the file is empty"),
        (b"{}", "the file holds an object, not a JSON list of rows"),
        (b"[1]", "row 1: 1 is not a JSON object"),
        (b"[[]]", "row 1: a list is not a JSON object"),
        (TEXT[:-3].encode(), "the file is cut off"),
        (TEXT[:-1].encode(), "the file is cut off"),
        (TEXT[:300].encode(), "the file is cut off"),
        (TEXT[: len(TEXT) - 10].encode(), "the file is cut off"),
        ((TEXT + "]").encode(), "not JSON: Extra data"),
        ((TEXT + TEXT).encode(), "another JSON value begins below the first one"),
        (TEXT.replace("success", "succ\x07ess").encode(), "not JSON: Invalid control character"),
        (b"\x1b[1m[\x1b[0m\n" + TEXT[2:].encode(), "line 1: escape codes for colours"),
        ("┏━━━━┓\n┃ Id ┃\n".encode(), "a table in boxes"),
        (TEXT.replace("success", "é").encode("latin-1"), "is not UTF-8"),
        (TEXT.encode("utf-16"), "the file is UTF-16, not UTF-8"),
        (gzip.compress(TEXT.encode())[:-9], "the gzip file is cut off or broken"),
        (TEXT.replace("success", "\\ud800").encode(), "half a character"),
    ],
)
def test_what_is_no_list_of_calls_is_refused(folder: LandingFolder, content: bytes, reason: str) -> None:
    folder.put(FILE, content)
    assert reason in folder.refusal()


def test_a_log_in_colours_is_refused_with_what_switches_them_off(folder: LandingFolder) -> None:
    folder.put(FILE, b"\x1b[1m[\x1b[0m\n" + TEXT[2:].encode())
    [refused] = folder.load().rejected
    assert refused.fix.startswith("Unset FORCE_COLOR first. Export it again: modal function calls")


def test_the_line_of_a_mistake_deep_in_a_file_is_named(folder: LandingFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_records, "_CHUNK_CHARACTERS", 1000)
    lines = json.dumps([CALL] * 100, indent=2).splitlines()
    lines[734] = lines[734].replace(":", "", 1)
    folder.put(FILE, "\n".join(lines))
    assert folder.refusal().startswith("line 735, column")


def test_the_row_of_a_mistake_deep_in_a_file_is_named(folder: LandingFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_records, "_CHUNK_CHARACTERS", 64)
    assert refusal_of(folder, *[CALL] * 99, call(execution_time_seconds=-1)).startswith("row 100: execution_time")


def test_a_text_of_ten_megabytes_is_refused(folder: LandingFolder) -> None:
    reason = refusal_of(folder, CALL, call(service_method_name="x" * 10_000_000))
    assert reason == "row 2: service_method_name has 10,000,000 characters; nothing in Modal is longer than 65,536"


def test_a_broken_file_takes_no_other_with_it(folder: LandingFolder) -> None:
    for day in range(20):
        folder.put(f"{CALLS}/{day}.json", [call(function_call_id=f"fc-{day}")])
    for day in (3, 11, 12):
        folder.put(f"{CALLS}/{day}.json", TEXT[:-40])
    folder.put(f"{CALLS}/17.json", [CALL, call(enqueued_at=None)])
    result = folder.load()
    assert [rejected.path.rpartition("/")[2] for rejected in result.rejected] == [
        "11.json",
        "12.json",
        "17.json",
        "3.json",
    ]
    assert (result.loaded, folder.rows("select count(*) from raw.function_calls")) == (16, [(16,)])


def test_a_result_says_what_time_the_new_calls_are_from(folder: LandingFolder) -> None:
    folder.put(FILE, [CALL])
    [changed] = folder.load().changed
    assert (changed.content.app, changed.content.function) == ("coral-x-production", "generate_code_modal")
    assert changed.content.content_start == dt.datetime(2026, 11, 2, 0, 0, 0, 123456)  # noqa: DTZ001 - naive UTC


def test_logs_are_told_apart_whatever_their_files_are_called(folder: LandingFolder) -> None:
    """Names that a reader of patterns would misread, and ends that lie about what is inside."""
    rows = [call(function_call_id=f"fc-{number}") for number in range(4)]
    for number, name in enumerate(("2026-11-02", "2026-11-[03]", "a*b?", "2026-11-02 (copy) é")):
        folder.put(f"{CALLS}/{name}.json", [rows[number]])
    folder.put(f"{CALLS}/zipped.json", gzip.compress(json.dumps([call(function_call_id="fc-4")]).encode()))
    folder.put(f"{CALLS}/plain.json.gz", json.dumps([call(function_call_id="fc-5")]).encode())
    assert folder.load().loaded == 6
    found = folder.rows(
        "select f.path, c.function_call_id from raw.function_calls as c inner join raw.files as f using (file_id)"
    )
    assert sorted((Path(path).name, call_id) for path, call_id in found) == [
        ("2026-11-02 (copy) é.json", "fc-3"),
        ("2026-11-02.json", "fc-0"),
        ("2026-11-[03].json", "fc-1"),
        ("a*b?.json", "fc-2"),
        ("plain.json.gz", "fc-5"),
        ("zipped.json", "fc-4"),
    ]
