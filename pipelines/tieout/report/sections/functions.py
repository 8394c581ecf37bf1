"""Every function by itself: its error bar, what it was configured with, its calls and failures, its dearest days."""

import datetime as dt
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.money import in_cents
from tieout.core.periods import IsoWeek
from tieout.measure.configuration_drift import in_cores
from tieout.measure.week_cents import WeekCents
from tieout.report.attribution_words import words_of_attribution
from tieout.report.cents import bounds_in_cents
from tieout.report.file_names import FUNCTION_PREFIX
from tieout.report.inputs import week_bounds
from tieout.report.sections.spend import function_label
from tieout.report.wording import Share, share_of
from tieout.savings.bridge import NOTHING
from tieout.warehouse.parsed import answers

MOST_DEAR_DAYS = 5
_EVER = dt.date(1970, 1, 1)  # what a configuration holds from that holds since ever
_SLUG_LETTERS = 48
_NOT_IN_A_SLUG = re.compile(r"[^a-z0-9]+")

_BOUNDS = """
select environment, function, sum(low_usd)::decimal(38, 12), sum(high_usd)::decimal(38, 12)
from spend.weekly
where week_start = $since
group by all
"""

_DAYS = """
select
    environment, function, day::date, sum(successful_calls)::bigint, sum(inputs)::bigint, sum(errors)::bigint,
    sum(timeouts)::bigint, sum(oom_kills)::bigint
from savings.daily_function
where day >= $since and day < $until
group by all
order by all
"""

_DEAREST = """
with days as (
    select environment, function, hour::date as day, sum(amount_usd)::decimal(38, 12) as amount_usd
    from spend.hourly
    where hour < $until
    group by all
)
select * from days
qualify row_number() over (partition by environment, function order by amount_usd desc, day) <= $most
order by environment, function, amount_usd desc, day
"""

_CONFIGURATIONS = """
select
    c.environment, c.function, c.app, c.phase, c.valid_from, d.version, c.gpu, c.gpu_count, c.cpu_request_millicores,
    c.memory_request_mib, c.timeout_seconds, c.scaledown_window_seconds, c.min_containers, c.source
from staging.configurations as c
left join staging.deployments as d
    on c.environment = d.environment and c.app = d.app and c.valid_from = d.deployed_at
where c.valid_from < $until
order by c.environment, c.function, c.valid_from, c.app
"""


@dataclass(frozen=True)
class DeployedConfiguration:
    """What a function asked for, from a deployment on.

    Attributes:
        since: naive UTC; None for what held since ever.
        version: Modal's number of the deployment; None where no app history names one.
        app: the app it runs in.
        phase: of the rollout; `none` outside the programme.
        asks: GPU, cores, memory and limits, in words.
        source: who says so.
    """

    since: dt.datetime | None
    version: str | None
    app: str
    phase: str
    asks: str
    source: str


@dataclass(frozen=True)
class CallDay:
    """Calls of a function on a UTC day of the week, each input counted once."""

    day: dt.date
    successful: int
    inputs: int
    errors: int
    timeouts: int
    oom_kills: int

    @property
    def failed(self) -> Share | None:
        """The share of its inputs that did not end well; None without any."""
        return share_of(self.errors + self.timeouts + self.oom_kills, self.inputs)


@dataclass(frozen=True)
class DearDay:
    """A day and what the function cost on it, in cents."""

    day: dt.date
    amount_usd: Decimal


@dataclass(frozen=True)
class FunctionDetail:
    """A function by itself.

    Attributes:
        function: as the other sections name it.
        slug: of its page: letters, digits and hyphens, whatever the name is.
        low_usd: what it cost in the week at least, in cents; None without cost.
        high_usd: at most.
        configurations: the oldest first.
        days: of the week.
        dearest: the days it cost most on, up to the week's end.
        known_by: how its cost is known, in sentences: what was learned, and what makes the range wide.
    """

    function: str
    slug: str
    low_usd: Decimal | None
    high_usd: Decimal | None
    configurations: tuple[DeployedConfiguration, ...]
    days: tuple[CallDay, ...]
    dearest: tuple[DearDay, ...]
    known_by: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """Its page: `function-generate-code-modal.html`."""
        return f"{FUNCTION_PREFIX}{self.slug}.html"


def slug_of(function: str) -> str:
    """`generate-code-modal`; where letters are lost, a hash keeps two names apart."""
    plain = _NOT_IN_A_SLUG.sub("-", function.lower()).strip("-")
    if plain.replace("-", "_") == function and len(plain) <= _SLUG_LETTERS:
        return plain
    digest = hashlib.sha256(function.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain[:_SLUG_LETTERS]}-{digest}".lstrip("-")


def read_functions(
    con: duckdb.DuckDBPyConnection, week: IsoWeek, catalog: Catalog, *, named: Iterable[str], costs: WeekCents
) -> tuple[FunctionDetail, ...]:
    """Read what stands on a function's own page beside what the other sections have.

    Args:
        con: the warehouse.
        week: the week.
        catalog: the programme.
        named: the functions that any section names, as it names them; dearest first.
        costs: of the week.
    """
    bounds = week_bounds(week)
    ranges = {
        function_label(function, environment, catalog): bounds_in_cents(
            low, high, costs.functions.get((environment, function), NOTHING)
        )
        for environment, function, low, high in answers(con, _BOUNDS, {"since": week.start})
    }
    days = _by_function(con, _DAYS, bounds, catalog)
    dearest = _by_function(con, _DEAREST, {"until": bounds["until"], "most": MOST_DEAR_DAYS}, catalog)
    configurations = _by_function(con, _CONFIGURATIONS, {"until": bounds["until"]}, catalog)
    known_by = {
        function_label(function, environment, catalog): sentences
        for (environment, function), sentences in words_of_attribution(con, week).items()
    }
    return tuple(
        FunctionDetail(
            function=name,
            slug=slug_of(name),
            low_usd=ranges[name][0] if name in ranges else None,
            high_usd=ranges[name][1] if name in ranges else None,
            configurations=tuple(_configuration(row) for row in configurations.get(name, ())),
            days=tuple(CallDay(*row) for row in days.get(name, ())),
            dearest=tuple(DearDay(day, in_cents(amount)) for day, amount in dearest.get(name, ()) if amount > 0),
            known_by=known_by.get(name, ()),
        )
        for name in dict.fromkeys(named)
    )


def _by_function(
    con: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, object], catalog: Catalog
) -> dict[str, list[tuple[Any, ...]]]:
    rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for environment, function, *row in answers(con, query, parameters):
        rows[function_label(function, environment, catalog)].append(tuple(row))
    return rows


def _configuration(row: Sequence[Any]) -> DeployedConfiguration:
    app, phase, since, version, gpu, gpus, millicores, memory, timeout, window, warm, source = row
    parts = [
        "no GPU" if gpu is None else f"{gpu} × {gpus}" if gpus > 1 else gpu,
        "" if millicores is None else in_cores(millicores),
        "" if memory is None else f"{memory:,} MiB",
        "" if timeout is None else f"timeout {timeout:,} s",
        "" if window is None else f"idle window {window:,} s",
        f"{warm} kept warm" if warm else "",
    ]
    asks = "not known" if source == "unknown" else ", ".join(part for part in parts if part)
    return DeployedConfiguration(since if since.date() > _EVER else None, version, app, phase, asks, source)
