"""What went along with a change of a function's cost: deployments, calls, the cost of a call, a component."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.periods import IsoWeek, day_start
from tieout.report.sections.spend import FunctionSpend, Spend, function_label
from tieout.report.wording import day_name, listing, signed_usd
from tieout.savings.programme import Programme
from tieout.warehouse.parsed import answers

LEAST_PERCENT = 1
_LEAST_PART = Fraction(1, 2)

_DAYS = """
select environment, function, phase, day::date, sum(successful_calls)::bigint, sum(cost_usd)::decimal(38, 12)
from savings.daily_function
where day >= $before and day < $until
group by all
order by all
"""


class _Day(NamedTuple):
    """Successful calls and cost of a function's phase on a day."""

    phase: str
    day: dt.date
    calls: int
    cost_usd: Decimal


def read_reasons(
    con: duckdb.DuckDBPyConnection, before: Spend, after: Spend, catalog: Catalog, *, week: IsoWeek
) -> dict[str, str]:
    """Say of every function what went along with the change of its cost.

    Args:
        con: the warehouse.
        before: the spend of the week before.
        after: of the week.
        catalog: the programme.
        week: the week.
    """
    parameters = {"before": day_start(week.previous().start), "until": day_start(week.end)}
    days: dict[str, list[_Day]] = defaultdict(list)
    for environment, function, *of_day in answers(con, _DAYS, parameters):
        days[function_label(function, environment, catalog)].append(_Day(*of_day))
    was, now = ({each.function: each for each in spend.functions} for spend in (before, after))
    deployed = {
        name: tuple(_deployments(catalog, week, name, days[name], has_risen=_cost(now, name) > _cost(was, name)))
        for name in Programme.of(catalog).functions
    }
    return {
        name: "; ".join(
            part
            for part in (
                *deployed.get(name, ()),
                *_calls(_counted(days[name], week), was.get(name), now.get(name)),
                *_component(was.get(name), now.get(name)),
            )
        )
        for name in {*was, *now}
    }


def _counted(days: Sequence[_Day], week: IsoWeek) -> tuple[int, int]:
    """Successful calls before the week, and in it."""
    later = sum(each.calls for each in days if each.day >= week.start)
    return sum(each.calls for each in days) - later, later


def _cost(spend: Mapping[str, FunctionSpend], function: str) -> Decimal:
    return spend[function].amount_usd if function in spend else Decimal(0)


def _deployments(
    catalog: Catalog, week: IsoWeek, function: str, days: Sequence[_Day], *, has_risen: bool
) -> Iterator[str]:
    """The phases that made a call of a function dearer or cheaper, as its cost has moved, since they were deployed.

    What was deployed and moved nothing, or moved it the other way, is no reason; nor is a deployment without a day
    before it and one after it in the two weeks.
    """
    first = week.previous().start
    for phase in Programme.of(catalog).phases_of(function):
        deployed = phase.deployed_at.date()
        if not first <= deployed < week.end:
            continue
        before = _unit([each for each in days if each.day < deployed])
        after = _unit([each for each in days if each.day > deployed and each.phase == phase.id])
        if not before or not after or (after > before) != has_risen:
            continue
        if moved := _percent(after / before, "dearer", "cheaper"):
            yield f"a call in {phase.id}, deployed on {day_name(deployed)}, is {moved} than before it"


def _unit(days: Sequence[_Day]) -> Fraction | None:
    """The cost of a successful call; None without one."""
    calls = sum(each.calls for each in days)
    return Fraction(sum((each.cost_usd for each in days), Decimal(0))) / calls if calls else None


def _calls(calls: tuple[int, int], was: FunctionSpend | None, now: FunctionSpend | None) -> Iterator[str]:
    """How the number of calls and the cost of one moved, in percent; below one percent it is not said."""
    earlier, later = calls
    if not earlier or not later:
        if earlier != later:
            yield f"{later:,} successful calls after {earlier:,}"
        return
    said = []
    if volume := _percent(Fraction(later, earlier), "more", "fewer"):
        said.append(f"{volume} calls")
    costs = (was.amount_usd if was else Decimal(0), now.amount_usd if now else Decimal(0))
    if costs[0] > 0 and costs[1] > 0:
        unit = (Fraction(costs[1]) / later) / (Fraction(costs[0]) / earlier)
        if moved := _percent(unit, "dearer", "cheaper"):
            said.append(f"a call {moved}")
    if said:
        yield listing(said)


def _percent(ratio: Fraction, up: str, down: str) -> str:
    """`3% fewer`; empty below one percent."""
    percent = round((ratio - 1) * 100)
    if abs(percent) < LEAST_PERCENT:
        return ""
    return f"{abs(percent):,}% {up if percent > 0 else down}"


def _component(was: FunctionSpend | None, now: FunctionSpend | None) -> Iterator[str]:
    """The component that makes up most of the change, where it is one that does no work."""
    moved: dict[str, Decimal] = {}
    for spend, sign in ((was, -1), (now, 1)):
        for part in spend.components if spend else ():
            moved[part.component] = moved.get(part.component, Decimal(0)) + sign * part.amount_usd
    total = sum(moved.values(), Decimal(0))
    if not total:
        return
    name, amount = max(moved.items(), key=lambda item: (item[1] * (1 if total > 0 else -1), item[0]))
    if name != "execution" and Fraction(amount) / Fraction(total) >= _LEAST_PART:
        yield f"{signed_usd(amount)} of it {name}"
