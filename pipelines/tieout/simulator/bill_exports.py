"""The bill's exports: each day's report as first seen, seen again and corrected; the month's summary; the rates."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from tieout.simulator.billing_snapshots import DAY, FETCH_HOUR, SeenBill, seen_bill
from tieout.simulator.cli_format import amount, billing_rates, pretty
from tieout.simulator.landing import Fetch, Landing
from tieout.simulator.world import World


def write_bill_exports(world: World, landing: Landing) -> None:
    """Write the billing reports of every day, the summaries of every month, and the rates."""
    bill = seen_bill(world)
    _write_reports(world, bill, landing)
    _write_summaries(world, bill, landing)
    _write_rates(world, landing)


def _write_reports(world: World, bill: SeenBill, landing: Landing) -> None:
    for day in range((world.end - world.start).days):
        first_fetch = world.start + (day + 1) * DAY + FETCH_HOUR
        _write_report(world, bill, landing, day=day, fetched_at=first_fetch, suffix="")
        _write_report(world, bill, landing, day=day, fetched_at=first_fetch + DAY, suffix=".r2")
        if day == bill.restated_day:
            _write_report(world, bill, landing, day=day, fetched_at=bill.corrected_at(day), suffix=".r3")


def _write_report(
    world: World, bill: SeenBill, landing: Landing, *, day: int, fetched_at: dt.datetime, suffix: str
) -> None:
    start = world.start + day * DAY
    scenario = world.scenario
    tags = {app.app_id: json.dumps(dict(app.tags)) for app in scenario.apps}
    environments = _environments(world)
    plain: list[dict[str, Any]] = []
    resources: list[dict[str, Any]] = []
    for item in bill.items(day, fetched_at):
        row = {
            "object_id": item.object_id,
            "description": item.description,
            "environment": environments.get(item.object_id, scenario.environment),
            "interval_start": (world.start + item.hour * dt.timedelta(hours=1)).replace(tzinfo=None).isoformat(),
        }
        item_tags = tags.get(item.object_id, "{}")
        plain.append({**row, "cost": amount(item.cost), "tags": item_tags})
        resources += [
            {**row, "resource": label, "cost": amount(cost), "tags": item_tags} for label, cost in item.parts.items()
        ]
    command = f"modal billing report --start {start:%Y-%m-%d} --end {start + DAY:%Y-%m-%d} -r h -t '*'"
    for kind, flag, rows in (("resources", " --show-resources", resources), ("plain", "", plain)):
        fetch = Fetch(f"{command}{flag} --json", fetched_at, start, start + DAY, {"resolution": "h"})
        landing.write(f"billing_report/{start:%Y-%m-%d}.{kind}{suffix}.json", pretty(rows), fetch)


def _environments(world: World) -> dict[str, str]:
    """Return the environment of each billed object by its id, where it is not the scenario's own."""
    apps = [*world.scenario.apps, *(own for fleet in world.fleets for own in world.own_objects(fleet))]
    return {app.app_id: app.environment for app in apps if app.environment}


def _write_summaries(world: World, bill: SeenBill, landing: Landing) -> None:
    known_at = world.end + DAY + FETCH_HOUR
    for month in bill.months():
        first = dt.datetime.combine(month, dt.time(), dt.UTC)
        following = (first + 32 * DAY).replace(day=1)
        landing.write(
            f"billing_summary/{month:%Y-%m}.json",
            pretty(asdict(bill.summary(month, known_at))),
            Fetch(
                f"modal billing summary --for {month:%Y-%m} --json",
                min(following + DAY + FETCH_HOUR, known_at),
                first,
                following,
            ),
        )


def _write_rates(world: World, landing: Landing) -> None:
    """Write the rates of every Monday, and of every day on which one changes."""
    first, last = world.start.date(), world.end.date()
    mondays = {first + dt.timedelta(weeks=week) for week in range((last - first).days // 7 + 1)}
    changes = {change.effective for change in world.scenario.prices.changes if first <= change.effective <= last}
    for day in sorted(mondays | changes):
        rates: Mapping[str, Decimal] = world.scenario.prices.on(day)
        midnight = dt.datetime.combine(day, dt.time(), dt.UTC)
        landing.write(f"billing_rates/{day}.json", billing_rates(rates), Fetch("modal billing rates --json", midnight))
