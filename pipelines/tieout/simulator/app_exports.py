"""The exports about apps and functions: what is deployed, since when, and the log of calls."""

import datetime as dt
from collections.abc import Callable

import numpy as np

from tieout.simulator.billing_snapshots import DAY, FETCH_HOUR
from tieout.simulator.call_log import CallLog, merge_call_logs, write_call_log
from tieout.simulator.cli_format import (
    CLIENT_VERSION,
    function_calls,
    function_info,
    localized,
    path_key,
    pretty,
    rfc3339,
)
from tieout.simulator.ids import object_id
from tieout.simulator.landing import Fetch, Landing
from tieout.simulator.scenario import App, Deployment, FleetKind, Scenario, shown_name
from tieout.simulator.world import World, deployed_at, from_us, to_us

# Somebody looks at a new deployment soon after it, and at the workspace soon after the period begins.
_LOOK_AFTER = dt.timedelta(minutes=10)


def write_app_exports(world: World, landing: Landing) -> None:
    """Write `app list`, and `app history` and `function info` of every deployment."""
    looks = {world.start + _LOOK_AFTER, world.end + FETCH_HOUR}
    for app in world.scenario.apps:
        for deployment in app.deployments:
            at = deployed_at(deployment, world.start)
            if at < world.end and deployment.functions:
                seen_at = max(at, world.start) + _LOOK_AFTER
                looks.add(seen_at)
                _write_history(world, landing, app, seen_at)
                _write_infos(world.scenario, landing, app, deployment, seen_at)
    for seen_at in sorted(looks):
        for environment in world.scenario.environments:
            _write_app_list(world, landing, environment, seen_at)


def export_folder(scenario: Scenario, source: str, app: App, function: str | None = None) -> str:
    """Return the landing folder of an export about an app or one of its functions."""
    folders = [source, *_environment_folder(scenario, scenario.environment_of(app)), f"app={_key(app.name)}"]
    return "/".join(folders if function is None else [*folders, f"function={_key(function)}"])


def _environment_folder(scenario: Scenario, environment: str) -> list[str]:
    """An environment other than the profile's own stands in the path, because the content does not say it."""
    return [] if environment == scenario.environment else [f"environment={path_key(environment)}"]


def _option(scenario: Scenario, environment: str) -> str:
    return "" if environment == scenario.environment else f" --env {environment}"


def _key(name: str) -> str:
    return path_key(shown_name(name))


def known_deployments(world: World, app: App, at: dt.datetime) -> list[Deployment]:
    """Return the deployments of an app up to an instant, oldest first."""
    return [d for d in app.deployments if d.functions and deployed_at(d, world.start) <= at]


def _write_history(world: World, landing: Landing, app: App, seen_at: dt.datetime) -> None:
    rows = [
        {
            "version": f"v{deployment.version}",
            "time_deployed": localized(deployed_at(deployment, world.start)),
            "client": CLIENT_VERSION,
            "deployed_by": deployment.deployed_by,
            "commit": deployment.commit,
        }
        for deployment in reversed(known_deployments(world, app, seen_at))
    ]
    scenario = world.scenario
    option = _option(scenario, scenario.environment_of(app))
    landing.write(
        f"{export_folder(scenario, 'app_history', app)}/{seen_at:%Y-%m-%d}.json",
        pretty(rows),
        Fetch(f"modal app history {shown_name(app.name)}{option} --json", seen_at),
    )


def _write_infos(scenario: Scenario, landing: Landing, app: App, deployment: Deployment, seen_at: dt.datetime) -> None:
    option = _option(scenario, scenario.environment_of(app))
    for name, deployed in deployment.functions.items():
        content = function_info(
            name=shown_name(name),
            object_id=object_id("fu", f"{app.name}/{name}"),
            app_id=app.app_id,
            configuration=deployed.configuration,
        )
        landing.write(
            f"{export_folder(scenario, 'function_info', app, name)}/{seen_at:%Y-%m-%d}.json",
            content,
            Fetch(f"modal function info {shown_name(app.name)}/{shown_name(name)}{option} --json", seen_at),
        )


def _write_app_list(world: World, landing: Landing, environment: str, seen_at: dt.datetime) -> None:
    rows: list[dict[str, str | None]] = []
    scenario = world.scenario
    for app in scenario.apps:
        if scenario.environment_of(app) == environment and (known := known_deployments(world, app, seen_at)):
            row = {
                "app_id": app.app_id,
                "description": shown_name(app.name),
                "state": "deployed",
                "tasks": str(running_containers(world, app, to_us(seen_at))),
                "created_at": localized(deployed_at(known[0], world.start)),
                "stopped_at": None,
            }
            rows.append(row)
    rows += _runs(world, environment, seen_at)
    rows.sort(key=lambda row: (int(row["tasks"] or 0), row["created_at"]), reverse=True)
    folder = "/".join(["app_list", *_environment_folder(scenario, environment)])
    command = f"modal app list{_option(scenario, environment)} --json"
    landing.write(f"{folder}/{seen_at:%Y-%m-%d}.json", pretty(rows), Fetch(command, seen_at))


def _runs(world: World, environment: str, seen_at: dt.datetime) -> list[dict[str, str | None]]:
    """Return the ephemeral apps that `modal run` made up to an instant, under the name of the deployed one."""
    rows: list[dict[str, str | None]] = []
    for log in world.fleets:
        if log.fleet.kind != FleetKind.RUN:
            continue
        for app, begun, ended in zip(world.own_objects(log), log.created_us, log.stopped_us, strict=True):
            if world.scenario.environment_of(app) != environment or begun > to_us(seen_at):
                continue
            is_over = ended <= to_us(seen_at)
            row = {
                "app_id": app.app_id,
                "description": shown_name(app.name),
                "state": "stopped" if is_over else "ephemeral",
                "tasks": "0" if is_over else "1",
                "created_at": localized(from_us(int(begun))),
                "stopped_at": localized(from_us(int(ended))) if is_over else None,
            }
            rows.append(row)
    return rows


def running_containers(world: World, app: App, at_us: int) -> int:
    """Return how many containers of an app lived at an instant, in microseconds since 1970 UTC."""
    return sum(
        int(np.count_nonzero((log.created_us <= at_us) & (log.stopped_us > at_us)))
        for log in world.pools
        if log.app == app.name
    )


def write_call_exports(world: World, landing: Landing, progress: Callable[[str, float], None]) -> None:
    """Write the calls of every function on every app, day by day, and again where a call was still open."""
    for position, (app, function, since) in enumerate(pairs := _deployed_pairs(world)):
        progress(f"writing calls of {function}", position / len(pairs))
        written = function_log(world, app, function)
        for day in range(max(0, (since - world.start).days), (world.end - world.start).days):
            _write_day(world, landing, app=app, function=function, day=day, written=written)


def function_log(world: World, app: App, function: str) -> CallLog | None:
    """Return the log of a function on an app, of all its variants; None when nothing ever ran there."""
    logs = [
        write_call_log(
            log,
            world.calls[function],
            seed=world.seed,
            start_us=to_us(world.start),
            log_delay_share=world.scenario.log_delay_share,
            habits=world.scenario.log,
        )
        for log in world.pools
        if (log.app, log.function) == (app.name, function)
    ]
    return merge_call_logs(logs) if logs else None


def _deployed_pairs(world: World) -> list[tuple[App, str, dt.datetime]]:
    """Return every app and function with the time of its first deployment."""
    first: dict[tuple[str, str], dt.datetime] = {}
    for app in world.scenario.apps:
        for deployment in app.deployments:
            at = deployed_at(deployment, world.start)
            for function in deployment.functions:
                if at < world.end:
                    first.setdefault((app.name, function), at)
    apps = {app.name: app for app in world.scenario.apps}
    return [(apps[app], function, at) for (app, function), at in first.items()]


def _write_day(world: World, landing: Landing, *, app: App, function: str, day: int, written: CallLog | None) -> None:
    start = world.start + day * DAY
    scenario = world.scenario
    folder = export_folder(scenario, "function_calls", app, function)
    bounds = f"--since {rfc3339(start)} --until {rfc3339(start + DAY)}{_option(scenario, scenario.environment_of(app))}"
    command = f"modal function calls {shown_name(app.name)}/{shown_name(function)} {bounds} --all-variants --json"
    fetched_at, fetches, complete = start + DAY + FETCH_HOUR, 0, False
    while not complete:
        fetches += 1
        rows, complete = written.snapshot(day, to_us(fetched_at)) if written else ([], True)
        suffix = f".r{fetches}" if fetches > 1 else ""
        landing.write(
            f"{folder}/{start:%Y-%m-%d}{suffix}.json",
            function_calls(rows),
            Fetch(command, fetched_at, start, start + DAY),
        )
        fetched_at += DAY
