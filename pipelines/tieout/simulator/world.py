"""Running a scenario: the world as it was, and its twin in which nothing was ever rolled out."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import polars as pl

from tieout.core.money import from_picodollars
from tieout.simulator.bill import Bill, CostCell, make_bill
from tieout.simulator.configuration import DeployedFunction
from tieout.simulator.containers import SUCCESS, PoolLog, Version, container_use, run_pool
from tieout.simulator.demand import DAY_US, HOUR_US, Calls, Integers, draw_calls, workspace_levels
from tieout.simulator.fleets import FleetLog, meter_fleet, own_objects, run_fleet
from tieout.simulator.metering import meter
from tieout.simulator.scenario import App, Deployment, Scenario, SimulatedFunction, SimulatedRollout

Progress = Callable[[str, float], None]

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MONEY = pl.Decimal(38, 12)
# An app that was there from the beginning was deployed this long before it.
_BEFORE_THE_PERIOD = dt.timedelta(minutes=30)


def to_us(instant: dt.datetime) -> int:
    """Return an aware datetime as microseconds since 1970 UTC."""
    return (instant - _EPOCH) // dt.timedelta(microseconds=1)


def from_us(microseconds: int) -> dt.datetime:
    """Return microseconds since 1970 UTC as an aware datetime."""
    return _EPOCH + dt.timedelta(microseconds=microseconds)


def deployed_at(deployment: Deployment, start: dt.datetime) -> dt.datetime:
    """Return the time of a deployment; those without one happened shortly before the period."""
    return deployment.deployed_at or start - _BEFORE_THE_PERIOD


@dataclass(frozen=True, slots=True)
class World:
    """A simulated period, entirely in memory.

    Attributes:
        scenario: what was simulated.
        seed: with which luck.
        start: first instant, a Monday midnight UTC.
        end: the instant after the last.
        calls: per function, its calls.
        pools: what happened, per function, app and variant.
        fleets: the containers that serve no call.
        bill: the final bill and the true cost.
        twin_cells: the true cost of the same arrivals on the old app under the old configuration.
    """

    scenario: Scenario
    seed: int
    start: dt.datetime
    end: dt.datetime
    calls: Mapping[str, Calls]
    pools: tuple[PoolLog, ...]
    fleets: tuple[FleetLog, ...]
    bill: Bill
    twin_cells: tuple[CostCell, ...]

    def daily(self) -> pl.DataFrame:
        """Return the truth per function and UTC day.

        Columns: function, day, successes (distinct calls that ended well, by day of arrival), cost_usd, avoided_usd.
        Functions and days without cost or calls are there with zeros.
        """
        cost = _by_day(self.bill.cells)
        twin = _by_day(self.twin_cells)
        successes = self._successes()
        first, days = self.start.date(), (self.end - self.start).days
        keys = [(name, day) for name in sorted(self.calls) for day in range(days)]
        return pl.DataFrame(
            {
                "function": [name for name, _ in keys],
                "day": [first + dt.timedelta(days=day) for _, day in keys],
                "successes": [successes.get(key, 0) for key in keys],
                "cost_usd": pl.Series([from_picodollars(cost.get(key, 0)) for key in keys], dtype=_MONEY),
                "avoided_usd": pl.Series(
                    [from_picodollars(twin.get(key, 0) - cost.get(key, 0)) for key in keys], dtype=_MONEY
                ),
            }
        )

    def _successes(self) -> dict[tuple[str, int], int]:
        counts: dict[tuple[str, int], int] = defaultdict(int)
        for log in self.pools:
            arrived = self.calls[log.function].enqueued_us[log.call[log.status == SUCCESS]]
            days = np.bincount((arrived - to_us(self.start)) // DAY_US)
            for day, count in enumerate(days.tolist()):
                counts[log.function, day] += count
        return counts

    def own_objects(self, log: FleetLog) -> tuple[App, ...]:
        """Return what is billed under ids of its own for a fleet, in the order of its containers."""
        return own_objects(log, next(app for app in self.scenario.apps if app.name == log.fleet.app))

    def billed_usd(self) -> Decimal:
        """Return the sum of the final bill's items."""
        return Decimal(sum(item.cost for item in self.bill.items)).scaleb(-8)


def _by_day(cells: Sequence[CostCell]) -> dict[tuple[str, int], int]:
    """Return picodollars per function and day."""
    sums: dict[tuple[str, int], int] = defaultdict(int)
    for cell in cells:
        sums[cell.function, cell.hour // 24] += cell.picodollars
    return sums


def without_rollouts(scenario: Scenario) -> Scenario:
    """Return the twin of a scenario: every caller stays on the old app, which is not deployed anew."""
    apps = tuple(
        replace(app, deployments=tuple(d for d in app.deployments if not d.is_rollout)) for app in scenario.apps
    )
    return replace(scenario, rollouts=(), apps=apps)


def _rolled_out(scenario: Scenario, end: dt.datetime) -> set[str]:
    """Return the functions that something is rolled out for before an instant."""
    moved = {rollout.function for rollout in scenario.rollouts if rollout.at < end}
    for app in scenario.apps:
        for deployment in app.deployments:
            if deployment.is_rollout and deployment.deployed_at and deployment.deployed_at < end:
                moved |= deployment.functions.keys()
    return moved


def run(scenario: Scenario, seed: int, weeks: int, progress: Progress | None = None, *, has_twin: bool = True) -> World:
    """Simulate a scenario and its twin in memory, without writing anything.

    Args:
        scenario: the world.
        seed: the luck; the same seed gives the same world.
        weeks: how many, half of them before the first rollout.
        progress: called with what is being done and the share (0 to 1) that is done.
        has_twin: whether to simulate the twin; without, its cost is that of the world.

    Raises:
        ValueError: fewer than one week.
    """
    start, end = scenario.period(weeks)
    levels = workspace_levels(scenario, seed, (end - start).days)
    fleets = [run_fleet(fleet, seed, start_us=to_us(start), end_us=to_us(end)) for fleet in scenario.fleets]
    calls: dict[str, Calls] = {}
    pools: list[PoolLog] = []
    twin_pools: list[PoolLog] = []
    twin = without_rollouts(scenario)
    moved = _rolled_out(scenario, end) if has_twin else set()
    for position, function in enumerate(scenario.functions):
        if progress:
            progress(f"simulating {function.name}", position / len(scenario.functions))
        calls[function.name] = drawn = draw_calls(function, seed, to_us(start), levels, scenario.day_persistence)
        actual = function_pools(scenario, function, drawn, start, end)
        pools += actual
        twin_pools += function_pools(twin, function, drawn, start, end) if function.name in moved else actual
    if progress:
        progress("metering and billing", 1.0)
    bill = _bill(scenario, pools, fleets, calls, (start, end))
    twin_bill = _bill(twin, twin_pools, fleets, calls, (start, end)) if moved else bill
    # A function that never moved has the same cost in both worlds, whatever rounding its neighbours cause.
    twin_cells = (
        *(cell for cell in twin_bill.cells if cell.function in moved),
        *(cell for cell in bill.cells if cell.function not in moved),
    )
    return World(
        scenario=scenario,
        seed=seed,
        start=start,
        end=end,
        calls=calls,
        pools=tuple(pools),
        fleets=tuple(fleets),
        bill=bill,
        twin_cells=twin_cells,
    )


def function_pools(
    scenario: Scenario, function: SimulatedFunction, calls: Calls, start: dt.datetime, end: dt.datetime
) -> list[PoolLog]:
    """Route the calls of a function to its apps and run the containers there."""
    rollouts = sorted((r for r in scenario.rollouts if r.function == function.name), key=lambda r: r.at)
    names = list(dict.fromkeys([function.home_app, *(rollout.app for rollout in rollouts)]))
    route = _route(calls, names, rollouts)
    pools = []
    for position, name in enumerate(names):
        app = next(app for app in scenario.apps if app.name == name)
        versions = _versions(app, function.name, start, end)
        for variant, chosen, of_variant in _by_variant(calls, np.flatnonzero(route == position), versions):
            log = run_pool(calls, chosen, app=name, versions=of_variant, end_us=to_us(end), variant=variant)
            if log is not None:
                pools.append(log)
    return pools


def _by_variant(
    calls: Calls, chosen: Integers, versions: Sequence[Version]
) -> Iterator[tuple[str | None, Integers, Sequence[Version]]]:
    """Divide the calls of a function among its variants; the newest deployment says which there are."""
    variants = versions[-1].deployed.variants if versions else ()
    if not variants:
        yield None, chosen, versions
        return
    luck = calls.luck("variant")[chosen]
    below = 0.0
    for variant in variants:
        own = [
            replace(v, deployed=DeployedFunction(variant.configuration, variant.behaviour, v.deployed.laws))
            for v in versions
        ]
        yield variant.name, chosen[(luck >= below) & (luck < below + variant.share)], own
        below += variant.share
    yield None, chosen[luck >= below], versions


def _route(calls: Calls, names: Sequence[str], rollouts: Sequence[SimulatedRollout]) -> Integers:
    """Return for each call the position of its app: each rollout moves all callers but those that stay."""
    route = np.zeros(len(calls), dtype=np.int64)
    for rollout in rollouts:
        days_since = (calls.enqueued_us - to_us(rollout.at)) / DAY_US
        staying = rollout.staying
        faded = np.clip(days_since / staying.fade_days, 0, 1)
        share = staying.first_share + (staying.last_share - staying.first_share) * faded
        moves = (days_since >= 0) & (calls.loyalty >= share)
        route[moves] = names.index(rollout.app)
    return route


def _versions(app: App, function: str, start: dt.datetime, end: dt.datetime) -> list[Version]:
    times = ((deployed_at(deployment, start), deployment) for deployment in app.deployments)
    return [
        Version(to_us(at), deployment.functions[function])
        for at, deployment in times
        if function in deployment.functions and at < end
    ]


def _bill(
    scenario: Scenario,
    pools: Sequence[PoolLog],
    fleets: Sequence[FleetLog],
    calls: Mapping[str, Calls],
    period: tuple[dt.datetime, dt.datetime],
) -> Bill:
    start_us, end_us = (to_us(instant) for instant in period)
    metered: dict[tuple[str, str], dict[str, Integers]] = defaultdict(dict)
    for log in pools:
        _add(metered[log.app, log.function], _metered(log, calls, start_us, end_us))
    apps = {app.name: app for app in scenario.apps}
    objects = [*scenario.apps]
    for fleet in fleets:
        own = own_objects(fleet, apps[fleet.fleet.app])
        objects += own
        for key, by_resource in meter_fleet(fleet, own, start_us=start_us, end_us=end_us).items():
            _add(metered[key], by_resource)
    hours = (end_us - start_us) // HOUR_US
    return make_bill(objects, scenario.volumes, scenario.prices, metered, start=period[0].date(), hours=hours)


def _add(total: dict[str, Integers], by_resource: Mapping[str, Integers]) -> None:
    for resource, quantities in by_resource.items():
        total[resource] = total[resource] + quantities if resource in total else quantities


def _metered(log: PoolLog, calls: Mapping[str, Calls], start_us: int, end_us: int) -> Mapping[str, Integers]:
    return meter(log, container_use(log, calls[log.function]), start_us=start_us, end_us=end_us)
