"""Servers, variants, sandboxes, what runs now, and Modal's totals: as the client prints them, exactly or not at all."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.landing_folder import SAMPLES, LandingFolder

APP = "app=coral-x-production"
NAMES = {
    "app_info": f"app_info/{APP}/2026-10-14.json",
    "app_stats": f"app_stats/{APP}/2026-10-14.json",
    "server_info": f"server_info/{APP}/server=inference/2026-10-14.json",
    "server_metrics": f"server_metrics/{APP}/server=inference/2026-10-14.json",
    "server_stats": f"server_stats/{APP}/server=inference/2026-10-14.json",
    "function_variants": f"function_variants/{APP}/function=work/2026-10-14.json",
    "autoscaler": f"autoscaler/{APP}/function=work/2026-10-14.json",
    "container_list": "container_list/2026-10-15T0700.json",
    "environment_billing": "environment_billing/environment=main/2026-10.json",
    "sandbox_stats": f"sandbox_stats/{APP}/2026-10-14.json",
}
SERVER = {"id": "fu-1", "summary": {}}
GROUP = {"tags": {"team": "blue"}, "cost": "1.50", "cost_by_resource": {"CPU": "1.25"}}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[LandingFolder]:
    with LandingFolder(tmp_path) as folder:
        yield folder


def sample(source: str) -> Any:
    return json.loads((SAMPLES / f"{source}.json").read_text())


def rows(folder: LandingFolder, source: str, columns: str, content: Any = None) -> list[tuple[Any, ...]]:
    """Land the sample of a source, or another content, and return what is in its table."""
    folder.put(NAMES[source], sample(source) if content is None else content)
    assert folder.load().rejected == ()
    return folder.rows(f"select {columns} from raw.{source} order by all")


def test_an_app_is_deployed_with_functions_and_servers(folder: LandingFolder) -> None:
    found = rows(folder, "app_info", "kind, name, state")
    assert len(found) == 8
    assert found[0] == ("function", "ensure_dependencies_modal", "deployed")
    assert found[-1] == ("server", "inference", "deployed")


def test_a_client_that_knows_no_servers_prints_none(folder: LandingFolder) -> None:
    content = sample("app_info")
    del content["servers"]
    assert rows(folder, "app_info", "distinct kind", content) == [("function",)]


def test_a_server_is_deployed_with_what_it_asks_for(folder: LandingFolder) -> None:
    columns = "name, gpu_type, gpu_count, memory_request_mib, min_containers, scaledown_window_seconds, nonpreemptible"
    assert rows(folder, "server_info", columns) == [("inference", "H100", 1, 4096, 2, 60, False)]
    assert folder.rows("select app, server, function from raw.files") == [("coral-x-production", "inference", None)]


def test_a_server_has_series_like_a_function(folder: LandingFolder) -> None:
    found = rows(folder, "server_metrics", "name, points[1].value")
    assert ("running_containers_avg", 2.0) in found


def test_requests_of_a_server_are_counted_by_the_day(folder: LandingFolder) -> None:
    assert rows(folder, "server_stats", "since::varchar, request_count, container_total_count") == [
        ("2026-10-14 00:00:00", 2400, 2)
    ]


def test_what_an_app_did_is_counted_by_function_server_and_sandboxes(folder: LandingFolder) -> None:
    found = rows(folder, "app_stats", "kind, name, total_count, succeeded_count, failed_count, container_total_count")
    assert ("function", "generate_code_modal", 104, 104, 0, 100) in found
    assert ("server", "inference", 2400, 2400, 0, 2) in found
    assert ("sandboxes", None, 1, None, None, None) in found


def test_a_variant_keeps_what_it_asks_for_otherwise(folder: LandingFolder) -> None:
    options = {"gpu": "H100:4", "cpu": [1.5, 2], "memory": 2048, "scaledown_window": 10, "max_inputs": 3}
    content = [*sample("function_variants"), {"function_id": "fu-3", "parameters": {"size": 3}, "options": options}]
    columns = "gpu_type, gpu_count, cpu_request_millicores, memory_request_mib, scaledown_window_seconds, "
    assert rows(folder, "function_variants", f"{columns} max_concurrent_inputs, parameters", content) == [
        ("A100-80GB", 1, None, None, None, None, None),
        ("H100", 1, None, None, None, None, None),
        ("H100", 4, 1500, 2048, 10, 3, '{"size": 3}'),
    ]


def test_settings_that_were_overridden_are_named(folder: LandingFolder) -> None:
    columns = "min_containers, max_containers, buffer_containers, scaledown_window_seconds, overridden"
    assert rows(folder, "autoscaler", columns) == [(2, 20, None, 60, ["min_containers"])]


def test_what_runs_now_has_run_since_it_started_and_pending_has_not(folder: LandingFolder) -> None:
    content = [*sample("container_list")[:1], {**sample("container_list")[1], "start_time": "Pending"}]
    assert rows(folder, "container_list", "started_at::varchar", content) == [("2026-10-15 00:00:00",), (None,)]
    assert folder.rows("select range_start::varchar, range_end::varchar from raw.deliveries") == [
        ("2026-10-15 00:00:00", "2026-11-23 12:00:00.000001")
    ]


def test_a_list_in_title_case_is_read_too(folder: LandingFolder) -> None:
    headings = {"container_id": "Container ID", "app_id": "App ID", "app_name": "App Name", "start_time": "Start Time"}
    content = [{headings[name]: value for name, value in row.items()} for row in sample("container_list")]
    assert rows(folder, "container_list", "count(*)", content) == [(2,)]


def test_a_month_of_an_environment_is_metered_to_the_last_digit(folder: LandingFolder) -> None:
    content = {"metered_cost": "1.000000000001", "metered_cost_breakdown": {"compute": "1.000000000001"}}
    assert rows(folder, "environment_billing", "month::varchar, kind, name, amount_usd::varchar", content) == [
        ("2026-10-01", "breakdown", "compute", "1.000000000001"),
        ("2026-10-01", "metered", "metered_cost", "1.000000000001"),
    ]


def test_sandboxes_cost_what_modal_says_by_resource_and_the_rest_is_a_row(folder: LandingFolder) -> None:
    content = {**sample("sandbox_stats"), "groups": [GROUP, {**GROUP, "tags": {"team": None}, "cost": "1.25"}]}
    assert rows(folder, "sandbox_stats", "tags, resource, cost_usd::varchar", content) == [
        ('{"team": "blue"}', "CPU", "1.250000000000"),
        ('{"team": "blue"}', "rounding", "0.250000000000"),
        ('{"team": null}', "CPU", "1.250000000000"),
    ]


TWO_DAYS = {"until": "2026-10-16T00:00:00+00:00"}


@pytest.mark.parametrize(
    ("source", "fields", "says"),
    [
        ("app_info", {"lifecycle": None}, "lifecycle: null is not a JSON object"),
        ("app_info", {"functions": []}, "functions: a list is not a JSON object"),
        ("app_info", {"servers": {"web": {}}}, "server web: id is missing"),
        ("app_info", {"app_id": None}, "app_id is null, not a text"),
        ("app_stats", TWO_DAYS, "counts of several days tell of none"),
        ("app_stats", {"functions": {"by_name": {"f": {}}}}, "function f: counts is missing"),
        ("app_stats", {"sandboxes": {"total": "3"}}, "sandboxes: total is '3', not a whole number"),
        ("server_info", {"gpus": "H100"}, "gpus is not a list of [type, count]"),
        ("server_info", {"nonpreemptible": 1}, "nonpreemptible is 1, not true or false"),
        ("server_info", {"compute_regions": "us"}, "compute_regions is not a list of names"),
        ("server_metrics", {"series": None}, "series is not a list"),
        ("server_stats", TWO_DAYS, "counts of several days tell of none"),
        ("server_stats", {"request_count": -1}, "request_count is -1, not a whole number"),
        ("autoscaler", {"current_settings": None}, "current_settings: null is not a JSON object"),
        ("autoscaler", {"override_events": None}, "override_events is not a list"),
        ("autoscaler", {"override_events": [{}]}, "override 1: setting is missing"),
        ("environment_billing", {"metered_cost": 1.5}, "amounts must stay exact"),
        ("environment_billing", {"metered_cost_breakdown": None}, "metered_cost_breakdown: null is not a JSON object"),
        ("sandbox_stats", TWO_DAYS, "counts of several days tell of none"),
        ("sandbox_stats", {"groups": {}}, "groups is not a list"),
        ("sandbox_stats", {"groups": [GROUP, GROUP]}, 'group 2: tags is {"team": "blue"}, which another group has'),
        ("sandbox_stats", {"groups": [{**GROUP, "cost": 1.5}]}, "amounts must stay exact"),
        ("sandbox_stats", {"groups": [{**GROUP, "cost_by_resource": {"CPU": 1}}]}, "amounts must stay exact"),
    ],
)
def test_what_cannot_be_read_exactly_is_refused(
    folder: LandingFolder, source: str, fields: dict[str, object], says: str
) -> None:
    folder.put(NAMES[source], sample(source) | fields)
    assert says in folder.refusal()


@pytest.mark.parametrize(
    ("source", "row", "says"),
    [
        ("function_variants", {"options": None}, "row 1: options: null is not a JSON object"),
        ("function_variants", {"options": {"gpu": "H100:many"}}, "gpu is 'H100:many', not a GPU like H100 or H100:2"),
        ("function_variants", {"options": {"cpu": "2"}}, "cpu is not null, a number or [request, limit]"),
        ("function_variants", {"function_id": None}, "row 1: function_id is null, not a text"),
        ("container_list", {"start_time": "soon"}, "row 1: start_time is 'soon', not a time"),
        ("container_list", {"container_id": 3}, "row 1: container_id is 3, not a text"),
    ],
)
def test_a_row_that_cannot_be_read_exactly_is_refused(
    folder: LandingFolder, source: str, row: dict[str, object], says: str
) -> None:
    first, *rest = sample(source)
    folder.put(NAMES[source], [first | row, *rest])
    assert says in folder.refusal()


@pytest.mark.parametrize("source", ["server_info", "server_metrics", "server_stats"])
def test_a_path_without_the_server_is_refused(folder: LandingFolder, source: str) -> None:
    folder.put(f"{source}/{APP}/2026-10-14.json", sample(source))
    assert "the path does not say which app and server this is" in folder.refusal()


def test_a_path_without_the_environment_is_refused(folder: LandingFolder) -> None:
    folder.put("environment_billing/2026-10.json", sample("environment_billing"))
    assert "the path does not say which environment this is" in folder.refusal()
