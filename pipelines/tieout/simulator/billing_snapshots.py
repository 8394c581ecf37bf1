"""The bill as it reads at an instant: the newest hours understated, an error until it is corrected."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tieout.simulator.bill import BILL_SCALE, Item
from tieout.simulator.cli_format import amount
from tieout.simulator.demand import stream
from tieout.simulator.scenario import Scenario
from tieout.simulator.world import World

FETCH_HOUR = dt.timedelta(hours=2)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)

_SETTLED_AFTER = dt.timedelta(hours=6)
_RESTATED_AFTER = 5 * DAY
_HOURS = 24
_FRIDAY = 4
_MISSING_BELOW = 500
_PERMILLE = 1000


@dataclass(frozen=True, slots=True)
class MonthSummary:
    """One month as `modal billing summary --json` has it; amounts as Modal prints them."""

    metered_cost: str
    billed_cost: str
    adjustments: Mapping[str, str]
    metered_cost_breakdown: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SeenBill:
    """What the billing reports and summaries of a world say, depending on when they are read.

    Attributes:
        start: the period's first instant.
        scenario: whose bill it is.
        by_day: the final items of each day since the start.
        late: for each day, what is seen of its newest hours until the day has settled, in thousandths; 0 for a
            missing hour.
        restated_day: the day on which one amount is wrong until it is corrected, or None.
        not_itemised: by first day of the month, what no report shows, in 1e-8 $.
    """

    start: dt.datetime
    scenario: Scenario
    by_day: Mapping[int, Sequence[Item]]
    late: Sequence[Mapping[int, int]]
    restated_day: int | None
    not_itemised: Mapping[dt.date, int]

    def items(self, day: int, at: dt.datetime) -> list[Item]:
        """Return the items of a day since the period's start, as read at an instant."""
        items = self.by_day.get(day, ())
        if day == self.restated_day and at < self.corrected_at(day):
            items = _misbilled(items, self.scenario.bill.restated_permille)
        midnight = self.start + day * DAY
        if at >= midnight + DAY + _SETTLED_AFTER:
            return list(items)
        seen = {hour: self._seen_permille(day, hour, at - (midnight + hour * HOUR)) for hour in range(_HOURS)}
        return _understated(items, seen)

    def _seen_permille(self, day: int, hour: int, since_its_start: dt.timedelta) -> int:
        if since_its_start <= dt.timedelta():
            return 0
        share = min(_PERMILLE, since_its_start * _PERMILLE // HOUR)
        return share * self.late[day].get(hour, _PERMILLE) // _PERMILLE

    def corrected_at(self, day: int) -> dt.datetime:
        """Return when the restated day reads as it finally does."""
        return self.start + (day + 1) * DAY + FETCH_HOUR + _RESTATED_AFTER

    def months(self) -> list[dt.date]:
        """Return the first day of every month that is billed."""
        return sorted(self.not_itemised)

    def summary(self, month: dt.date, at: dt.datetime) -> MonthSummary:
        """Return the summary of a month: of its hours that have begun by an instant."""
        items = [
            item
            for of_day in self.by_day.values()
            for item in of_day
            if (begun := self.start + item.hour * HOUR) < at and begun.date().replace(day=1) == month
        ]
        return _summary(self.scenario, items, not_itemised=self.not_itemised.get(month, 0))


def seen_bill(world: World) -> SeenBill:
    """Return the bill of a world with everything that is odd about it before it is final."""
    days = (world.end - world.start).days
    by_day: dict[int, list[Item]] = defaultdict(list)
    for item in world.bill.items:
        by_day[item.hour // _HOURS].append(item)
    return SeenBill(
        start=world.start,
        scenario=world.scenario,
        by_day=dict(by_day),
        late=_late_hours(world, days),
        restated_day=_restated_day(world.scenario, days),
        not_itemised=_not_itemised(world),
    )


def _late_hours(world: World, days: int) -> list[dict[int, int]]:
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


def _not_itemised(world: World) -> dict[dt.date, int]:
    rng = stream(world.seed, "not itemised")
    low, high = (int(bound.scaleb(BILL_SCALE)) for bound in world.scenario.bill.not_itemised_usd)
    months = {(world.start + item.hour * HOUR).date().replace(day=1) for item in world.bill.items}
    return {month: int(rng.integers(low, high + 1)) for month in sorted(months)}


def _understated(items: Sequence[Item], seen_permille: Mapping[int, int]) -> list[Item]:
    first_seen = []
    for item in items:
        seen = seen_permille[item.hour % _HOURS]
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


def _summary(scenario: Scenario, items: Sequence[Item], *, not_itemised: int) -> MonthSummary:
    volume_ids = {volume.volume_id for volume in scenario.volumes}
    volumes = sum(item.cost for item in items if item.object_id in volume_ids)
    apps = sum(item.cost for item in items) - volumes
    metered = apps + volumes + not_itemised
    credit = min(int(scenario.bill.credits_usd.scaleb(BILL_SCALE)), metered - volumes)
    plan = int(scenario.bill.plan_usd.scaleb(BILL_SCALE))
    return MonthSummary(
        metered_cost=amount(metered),
        billed_cost=amount(metered - volumes - credit + plan),
        adjustments={
            "free_storage": amount(-volumes),
            "reservation_adjustment": "0",
            "credits": amount(-credit),
            "plan_cost": amount(plan),
        },
        metered_cost_breakdown={
            "deployed_apps": amount(apps),
            "volumes": amount(volumes),
            "llm_tokens": amount(0),
        },
    )
