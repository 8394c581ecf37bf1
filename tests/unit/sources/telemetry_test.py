"""Files of a collector: which containers lived when, out of the points that Modal pushes."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.landing_folder import SAMPLES, LandingFolder

FILE = "telemetry/2026-10-14.json"
CONTAINER = "ta-01KB1MNAPSD9XH8T7E4VQZ2C5R"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[LandingFolder]:
    with LandingFolder(tmp_path) as folder:
        yield folder


def lines() -> list[Any]:
    return [json.loads(line) for line in (SAMPLES / "telemetry.json").read_text().splitlines()]


def put(folder: LandingFolder, *requests: Any) -> None:
    folder.put(FILE, "".join(json.dumps(each) + "\n" for each in requests))


def with_point(**fields: object) -> Any:
    """The first line of the sample, its first point changed; a field that is None is left out."""
    line = copy.deepcopy(lines()[0])
    [point] = line["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["gauge"]["dataPoints"]
    point.update(fields)
    for name in [name for name, value in fields.items() if value is None]:
        del point[name]
    return line


def test_points_are_put_together_by_container_metric_and_hour(folder: LandingFolder) -> None:
    put(folder, *lines())
    assert folder.load().rejected == ()
    assert folder.rows(
        "select container_id, environment_name, app_name, function_name, metric, hour::varchar, first_at::varchar, "
        "last_at::varchar, points, average, maximum from raw.telemetry order by metric"
    ) == [
        (
            *(CONTAINER, "main", "coral-x-production", "generate_code_modal", "modal.container.running"),
            *("2026-10-14 15:00:00", "2026-10-14 15:59:50", "2026-10-14 15:59:50", 1, 1.0, 1.0),
        ),
        (
            *(CONTAINER, "main", "coral-x-production", "generate_code_modal", "modal.container.running"),
            *("2026-10-14 16:00:00", "2026-10-14 16:00:05", "2026-10-14 16:00:05", 1, 1.0, 1.0),
        ),
        (
            *(CONTAINER, "main", "coral-x-production", "generate_code_modal", "modal.cpu.utilization"),
            *("2026-10-14 15:00:00", "2026-10-14 15:59:50", "2026-10-14 15:59:50", 1, 0.25, 0.25),
        ),
        (
            *(CONTAINER, "main", "coral-x-production", "generate_code_modal", "modal.cpu.utilization"),
            *("2026-10-14 16:00:00", "2026-10-14 16:00:05", "2026-10-14 16:00:05", 1, 0.75, 0.75),
        ),
    ]


def test_a_file_speaks_for_the_time_of_its_points(folder: LandingFolder) -> None:
    put(folder, *lines())
    folder.load()
    assert folder.rows("select range_start::varchar, range_end::varchar from raw.deliveries") == [
        ("2026-10-14 15:59:50", "2026-10-14 16:00:05.000001")
    ]


def test_other_metrics_and_empty_lines_say_nothing(folder: LandingFolder) -> None:
    request = lines()[0]
    [scope] = request["resourceMetrics"][0]["scopeMetrics"]
    scope["metrics"] = scope["metrics"][-1:]
    folder.put(FILE, "\n" + json.dumps(request) + "\n\n")
    assert folder.load().rejected == ()
    assert folder.rows("select row_count from raw.files") == [(0,)]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (with_point(attributes=[]), "names no container_id"),
        (with_point(timeUnixNano="soon"), "timeUnixNano is 'soon', not nanoseconds since 1970"),
        (with_point(timeUnixNano="9" * 20), "not a time before 2200"),
        (with_point(timeUnixNano=None), "timeUnixNano is missing"),
        (with_point(asInt="many"), "asDouble or asInt is 'many', not a number"),
        (with_point(asInt=None), "asDouble or asInt is 'None', not a number"),
        (with_point(attributes=[{"key": "container_id"}]), "value is missing"),
        ({"resourceMetrics": {}}, None),
        ({"resourceMetrics": {"a": 1}}, "line 2: resourceMetrics is not a list"),
        ([], "line 2: a list is not a JSON object"),
    ],
)
def test_a_line_that_cannot_be_read_exactly_is_refused(folder: LandingFolder, line: Any, says: str | None) -> None:
    put(folder, lines()[0], line)
    if says is None:
        assert folder.load().rejected == ()
    else:
        reason = folder.refusal()
        assert reason.startswith("line 2")
        assert says in reason


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"resourceMetrics": [', "line 2: the file is cut off"),
        ("{resourceMetrics}", "line 2: column 2: not JSON"),
        ('{"a": 1, "a": 2}', "line 2: the key 'a' stands twice in one object"),
    ],
)
def test_a_line_that_is_no_json_is_refused_by_its_number(folder: LandingFolder, text: str, says: str) -> None:
    folder.put(FILE, json.dumps(lines()[0]) + "\n" + text + "\n")
    assert says in folder.refusal()
