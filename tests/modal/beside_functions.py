"""What the local Modal server has beside functions: servers, sandboxes, variants, and what runs at the moment.

The simulated worlds have none of them; a test gives an app those that it needs.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from modal_proto import api_pb2

from tieout.simulator.ids import object_id
from tieout.simulator.scenario import App

SERVER_PORT = 8000


@dataclass(frozen=True)
class SimulatedServer:
    """A server with as many containers as it has, all the time.

    Attributes:
        gpu_type: its GPU.
        containers: how many live at every moment, and are kept.
        requests_an_hour: how many it answers.
    """

    gpu_type: str = "H100"
    containers: int = 2
    requests_an_hour: int = 100


@dataclass
class BesideFunctions:
    """What apps have beside functions, by the name of the app.

    Attributes:
        servers: by app and name.
        variants: the GPU of every variant, by app and function.
        sandboxes: what an hour of an app's sandboxes costs by resource, as texts, by app and team.
        overrides: how many containers are kept, as somebody has set it without a deployment, by app and function.
    """

    servers: defaultdict[str, dict[str, SimulatedServer]] = field(default_factory=lambda: defaultdict(dict))
    variants: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    sandboxes: dict[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    overrides: dict[tuple[str, str], int] = field(default_factory=dict)

    def ids(self) -> dict[str, tuple[str, str]]:
        """By id, the app and the name of every server."""
        return {server_id(app, name): (app, name) for app, servers in self.servers.items() for name in servers}

    def server(self, app: str, name: str) -> SimulatedServer | None:
        """Return a server; None when there is none of that name."""
        return self.servers.get(app, {}).get(name)

    def listed(self, app: App) -> dict[str, str]:
        """The ids of an app's servers, by name."""
        return {name: server_id(app.name, name) for name in self.servers.get(app.name, {})}

    def variant_list(self, app: App, function: str) -> api_pb2.FunctionListVariantsResponse:
        """Every variant, newest first."""
        return api_pb2.FunctionListVariantsResponse(
            infos=[
                api_pb2.FunctionVariantInfo(
                    function_id=object_id("fu", f"{app.name}/{function}/{gpu}"),
                    function_options=api_pb2.FunctionOptions(
                        resources=api_pb2.Resources(gpu_config=api_pb2.GPUConfig(gpu_type=gpu, count=1))
                    ),
                )
                for gpu in self.variants.get((app.name, function), ())
            ]
        )

    def server_counts(self, server: SimulatedServer, request: Any) -> api_pb2.ServerGetTimeRangeStatsResponse:
        """Count the requests of a range."""
        requests = _hours(request) * server.requests_an_hour
        return api_pb2.ServerGetTimeRangeStatsResponse(
            since=request.since,
            until=request.until,
            request_count=requests,
            request_count_by_status_code=[
                api_pb2.ServerGetTimeRangeStatsResponse.ServerStatusCodeCount(status_code=200, count=requests)
            ],
            request_rate_per_second=server.requests_an_hour / 3600,
            container_total_count=server.containers,
        )

    def app_counts(self, app: App, request: Any) -> dict[str, Any]:
        """Return the servers and sandboxes of an app's counts."""
        by_name = {
            name: {
                "object_id": server_id(app.name, name),
                "counts": {
                    "requests": {"total": (requests := _hours(request) * server.requests_an_hour), "ok": requests},
                    "containers": {"container_active_count": server.containers},
                },
            }
            for name, server in self.servers.get(app.name, {}).items()
        }
        live = sum(name == app.name for name, _ in self.sandboxes)
        return {"servers": {"by_name": by_name}, "sandboxes": {"total": live, "live": live}}

    def sandbox_costs(self, app: App, request: Any) -> api_pb2.SandboxGetTimeRangeStatsResponse:
        """Add up what the sandboxes of a range cost, by the tags that are asked for."""
        groups: defaultdict[str | None, dict[str, Decimal]] = defaultdict(dict)
        for (name, team), costs in self.sandboxes.items():
            if name == app.name:
                group = groups[team if "team" in request.group_by_tags else None]
                for resource, cost in costs.items():
                    group[resource] = group.get(resource, Decimal(0)) + Decimal(cost) * _hours(request)
        return api_pb2.SandboxGetTimeRangeStatsResponse(
            groups=[
                api_pb2.SandboxStatsGroup(
                    tags={} if team is None else {"team": api_pb2.SandboxStatsGroup.TagValue(value=team)},
                    cost_str=str(sum(costs.values())),
                    cost_by_resource_str={resource: str(cost) for resource, cost in costs.items()},
                )
                for team, costs in groups.items()
            ]
        )

    def running(self, app: App, now: dt.datetime) -> list[api_pb2.TaskStats]:
        """The containers of an app's servers, all since the midnight before."""
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return [
            api_pb2.TaskStats(
                task_id=object_id("ta", f"{app.name}/{name}/{number}"),
                app_id=app.app_id,
                app_description=app.name,
                started_at=midnight.timestamp(),
            )
            for name, server in self.servers.get(app.name, {}).items()
            for number in range(server.containers)
        ]


def server_id(app: str, name: str) -> str:
    """Modal's id of a server."""
    return object_id("fu", f"{app}/{name}")


def server_data(name: str, server: SimulatedServer) -> api_pb2.FunctionData:
    """What `FunctionGet` says of a server."""
    gpu = api_pb2.GPUConfig(gpu_type=server.gpu_type, count=1)
    function = api_pb2.Function(function_name=name, resources=api_pb2.Resources(memory_mb=4096, gpu_config=gpu))
    return api_pb2.FunctionData(
        function_name=name,
        is_server=True,
        timeout_secs=300,
        http_config=api_pb2.HTTPConfig(port=SERVER_PORT, startup_timeout=600, exit_grace_period=30),
        ranked_functions=[api_pb2.FunctionData.RankedFunction(rank=0, function=function)],
    )


def _hours(request: Any) -> int:
    return int(request.until.seconds - request.since.seconds) // 3600
