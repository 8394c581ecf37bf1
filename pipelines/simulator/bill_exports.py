"""The bill's exports: each day's report as first seen, seen again and corrected; the month's summary; the rates."""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from pipelines.simulator.bill import BILL_SCALE, Item
from pipelines.simulator.cli_format import amount, billing_rates, pretty
from pipelines.simulator.demand import stream
from pipelines.simulator.landing import Fetch, Landing
from pipelines.simulator.scenario import Scenario
from pipelines.simulator.world import World

FETCH_HOUR = dt.timedelta(hours=2)
DAY = dt.timedelta(days=1)

_RESTATED_AFTER = 5 * DAY
_HOURS = 24
_FRIDAY = 4
_MISSING_BELOW = 500
_PERMILLE = 1000


def write_bill_exports(world: World, landing: Landing) -> None:
    """Write the billing reports of every day, the summaries of every month, and the rates."""
    _write_reports(world, landing)
    _write_summaries(world, landing)
    _write_rates(world, landing)


def _write_reports(world: World, landing: Landing) -> None:
    by_day: dict[int, list[Item]] = defaultdict(list)
    for item in world.bill.items:
        by_day[item.hour // _HOURS].append(item)
    days = (world.end - world.start).days
    late = _late_hours(world, days)
    restated_day = _restated_day(world.scenario, days)
    for day in range(days):
        true_items = by_day[day]
        items = _misbilled(true_items, world.scenario.bill.restated_permille) if day == restated_day else true_items
        first_fetch = world.start + (day + 1) * DAY + FETCH_HOUR
        _write_report(world, landing, day=day, items=_understated(items, late[day]), fetched_at=first_fetch, suffix="")
        _write_report(world, landing, day=day, items=items, fetched_at=first_fetch + DAY, suffix=".r2")
        if day == restated_day:
            corrected = first_fetch + _RESTATED_AFTER
            _write_report(world, landing, day=day, items=true_items, fetched_at=corrected, suffix=".r3")


def _late_hours(world: World, days: int) -> list[dict[int, int]]:
    """Return for each day what the first fetch sees of its newest hours, in thousandths; 0 for a missing hour."""
    rng = stream(world.seed, "late bill")
    late_hours = world.scenario.bill.late_hours
    late = []
    for _ in range(days):
        older = {_HOURS - 1 - back: int(rng.integers(600, 950)) for back in range(1, late_hours)}
        newest = int(rng.integers(100, 900))
        late.append({**older, _HOURS - 1: 0 if newest < _MISSING_BELOW else newest} if late_hours else {})
    return late


def _restated_day(scenario: Scenario, days: int) -> int | None:
    back = scenario.bill.restated_week_from_end
    return None if back is None else max(0, days // 7 - 1 - back) * 7 + _FRIDAY


def _understated(items: Sequence[Item], seen_permille: Mapping[int, int]) -> list[Item]:
    first_seen = []
    for item in items:
        seen = seen_permille.get(item.hour % _HOURS, _PERMILLE)
        if seen:
            parts = {label: cost * seen // _PERMILLE for label, cost in item.parts.items()}
            first_seen.append(replace(item, cost=item.cost * seen // _PERMILLE, parts=parts))
    return first_seen


def _misbilled(items: Sequence[Item], permille: int) -> list[Item]:
    """Return the day as billed before its correction: the largest amount of the day stands there as another one."""
    wrong = max(items, key=lambda item: max(item.parts.values(), default=0))
    label = max(wrong.parts, key=lambda part: wrong.parts[part])
    error = wrong.parts[label] * (permille - _PERMILLE) // _PERMILLE
    billed = replace(wrong, cost=wrong.cost + error, parts={**wrong.parts, label: wrong.parts[label] + error})
    return [billed if item is wrong else item for item in items]


def _write_report(
    world: World, landing: Landing, *, day: int, items: Sequence[Item], fetched_at: dt.datetime, suffix: str
) -> None:
    start = world.start + day * DAY
    tags = {app.app_id: json.dumps(dict(app.tags)) for app in world.scenario.apps}
    plain: list[dict[str, Any]] = []
    resources: list[dict[str, Any]] = []
    for item in items:
        row = {
            "object_id": item.object_id,
            "description": item.description,
            "environment": world.scenario.environment,
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


def _write_summaries(world: World, landing: Landing) -> None:
    rng = stream(world.seed, "not itemised")
    low, high = (int(bound.scaleb(BILL_SCALE)) for bound in world.scenario.bill.not_itemised_usd)
    by_month: dict[str, list[Item]] = defaultdict(list)
    for item in world.bill.items:
        by_month[f"{world.start + dt.timedelta(hours=item.hour):%Y-%m}"].append(item)
    known_at = world.end + DAY + FETCH_HOUR
    for month, items in sorted(by_month.items()):
        first = dt.datetime.strptime(f"{month}-01 +0000", "%Y-%m-%d %z").astimezone(dt.UTC)
        following = (first + 32 * DAY).replace(day=1)
        landing.write(
            f"billing_summary/{month}.json",
            _summary(world.scenario, items, not_itemised=int(rng.integers(low, high + 1))),
            Fetch(
                f"modal billing summary --for {month} --json",
                min(following + DAY + FETCH_HOUR, known_at),
                first,
                following,
            ),
        )


def _summary(scenario: Scenario, items: Sequence[Item], not_itemised: int) -> str:
    volume_ids = {volume.volume_id for volume in scenario.volumes}
    volumes = sum(item.cost for item in items if item.object_id in volume_ids)
    apps = sum(item.cost for item in items) - volumes
    metered = apps + volumes + not_itemised
    credit = min(int(scenario.bill.credits_usd.scaleb(BILL_SCALE)), metered - volumes)
    plan = int(scenario.bill.plan_usd.scaleb(BILL_SCALE))
    return pretty(
        {
            "metered_cost": amount(metered),
            "billed_cost": amount(metered - volumes - credit + plan),
            "adjustments": {
                "free_storage": amount(-volumes),
                "reservation_adjustment": "0",
                "credits": amount(-credit),
                "plan_cost": amount(plan),
            },
            "metered_cost_breakdown": {
                "deployed_apps": amount(apps),
                "volumes": amount(volumes),
                "llm_tokens": amount(0),
            },
        }
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
