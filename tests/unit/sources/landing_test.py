import datetime as dt
import gzip
import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import pytest

from tests.support.landing_folder import CALL, CALLS, NOW, PLACES, REPORT_LINE, SAMPLES, LandingFolder
from tieout.sources import create_raw_schema, ledger, load_landing
from tieout.sources.landing import RejectionError
from tieout.sources.raw_schema import TABLES

BILL = "billing_report/bill.json"
DAY = dt.timedelta(days=1)
Arrival = Callable[[LandingFolder], object]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[LandingFolder]:
    with LandingFolder(tmp_path) as folder:
        yield folder


def bill(cost: str = "1.5", hour: int = 1) -> list[dict[str, Any]]:
    return [REPORT_LINE | {"cost": cost, "interval_start": f"2026-11-02T{hour:02}:00:00"}]


def everything(folder: LandingFolder) -> dict[str, list[tuple[Any, ...]]]:
    """The whole raw schema as a person sees it: no numbers given by the loader, no loading times."""
    seen = {}
    for table in TABLES:
        columns = [f"t.{column.name}" for column in table.columns if column.name not in HIDDEN]
        if any(column.name == "file_id" for column in table.columns) and table.name != "files":
            source = f"raw.{table.name} t join raw.files f using (file_id)"
            columns += ["f.sha256"]
        else:
            source = f"raw.{table.name} t"
        if table.name == "function_calls":
            source += " left join raw.containers c using (container_key)"
            columns += ["c.container_id"]
        seen[table.name] = sorted(folder.rows(f"select {', '.join(columns)} from {source}"), key=repr)
    return seen


HIDDEN = {"file_id", "container_key", "loaded_at", "seen_at"}


def with_half_a_character(document: Any) -> Iterator[Any]:
    """Yield a document for each of its names, which begins with a lone surrogate then; of a list, its first item."""
    if isinstance(document, list):
        yield from ([first, *document[1:]] for first in with_half_a_character(document[0] if document else None))
    elif isinstance(document, dict):
        for name, value in document.items():
            yield {f"\ud800{key}" if key == name else key: each for key, each in document.items()}
            yield from (document | {name: changed} for changed in with_half_a_character(value))


def put_all_samples(folder: LandingFolder) -> list[str]:
    for name, sample in PLACES.items():
        folder.put_sample(sample, name)
    return [name for name in PLACES if name != "billing_summary/2026-07.json"]


def test_half_a_character_in_any_name_is_refused_in_words(folder: LandingFolder) -> None:
    for name, sample in PLACES.items():
        if sample.suffix == ".json":
            stem, _, rest = name.partition(".")
            text = sample.read_text().splitlines()[0] if stem.startswith("telemetry") else sample.read_text()
            for number, content in enumerate(with_half_a_character(json.loads(text))):
                folder.put(f"{stem}.{number}.{rest}", json.dumps(content))
    result = folder.load()
    assert len(result.rejected) > 100
    assert not [refused for refused in result.rejected if "defect" in refused.fix]


# The schema


def test_every_raw_table_and_column_is_explained() -> None:
    con = duckdb.connect()
    create_raw_schema(con)
    unexplained = con.execute(
        """
        select table_name, '' from duckdb_tables() where schema_name = 'raw' and comment is null
        union all
        select table_name, column_name from duckdb_columns() where schema_name = 'raw' and comment is null
        """
    ).fetchall()
    assert unexplained == []


def test_creating_the_schema_again_keeps_the_rows() -> None:
    con = duckdb.connect()
    create_raw_schema(con)
    con.execute("insert into raw.billing_rates values (1, 1, 'cpu', 0.1)")
    con.execute("comment on table raw.files is 'something older'")
    create_raw_schema(con)
    assert con.execute("select count(*) from raw.billing_rates").fetchall() == [(1,)]


# What lands is recorded once


def test_all_samples_load_at_once(folder: LandingFolder) -> None:
    names = put_all_samples(folder)
    result = folder.load()
    assert (result.rejected, result.loaded) == ((), len(names) + 1)


def test_loading_again_changes_nothing(folder: LandingFolder) -> None:
    put_all_samples(folder)
    folder.load()
    before = everything(folder)
    result = folder.load()
    assert (result.loaded, result.rows, result.changed) == (0, 0, ())
    assert everything(folder) == before


def test_touched_files_are_read_again_and_change_nothing(folder: LandingFolder) -> None:
    names = put_all_samples(folder)
    folder.load()
    before = everything(folder)
    for name in names:
        folder.change_time(folder.landing / name, NOW + DAY)
    assert folder.load().changed == ()
    after = everything(folder)
    assert {**after, "scanned_paths": []} == {**before, "scanned_paths": []}


def test_an_empty_or_missing_landing_folder_is_no_mistake(folder: LandingFolder) -> None:
    assert folder.load().loaded == 0
    folder.landing.rmdir()
    assert folder.load().rejected == ()


def test_a_copy_by_hand_adds_nothing(folder: LandingFolder) -> None:
    folder.put(BILL, bill())
    folder.load()
    before = everything(folder)
    folder.put("billing_report/copy of bill.json", bill(), mtime=NOW + DAY)
    result = folder.load()
    assert (result.loaded, result.unchanged, result.changed) == (0, 2, ())
    after = everything(folder)
    assert {**after, "scanned_paths": []} == {**before, "scanned_paths": []}


def test_the_same_bytes_of_another_function_are_another_content(folder: LandingFolder) -> None:
    for function in ("f", "g"):
        folder.put(f"function_calls/app=a/function={function}/day.json", [CALL])
    assert folder.load().loaded == 2


def test_a_changed_file_is_new_content_and_the_old_rows_stay(folder: LandingFolder) -> None:
    folder.put(BILL, bill("1.5"))
    folder.load()
    folder.put(BILL, bill("1.75"), mtime=NOW + DAY)
    assert folder.load().loaded == 1
    assert folder.rows("select cost_usd::varchar from raw.billing_report order by 1") == [
        ("1.500000000000",),
        ("1.750000000000",),
    ]


def test_unchanged_files_are_not_opened_again(folder: LandingFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    put_all_samples(folder)
    folder.load()

    def opened(path: Path, *_: object, **__: object) -> None:
        pytest.fail(f"{path} was opened")

    monkeypatch.setattr(Path, "open", opened)
    monkeypatch.setattr(Path, "read_bytes", opened)
    assert folder.load().loaded == 0


# Deliveries: the newest snapshot wins


def deliver(folder: LandingFolder, name: str, content: object, fetched_at: str) -> None:
    folder.put(name, content)
    folder.put_sidecar(
        name, fetched_at=fetched_at, range_start="2026-11-02T00:00:00Z", range_end="2026-11-03T00:00:00Z"
    )


NEWEST = """
    select cost_usd::varchar from raw.deliveries join raw.billing_report using (file_id)
    order by fetched_at desc limit 1
"""


def test_an_old_state_that_comes_back_is_again_the_newest(folder: LandingFolder) -> None:
    deliver(folder, "billing_report/1.json", bill("1.5"), "2026-11-03T02:00:00Z")
    deliver(folder, "billing_report/2.json", bill("1.75"), "2026-11-04T02:00:00Z")
    folder.load()
    assert folder.rows(NEWEST) == [("1.750000000000",)]
    deliver(folder, "billing_report/3.json", bill("1.5"), "2026-11-05T02:00:00Z")
    result = folder.load()
    assert folder.rows(NEWEST) == [("1.500000000000",)]
    assert [(changed.is_new, len(changed.deliveries)) for changed in result.changed] == [(False, 1)]
    assert folder.rows("select count(*) from raw.billing_report") == [(2,)]


def test_a_copy_together_with_its_sidecar_adds_nothing(folder: LandingFolder) -> None:
    deliver(folder, "billing_report/1.json", bill(), "2026-11-03T02:00:00Z")
    folder.load()
    deliver(folder, "billing_report/2.json", bill(), "2026-11-03T02:00:00Z")
    assert folder.load().changed == ()
    assert folder.rows("select count(*) from raw.deliveries") == [(1,)]


def test_a_sidecar_that_arrives_late_replaces_what_was_guessed(folder: LandingFolder) -> None:
    folder.put(BILL, bill())
    folder.load()
    deliver(folder, BILL, bill(), "2026-11-03T02:00:00Z")
    result = folder.load()
    assert (result.loaded, len(result.changed)) == (0, 1)
    assert folder.rows("select has_sidecar, fetched_at::varchar from raw.deliveries") == [(True, "2026-11-03 02:00:00")]


def test_of_two_copies_by_hand_the_earlier_one_counts(folder: LandingFolder) -> None:
    folder.put("billing_report/a.json", bill(), mtime=NOW)
    folder.load()
    folder.put("billing_report/b.json", bill(), mtime=NOW - DAY)
    folder.load()
    assert folder.rows("select path, fetched_at::varchar from raw.deliveries") == [
        ("billing_report/b.json", "2026-11-22 12:00:00")
    ]


def test_a_sidecar_that_arrives_late_replaces_the_guess_of_a_returned_file_too(folder: LandingFolder) -> None:
    for day, cost in ((5, "1.5"), (4, "1.75"), (3, "1.5")):
        folder.put(BILL, bill(cost), mtime=NOW - day * DAY)
        folder.load()
    deliver(folder, BILL, bill("1.5"), (NOW - 4.5 * DAY).isoformat())
    folder.load()
    assert folder.rows(NEWEST) == [("1.750000000000",)]


def overwritten(folder: LandingFolder, name: str, *contents: object) -> None:
    """A path is overwritten once a day, up to now, and loaded every time."""
    for age, content in zip(range(len(contents) - 1, -1, -1), contents, strict=True):
        folder.put(name, content, mtime=NOW - age * DAY)
        assert folder.load().rejected == ()


def test_a_content_that_comes_back_at_its_path_is_the_newest_again(folder: LandingFolder) -> None:
    overwritten(folder, BILL, bill("1.5"), bill("1.75"), bill("1.5"))
    assert folder.rows(NEWEST) == [("1.500000000000",)]
    assert folder.rows("select count(*) from raw.deliveries") == [(3,)]


def test_a_backup_that_is_put_back_with_its_old_time_is_the_newest_again(folder: LandingFolder) -> None:
    overwritten(folder, BILL, bill("1.5"), bill("1.75"))
    folder.put(BILL, bill("1.5"), mtime=NOW - DAY)
    [changed] = folder.load().changed
    assert (changed.is_new, folder.rows(NEWEST)) == (False, [("1.500000000000",)])
    assert [delivery.fetched_at for delivery in changed.deliveries] == [dt.datetime(2026, 11, 23, 12, 0, 0, 1)]  # noqa: DTZ001


def test_what_comes_back_counts_beside_the_pulls_of_it(folder: LandingFolder) -> None:
    deliver(folder, "billing_report/pulled.json", bill("1.5"), "2026-11-03T02:00:00Z")
    folder.load()
    overwritten(folder, BILL, bill("1.75"), bill("1.5"))
    assert folder.rows(NEWEST) == [("1.500000000000",)]
    deliver(folder, "billing_report/pulled.json", bill("1.5"), "2026-11-04T02:00:00Z")
    folder.load()
    assert folder.rows(NEWEST) == [("1.500000000000",)]


def test_a_pulled_file_overwritten_by_an_earlier_content_is_that_content_again(folder: LandingFolder) -> None:
    deliver(folder, BILL, bill("1.5"), "2026-11-03T02:00:00Z")
    folder.load()
    deliver(folder, BILL, bill("1.75"), "2026-11-04T02:00:00Z")
    folder.load()
    (folder.landing / f"{BILL}.meta.json").unlink()
    overwritten(folder, BILL, bill("1.5"))
    assert folder.rows(NEWEST) == [("1.500000000000",)]


def test_what_came_back_is_neither_touched_nor_copied_into_news(folder: LandingFolder) -> None:
    overwritten(folder, BILL, bill("1.5"), bill("1.75"), bill("1.5"))
    folder.change_time(folder.landing / BILL, NOW + dt.timedelta(minutes=1))
    folder.put("billing_report/copy.json", bill("1.75"), mtime=NOW + DAY)
    assert folder.load().changed == ()


def test_an_earlier_copy_does_not_undo_a_return(folder: LandingFolder) -> None:
    overwritten(folder, BILL, bill("1.75"), bill("1.5"))
    folder.put("billing_report/older.json", bill("1.5"), mtime=NOW - 9 * DAY)
    folder.load()
    assert folder.rows(NEWEST) == [("1.500000000000",)]


def test_a_path_that_is_overwritten_every_day_keeps_every_day(folder: LandingFolder) -> None:
    overwritten(folder, BILL, bill(hour=1), bill(hour=2), bill(hour=3))
    assert folder.rows("select count(*), count(distinct file_id) from raw.deliveries") == [(3, 3)]


def rates(folder: LandingFolder) -> list[tuple[Any, ...]]:
    return folder.rows(
        """
        select coalesce(range_start, fetched_at)::date::varchar, usd_per_hour::decimal(9, 2)::varchar
        from raw.deliveries join raw.billing_rates using (file_id)
        where rate_name = 'gpu_hour_cost_a100_40gb'
        order by all
        """
    )


def put_rates(folder: LandingFolder, name: str, usd_per_hour: str, *, age: int) -> str:
    text = (SAMPLES / "billing_rates.json").read_text().replace('"2.10000"', f'"{usd_per_hour}"')
    path = f"billing_rates/{name}.json"
    folder.put(path, text, mtime=NOW - age * DAY)
    return path


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (2, 1, 0)])
def test_the_same_snapshot_of_another_date_says_something_else(folder: LandingFolder, order: tuple[int, ...]) -> None:
    dated = [("2026-10-01", "2.1"), ("2026-10-19", "9.99"), ("2026-10-26", "2.1")]
    for place in order:
        put_rates(folder, *dated[place], age=0)
        folder.load()
    put_rates(folder, "2026-10-26 copy", "2.1", age=1)
    put_rates(folder, "newest", "2.1", age=0)
    folder.load()
    assert rates(folder) == [("2026-10-01", "2.10"), ("2026-10-19", "9.99"), ("2026-10-26", "2.10")]


def test_a_pull_of_a_date_replaces_the_copy_of_it_only(folder: LandingFolder) -> None:
    for name in ("2026-10-01", "2026-11-03"):
        put_rates(folder, name, "2.1", age=0)
    folder.load()
    pulled = put_rates(folder, "pulled", "2.1", age=0)
    folder.put_sidecar(pulled, fetched_at="2026-11-03T02:00:00Z")
    folder.load()
    put_rates(folder, "2026-11-03", "2.1", age=1)
    folder.load()
    assert rates(folder) == [("2026-10-01", "2.10"), ("2026-11-03", "2.10")]
    assert folder.rows("select count(*) from raw.deliveries where has_sidecar") == [(1,)]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_arrival_does_not_matter(tmp_path: Path, seed: int) -> None:
    start = NOW - 9 * DAY

    def by_hand(name: str, cost: str, day: int) -> Arrival:
        return lambda folder: folder.put(f"billing_report/{name}.json", bill(cost), mtime=start + day * DAY)

    def pulled(name: str, cost: str, day: int) -> Arrival:
        time = (start + day * DAY).isoformat()
        return lambda folder: deliver(folder, f"billing_report/{name}.json", bill(cost), time)

    arrivals: list[Arrival] = [
        by_hand("a", "1.5", 0),
        by_hand("b", "1.5", 1),
        pulled("c", "1.75", 2),
        by_hand("d", "1.75", 3),
        pulled("e", "1.75", 4),
        by_hand("f", "2", 5),
        by_hand("g", "2", 4),
        lambda folder: folder.put(f"{CALLS}/1.json", [CALL]),
        lambda folder: folder.put(f"{CALLS}/2.json", [CALL, CALL]),
    ]
    at_once = LandingFolder(tmp_path / "at_once")
    for arrive in arrivals:
        arrive(at_once)
    at_once.load()
    shuffled = LandingFolder(tmp_path / "shuffled")
    for arrive in random.Random(seed).sample(arrivals, len(arrivals)):
        arrive(shuffled)
        shuffled.load()
    visible = """
        select f.sha256, cost_usd, d.path, d.fetched_at, d.range_start, d.range_end, has_sidecar
        from raw.billing_report join raw.files f using (file_id) join raw.deliveries d using (file_id) order by all
    """
    assert shuffled.rows(visible) == at_once.rows(visible)
    calls = "select sha256, row_number, container_id from raw.function_calls join raw.files using (file_id) "
    calls += "join raw.containers using (container_key) order by all"
    assert shuffled.rows(calls) == at_once.rows(calls)


def test_two_overlapping_loads_give_what_one_gives(tmp_path: Path) -> None:
    at_once = LandingFolder(tmp_path / "at_once")
    names = put_all_samples(at_once)
    at_once.load()
    halves = LandingFolder(tmp_path / "halves")
    put_all_samples(halves)
    away = {name: (halves.landing / name).read_bytes() for name in names}
    for first, last in ((0, len(names) * 2 // 3), (len(names) // 3, len(names))):
        for position, name in enumerate(names):
            path = halves.landing / name
            if first <= position < last:
                halves.put(name, away[name])
            else:
                path.unlink(missing_ok=True)
        halves.load()
    for name in names:
        halves.put(name, away[name])
    halves.load()
    assert everything(halves) == everything(at_once)


# Sidecars


def test_a_file_that_differs_from_its_sidecar_is_refused(folder: LandingFolder) -> None:
    for name, content in ((BILL, bill()), (f"{CALLS}/1.json", [CALL])):
        folder.put(name, content)
        folder.put_sidecar(name, sha256="0" * 64)
    reasons = {rejected.reason for rejected in folder.load().rejected}
    assert reasons == {"the file is not the one that was pulled: it was cut off or edited since"}


def test_the_sidecar_hash_is_that_of_the_file_as_landed(folder: LandingFolder) -> None:
    folder.put("billing_report/bill.json.gz", gzip.compress(json.dumps(bill()).encode()))
    folder.put_sidecar("billing_report/bill.json.gz")
    assert folder.load().loaded == 1


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"fetched_at": None}, "fetched_at is missing"),
        ({"fetched_at": "yesterday"}, "fetched_at 'yesterday' is not a time"),
        ({"range_start": "2026-11-02T00:00:00Z"}, "range_start and range_end must both be given"),
        ({"range_start": "2026-11-02T00:00:00Z", "range_end": "2026-11-01T00:00:00Z"}, "ends"),
        ({"resolution": "weekly"}, "'weekly' is neither h nor d"),
        ({"client_version": 1}, "client_version is not a text"),
        ({"client_version": "1.6\ud800"}, "client_version contains half a character"),
        ({"sha256": "\udc00" * 64}, "sha256 contains half a character"),
        ({"command": "modal \udfff"}, "command contains half a character"),
    ],
)
def test_a_sidecar_that_says_nonsense_is_refused(folder: LandingFolder, fields: dict[str, Any], problem: str) -> None:
    folder.put(BILL, bill())
    folder.put_sidecar(BILL, **fields)
    reason = folder.refusal()
    assert reason.startswith("its sidecar cannot be read")
    assert problem in reason


def test_a_refusal_can_be_stored_and_printed_whatever_it_quotes() -> None:
    refusal = RejectionError("\ud800 is no app", fix="Delete \udfff.", detail="é \ud83d")
    assert (refusal.problem, refusal.fix, refusal.detail) == ("\\ud800 is no app", "Delete \\udfff.", "é \\ud83d")


@pytest.mark.parametrize("content", ["", "{", "[]", "\xff"])
def test_a_sidecar_that_is_no_json_object_is_refused(folder: LandingFolder, content: str) -> None:
    folder.put(BILL, bill())
    folder.put_sidecar(BILL).write_text(content)
    assert folder.refusal().startswith("its sidecar cannot be read")


@pytest.mark.parametrize("name", [BILL, f"{CALLS}/1.json"])
def test_a_file_from_the_future_is_refused(folder: LandingFolder, name: str) -> None:
    folder.put(name, [CALL] if name.startswith(CALLS) else bill(), mtime=NOW + 2 * DAY)
    [rejected] = folder.load().rejected
    assert rejected.reason == "it was last changed at 2026-11-25 12:00 UTC, more than a day ahead of the clock"
    assert "touch the file" in rejected.fix
    folder.put_sidecar(name, fetched_at="2035-01-01T00:00:00Z")
    [rejected] = folder.load().rejected
    assert rejected.reason.startswith("its sidecar says that it was fetched at 2035-01-01 00:00 UTC")
    assert "pull the file again" in rejected.fix


def test_a_clock_may_be_a_day_ahead(folder: LandingFolder) -> None:
    folder.put(BILL, bill(), mtime=NOW + DAY)
    assert folder.load().loaded == 1


def test_a_file_with_the_time_of_its_pull_is_not_judged_by_its_own(folder: LandingFolder) -> None:
    folder.put(BILL, bill(), mtime=NOW + 2 * DAY)
    folder.put_sidecar(BILL)
    assert folder.load().loaded == 1


def test_a_sidecar_that_is_a_link_to_nowhere_is_refused(folder: LandingFolder) -> None:
    folder.put(BILL, bill())
    (folder.landing / f"{BILL}.meta.json").symlink_to("gone.json")
    assert folder.refusal().startswith("its sidecar cannot be read")


# Refusals


def test_a_file_that_is_repaired_loads_and_clears_its_refusal(folder: LandingFolder) -> None:
    folder.put(BILL, bill("1.5 USD"))
    folder.load()
    assert folder.rows("select path, reason from raw.rejected_files") == [
        (BILL, "row 1: cost '1.5 USD' is not a decimal number")
    ]
    folder.put(BILL, bill("1.5"))
    assert folder.load().rejected == ()
    assert folder.rows("select count(*) from raw.rejected_files") == [(0,)]


def test_a_refused_file_is_refused_on_every_run_until_it_is_gone(folder: LandingFolder) -> None:
    path = folder.put(BILL, "[")
    assert folder.refusal() == folder.refusal()
    assert folder.rows("select count(*) from raw.rejected_files") == [(1,)]
    path.unlink()
    assert folder.load().rejected == ()
    assert folder.rows("select count(*) from raw.rejected_files") == [(0,)]


def test_a_good_file_that_becomes_bad_keeps_its_old_rows(folder: LandingFolder) -> None:
    folder.put(BILL, bill())
    folder.load()
    folder.put(BILL, "[")
    assert folder.refusal() == "line 1: the file is cut off"
    assert folder.rows("select count(*) from raw.billing_report") == [(1,)]


def test_a_truncated_file_among_good_ones_loses_only_itself(folder: LandingFolder) -> None:
    names = put_all_samples(folder)
    folder.put("billing_report/cut.json", json.dumps(bill())[:-9])
    result = folder.load()
    assert [rejected.path for rejected in result.rejected] == ["billing_report/cut.json"]
    assert result.loaded == len(names) + 1


def test_a_failure_in_the_middle_leaves_nothing_half_done(
    folder: LandingFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_all_samples(folder)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "record_scanned", fail)
        with pytest.raises(OSError, match="No space left"):
            folder.load()
    assert {table: rows for table, rows in everything(folder).items() if rows} == {}
    assert folder.load().rejected == ()


@pytest.mark.parametrize("content", [b"\xff\xfe[\x00]\x00", b"[\xe9]", b"\x1f\x8b\x08junk", b""])
@pytest.mark.parametrize(
    "name",
    ["billing_report/x.json", "billing_report/x.csv", "billing_rates/x.json", "app_list/x.json", f"{CALLS}/x.json"],
)
def test_unreadable_bytes_are_refused_everywhere(folder: LandingFolder, name: str, content: bytes) -> None:
    folder.put(name, content)
    assert folder.refusal()


def test_a_utf16_file_from_powershell_gets_the_command_that_helps(folder: LandingFolder) -> None:
    folder.put(BILL, json.dumps(bill()).encode("utf-16"))
    [rejected] = folder.load().rejected
    assert (rejected.reason, "Out-File -Encoding utf8" in rejected.fix) == ("the file is UTF-16, not UTF-8", True)


def test_bytes_that_are_not_utf8_are_found_by_their_line(folder: LandingFolder) -> None:
    folder.put(BILL, b'[\n{"object_id": "\xe9"}]')
    assert folder.refusal() == "line 2: byte 17 (0xe9) is not UTF-8"


def test_a_byte_order_mark_does_no_harm(folder: LandingFolder) -> None:
    folder.put(BILL, b"\xef\xbb\xbf" + json.dumps(bill()).encode())
    assert folder.load().loaded == 1


def test_a_gzip_file_that_is_cut_off_is_refused(folder: LandingFolder) -> None:
    folder.put("billing_report/bill.json.gz", gzip.compress(json.dumps(bill()).encode())[:-5])
    assert folder.refusal() == "the gzip file is cut off or broken"


# Names


def test_an_unknown_folder_is_refused_with_the_known_ones(folder: LandingFolder) -> None:
    folder.put("receipts/2026-10.json", {})
    [rejected] = folder.load().rejected
    assert rejected.reason == "unknown source 'receipts'"
    assert (
        rejected.fix == "Move it into the folder of its export, which docs/guides/exports.md lists, or out of landing/."
    )


def test_a_folder_with_nearly_the_right_name_is_told_the_right_one(folder: LandingFolder) -> None:
    folder.put("billing_reports/bill.json", bill())
    assert folder.refusal().startswith("unknown source 'billing_reports'; did you mean billing_report")


def test_a_file_outside_every_folder_is_refused(folder: LandingFolder) -> None:
    folder.put("bill.json", bill())
    assert folder.refusal() == "the file is in no source's folder"


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("bill.json", bill(), "billing_report/bill.json"),
        ("bill.csv", "Object ID,Description,Environment,Interval Start,Cost\n", "billing_report/bill.csv"),
        ("Billing Report/october/x.json", [], "billing_report/october/x.json"),
        ("november/billing_report/x.json", [], "billing_report/november/x.json"),
        ("billing_summary.2026-07.json", {}, "billing_summary/billing_summary.2026-07.json"),
        ("invoice/2026-10.json", {}, "invoices/2026-10.json"),
        ("old/function_calls/app=a/function=f/x.json", [], "function_calls/app=a/function=f/x.json"),
    ],
)
def test_a_file_in_the_wrong_folder_is_told_its_place_and_is_no_longer_misplaced_there(
    folder: LandingFolder, name: str, content: object, place: str
) -> None:
    path = folder.put(name, content)
    [refused] = folder.load().rejected
    assert refused.fix.startswith(f"Move it to landing/{place}. By its looks it is: ")
    moved = folder.landing / place
    moved.parent.mkdir(parents=True, exist_ok=True)
    path.rename(moved)
    assert not [each for each in folder.load().rejected if "source" in each.reason or "path" in each.reason]


def test_a_log_in_a_folder_without_names_is_told_which_names_its_path_needs(folder: LandingFolder) -> None:
    folder.put("function_calls/media/calls.json", [])
    [refused] = folder.load().rejected
    assert refused.fix == (
        "Move it to landing/function_calls/app=APP/function=FUNC/calls.json, with the name in the place of "
        'APP and FUNC ("/" is written %2F, "%" is %25).'
    )


def test_an_invoice_as_a_pdf_is_told_how_it_is_landed(folder: LandingFolder) -> None:
    folder.put("invoices/Invoice-7.pdf", b"%PDF-1.7")
    folder.put("Invoice 2026-10.pdf", b"%PDF-1.7")
    fixes = {refused.fix for refused in folder.load().rejected}
    assert fixes == {
        'What belongs here is invoices/2026-10.json (by hand: `{"number": "…", "total": "1234.56", "currency": "USD"}`)'
        ". Move anything else out of landing/."
    }


@pytest.mark.parametrize("name", ["billing_report/bill.parquet", "billing_rates/rates.csv", f"{CALLS}/calls.txt"])
def test_an_unknown_kind_of_file_is_refused(folder: LandingFolder, name: str) -> None:
    folder.put(name, "x")
    assert folder.refusal().startswith("not a .json")


@pytest.mark.parametrize(
    "name",
    [
        "billing_report/Thumbs.db",
        "desktop.ini",
        "billing_report/~$bill.xlsx",
        ".DS_Store",
        "billing_report/.hidden.json",
        ".git/config",
        "billing_report/x.tmp",
        "app_list/x.json.meta.json",
    ],
)
def test_hidden_and_temporary_files_are_left_out(folder: LandingFolder, name: str) -> None:
    folder.put(name, "x")
    result = folder.load()
    assert (result.loaded, result.unchanged, result.rejected) == (0, 0, ())


HOSTILE = [
    "../x",
    "a/b",
    "..",
    ".",
    "'; drop table raw.files; --",
    "=HYPERLINK(1)",
    "<script>",
    "a\r\nb",
    "*?[a-z]",
    "ü日本",
    "100%",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_of_apps_and_functions_are_only_names(folder: LandingFolder, name: str) -> None:
    quoted = quote(name, safe="").replace(".", "%2E")
    folder.put(f"function_calls/app={quoted}/function={quoted}/day.json", [CALL])
    assert folder.load().rejected == ()
    assert folder.rows("select app, function from raw.files") == [(name, name)]


@pytest.mark.parametrize(
    "name",
    [
        "*.json",
        "[1].json",
        "?.json",
        "a'b.json",
        'a"b.json',
        "a\\*b.json",
        "x=1.json",
        "a\nb.json",
        "{a,b}.json",
        "$1.json",
    ],
)
def test_hostile_file_names_are_only_names(folder: LandingFolder, name: str) -> None:
    folder.put(f"{CALLS}/other.json", [CALL, CALL])
    folder.put(f"{CALLS}/{name}", [CALL])
    folder.put(f"billing_report/{name}", bill())
    result = folder.load()
    assert (result.rejected, result.loaded) == ((), 3)
    assert folder.rows("select path from raw.files where row_count = 1 order by 1") == [
        (f"billing_report/{name}",),
        (f"{CALLS}/{name}",),
    ]


def test_a_file_name_that_is_not_utf8_is_only_a_name(folder: LandingFolder) -> None:
    directory = os.fsencode(folder.put(f"{CALLS}/1.json", [CALL]).parent)
    folder.put(f"{CALLS}/2.json", [CALL, CALL]).rename(os.fsdecode(directory + b"/\xff.json"))
    assert folder.load().loaded == 2
    assert (f"{CALLS}/\\xff.json",) in folder.rows("select path from raw.files")


def test_hostile_descriptions_are_only_texts(folder: LandingFolder) -> None:
    folder.put(BILL, [REPORT_LINE | {"description": name} for name in HOSTILE])
    folder.load()
    assert folder.rows("select description from raw.billing_report order by row_number") == [(n,) for n in HOSTILE]


def test_linked_folders_are_followed_but_not_in_circles(folder: LandingFolder, tmp_path: Path) -> None:
    elsewhere = folder.put("billing_report/bill.json", bill()).parent.rename(tmp_path / "elsewhere")
    (elsewhere / "again").symlink_to(folder.landing)
    (folder.landing / "billing_report").symlink_to(elsewhere)
    assert folder.load().loaded == 1


@pytest.mark.parametrize("name", [BILL, f"{CALLS}/1.json", "billing_report"])
def test_a_link_that_leads_nowhere_is_refused(folder: LandingFolder, tmp_path: Path, name: str) -> None:
    link = folder.landing / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(tmp_path / "gone")
    [rejected] = folder.load().rejected
    assert (rejected.path, rejected.reason) == (name, "a link that leads nowhere")
    (tmp_path / "gone").mkdir()
    assert folder.load().rejected == ()


def test_a_link_in_a_circle_leads_nowhere(folder: LandingFolder) -> None:
    (folder.landing / "billing_report").symlink_to(folder.landing / "billing_report")
    assert folder.refusal() == "a link that leads nowhere"


# The call


def test_now_needs_a_timezone(folder: LandingFolder) -> None:
    with pytest.raises(ValueError, match="needs a timezone"):
        load_landing(folder.con, folder.landing, now=dt.datetime(2026, 11, 23))  # noqa: DTZ001 - what is tested


def test_progress_goes_from_nothing_to_nearly_all(folder: LandingFolder) -> None:
    put_all_samples(folder)
    shares: list[float] = []
    load_landing(folder.con, folder.landing, now=NOW, progress=lambda _, share: shares.append(share))
    assert shares[0] == 0
    assert shares == sorted(shares)
