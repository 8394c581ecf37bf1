"""Reads the figures behind the report's totals for the workbook: the days of the week, its months up to the bill."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import groupby

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.periods import IsoWeek, day_start
from tieout.report.cents import to_cents_in_groups
from tieout.report.sections.spend import function_label
from tieout.report.workings_contents import DailyCost, MonthReconciled, NamedAdjustment, Workings

_DAILY = """
with
costs as (
    select hour::date as day, environment, function, phase, sum(amount_usd)::decimal(38, 12) as cost_usd
    from spend.hourly
    where hour >= $since and hour < $until
    group by all
),
calls as (
    select day::date as day, environment, function, phase, sum(successful_calls)::bigint as successful_calls
    from savings.daily_function
    where day >= $since and day < $until
    group by all
)
select day, environment, function, phase, coalesce(c.cost_usd, 0)::decimal(38, 12), coalesce(n.successful_calls, 0)
from costs as c
full outer join calls as n using (day, environment, function, phase)
where coalesce(c.cost_usd, 0) != 0 or coalesce(n.successful_calls, 0) > 0
order by day, function, environment, phase
"""

_MONTHS = """
select
    month, itemised_usd, not_itemised_usd, metered_usd, billed_usd, bill_difference_usd,
    invoice_number, invoice_currency, invoice_total, invoice_difference_usd
from reconciliation.months
where month >= date_trunc('month', $since::timestamp)::date and month < $until
order by month
"""

_ADJUSTMENTS = """
select day, cause, amount_usd
from finance.adjustments
where applies_to = 'bill'
order by day, cause
"""


def read_workings(con: duckdb.DuckDBPyConnection, week: IsoWeek, catalog: Catalog) -> Workings:
    """Read the days of a week and the months that it lies in.

    Args:
        con: the warehouse.
        week: the week.
        catalog: the programme.
    """
    bounds = {"since": day_start(week.start), "until": day_start(week.end)}
    rows = con.execute(_DAILY, bounds).fetchall()
    days = [list(group) for _, group in groupby(rows, key=lambda row: row[0])]
    cents = to_cents_in_groups([[row[4] for row in day] for day in days])
    daily = (
        DailyCost(day, function_label(function, environment, catalog), phase, amount, exact, calls)
        for group, amounts in zip(days, cents, strict=True)
        for (day, environment, function, phase, exact, calls), amount in zip(group, amounts, strict=True)
    )
    return Workings(tuple(daily), tuple(_months(con, bounds)))


def _months(con: duckdb.DuckDBPyConnection, bounds: Mapping[str, dt.datetime]) -> Iterator[MonthReconciled]:
    adjustments: dict[dt.date, list[NamedAdjustment]] = defaultdict(list)
    for month, cause, amount in con.execute(_ADJUSTMENTS).fetchall():
        adjustments[month].append(NamedAdjustment(cause, amount))
    for month, itemised, not_itemised, metered, *rest in con.execute(_MONTHS, bounds).fetchall():
        yield MonthReconciled(month, itemised, not_itemised, metered, tuple(adjustments[month]), *rest)
