"""The truth beside the exports, for tests and benchmarks. The pipeline never reads it."""

import datetime as dt
from collections import defaultdict
from pathlib import Path

import polars as pl

from tieout.core.money import from_picodollars
from tieout.simulator.scenario import shown_name
from tieout.simulator.world import World

_MONEY = pl.Decimal(38, 12)


def cost_hourly(world: World) -> pl.DataFrame:
    """Return the true cost: app, function, hour (naive UTC), component, amount_usd; it adds up to the final bill.

    A workspace of several environments has the column environment in front.

    Components are startup, execution and idle of a function's containers, warm for what a floor or a buffer keeps
    beyond that, failed for containers that died at init, and direct for what serves no call: a volume, which stands
    under its own name as app and the function `__volume__`, a server `__server__/NAME`, the sandboxes
    `__sandboxes__` and a run `__run__`. The bill rounds an object's hour and its parts separately; the
    difference is a row of the function `__rounding__`, component unexplained.
    """
    first = world.start.replace(tzinfo=None)
    scenario = world.scenario
    environments = {app.name: scenario.environment_of(app) for app in scenario.apps}
    environments |= {
        own.name: scenario.environment_of(own) for fleet in world.fleets for own in world.own_objects(fleet)
    }
    sums: dict[tuple[str, str, str, int, str], int] = defaultdict(int)
    for cell in world.bill.cells:
        environment = environments.get(cell.app, scenario.environment)
        owner = environment, shown_name(cell.app), shown_name(cell.function)
        sums[*owner, cell.hour, cell.component] += cell.picodollars
    keys = sorted(sums)
    costs = pl.DataFrame(
        {
            "environment": [environment for environment, _, _, _, _ in keys],
            "app": [app for _, app, _, _, _ in keys],
            "function": [function for _, _, function, _, _ in keys],
            "hour": pl.Series([first + dt.timedelta(hours=key[3]) for key in keys], dtype=pl.Datetime("us")),
            "component": [component for _, _, _, _, component in keys],
            "amount_usd": pl.Series([from_picodollars(sums[key]) for key in keys], dtype=_MONEY),
        }
    )
    return costs if len(scenario.environments) > 1 else costs.drop("environment")


def avoided_daily(world: World) -> pl.DataFrame:
    """Return the true avoided cost: function, day, avoided_usd (the twin's cost minus the actual cost)."""
    return world.daily().select("function", "day", "avoided_usd")


def write_truth(world: World, directory: Path) -> None:
    """Write `cost_hourly.parquet` and `avoided_daily.parquet`."""
    directory.mkdir(parents=True, exist_ok=True)
    cost_hourly(world).write_parquet(directory / "cost_hourly.parquet")
    avoided_daily(world).write_parquet(directory / "avoided_daily.parquet")
