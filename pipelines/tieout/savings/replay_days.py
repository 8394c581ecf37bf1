"""Container time of a replay by day and by what it was for, and what it costs at given prices."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from tieout.core.money import round_picodollars
from tieout.savings.replay import ContainerLives, Integers
from tieout.savings.saving_terms import ContainerRates

_MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class ContainerTime:
    """Microseconds of container time on one day, as the attribution names them.

    Attributes:
        startup_us: from the creation of a container to its readiness.
        execution_us: with at least one input; inputs at the same time count once.
        idle_us: the gaps between inputs, and the tail after the last.
        warm_us: the whole life of containers that never took an input.
    """

    startup_us: int
    execution_us: int
    idle_us: int
    warm_us: int

    @property
    def total_us(self) -> int:
        """All of it."""
        return self.startup_us + self.execution_us + self.idle_us + self.warm_us

    def cost_usd(self, rates: ContainerRates) -> Decimal:
        """What it costs at the price of a container second, rounded once to a picodollar."""
        return round_picodollars(Fraction(self.total_us, _MICROSECONDS) * rates.usd_per_second)


def container_time(lives: ContainerLives, days_us: Sequence[int]) -> tuple[ContainerTime, ...]:
    """Divide the lives of containers among days.

    Args:
        lives: from a replay.
        days_us: when the days begin, ascending, and the end of the last one: one instant more than days.
    """
    edges = np.array(days_us, dtype=np.int64)
    served = lives.has_served
    life = _by_day(lives.created_us[served], lives.stopped_us[served], edges)
    startup = _by_day(lives.created_us[served], lives.ready_us[served], edges)
    execution = _by_day(lives.busy_from_us, lives.busy_until_us, edges)
    warm = _by_day(lives.created_us[~served], lives.stopped_us[~served], edges)
    rows = np.stack([startup, execution, life - startup - execution, warm])
    return tuple(ContainerTime(*column) for column in rows.T.tolist())


def _by_day(begins_us: Integers, ends_us: Integers, edges: Integers) -> Integers:
    """Return for each day how many microseconds of some stretches lie in it."""
    return np.asarray(np.diff(_elapsed(begins_us, edges) - _elapsed(ends_us, edges)))


def _elapsed(instants_us: Integers, edges: Integers) -> Integers:
    """Return for each edge the time since the instants before it, summed."""
    ordered = np.sort(instants_us)
    before = np.searchsorted(ordered, edges)
    # Differences to the first edge keep the sums within 64 bits.
    sums = np.concatenate([[0], np.cumsum(ordered - edges[0])])
    return np.asarray(before * (edges - edges[0]) - sums[before])
