"""The exports about what claims beside functions: servers, sandboxes, and variants of functions.

Only a workspace that has them has these files.
"""

import datetime as dt
from collections import defaultdict
from decimal import Decimal

from tieout.simulator.app_exports import export_folder
from tieout.simulator.billing_snapshots import DAY, FETCH_HOUR
from tieout.simulator.cli_format import path_key, pretty, rfc3339
from tieout.simulator.configuration import ContainerConfiguration
from tieout.simulator.demand import DAY_US
from tieout.simulator.fleets import FleetLog
from tieout.simulator.ids import object_id
from tieout.simulator.landing import Fetch, Landing
from tieout.simulator.metering import CPU, MEMORY
from tieout.simulator.scenario import App, Fleet, FleetKind, shown_name
from tieout.simulator.world import World, deployed_at, to_us

_LOOK_AFTER = dt.timedelta(minutes=10)
_HOUR_US = Decimal(3_600_000_000)
_CENT_FRACTION = Decimal("1e-8")


def write_claimant_exports(world: World, landing: Landing) -> None:
    """Write `app info` and `server info`, `function variants`, and the sandbox costs of every day."""
    for app in world.scenario.apps:
        servers = [f for f in world.scenario.fleets if f.app == app.name and f.kind == FleetKind.SERVER]
        if servers:
            _write_servers(world, landing, app, servers)
        sandboxes = [g for g in world.fleets if g.fleet.app == app.name and g.fleet.kind == FleetKind.SANDBOX]
        for day in range((world.end - world.start).days if sandboxes else 0):
            _write_sandboxes(world, landing, app, sandboxes, world.start + day * DAY)
        for deployment in app.deployments:
            at = deployed_at(deployment, world.start)
            for name, deployed in deployment.functions.items() if at < world.end else ():
                if deployed.variants:
                    _write_variants(world, landing, app, name, max(at, world.start) + _LOOK_AFTER)


def _write_servers(world: World, landing: Landing, app: App, servers: list[Fleet]) -> None:
    seen_at = world.start + _LOOK_AFTER
    functions = dict.fromkeys(name for deployment in app.deployments for name in deployment.functions)
    content = {
        "app_id": app.app_id,
        "lifecycle": {"state": "deployed"},
        "functions": {shown_name(name): {"id": object_id("fu", f"{app.name}/{name}")} for name in functions},
        "servers": {server.name: {"id": object_id("fu", f"{app.name}/{server.name}")} for server in servers},
    }
    name = f"{seen_at:%Y-%m-%d}.json"
    folder = export_folder(world.scenario, "app_info", app)
    landing.write(f"{folder}/{name}", pretty(content), Fetch(f"modal app info {shown_name(app.name)} --json", seen_at))
    for server in servers:
        folder = f"{export_folder(world.scenario, 'server_info', app)}/server={path_key(server.name)}"
        command = f"modal server info {shown_name(app.name)}/{server.name} --json"
        landing.write(f"{folder}/{name}", pretty(_server_info(app, server)), Fetch(command, seen_at))


def _server_info(app: App, server: Fleet) -> dict[str, object]:
    asked = server.configuration
    return {
        "name": server.name,
        "object_id": object_id("fu", f"{app.name}/{server.name}"),
        "app_id": app.app_id,
        "cpu": None if asked.cpu_millicores is None else asked.cpu_millicores / 1000,
        "memory_mib": asked.memory_mib,
        "gpus": [list(gpu) for gpu in asked.gpus],
        "ephemeral_disk_mib": asked.ephemeral_disk_mib,
        "startup_timeout": asked.startup_timeout_seconds,
        "scaledown_window": asked.scaledown_window_seconds,
        "min_containers": asked.min_containers or None,
        "max_containers": asked.max_containers,
        "buffer_containers": asked.buffer_containers or None,
        "cluster_info": None,
        "compute_regions": list(asked.regions) or None,
        "nonpreemptible": asked.nonpreemptible,
    }


def _write_variants(world: World, landing: Landing, app: App, function: str, seen_at: dt.datetime) -> None:
    (deployed,) = [d.functions[function] for d in app.deployments if function in d.functions][-1:]
    rows: list[dict[str, object]] = [{"function_id": object_id("fu", f"{app.name}/{function}"), "options": {}}]
    rows += [
        {
            "function_id": object_id("fu", f"{app.name}/{function}/{variant.name}"),
            "options": _options(deployed.configuration, variant.configuration),
        }
        for variant in deployed.variants
    ]
    folder = export_folder(world.scenario, "function_variants", app, function)
    command = f"modal function variants {shown_name(app.name)}/{shown_name(function)} --limit 0 --json"
    landing.write(f"{folder}/{seen_at:%Y-%m-%d}.json", pretty(rows), Fetch(command, seen_at))


def _options(own: ContainerConfiguration, variant: ContainerConfiguration) -> dict[str, object]:
    """Return what a variant asks for otherwise than its function."""
    options: dict[str, object] = {}
    if variant.gpu_type and (variant.gpu_type, variant.gpu_count) != (own.gpu_type, own.gpu_count):
        options["gpu"] = variant.gpu_type + (f":{variant.gpu_count}" if variant.gpu_count > 1 else "")
    if variant.cpu_millicores is not None and variant.cpu_millicores != own.cpu_millicores:
        options["cpu"] = variant.cpu_millicores / 1000
    if variant.memory_mib is not None and variant.memory_mib != own.memory_mib:
        options["memory"] = variant.memory_mib
    return options


def _write_sandboxes(world: World, landing: Landing, app: App, logs: list[FleetLog], begun: dt.datetime) -> None:
    rates = world.scenario.prices.on(begun.date())
    prices = {CPU: rates["cpu_hour_cost_sandbox"] / 1000, MEMORY: rates["mem_gib_hour_cost_sandbox"] / 1024}
    costs: dict[str, Decimal] = defaultdict(Decimal)
    since = to_us(begun)
    for log in logs:
        lived = (log.stopped_us.clip(since, since + DAY_US) - log.created_us.clip(since, since + DAY_US)).astype(object)
        for resource, quantity in ((CPU, log.millicores), (MEMORY, log.memory_mib)):
            costs[resource] += Decimal(int((lived * quantity).sum())) * prices[resource] / _HOUR_US
    rounded = {resource: cost.quantize(_CENT_FRACTION) for resource, cost in costs.items() if cost}
    group = {
        "tags": {},
        "cost": str(sum(rounded.values(), Decimal(0))),
        "cost_by_resource": {resource: str(cost) for resource, cost in rounded.items()},
    }
    window = {"app_id": app.app_id, "since": rfc3339(begun), "until": rfc3339(begun + DAY)}
    landing.write(
        f"{export_folder(world.scenario, 'sandbox_stats', app)}/{begun:%Y-%m-%d}.json",
        pretty(window | {"groups": [group] if rounded else []}),
        Fetch("App.sandboxes.stats()", begun + DAY + FETCH_HOUR, begun, begun + DAY),
    )
