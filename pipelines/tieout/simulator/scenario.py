"""What a simulated workspace is made of: functions, apps, deployments, callers, prices and the habits of its bill.

Everything here is a frozen value without behaviour beyond look-ups, so that a scenario can be read, compared, changed
with `dataclasses.replace`, and built for worlds of any size. Units are in the names; datetimes are aware UTC.

Two apps or functions that exports call by one name carry a qualifier after an `@`, such as `shop` and `shop@staging`:
inside the simulator they are two, and `shown_name` drops it from everything that is written.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from tieout.simulator.configuration import Behaviour, ContainerConfiguration, DeployedFunction
from tieout.simulator.laws import LogHabits, SeriesHabits


def shown_name(name: str) -> str:
    """Return the name of an app or function as exports show it."""
    return name.partition("@")[0]


@dataclass(frozen=True, slots=True)
class DemandShift:
    """From a midnight UTC on, callers call `factor` times as often."""

    factor: float
    effective: dt.date


@dataclass(frozen=True, slots=True)
class Maps:
    """Calls of `.map`: one call id and many inputs, all enqueued at once.

    Attributes:
        per_day: mean number of maps.
        inputs: mean number of inputs of a map.
        shift: a lasting change of the inputs of a map, or None.
    """

    per_day: float
    inputs: float
    shift: DemandShift | None = None


@dataclass(frozen=True, slots=True)
class Demand:
    """How often callers ask for a function.

    Attributes:
        calls_per_hour: the mean over a whole week.
        weekday_weights: seven relative weights, Monday first.
        hour_weights: twenty-four relative weights, hour 0 UTC first.
        burst_share: share of the calls that arrive in bursts (one caller fanning out) rather than singly.
        burst_size: mean number of calls in a burst.
        day_spread: standard deviation of the logarithm of a day's own level.
        maps: calls of `.map` in addition, or None.
        shift: a lasting change of this function's demand, or None.
    """

    calls_per_hour: float
    weekday_weights: tuple[float, ...] = (1.0,) * 7
    hour_weights: tuple[float, ...] = (1.0,) * 24
    burst_share: float = 0.25
    burst_size: float = 4.0
    day_spread: float = 0.05
    maps: Maps | None = None
    shift: DemandShift | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """One `modal deploy` of an app. Containers of the version before finish their calls and stop.

    `deployed_at` None means: shortly before the simulated period begins. `is_rollout` says that the twin, in which
    nothing was ever rolled out, lacks it.
    """

    app: str
    version: int
    deployed_at: dt.datetime | None
    functions: Mapping[str, DeployedFunction]
    commit: str
    deployed_by: str = "deployer"
    is_rollout: bool = False


@dataclass(frozen=True, slots=True)
class StayingCallers:
    """The share of calls that still goes to the old app after a rollout, fading linearly from first to last."""

    first_share: float = 0.0
    last_share: float = 0.0
    fade_days: float = 1.0


@dataclass(frozen=True, slots=True)
class SimulatedRollout:
    """From `at` on, callers of a function call it on `app`, all but those that stay where they were."""

    function: str
    app: str
    at: dt.datetime
    staying: StayingCallers = StayingCallers()


@dataclass(frozen=True, slots=True)
class App:
    """An app of the workspace: its ids, tags, and deployments in order of time.

    `environment` None means the scenario's.
    """

    name: str
    app_id: str
    deployments: tuple[Deployment, ...]
    tags: Mapping[str, str] = field(default_factory=dict)
    environment: str | None = None


@dataclass(frozen=True, slots=True)
class SimulatedFunction:
    """A function as its callers know it: a name, a demand, and the app that serves it before any rollout.

    Attributes:
        name: unique within the scenario.
        home_app: the app that serves it.
        demand: how often it is called.
        arrivals: whose arrivals and luck it shares, None for its own: what calls two functions, or is renamed.
        since: first instant of its calls, None for always.
        until: end of its calls, None for never.
    """

    name: str
    home_app: str
    demand: Demand
    arrivals: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None


class FleetKind(StrEnum):
    """What owns containers that no call log shows."""

    SERVER = "server"
    SANDBOX = "sandbox"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class Fleet:
    """Containers that serve no call: those of a Modal Server, of sandboxes, or of a `modal run`.

    Attributes:
        kind: what owns them.
        name: its name.
        app: the app it belongs to.
        configuration: what a container asks for; `min_containers` live all the time.
        behaviour: CPU and memory that a container uses.
        starts_per_hour: containers that are started in addition.
        median_seconds: how long one of these lives.
        spread: standard deviation of the logarithm of that.
        hour_weights: twenty-four relative weights of its starts, hour 0 UTC first.
        is_apart: billed under an id of its own for each container, not under the app's.
    """

    kind: FleetKind
    name: str
    app: str
    configuration: ContainerConfiguration
    behaviour: Behaviour
    starts_per_hour: float = 0.0
    median_seconds: float = 900.0
    spread: float = 0.8
    hour_weights: tuple[float, ...] = (1.0,) * 24
    is_apart: bool = False


@dataclass(frozen=True, slots=True)
class Volume:
    """A billed object without a breakdown by resource: it appears in the plain report only."""

    name: str
    volume_id: str
    first_gib: float
    gib_per_day: float


@dataclass(frozen=True, slots=True)
class PriceChange:
    """A rate that is valid from a midnight UTC on."""

    rate_name: str
    usd_per_hour: Decimal
    effective: dt.date


@dataclass(frozen=True, slots=True)
class PriceList:
    """Rates in $/h under the names of `modal billing rates`, and the changes to them.

    Attributes:
        usd_per_hour: the rates at the beginning.
        changes: later rates, in order of date.
        bill_labels: how the bill names a GPU type where it differs from Modal's own name.
    """

    usd_per_hour: Mapping[str, Decimal]
    changes: tuple[PriceChange, ...] = ()
    bill_labels: Mapping[str, str] = field(default_factory=dict)

    def on(self, day: dt.date) -> dict[str, Decimal]:
        """Return every rate that is valid on a day."""
        rates = dict(self.usd_per_hour)
        rates.update({change.rate_name: change.usd_per_hour for change in self.changes if change.effective <= day})
        return rates

    def label(self, gpu_type: str) -> str:
        """Return the bill's name of a GPU type."""
        return self.bill_labels.get(gpu_type, gpu_type)


@dataclass(frozen=True, slots=True)
class BillHabits:
    """How the bill comes in: late for its newest hours, corrected once, and with credits and a plan at the month's end.

    Attributes:
        late_hours: newest hours of a day that the first fetch (02:00 of the next day) understates or lacks.
        restated_week_from_end: the week, counted from the last one (0), whose Friday is restated; None for never.
        restated_permille: the amount first billed for the corrected row, in thousandths of the true amount.
        credits_usd: monthly credits, at most the metered cost.
        plan_usd: monthly cost of the plan.
        not_itemised_usd: (low, high) of the metered cost per month that no report shows.
    """

    late_hours: int = 2
    restated_week_from_end: int | None = 1
    restated_permille: int = 1900
    credits_usd: Decimal = Decimal("100.00000000")
    plan_usd: Decimal = Decimal("250.00000000")
    not_itemised_usd: tuple[Decimal, Decimal] = (Decimal("0.00100000"), Decimal("0.00800000"))


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole workspace, ready to be simulated for any number of weeks around its first rollout.

    Attributes:
        rollout_monday: the Monday of the first rollout's week: half of the simulated weeks lie before it.
        log_delay_share: share of calls whose final status the log shows only hours later.
        workspace_day_spread: standard deviation of the logarithm of the level that all functions share on a day.
        day_persistence: correlation of the logarithm of a day's level, shared or a function's own, with the day before.
        demand_shift: a lasting change of the demand for all functions, or None.
        fleets: containers that serve no call.
        log: how the log of calls differs from what happened.
        series: container series, or None when they are not exported.
        catalog: the programme's files by name, where the built-in catalog does not describe this workspace.
    """

    name: str
    environment: str
    rollout_monday: dt.date
    functions: tuple[SimulatedFunction, ...]
    apps: tuple[App, ...]
    rollouts: tuple[SimulatedRollout, ...]
    volumes: tuple[Volume, ...]
    prices: PriceList
    bill: BillHabits = BillHabits()
    log_delay_share: float = 0.0012
    workspace_day_spread: float = 0.06
    day_persistence: float = 0.0
    demand_shift: DemandShift | None = None
    fleets: tuple[Fleet, ...] = ()
    log: LogHabits = field(default_factory=LogHabits)
    series: SeriesHabits | None = None
    catalog: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a world whose parts do not fit together."""
        apps = {app.name: app for app in self.apps}
        for function in self.functions:
            if function.home_app not in apps:
                raise ValueError(f"function {function.name}: home_app {function.home_app!r} is not among the apps")
        for fleet in self.fleets:
            if fleet.app not in apps:
                raise ValueError(f"fleet {fleet.name}: app {fleet.app!r} is not among the apps")
        for rollout in self.rollouts:
            if rollout.app not in apps:
                raise ValueError(f"rollout of {rollout.function}: app {rollout.app!r} is not among the apps")
            served = any(
                rollout.function in deployment.functions
                and (deployment.deployed_at is None or deployment.deployed_at <= rollout.at)
                for deployment in apps[rollout.app].deployments
            )
            if not served:
                raise ValueError(f"rollout of {rollout.function}: {rollout.app} does not deploy it by {rollout.at}")

    @property
    def environments(self) -> tuple[str, ...]:
        """The names of the environments that the apps are in, the scenario's own first."""
        return tuple(dict.fromkeys((self.environment, *(self.environment_of(app) for app in self.apps))))

    def environment_of(self, app: App) -> str:
        """Return the environment that an app is in."""
        return app.environment or self.environment

    def period(self, weeks: int) -> tuple[dt.datetime, dt.datetime]:
        """Return the first instant and the end of a simulation of that many weeks.

        Raises:
            ValueError: fewer than one week.
        """
        if weeks < 1:
            raise ValueError(f"weeks must be at least 1, not {weeks}")
        first = self.rollout_monday - dt.timedelta(weeks=(weeks + 1) // 2)
        start = dt.datetime.combine(first, dt.time(), dt.UTC)
        return start, start + dt.timedelta(weeks=weeks)
