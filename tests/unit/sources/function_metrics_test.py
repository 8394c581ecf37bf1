"""What `modal function metrics` prints: series of points in buckets, exactly or not at all."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.landing_folder import SAMPLES, LandingFolder

METRICS = "function_metrics/app=coral-x-production/function=generate_code_modal/2026-10-14.json"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[LandingFolder]:
    with LandingFolder(tmp_path) as folder:
        yield folder


def sample() -> Any:
    return json.loads((SAMPLES / "function_metrics.json").read_text())


def put(folder: LandingFolder, **fields: object) -> None:
    folder.put(METRICS, sample() | fields)


def with_point(**fields: object) -> list[object]:
    """The first series of the sample, its second point changed."""
    first = sample()["series"][0]
    points = first["points"]
    return [first | {"points": [points[0], points[1] | fields, *points[2:]]}]


def test_every_series_is_a_row_with_its_points(folder: LandingFolder) -> None:
    put(folder)
    assert folder.load().rejected == ()
    assert folder.rows(
        "select name, unit, bucket_seconds, len(points), points[1].bucket_start::varchar, points[1].value "
        "from raw.function_metrics order by name"
    )[3] == ("running_containers_avg", "containers", 900, 8, "2026-10-14 16:00:00", 0.1429)
    assert folder.rows("select count(*), count(distinct object_id) from raw.function_metrics") == [(7, 1)]
    assert folder.rows("select app, function from raw.files") == [("coral-x-production", "generate_code_modal")]


def test_a_file_by_hand_speaks_for_its_window(folder: LandingFolder) -> None:
    put(folder)
    folder.load()
    assert folder.rows("select range_start::varchar, range_end::varchar from raw.deliveries") == [
        ("2026-10-14 16:00:00", "2026-10-14 18:00:00")
    ]


def test_a_bucket_without_an_observation_has_no_value(folder: LandingFolder) -> None:
    put(folder, series=with_point(value=None))
    assert folder.load().rejected == ()
    assert folder.rows("select points[2].value from raw.function_metrics") == [(None,)]


def test_a_window_may_begin_within_its_first_bucket(folder: LandingFolder) -> None:
    put(folder, since="2026-10-14T16:05:00+00:00")
    assert folder.load().rejected == ()


def test_a_window_in_which_nothing_is_observed_is_a_file_without_rows(folder: LandingFolder) -> None:
    put(folder, series=[])
    assert folder.load().rejected == ()
    assert folder.rows("select row_count from raw.files") == [(0,)]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"since": "2026-10-14T18:00:00Z"}, "until is 2026-10-14 18:00:00, not after since"),
        ({"bucket_secs": 59}, "bucket_secs is 59; Modal's shortest bucket has 60 seconds"),
        ({"bucket_secs": 900.5}, "bucket_secs is 900.5, not a whole number"),
        ({"series": {}}, "series is not a list"),
        ({"series": [3]}, "series 1: 3 is not a JSON object"),
        ({"series": [sample()["series"][0]] * 2}, "series 2: name is 'running_containers_avg', which is there already"),
        ({"series": [{"name": "a_avg", "unit": "s", "points": None}]}, "series 1: points is not a list"),
        ({"series": [{"name": "a_avg", "points": []}]}, "series 1: unit is missing"),
        ({"series": with_point(value="0.5")}, "series 1, point 2: value is '0.5', not a number or null"),
        ({"series": with_point(value=True)}, "series 1, point 2: value is 'True', not a number or null"),
        ({"series": with_point(timestamp="2026-10-14T16:16:00Z")}, "where no bucket of 0:15:00 begins"),
        ({"series": with_point(timestamp="2026-10-14T18:00:00Z")}, "outside of 2026-10-14 16:00:00 to"),
        ({"series": with_point(timestamp="2026-10-14T16:00:00Z")}, "series 1: points has one bucket twice"),
    ],
)
def test_series_that_cannot_be_read_exactly_are_refused(
    folder: LandingFolder, fields: dict[str, object], says: str
) -> None:
    put(folder, **fields)
    assert says in folder.refusal()


def test_more_points_than_modal_prints_are_refused(folder: LandingFolder) -> None:
    points = [sample()["series"][0]["points"][0]] * 501
    put(folder, series=[sample()["series"][0] | {"points": points}])
    assert "series 1: points has 501 of them; Modal prints 500 at most" in folder.refusal()
