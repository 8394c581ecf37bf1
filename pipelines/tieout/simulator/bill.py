"""The bill, exactly, and the truth beneath it.

Costs are integers throughout. A *cost unit* is the common denominator of all prices: one microsecond of one
thousandth of a core's 1/1024 share, at a hundred-thousandth of a dollar per hour, in quarters. Each billed amount is
rounded half-even to 8 decimals, as Modal rounds; the truth then shares the billed amount, not the exact one, so that it
adds up to the bill to the last digit.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tieout.core.money import largest_remainder
from tieout.simulator.demand import Integers
from tieout.simulator.metering import COMPONENTS, CPU, MEMORY, SANDBOX_CPU, SANDBOX_MEMORY
from tieout.simulator.scenario import App, PriceList, Volume, shown_name

BILL_SCALE = 8
UNITS_PER_USD = 100_000_000
VOLUME_FUNCTION = "__volume__"
ROUNDING_FUNCTION = "__rounding__"

_PICO_PER_BILL_UNIT = 10_000
_MICROSECONDS_PER_HOUR = 3_600_000_000
_QUARTERS = 4
_PRICE_STEPS = 100_000
_COST_UNITS_PER_USD = _MICROSECONDS_PER_HOUR * _QUARTERS * _PRICE_STEPS * 1000 * 1024
_UNITS = {CPU: 1024, MEMORY: 1000, SANDBOX_CPU: 1024, SANDBOX_MEMORY: 1000}
_RATE_NAMES = {
    CPU: "cpu_hour_cost",
    MEMORY: "mem_gib_hour_cost",
    SANDBOX_CPU: "cpu_hour_cost_sandbox",
    SANDBOX_MEMORY: "mem_gib_hour_cost_sandbox",
}
_BILLED_AS = {SANDBOX_CPU: CPU, SANDBOX_MEMORY: MEMORY}
_GPU_UNITS = 1000 * 1024
_HOURS_PER_MONTH = 730


@dataclass(frozen=True, slots=True)
class Item:
    """One object in one hour, as the billing report has it.

    Attributes:
        object_id: the app's or volume's id.
        description: its name.
        hour: since the period's start.
        cost: in 1e-8 $.
        parts: by resource label, in 1e-8 $; empty for a volume.
    """

    object_id: str
    description: str
    hour: int
    cost: int
    parts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CostCell:
    """True cost of a function on an app in one hour, in 1e-12 $."""

    app: str
    function: str
    hour: int
    component: str
    picodollars: int


@dataclass(frozen=True, slots=True)
class Bill:
    """The final bill of a period, by hour and object, and the true cost that it is made of."""

    items: tuple[Item, ...]
    cells: tuple[CostCell, ...]


Metered = Mapping[tuple[str, str], Mapping[str, Integers]]
"""(app, function) → resource → array of the shape (hours, components)."""


def rate_name(resource: str) -> str:
    """Return the name of a resource's rate in `modal billing rates`."""
    if resource in _RATE_NAMES:
        return _RATE_NAMES[resource]
    kept = resource.lower().replace("-", "_").replace(" ", "_")
    return "gpu_hour_cost_" + {"rtx_pro_6000": "rtx6000"}.get(kept, kept)


def make_bill(
    apps: Sequence[App], volumes: Sequence[Volume], prices: PriceList, metered: Metered, *, start: dt.date, hours: int
) -> Bill:
    """Price what was metered, round it as Modal does, and share the rounded amounts out again.

    Args:
        apps: the workspace's apps, and whatever else is billed by resource.
        volumes: its volumes.
        prices: rates and their changes.
        metered: quantities per app and function.
        start: first day of the period.
        hours: its length.
    """
    days = [prices.on(start + dt.timedelta(days=day)) for day in range(-(-hours // 24))]
    items: list[Item] = []
    cells: list[CostCell] = []
    for app in sorted(apps, key=lambda app: app.app_id):
        of_app = {function: metered[name, function] for name, function in sorted(metered) if name == app.name}
        priced = _priced(of_app, days)
        app_items, app_cells = _app_bill(app, priced, prices)
        items += app_items
        cells += app_cells
    for volume in volumes:
        for item in _volume_items(volume, days, hours):
            items.append(item)
            cells.append(_whole_item(item, VOLUME_FUNCTION, "direct"))
    items.sort(key=lambda item: (item.hour, item.object_id))
    return Bill(tuple(items), tuple(cells))


_Share = tuple[str, str, int]
"""Function, component, cost in units."""


def _priced(
    metered: Mapping[str, Mapping[str, Integers]], days: Sequence[Mapping[str, Decimal]]
) -> dict[int, dict[str, list[_Share]]]:
    """Return hour → resource → the shares of every function and component, in cost units."""
    priced: dict[int, dict[str, list[_Share]]] = defaultdict(lambda: defaultdict(list))
    for function, by_resource in metered.items():
        for resource, quantities in by_resource.items():
            units, name = _UNITS.get(resource, _GPU_UNITS), rate_name(resource)
            steps = [int(rates[name] * _PRICE_STEPS) * units for rates in days]
            for hour, component in zip(*(axis.tolist() for axis in quantities.nonzero()), strict=True):
                cost = int(quantities[hour, component]) * steps[hour // 24]
                priced[hour][_BILLED_AS.get(resource, resource)].append((function, COMPONENTS[component], cost))
    return priced


def _app_bill(
    app: App, priced: Mapping[int, Mapping[str, list[_Share]]], prices: PriceList
) -> tuple[list[Item], list[CostCell]]:
    items: list[Item] = []
    cells: list[CostCell] = []
    seen: set[str] = set()
    for hour in sorted(priced):
        seen |= priced[hour].keys()
        parts: dict[str, int] = {}
        exact = 0
        true_cost: dict[tuple[str, str], int] = defaultdict(int)
        # A resource that the app has used before keeps its row, with a cost of zero.
        for resource in sorted(seen, key=lambda name: (name in (CPU, MEMORY), name)):
            shares = priced[hour].get(resource, [])
            pool = sum(cost for _, _, cost in shares)
            exact += pool
            parts[prices.label(resource)] = billed = _rounded(pool)
            for share, picodollars in zip(shares, _shared(billed, shares), strict=True):
                true_cost[share[:2]] += picodollars
        item = Item(app.app_id, shown_name(app.name), hour, _rounded(exact), parts)
        items.append(item)
        true_cost[ROUNDING_FUNCTION, "unexplained"] = (item.cost - sum(parts.values())) * _PICO_PER_BILL_UNIT
        cells += [CostCell(app.name, *key, picodollars=cost) for key, cost in _with_hour(true_cost, hour)]
    return items, cells


def _with_hour(true_cost: Mapping[tuple[str, str], int], hour: int) -> Iterable[tuple[tuple[str, int, str], int]]:
    return (((function, hour, component), cost) for (function, component), cost in true_cost.items() if cost)


def _shared(billed: int, shares: Sequence[_Share]) -> list[int]:
    if not shares:
        return []
    return largest_remainder(billed * _PICO_PER_BILL_UNIT, [cost for _, _, cost in shares])


def _rounded(units: int) -> int:
    """Round cost units half-even to 1e-8 $."""
    whole, rest = divmod(units * UNITS_PER_USD, _COST_UNITS_PER_USD)
    twice = 2 * rest
    up = twice > _COST_UNITS_PER_USD or (twice == _COST_UNITS_PER_USD and whole % 2 == 1)
    return whole + 1 if up else whole


def _volume_items(volume: Volume, days: Sequence[Mapping[str, Decimal]], hours: int) -> list[Item]:
    """Bill the stored GiB of each hour at the monthly rate over 730 hours."""
    items = []
    for hour in range(hours):
        mib = int((volume.first_gib + volume.gib_per_day * (hour // 24)) * 1024)
        rate = int(days[hour // 24]["volume_storage_gib_month_cost"] * _PRICE_STEPS)
        whole, rest = divmod(mib * rate * UNITS_PER_USD, 1024 * _PRICE_STEPS * _HOURS_PER_MONTH)
        cost = whole + (2 * rest >= 1024 * _PRICE_STEPS * _HOURS_PER_MONTH)
        items.append(Item(volume.volume_id, volume.name, hour, cost, {}))
    return items


def _whole_item(item: Item, function: str, component: str) -> CostCell:
    return CostCell(item.description, function, item.hour, component, item.cost * _PICO_PER_BILL_UNIT)
