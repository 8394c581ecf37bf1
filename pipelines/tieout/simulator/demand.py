"""When callers call, and the luck that each call carries.

Every random number belongs to a call, never to a container or an app: the same call then meets the same luck under
any configuration, which is what makes the twin (the same arrivals on the old configuration) comparable.
"""

import datetime as dt
import math
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from tieout.simulator.scenario import DemandShift, Maps, Scenario, SimulatedFunction

SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US
DAY_US = 24 * HOUR_US

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_BURST_SECONDS = 4.0
_MAP_SECONDS = 2.0
_EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of one function over the whole period, in order of arrival.

    All arrays have one entry per input; `luck` columns are uniform in [0, 1) and `service_score` is standard normal.

    Attributes:
        group: for each input, the first one under the same call id; None where every input is a call of its own.
        origin: what `luck` is drawn by: a seed, a name, how many inputs were drawn and which of them are here.
    """

    function: str
    enqueued_us: Integers
    service_score: Floats
    fate: Floats
    moment: Floats
    preemption: Floats
    cold_start: Floats
    init_failure: Floats
    scaledown: Floats
    use: Floats
    dispatch: Floats
    loyalty: Floats
    log_delay: Floats
    group: Integers | None = None
    origin: "_Origin | None" = None

    def luck(self, purpose: str) -> Floats:
        """Return one more uniform number for each input, always the same for a purpose."""
        if self.origin is None:
            return stream(0, purpose, self.function).random(len(self))
        drawn = stream(self.origin.seed, purpose, self.origin.name).random(self.origin.count)
        return drawn[self.origin.kept]

    def only(self, kept: npt.NDArray[np.bool_]) -> "Calls":
        """Return the chosen inputs with the luck that they had."""
        chosen = np.flatnonzero(kept)
        changes = {
            entry.name: getattr(self, entry.name)[chosen]
            for entry in fields(self)
            if entry.name not in {"function", "group", "origin"}
        }
        group = None if self.group is None else _first_of_each(self.group[chosen])
        origin = None if self.origin is None else replace(self.origin, kept=self.origin.kept[chosen])
        return replace(self, **changes, group=group, origin=origin)

    def __len__(self) -> int:
        """Return the number of calls."""
        return len(self.enqueued_us)


@dataclass(frozen=True, slots=True)
class _Origin:
    """What more luck of the calls is drawn by."""

    seed: int
    name: str
    count: int
    kept: Integers


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return a random stream of its own for a seed and a purpose, the same on every machine and in every run."""
    keys = [zlib.crc32(name.encode()) for name in names]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *keys])))


def workspace_levels(scenario: Scenario, seed: int, days: int) -> Floats:
    """Return the level (mean 1 before any shift) that all functions of the workspace share on each day."""
    levels = _day_levels(
        stream(seed, "workspace days"), days, spread=scenario.workspace_day_spread, persistence=scenario.day_persistence
    )
    return _shifted(levels, scenario.demand_shift, scenario.period(days // 7)[0].date())


def draw_calls(
    function: SimulatedFunction, seed: int, start_us: int, levels: Floats, persistence: float = 0.0
) -> Calls:
    """Draw the arrivals of one function and the luck of each input.

    Args:
        function: whose demand to draw.
        seed: of the whole simulation.
        start_us: first instant of the period, a Monday midnight UTC, in microseconds since 1970.
        levels: the workspace's level per day; its length is the number of days.
        persistence: correlation of the function's own level with the day before.
    """
    name = function.arrivals or function.name
    first = _EPOCH + dt.timedelta(days=start_us // DAY_US)
    levels = _shifted(levels, function.demand.shift, first)
    rng = stream(seed, "arrivals", name)
    enqueued, group = _arrivals(function, rng, start_us, levels, persistence), None
    if function.demand.maps:
        of_maps = _map_arrivals(function.demand.maps, stream(seed, "maps", name), first, levels)
        enqueued, group = _with_maps(enqueued, [start_us + offsets for offsets in of_maps])
    luck = stream(seed, "luck", name)
    count = len(enqueued)
    uniform = luck.random((10, count))
    origin = _Origin(seed, name, count, np.arange(count))
    calls = Calls(function.name, enqueued, luck.standard_normal(count), *uniform)
    return _within(replace(calls, group=group, origin=origin), function)


def _within(calls: Calls, function: SimulatedFunction) -> Calls:
    """Return the calls between the function's first and last instant."""
    if function.since is None and function.until is None:
        return calls
    kept = np.ones(len(calls), dtype=np.bool_)
    if function.since is not None:
        kept &= calls.enqueued_us >= int(function.since.timestamp()) * SECOND_US
    if function.until is not None:
        kept &= calls.enqueued_us < int(function.until.timestamp()) * SECOND_US
    return calls.only(kept)


def _shifted(levels: Floats, shift: DemandShift | None, first: dt.date) -> Floats:
    if shift is None:
        return levels
    return np.where(np.arange(len(levels)) >= (shift.effective - first).days, levels * shift.factor, levels)


def _map_arrivals(maps: Maps, rng: np.random.Generator, first: dt.date, levels: Floats) -> list[Integers]:
    """Return for each map when its inputs are enqueued, in microseconds since the first day."""
    sizes = _shifted(np.full(len(levels), maps.inputs), maps.shift, first)
    arrivals = []
    for day in np.repeat(np.arange(len(levels)), rng.poisson(maps.per_day * levels)).tolist():
        begun = day * DAY_US + rng.random() * (DAY_US - HOUR_US)
        inputs = 1 + int(rng.poisson(max(0.0, sizes[day] - 1)))
        spread = np.sort(rng.random(inputs)) * _MAP_SECONDS * SECOND_US
        arrivals.append((begun + spread).astype(np.int64))
    return arrivals


def _with_maps(single: Integers, maps: Iterable[Integers]) -> tuple[Integers, Integers]:
    """Merge the inputs of maps into single calls; the group of an input is the first input of its map."""
    arrivals = [single, *maps]
    label = np.concatenate(
        [np.arange(len(single)), *(np.full(len(one), len(single) + k) for k, one in enumerate(arrivals[1:]))]
    )
    enqueued = np.concatenate(arrivals)
    order = np.argsort(enqueued, kind="stable")
    return enqueued[order], _first_of_each(label[order])


def _first_of_each(labels: Integers) -> Integers:
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.asarray(first[inverse], dtype=np.int64)


def _day_levels(rng: np.random.Generator, days: int, *, spread: float, persistence: float) -> Floats:
    """Draw levels with mean 1 whose logarithms are normal and, with persistence, resemble those of the day before."""
    mean = -spread * spread / 2
    logarithms = rng.normal(mean, spread, days)
    if persistence:
        fresh = math.sqrt(1 - persistence**2)
        for day in range(1, days):
            carried, drawn = logarithms[day - 1] - mean, logarithms[day] - mean
            logarithms[day] = mean + persistence * carried + fresh * drawn
    return np.exp(logarithms)


def _arrivals(
    function: SimulatedFunction, rng: np.random.Generator, start_us: int, levels: Floats, persistence: float
) -> Integers:
    demand = function.demand
    days = len(levels)
    own = _day_levels(rng, days, spread=demand.day_spread, persistence=persistence)
    weekday = np.array(demand.weekday_weights)[np.arange(days) % 7] / np.mean(demand.weekday_weights)
    hour = np.array(demand.hour_weights) / np.mean(demand.hour_weights)
    per_hour = demand.calls_per_hour * np.outer(levels * own * weekday, hour).ravel()

    single = _instants(rng, per_hour * (1 - demand.burst_share))
    heads = _instants(rng, per_hour * demand.burst_share / demand.burst_size)
    sizes = rng.geometric(1 / demand.burst_size, len(heads))
    members = np.repeat(heads, sizes) + rng.exponential(_BURST_SECONDS * SECOND_US, int(sizes.sum()))
    offsets = np.concatenate([single, members])
    offsets = np.sort(offsets[offsets < days * DAY_US]).astype(np.int64)
    return start_us + _as_modal_keeps_them(offsets, rng)


def _instants(rng: np.random.Generator, mean_per_hour: Floats) -> Floats:
    counts = rng.poisson(mean_per_hour)
    hours = np.repeat(np.arange(len(counts)), counts)
    return (hours + rng.random(len(hours))) * HOUR_US


def _as_modal_keeps_them(offsets: Integers, rng: np.random.Generator) -> Integers:
    """Keep one time in eight to the millisecond and one in sixty-four to the second, as real logs do."""
    coarse = rng.integers(0, 64, len(offsets))
    to_milliseconds = offsets - offsets % 1000
    to_seconds = offsets - offsets % SECOND_US
    kept = np.where(coarse == 0, to_seconds, np.where(coarse <= 8, to_milliseconds, offsets))
    return np.sort(kept)
