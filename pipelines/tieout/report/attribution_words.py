"""How the cost of a function is known, in words: what was learned from the bill, and what makes its error bar wide."""

import datetime as dt
from collections import defaultdict
from decimal import Decimal

import duckdb

from tieout.core.periods import IsoWeek
from tieout.report.wording import between, count
from tieout.warehouse.parsed import answers

Function = tuple[str, str]
"""Environment and name."""

_LEARNED = """
select environment, function, factor, min(value), max(value), max(hours)
from spend.learned_factors
where
    is_used
    and factor in ('tail', 'cpu', 'memory')
    and window_start >= $since
    and window_start < $until
group by all
order by environment, function, factor desc
"""

_OBSERVED = """
select distinct environment, function
from spend.observed_time
where hour >= $since and hour < $until
"""

_SHARED = """
with claimants as (
    select environment, object_id, resource, function, sum(claim_pd) as claim_pd
    from spend.claims
    where hour >= $since and hour < $until and claim_pd > 0 and component != 'residual'
    group by all
),
pools as (
    select *, count(*) over (partition by environment, object_id, resource) as functions from claimants
)
select environment, function, arg_max(resource, claim_pd), arg_max(functions, claim_pd)
from pools
group by all
"""


def words_of_attribution(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> dict[Function, tuple[str, ...]]:
    """Return sentences by function: what was learned in the week, and why its error bar is as wide as it is."""
    bounds: dict[str, dt.date] = {"since": week.start, "until": week.end}
    words: dict[Function, list[str]] = defaultdict(list)
    for environment, function, factor, low, high, hours in answers(con, _LEARNED, bounds):
        words[environment, function].append(
            f"{_learned(factor, low, high)}, learned from {count(hours, 'hour')} of the bill."
        )
    observed = set(answers(con, _OBSERVED, bounds))
    for environment, function, resource, functions in answers(con, _SHARED, bounds):
        reasons = [] if (environment, function) in observed else ["its container series are not landed"]
        if functions > 1:
            reasons.append(f"{functions} functions share the {resource} pool")
        if reasons:
            words[environment, function].append(f"What makes its range wide: {' and '.join(reasons)}.")
    return {function: tuple(sentences) for function, sentences in words.items()}


def of_window(low: Decimal, high: Decimal) -> str:
    """Say how much of their scaledown window containers lived; what is beyond it is named as that."""
    beyond = f"{high - 1:.0%} longer than their scaledown window"
    if f"{high:.0%}" == "100%" or high < 1:
        shares = between(low, high, ".0%")
        return "as long as their scaledown window" if shares == "100%" else f"{shares} of their scaledown window"
    if low < 1 and f"{low:.0%}" != "100%":
        return f"from {low:.0%} of their scaledown window up to {beyond}"
    return f"as long as their scaledown window, or up to {high - 1:.0%} longer"


def _learned(factor: str, low: Decimal, high: Decimal) -> str:
    """Say a factor; apps of a function each have their own."""
    if factor == "tail":
        return f"Idle containers lived {of_window(low, high)}"
    if factor == "cpu":
        return f"While they work, containers use {between(low, high, '.2f')} cores beyond their request"
    return f"Containers use {between(low, high, '.1f')} GiB of memory beyond their request"
