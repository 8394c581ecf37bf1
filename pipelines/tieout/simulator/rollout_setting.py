"""What a simulated rollout is: which kind, how large, and with which luck."""

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum

from tieout.simulator.laws import Laws

FIRST_MONDAY = dt.date(2026, 8, 31)

_DEPLOYED_HOUR = dt.timedelta(hours=10)


class RolloutKind(StrEnum):
    """What happens at a rollout. All but the first save nothing, or next to nothing."""

    SAVING = "saving"
    VOLUME_UP = "volume up by 30%"
    VOLUME_DOWN = "volume down by 30%"
    VOLUME_TRIPLED = "volume ×3"
    MAPS = "maps with fewer inputs"
    RENAME = "rename"
    SPLIT = "split"
    ROLLBACK = "rollback after two days"
    PRICE_CHANGE = "list prices down by 20%"
    NEIGHBOUR_OFF = "keep-warm neighbour switched off"
    NAMESAKE = "namesake growing in another app"
    LOST_LOGS = "lost logs after the rollout"
    BASELINE_OUTAGE = "baseline with an outage"
    BELOW_USE = "requests cut below use"
    LATE_SERIES = "container series only after the rollout"
    MOVED = "moved to another app"
    MOVED_AWAY = "half moved to an app outside the catalog"
    MOVED_WITHIN = "moved to another function of the catalog"
    LOST_BEFORE = "lost logs before the rollout"
    HALVED = "one input becomes two of half the length"
    DOUBLED = "two inputs become one of twice the length"


SAVES_NOTHING = tuple(kind for kind in RolloutKind if kind != RolloutKind.SAVING)


@dataclass(frozen=True, slots=True)
class Change:
    """What a rollout changes of the functions in its phase; None leaves it.

    Attributes:
        gpu_type: another GPU.
        memory_mib: another request.
        window_seconds: another scaledown window.
        seconds_factor: execution time after ÷ before.
    """

    gpu_type: str | None = None
    memory_mib: int | None = None
    window_seconds: int | None = None
    seconds_factor: float = 1.0


@dataclass(frozen=True, slots=True)
class RolloutSetting:
    """One simulated rollout.

    Attributes:
        kind: what happens.
        seed: with which luck.
        weeks_before: whole weeks before the Monday of the deployment.
        weeks_after: whole weeks from that Monday on.
        demand_factor: demand of all functions after the deployment ÷ before, on top of what the kind says.
        persistence: correlation of a day's demand with the day before.
        calls_per_day: of the busiest function of the programme, before.
        change: what a rollout of the kind SAVING changes.
        laws: how Modal treats the containers; wide by default, so that the attribution's rules do not hold.
        has_series: container series are exported from the beginning.
    """

    kind: RolloutKind
    seed: int
    weeks_before: int = 4
    weeks_after: int = 2
    demand_factor: float = 1.0
    persistence: float = 0.0
    calls_per_day: float = 200.0
    change: Change = Change("T4", 8192, None, 1.1)
    laws: Laws = field(default_factory=Laws)
    has_series: bool = False

    @property
    def weeks(self) -> int:
        """How long the whole period is."""
        return self.weeks_before + self.weeks_after

    @property
    def deployed_at(self) -> dt.datetime:
        """When the phase is deployed."""
        monday = FIRST_MONDAY + dt.timedelta(weeks=self.weeks_before)
        return dt.datetime.combine(monday, dt.time(), dt.UTC) + _DEPLOYED_HOUR
