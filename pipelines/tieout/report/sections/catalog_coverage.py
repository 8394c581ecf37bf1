"""What a week's bill and the catalog do not share: cost that the catalog does not name, functions that nobody runs."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

import duckdb

from tieout.catalog.models import Catalog
from tieout.catalog.vocabulary import OBJECT_KINDS
from tieout.core.findings import Finding, Severity
from tieout.core.money import format_usd
from tieout.core.periods import IsoWeek
from tieout.report.inputs import week_bounds
from tieout.report.wording import count, listing, share_of
from tieout.warehouse.parsed import answers

BILLED_OUTSIDE_CATALOG = "billed_outside_catalog"
CATALOGUED_BUT_UNSEEN = "catalogued_but_unseen"
_MOST_NAMED = 5
# What is billed for a volume, or for any object that has no functions, stands under such a name.
_WITHOUT_FUNCTIONS = frozenset(kind.residual for kind in OBJECT_KINDS if not kind.has_functions)

_BILLED = """
select environment, app, function, sum(cost_usd)::decimal(38, 12)
from savings.daily_function
where day >= $since and day < $until
group by all
order by all
"""

# A function that is seldom called is known by its exports.
_KNOWN = """
select distinct environment, app, function
from savings.daily_function
where day < $until and (inputs > 0 or cost_usd != 0)
union
select distinct environment, app, function
from staging.deliveries
where function is not null
"""


def read_catalog_coverage(con: duckdb.DuckDBPyConnection, week: IsoWeek, catalog: Catalog) -> Iterator[Finding]:
    """Compare what a week billed and called with what the catalog names; a catalog without functions names nothing."""
    if not catalog.functions.functions:
        return
    owners, environment = catalog.owners(), catalog.functions.environment
    apps = {app for app, _ in owners}
    outside: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    total, bounds = Decimal(0), week_bounds(week)
    for place, app, function, cost in answers(con, _BILLED, bounds):
        total += cost
        is_here = place == environment
        is_named = is_here and (app, function) in owners
        if (
            not is_named
            and not (is_here and app in apps and _is_no_function(function))
            and function not in _WITHOUT_FUNCTIONS
        ):
            name = app if _is_no_function(function) else f"{app}/{function}"
            outside[name, "" if is_here else place] += cost
    yield from _outside({name: cost for name, cost in outside.items() if cost}, total)
    if total:
        known = answers(con, _KNOWN, {"until": bounds["until"]})
        seen = {owners.get((app, function)) for place, app, function in known if place == environment}
        yield from _unseen([each.name for each in catalog.functions.functions if each.name not in seen])


def _is_no_function(function: str) -> bool:
    return function.startswith("__")


def _outside(costs_by_place: dict[tuple[str, str], Decimal], total: Decimal) -> Iterator[Finding]:
    """Name what the catalog does not: names of its environment, whose place is empty, and of others."""
    if not costs_by_place:
        return
    costs = {f"{name} ({place})" if place else name: cost for (name, place), cost in costs_by_place.items()}
    others = sorted({place for _, place in costs_by_place if place})
    advice = []
    if not all(place for _, place in costs_by_place):
        advice.append("Add them to functions.yaml, or leave them out on purpose.")
    if others:
        advice.append(f"A catalog describes one environment, so {listing(others)} can only be in the spend.")
    billed = sum(costs.values(), Decimal(0))
    dearest = sorted(costs, key=lambda name: (-costs[name], name))
    named = [f"{name} ({format_usd(costs[name])})" for name in dearest[:_MOST_NAMED]]
    if len(dearest) > _MOST_NAMED:
        named.append(f"{len(dearest) - _MOST_NAMED:,} more")
    yield Finding(
        code=BILLED_OUTSIDE_CATALOG,
        severity=Severity.WARNING,
        subject="catalog",
        message=f"the catalog does not name {share_of(billed, total)} of the bill, {format_usd(billed)}: "
        f"{listing(named)}. {' '.join(advice)}",
        data={name: str(costs[name]) for name in dearest},
    )


def _unseen(functions: list[str]) -> Iterator[Finding]:
    if not functions:
        return
    named = functions[:_MOST_NAMED]
    if len(functions) > _MOST_NAMED:
        named = [*named, f"{len(functions) - _MOST_NAMED:,} more"]
    verb = "was" if len(functions) == 1 else "were"
    yield Finding(
        code=CATALOGUED_BUT_UNSEEN,
        severity=Severity.INFO,
        subject="catalog",
        message=f"{count(len(functions), 'function')} of the catalog {verb} neither billed nor called: "
        f"{listing(named)}. Check the names of app and function, and whether its log is landed.",
        data={"functions": ", ".join(functions)},
    )
