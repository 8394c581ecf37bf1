"""The exports about apps and functions: what is deployed, since when, and the log of calls."""

import datetime as dt
from collections.abc import Callable

import numpy as np

from tieout.simulator.billing_snapshots import DAY, FETCH_HOUR
from tieout.simulator.call_log import CallLog, write_call_log
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
from tieout.simulator.scenario import App, Deployment
from tieout.simulator.world import World, deployed_at, to_us

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
                _write_infos(landing, app, deployment, seen_at)
    for seen_at in sorted(looks):
        _write_app_list(world, landing, seen_at)


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
    landing.write(
        f"app_history/app={path_key(app.name)}/{seen_at:%Y-%m-%d}.json",
        pretty(rows),
        Fetch(f"modal app history {app.name} --json", seen_at),
    )


def _write_infos(landing: Landing, app: App, deployment: Deployment, seen_at: dt.datetime) -> None:
    for name, deployed in deployment.functions.items():
        content = function_info(
            name=name,
            object_id=object_id("fu", f"{app.name}/{name}"),
            app_id=app.app_id,
            configuration=deployed.configuration,
        )
        landing.write(
            f"function_info/app={path_key(app.name)}/function={path_key(name)}/{seen_at:%Y-%m-%d}.json",
            content,
            Fetch(f"modal function info {app.name}/{name} --json", seen_at),
        )


def _write_app_list(world: World, landing: Landing, seen_at: dt.datetime) -> None:
    rows = []
    for app in world.scenario.apps:
        if known := known_deployments(world, app, seen_at):
            row = {
                "app_id": app.app_id,
                "description": app.name,
                "state": "deployed",
                "tasks": str(running_containers(world, app, to_us(seen_at))),
                "created_at": localized(deployed_at(known[0], world.start)),
                "stopped_at": None,
            }
            rows.append(row)
    rows.sort(key=lambda row: (int(row["tasks"] or 0), row["created_at"]), reverse=True)
    landing.write(f"app_list/{seen_at:%Y-%m-%d}.json", pretty(rows), Fetch("modal app list --json", seen_at))


def running_containers(world: World, app: App, at_us: int) -> int:
    """Return how many containers of an app lived at an instant, in microseconds since 1970 UTC."""
    return sum(
        int(np.count_nonzero((log.created_us <= at_us) & (log.stopped_us > at_us)))
        for log in world.pools
        if log.app == app.name
    )


def write_call_exports(world: World, landing: Landing, progress: Callable[[str, float], None]) -> None:
    """Write the calls of every function on every app, day by day, and again where a call was still open."""
    logs = {(log.app, log.function): log for log in world.pools}
    for position, (app, function, since) in enumerate(pairs := _deployed_pairs(world)):
        progress(f"writing calls of {function}", position / len(pairs))
        log = logs.get((app, function))
        written = None
        if log is not None:
            written = write_call_log(
                log,
                world.calls[function],
                seed=world.seed,
                start_us=to_us(world.start),
                log_delay_share=world.scenario.log_delay_share,
            )
        for day in range(max(0, (since - world.start).days), (world.end - world.start).days):
            _write_day(world, landing, app=app, function=function, day=day, written=written)


def _deployed_pairs(world: World) -> list[tuple[str, str, dt.datetime]]:
    """Return every app and function with the time of its first deployment."""
    first: dict[tuple[str, str], dt.datetime] = {}
    for app in world.scenario.apps:
        for deployment in app.deployments:
            at = deployed_at(deployment, world.start)
            for function in deployment.functions:
                if at < world.end:
                    first.setdefault((app.name, function), at)
    return [(app, function, at) for (app, function), at in first.items()]


def _write_day(world: World, landing: Landing, *, app: str, function: str, day: int, written: CallLog | None) -> None:
    start = world.start + day * DAY
    folder = f"function_calls/app={path_key(app)}/function={path_key(function)}"
    bounds = f"--since {rfc3339(start)} --until {rfc3339(start + DAY)}"
    command = f"modal function calls {app}/{function} {bounds} --all-variants --json"
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
