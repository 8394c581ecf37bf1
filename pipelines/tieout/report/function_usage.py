"""What each function cost and how its containers spent their time, on some days: what opportunities are made of."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from tieout.catalog.vocabulary import ComponentGroup, components_of
from tieout.warehouse.parsed import answers

NO_CALL = components_of(ComponentGroup.NO_CALL)
"""The components that no call explains."""

_COSTS = """
select environment, function, component, sum(amount_usd)::decimal(38, 12)
from spend.hourly
where hour::date in (select unnest($days::date[]))
    and component in (select c.component from catalog.components as c where c.component_group != 'direct')
group by all
having sum(amount_usd) != 0
order by all
"""

_TAILS = """
select environment, app, function, window_start, max(value) as value, max(hours) as hours
from spend.learned_factors
where factor = 'tail' and is_used
group by all
"""

# Of a tail as long as the bill says that it was.
_TIMES = f"""
select
    u.environment, u.function, u.component,
    sum(
        case when u.evidence = 'window' and t.value is not null
            then u.container_us::hugeint * (t.value * 1000000)::bigint // 1000000
            else u.container_us
        end
    )::bigint
from usage.hourly as u
left join ({_TAILS}) as t
    on
        u.environment = t.environment
        and u.app = t.app
        and u.function = t.function
        and u.hour >= t.window_start
        and u.hour < t.window_start + interval 7 day
where u.hour::date in (select unnest($days::date[])) and u.evidence in ('seen', 'settings', 'window', 'usual')
group by all
order by all
"""  # noqa: S608

_LEARNED = f"""
select environment, function, min(value), max(value), max(hours)
from ({_TAILS})
where window_start <= (select max(d) from unnest($days::date[]) as w (d))
    and window_start + interval 7 day > (select min(d) from unnest($days::date[]) as w (d))
group by all
order by all
"""  # noqa: S608

_STARTS = """
select k.environment, k.function, count(*)
from usage.containers as c
inner join staging.configurations as k on c.configuration_key = k.configuration_key
where c.created_at::date in (select unnest($days::date[]))
group by all
order by all
"""

_WINDOWS = """
select c.environment, c.function, max(c.scaledown_window_seconds) filter (where c.source != 'unknown')
from usage.hours as h
inner join staging.configurations as c on h.configuration_key = c.configuration_key
where h.hour::date in (select unnest($days::date[])) and h.component = 'idle'
group by all
order by all
"""

Function = tuple[str, str]
"""Environment and name."""


@dataclass(frozen=True)
class FunctionUsage:
    """What one function cost and how its containers spent their time on the landed days of the week.

    Attributes:
        days: how many days.
        costs: dollars by component.
        times_us: container time by component, microseconds.
        starts: containers created.
        window_seconds: the longest scaledown window that its containers had; None when none was idle, or none is known.
        is_window_assumed: its containers were idle, and no configuration of it is known.
        tail: how much of their window they lived, at least and at most over its apps, and the hours that it was learned
            from; None where nothing was.
    """

    days: int
    costs: Mapping[str, Decimal]
    times_us: Mapping[str, int]
    starts: int
    window_seconds: int | None
    is_window_assumed: bool
    tail: tuple[Decimal, Decimal, int] | None

    @property
    def cost_usd(self) -> Decimal:
        """All of it."""
        return sum(self.costs.values(), Decimal(0))


def read_usages(con: duckdb.DuckDBPyConnection, days: Sequence[dt.date]) -> dict[Function, FunctionUsage]:
    """Read the functions that cost anything on some days."""
    parameters = {"days": days}
    costs: dict[Function, dict[str, Decimal]] = defaultdict(dict)
    times: dict[Function, dict[str, int]] = defaultdict(dict)
    for environment, function, component, amount in answers(con, _COSTS, parameters):
        costs[environment, function][component] = amount
    for environment, function, component, container_us in answers(con, _TIMES, parameters):
        times[environment, function][component] = container_us
    starts, windows = (
        {(environment, function): number for environment, function, number in answers(con, query, parameters)}
        for query in (_STARTS, _WINDOWS)
    )
    learned = {
        (environment, function): (low, high, hours)
        for environment, function, low, high, hours in answers(con, _LEARNED, parameters)
    }
    return {
        name: FunctionUsage(
            days=len(days),
            costs=own,
            times_us=times.get(name, {}),
            starts=starts.get(name, 0),
            window_seconds=windows.get(name),
            is_window_assumed=name in windows and windows[name] is None,
            tail=learned.get(name),
        )
        for name, own in costs.items()
    }
