"""What went along with a change of a function's cost: deployments, calls, the cost of a call, a component."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.periods import IsoWeek, day_start
from tieout.report.sections.spend import FunctionSpend, Spend, function_label
from tieout.report.wording import day_name, listing, signed_usd
from tieout.savings.programme import Programme

LEAST_PERCENT = 1
_LEAST_PART = Fraction(1, 2)

_CALLS = """
select
    environment,
    function,
    coalesce(sum(successful_calls) filter (where day < $since), 0)::bigint,
    coalesce(sum(successful_calls) filter (where day >= $since), 0)::bigint
from savings.daily_function
where day >= $before and day < $until
group by all
order by all
"""


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
    parameters = {name: day_start(day) for name, day in _bounds(week).items()}
    calls = {
        function_label(function, environment, catalog): (earlier, later)
        for environment, function, earlier, later in con.execute(_CALLS, parameters).fetchall()
    }
    was, now = ({each.function: each for each in spend.functions} for spend in (before, after))
    deployed = _deployments(catalog, week)
    return {
        name: "; ".join(
            part
            for part in (
                *deployed.get(name, ()),
                *_calls(calls.get(name, (0, 0)), was.get(name), now.get(name)),
                *_component(was.get(name), now.get(name)),
            )
        )
        for name in {*was, *now}
    }


def _bounds(week: IsoWeek) -> dict[str, dt.date]:
    return {"before": week.previous().start, "since": week.start, "until": week.end}


def _deployments(catalog: Catalog, week: IsoWeek) -> dict[str, list[str]]:
    """The phases of each function that were deployed in the two weeks."""
    programme, first = Programme.of(catalog), week.previous().start
    return {
        function: [
            f"{phase.id} deployed on {day_name(phase.deployed_at.date())}"
            for phase in programme.phases_of(function)
            if first <= phase.deployed_at.date() < week.end
        ]
        for function in programme.functions
    }


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
