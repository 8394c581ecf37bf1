"""What `modal function stats` prints, and what of it cannot be held against a call log."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.landing_folder import SAMPLES, LandingFolder

STATS = "function_stats/app=coral-x-production/function=generate_code_modal/2026-11-02.json"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[LandingFolder]:
    with LandingFolder(tmp_path) as folder:
        yield folder


def put(folder: LandingFolder, **fields: object) -> None:
    folder.put(STATS, json.loads((SAMPLES / "function_stats.json").read_text()) | fields)


def test_modals_counts_of_a_day_are_kept_with_their_window(folder: LandingFolder) -> None:
    put(folder)
    assert folder.load().rejected == ()
    assert folder.rows(
        "select since::varchar, until::varchar, variant_count, input_success_count, input_failure_count, "
        "input_timeout_count, input_running_at_end_count, container_total_count from raw.function_stats"
    ) == [("2026-11-02 00:00:00", "2026-11-03 00:00:00", 0, 1185, 9, 4, 2, 61)]
    assert folder.rows("select app, function from raw.files") == [("coral-x-production", "generate_code_modal")]


def test_a_file_by_hand_speaks_for_the_window_that_it_names(folder: LandingFolder) -> None:
    put(folder)
    folder.load()
    assert folder.rows("select range_start::varchar, range_end::varchar, has_sidecar from raw.deliveries") == [
        ("2026-11-02 00:00:00", "2026-11-03 00:00:00", False)
    ]


def test_a_sidecar_says_when_the_counts_were_read(folder: LandingFolder) -> None:
    put(folder)
    folder.put_sidecar(STATS, range_start="2026-11-02T00:00:00Z", range_end="2026-11-03T00:00:00Z")
    assert folder.load().rejected == ()
    assert folder.rows("select range_end::varchar, has_sidecar from raw.deliveries") == [("2026-11-03 00:00:00", True)]


def test_a_sidecar_of_another_day_is_refused(folder: LandingFolder) -> None:
    put(folder)
    folder.put_sidecar(STATS, range_start="2026-11-01T00:00:00Z", range_end="2026-11-02T00:00:00Z")
    assert "beyond the range that the sidecar declares" in folder.refusal()


def test_a_window_with_an_offset_is_read_in_utc(folder: LandingFolder) -> None:
    put(folder, since="2026-11-02T02:00:00+02:00", until="2026-11-03T02:00:00+02:00")
    folder.load()
    assert folder.rows("select since::varchar from raw.function_stats") == [("2026-11-02 00:00:00",)]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"all_variants": False}, "all_variants is false, but a call log has all variants"),
        ({"until": "2026-11-04T00:00:00+00:00"}, "counts of several days tell of none"),
        ({"since": "2026-11-02T23:30:00Z", "until": "2026-11-03T00:30:00Z"}, "counts of several days tell of none"),
        ({"until": "2026-11-02T00:00:00+00:00"}, "not after since"),
        ({"input_success_count": "1185"}, "input_success_count is '1185', not a whole number"),
        ({"input_timeout_count": None}, "input_timeout_count is null, not a whole number"),
        ({"since": None}, "since is null, not a text"),
    ],
)
def test_counts_that_no_day_can_be_held_against_are_refused(
    folder: LandingFolder, fields: dict[str, object], says: str
) -> None:
    put(folder, **fields)
    assert says in folder.refusal()
