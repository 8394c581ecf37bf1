"""A day of a function as it would have run under a configuration: its own arrivals, the baseline's luck, replayed.

How long an input runs and how long a container takes to come up are drawn from what the baseline saw: evenly spread
over its quantiles, in an order that a hash decides. So a day has the mean of the baseline, not its luck, and the same
inputs give the same figures on every machine.

A day with more inputs than `MOST_INPUTS_A_DAY` (a million a week) is replayed in a sample of its hours, each hour
whole, because containers are shared by inputs that come close together. What the sample leaves open is a variance.
"""

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tieout.core.periods import HOURS_PER_DAY, day_start
from tieout.savings.replay import Arrivals, ContainerModel, Integers, replay
from tieout.savings.replay_days import ContainerTime, container_time

MOST_INPUTS_A_DAY = 1_000_000 // 7
LEAST_SAMPLED_HOURS = 6
_HOUR_US = 3_600_000_000
_DAY_US = HOURS_PER_DAY * _HOUR_US
_REPLAY_VERSION = "1"


@dataclass(frozen=True)
class Experience:
    """What the baseline of a function has seen, in microseconds and in ascending order.

    Attributes:
        execution_us: of every input that ran.
        startup_us: of every container that came up.
    """

    execution_us: Integers
    startup_us: Integers

    @property
    def longest_us(self) -> int:
        """What an input can have begun before a day and still run in it, with its container's start; a day at most."""
        longest = sum(int(values[-1]) for values in (self.execution_us, self.startup_us) if len(values))
        return min(longest, _DAY_US)


@dataclass(frozen=True)
class ReplayedDay:
    """A replayed day of a function.

    Attributes:
        time: its container time.
        variance_us2: of the total, where a sample of the hours was replayed; 0 where all were.
        content_hash: of everything that it was made of; the same hash is the same day.
    """

    time: ContainerTime
    variance_us2: float
    content_hash: str


@dataclass(frozen=True)
class _Day:
    """The inputs of a day and those before it whose containers may still live."""

    begins_us: int
    enqueued_us: Integers

    def between(self, since_us: int, until_us: int) -> Integers:
        """Return the arrivals of a stretch."""
        low, high = np.searchsorted(self.enqueued_us, [since_us, until_us])
        return self.enqueued_us[low:high]


def replay_days(
    enqueued_us: Integers,
    days: Mapping[dt.date, ContainerModel],
    experience: Experience,
    *,
    known: Mapping[str, ReplayedDay],
    most_inputs: int = MOST_INPUTS_A_DAY,
) -> Iterator[tuple[dt.date, ReplayedDay]]:
    """Yield the days of a function as they would have run.

    Args:
        enqueued_us: when its inputs arrived, microseconds since 1970 UTC, ascending; also those before the days.
        days: UTC days, and the configuration of each.
        experience: what the baseline has seen.
        known: days that were replayed before, by the hash of their content; what has not changed is not replayed again.
        most_inputs: more of them a day are sampled.
    """
    own = _digest(experience.execution_us, experience.startup_us)
    for day, model in days.items():
        begins_us = int(day_start(day).replace(tzinfo=dt.UTC).timestamp()) * 1_000_000
        lead_us = min(experience.longest_us + model.window_us, _DAY_US)
        low, high = np.searchsorted(enqueued_us, [begins_us - lead_us, begins_us + _DAY_US])
        arrivals = _Day(begins_us, enqueued_us[low:high])
        key = _digest(arrivals.enqueued_us, np.array([begins_us, most_inputs]), note=f"{_REPLAY_VERSION} {model} {own}")
        yield day, known.get(key) or _replayed(arrivals, model, experience, lead_us, key, most_inputs)


def _replayed(
    day: _Day, model: ContainerModel, experience: Experience, lead_us: int, key: str, most_inputs: int
) -> ReplayedDay:
    edges = [day.begins_us + hour * _HOUR_US for hour in range(HOURS_PER_DAY + 1)]
    inputs = len(day.between(edges[0], edges[-1]))
    if inputs <= most_inputs:
        arrivals = _drawn(day.enqueued_us, experience, key)
        lives = replay(arrivals, model, start_us=day.begins_us - lead_us, end_us=edges[-1])
        [time] = container_time(lives, [edges[0], edges[-1]])
        return ReplayedDay(time, 0.0, key)
    hours = _sampled_hours(inputs, most_inputs, key)
    lead_us = min(lead_us, _HOUR_US)
    times: list[ContainerTime] = []
    counts: list[int] = []
    for hour in hours:
        stretch = day.between(edges[hour] - lead_us, edges[hour + 1])
        arrivals = _drawn(stretch, experience, f"{key} {hour}")
        lives = replay(arrivals, model, start_us=edges[hour] - lead_us, end_us=edges[hour + 1])
        times += container_time(lives, edges[hour : hour + 2])
        counts.append(len(day.between(edges[hour], edges[hour + 1])))
    return ReplayedDay(*_whole_day(times, counts, inputs), key)


def _sampled_hours(inputs: int, most_inputs: int, key: str) -> list[int]:
    """Return hours evenly spread over the day, from one that the hash decides."""
    number = max(LEAST_SAMPLED_HOURS, HOURS_PER_DAY * most_inputs // inputs)
    first = int(key[:8], 16) % HOURS_PER_DAY
    return sorted((first + position * HOURS_PER_DAY // number) % HOURS_PER_DAY for position in range(number))


def _whole_day(times: list[ContainerTime], counts: list[int], inputs: int) -> tuple[ContainerTime, float]:
    """Return the container time of a day from that of some hours, by the ratio of inputs, and its variance."""
    parts = np.array([(time.startup_us, time.execution_us, time.idle_us, time.warm_us) for time in times])
    whole = [int(part) * inputs // max(1, sum(counts)) for part in parts.sum(axis=0)]
    totals, sampled = parts.sum(axis=1).astype(float), np.array(counts, dtype=float)
    errors = totals - sampled * totals.sum() / max(1.0, sampled.sum())
    number = len(times)
    variance = float(errors @ errors) / (number - 1) * HOURS_PER_DAY**2 * (1 - number / HOURS_PER_DAY) / number
    return ContainerTime(*whole), variance


def _drawn(enqueued_us: Integers, experience: Experience, key: str) -> Arrivals:
    random = np.random.Generator(np.random.PCG64(int(hashlib.sha256(key.encode()).hexdigest()[:16], 16)))
    count = len(enqueued_us)
    return Arrivals(
        enqueued_us, _spread(experience.execution_us, count, random), _spread(experience.startup_us, count, random)
    )


def _spread(ordered: Integers, count: int, random: np.random.Generator) -> Integers:
    """Return values from evenly spread quantiles, shuffled; zeros where nothing was seen."""
    if not len(ordered):
        return np.zeros(count, dtype=np.int64)
    positions = ((np.arange(count) + 0.5) / max(count, 1) * len(ordered)).astype(np.int64)
    return random.permutation(ordered[positions])


def _digest(*arrays: Integers, note: str = "") -> str:
    digest = hashlib.sha256(note.encode())
    for values in arrays:
        digest.update(np.ascontiguousarray(values, dtype=np.int64).tobytes())
    return digest.hexdigest()
