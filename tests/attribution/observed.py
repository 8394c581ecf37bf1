"""What Modal itself says beside bill, logs and function infos, landed in a workspace whose truth is known."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tests.attribution.workspace import DAY, Workspace, at, metrics, text

_SERVER_INFO: dict[str, Any] = {
    "object_id": "fu-2",
    "cpu": None,
    "memory_mib": None,
    "gpus": None,
    "ephemeral_disk_mib": None,
    "startup_timeout": 300,
    "scaledown_window": 60,
    "min_containers": None,
    "max_containers": None,
    "buffer_containers": None,
    "cluster_info": None,
    "compute_regions": None,
    "nonpreemptible": False,
}


def land_server(workspace: Workspace, app: str, name: str, *, seen: int = 0, **settings: Any) -> None:
    """Land the settings of a server as they were on a day."""
    info = _SERVER_INFO | {"name": name, "app_id": workspace.app_id(app)} | settings
    workspace.land(f"server_info/app={app}/server={name}/{at(seen):%Y-%m-%dT%H%M%S}.json", info, fetched=seen)


def land_app_info(workspace: Workspace, app: str, *servers: str) -> None:
    """Land the list of an app's servers, without their settings."""
    content = {
        "app_id": workspace.app_id(app),
        "lifecycle": {"state": "deployed"},
        "functions": {},
        "servers": {name: {"id": f"fu-{name}"} for name in servers},
    }
    workspace.land(f"app_info/app={app}/info.json", content)


def land_server_series(
    workspace: Workspace, app: str, name: str, containers: Sequence[float | None], *, day: int = 0
) -> None:
    """Land the mean number of containers of a server on a day, in buckets of five minutes."""
    span = (day * DAY, (day + 1) * DAY)
    workspace.land(f"server_metrics/app={app}/server={name}/{day}.json", metrics(containers, day), span=span)


def land_variants(workspace: Workspace, app: str, function: str, *options: Mapping[str, object]) -> None:
    """Land the variants of a function, by what each asks for otherwise."""
    listed = [{"function_id": f"fu-{number}", "options": asked} for number, asked in enumerate(options)]
    workspace.land(f"function_variants/app={app}/function={function}/list.json", listed)


def land_sandboxes(workspace: Workspace, app: str, costs: Mapping[str, Decimal], *, day: int = 0) -> None:
    """Land what Modal says that the sandboxes of an app cost on a day, by resource."""
    rounded = {name: cost.quantize(Decimal("1e-8")) for name, cost in costs.items()}
    group = {
        "tags": {},
        "cost": str(sum(rounded.values())),
        "cost_by_resource": {name: str(cost) for name, cost in rounded.items()},
    }
    span = (day * DAY, (day + 1) * DAY)
    window = {"app_id": workspace.app_id(app), "since": text(span[0]), "until": text(span[1])}
    workspace.land(f"sandbox_stats/app={app}/{day}.json", window | {"groups": [group]}, span=span)


def land_telemetry(workspace: Workspace, app: str, function: str, container: str, since: float, until: float) -> None:
    """Land what Modal pushed of a running container: a point every 15 seconds."""
    tags = {"container_id": container, "function_name": function, "app_name": app, "environment_name": "main"}
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in tags.items()]
    moments = [*(since + 15 * step for step in range(int((until - since) // 15) + 1)), until]
    points = [
        {"attributes": attributes, "timeUnixNano": str(int(at(moment).timestamp() * 10**9)), "asInt": "1"}
        for moment in moments
    ]
    metric = {"name": "modal.container.running", "unit": "1", "gauge": {"dataPoints": points}}
    content = {"resourceMetrics": [{"resource": {}, "scopeMetrics": [{"scope": {}, "metrics": [metric]}]}]}
    workspace.land(f"telemetry/{container}.json", content)


def land_running(workspace: Workspace, moment: float, *containers: tuple[str, str, float]) -> None:
    """Land a list of what runs at a moment: container, app and start of each."""
    rows = [
        {
            "container_id": container,
            "app_id": workspace.app_id(app),
            "app_name": app,
            "start_time": at(started).isoformat(),
        }
        for container, app, started in containers
    ]
    workspace.land(f"container_list/{at(moment):%Y-%m-%dT%H%M%S}.json", rows, fetched=moment)
