"""When callers call, and the luck that each call carries.

Every random number belongs to a call, never to a container or an app: the same call then meets the same luck under
any configuration, which is what makes the twin (the same arrivals on the old configuration) comparable.
"""

import math
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tieout.simulator.scenario import Function, Scenario

SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US
DAY_US = 24 * HOUR_US

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_BURST_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of one function over the whole period, in order of arrival.

    All arrays have one entry per call; `luck` columns are uniform in [0, 1) and `service_score` is standard normal.
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

    def __len__(self) -> int:
        """Return the number of calls."""
        return len(self.enqueued_us)


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return a random stream of its own for a seed and a purpose, the same on every machine and in every run."""
    keys = [zlib.crc32(name.encode()) for name in names]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *keys])))


def workspace_levels(scenario: Scenario, seed: int, days: int) -> Floats:
    """Return the level (mean 1 before any shift) that all functions of the workspace share on each day."""
    levels = _day_levels(
        stream(seed, "workspace days"), days, spread=scenario.workspace_day_spread, persistence=scenario.day_persistence
    )
    shift = scenario.demand_shift
    if shift is None:
        return levels
    first = scenario.period(days // 7)[0].date()
    return np.where(np.arange(days) >= (shift.effective - first).days, levels * shift.factor, levels)


def draw_calls(function: Function, seed: int, start_us: int, levels: Floats, persistence: float = 0.0) -> Calls:
    """Draw the arrivals of one function and the luck of each call.

    Args:
        function: whose demand to draw.
        seed: of the whole simulation.
        start_us: first instant of the period, a Monday midnight UTC, in microseconds since 1970.
        levels: the workspace's level per day; its length is the number of days.
        persistence: correlation of the function's own level with the day before.
    """
    rng = stream(seed, "arrivals", function.name)
    enqueued = _arrivals(function, rng, start_us, levels, persistence)
    luck = stream(seed, "luck", function.name)
    uniform = luck.random((10, len(enqueued)))
    return Calls(function.name, enqueued, luck.standard_normal(len(enqueued)), *uniform)


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
    function: Function, rng: np.random.Generator, start_us: int, levels: Floats, persistence: float
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
