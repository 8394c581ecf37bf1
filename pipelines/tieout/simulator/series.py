"""Container series: `modal function metrics APP/FUNCTION --group containers --bucket-size 5m --json`, day by day.

Names of series come from the server and are not public; these end, as the client says all do, in their aggregation.
Modal does not say how often it samples either, so every function has a distance of its own. Points are missing as they
are in any monitoring: some buckets have no observation, some hours a week are a hole, the newest points come late.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tieout.simulator.app_exports import export_folder
from tieout.simulator.billing_snapshots import DAY, FETCH_HOUR
from tieout.simulator.cli_format import path_key, pretty, rfc3339
from tieout.simulator.containers import PoolLog
from tieout.simulator.demand import DAY_US, SECOND_US, Floats, Integers, stream
from tieout.simulator.ids import object_id
from tieout.simulator.landing import Fetch, Landing
from tieout.simulator.laws import SeriesHabits
from tieout.simulator.scenario import App, FleetKind, shown_name
from tieout.simulator.world import World, deployed_at, to_us

BUCKET_SECONDS = 300
_BUCKET_US = BUCKET_SECONDS * SECOND_US
_BUCKETS_A_DAY = DAY_US // _BUCKET_US
_BUCKETS_A_WEEK = 7 * _BUCKETS_A_DAY
_BUCKETS_AN_HOUR = 3600 // BUCKET_SECONDS
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Series:
    """The series of one function over the whole period, one entry per bucket.

    Attributes:
        average: mean number of containers over the samples of the bucket.
        maximum: the most that a sample has seen.
        starts: containers that were placed in the bucket.
        is_observed: whether the bucket has an observation at all.
    """

    average: Floats
    maximum: Integers
    starts: Integers
    is_observed: npt.NDArray[np.bool_]


def container_series(world: World, app: App, function: str, habits: SeriesHabits) -> Series:
    """Sample the containers of a function on an app, those of all variants and of whole clusters."""
    logs = [log for log in world.pools if (log.app, log.function) == (app.name, function)]
    begun = [np.repeat(log.created_us, _members(log)) for log in logs]
    ended = [np.repeat(log.stopped_us, _members(log)) for log in logs]
    return sampled(world, (app.name, function), _joined(begun), _joined(ended), habits)


def _joined(parts: list[Integers]) -> Integers:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def sampled(world: World, owner: tuple[str, str], begun: Integers, ended: Integers, habits: SeriesHabits) -> Series:
    """Sample lives in microseconds; `owner`, the app and who lives in it, has luck of its own."""
    start_us, end_us = to_us(world.start), to_us(world.end)
    rng = stream(world.seed, "series", *owner)
    apart_us = int(rng.integers(habits.sample_seconds[0], habits.sample_seconds[1] + 1)) * SECOND_US
    samples = np.arange(start_us + int(rng.integers(0, apart_us)), end_us, apart_us)
    alive = _alive(begun, ended, samples)
    buckets = (end_us - start_us) // _BUCKET_US
    placed = begun[(begun >= start_us) & (begun < end_us)]
    starts = np.bincount((placed - start_us) // _BUCKET_US, minlength=buckets)
    bucket = (samples - start_us) // _BUCKET_US
    observations = np.bincount(bucket, minlength=buckets)
    maximum = np.zeros(buckets, dtype=np.int64)
    np.maximum.at(maximum, bucket, alive)
    is_observed = (observations > 0) & (rng.random(buckets) >= habits.null_share)
    for week in range(-(-buckets // (7 * _BUCKETS_A_DAY))):
        hole = 7 * _BUCKETS_A_DAY * week + int(
            rng.integers(0, 7 * _BUCKETS_A_DAY - habits.gap_hours * _BUCKETS_AN_HOUR)
        )
        is_observed[hole : hole + habits.gap_hours * _BUCKETS_AN_HOUR] = False
    average = np.bincount(bucket, weights=alive, minlength=buckets) / np.maximum(observations, 1)
    return Series(average, maximum, starts, is_observed)


def _members(log: PoolLog) -> Integers:
    """Return for each container of a pool how many live and die with it: the size of its cluster."""
    sizes = np.array([version.deployed.configuration.cluster_size for version in log.versions], dtype=np.int64)
    return sizes[log.version]


def _alive(begun: Integers, ended: Integers, samples: Integers) -> Integers:
    """Return how many containers live at each instant."""
    alive = np.searchsorted(np.sort(begun), samples, side="right") - np.searchsorted(
        np.sort(ended), samples, side="right"
    )
    return np.asarray(alive, dtype=np.int64)


def write_series(world: World, landing: Landing) -> None:
    """Write the container series of every function and every server, and again when the late points are there."""
    habits = world.scenario.series
    if habits is None:
        return
    for app in world.scenario.apps:
        functions = dict.fromkeys(name for deployment in app.deployments for name in deployment.functions)
        for function in functions:
            first = min(deployed_at(d, world.start) for d in app.deployments if function in d.functions)
            folder = export_folder(world.scenario, "function_metrics", app, function)
            source = _Source(folder, "function", app.name, function, " --all-variants")
            _write_days(world, landing, source, container_series(world, app, function, habits), first)
        for log in world.fleets:
            if log.fleet.kind == FleetKind.SERVER and log.fleet.app == app.name:
                owner = (app.name, log.fleet.name)
                series = sampled(world, owner, log.created_us, log.stopped_us, habits)
                folder = f"{export_folder(world.scenario, 'server_metrics', app)}/server={path_key(log.fleet.name)}"
                _write_days(world, landing, _Source(folder, "server", *owner, ""), series, world.start)


@dataclass(frozen=True, slots=True)
class _Source:
    """Whose series these are, and where they land."""

    folder: str
    kind: str
    app: str
    name: str
    option: str


def _write_days(world: World, landing: Landing, source: _Source, series: Series, first: dt.datetime) -> None:
    habits = world.scenario.series
    assert habits is not None
    for day in range(max(0, (first - world.start).days), (world.end - world.start).days):
        begun = world.start + day * DAY
        if habits.since is None or begun >= habits.since:
            late = min(habits.late_buckets, _BUCKETS_A_DAY)
            _write_day(world, landing, source, series, (begun, begun + DAY + FETCH_HOUR, late))
            _write_day(world, landing, source, series, (begun, begun + 2 * DAY + FETCH_HOUR, 0))


def _write_day(
    world: World, landing: Landing, source: _Source, series: Series, fetch: tuple[dt.datetime, dt.datetime, int]
) -> None:
    """Write one day; `fetch` says the day, when it was read, and how many of its newest points were missing then."""
    begun, fetched_at, late = fetch
    first = (begun - world.start) // DAY * _BUCKETS_A_DAY
    day = slice(first, first + _BUCKETS_A_DAY)
    observed = series.is_observed[day].copy()
    observed[_BUCKETS_A_DAY - late :] = False
    content = {
        "object_id": object_id("fu", f"{source.app}/{source.name}"),
        "since": begun.isoformat(),
        "until": (begun + DAY).isoformat(),
        "bucket_secs": BUCKET_SECONDS,
        "series": [
            _one("containers_running_avg", "Mean number of running containers", series.average[day], observed, begun),
            _one("containers_running_max", "Most running containers", series.maximum[day], observed, begun),
            _one("containers_started_count", "Containers started", series.starts[day], observed, begun),
        ],
    }
    bounds = f"--since {rfc3339(begun)} --until {rfc3339(begun + DAY)}{source.option}"
    name = f"{shown_name(source.app)}/{shown_name(source.name)}"
    command = f"modal {source.kind} metrics {name} --group containers --bucket-size 5m {bounds} --json"
    suffix = "" if late else ".r2"
    landing.write(
        f"{source.folder}/{begun:%Y-%m-%d}{suffix}.json",
        pretty(content),
        Fetch(command, fetched_at, begun, begun + DAY),
    )


def _one(
    name: str, description: str, values: Floats | Integers, observed: npt.NDArray[np.bool_], begun: dt.datetime
) -> dict[str, Any]:
    bucket = dt.timedelta(seconds=BUCKET_SECONDS)
    points = [
        {
            "timestamp": (begun + position * bucket).isoformat(),
            "value": round(float(value), _DIGITS) if is_there else None,
        }
        for position, (value, is_there) in enumerate(zip(values.tolist(), observed.tolist(), strict=True))
    ]
    return {"name": name, "unit": "containers", "description": description, "points": points}
