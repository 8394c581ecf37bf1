"""What a week is made of, defined once: for the incremental build, the report's input hash, and the closings.

Inputs are the deliveries of what speaks for days (bills, call logs, series and Modal's counts), the summaries and
invoices that count, and what configurations, prices, deployments and apps came to. Who asks names
the stretches of time that count, as windows.
"""

import datetime as dt
import hashlib
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter

import duckdb

from tieout.core.periods import IsoWeek, day_start
from tieout.savings.days import BaselinePeriod
from tieout.sources.registry import SOURCES
from tieout.sources.source import Role
from tieout.warehouse.parsed import answers

INPUT_VERSION = 2
"""How the printed input hash is computed; hashes of two versions cannot be compared."""

DELIVERY, SUMMARY = "delivery", "summary"
CONFIGURATION, PRICE, DEPLOYMENT, APP = "configuration", "price", "deployment", "app"
_MEANINGS = (CONFIGURATION, PRICE, DEPLOYMENT, APP)

_ONE_DAY = dt.timedelta(days=1)

# A snapshot that says nothing new leaves all of this as it is; so does what comes after the window.
_INPUTS = """
with

windows as (
    select
        unnest($names::varchar[]) as name,
        unnest($kinds::varchar[]) as kind,
        unnest($since::timestamp[]) as since,
        unnest($until::timestamp[]) as until
),

deliveries as (
    select source, environment, app, function, report_kind, resolution, sha256, range_start, range_end, fetched_at
    from staging.deliveries
    where covers = 'days'
),

summaries as (
    select source, month, sha256, fetched_at >= month + interval 1 month as is_closed
    from staging.monthly_deliveries
),

apps as (
    select * exclude (state)
    from staging.apps
)

select w.name, w.kind, to_json(i) as input, i.fetched_at
from windows as w
inner join deliveries as i on i.range_start < w.until and i.range_end > w.since
where w.kind = 'delivery'
union all
select w.name, w.kind, to_json(i), null
from windows as w
inner join summaries as i on i.month < w.until and i.month + interval 1 month > w.since
where w.kind = 'summary'
union all
select w.name, w.kind, to_json(struct_update(i, valid_to := least(i.valid_to, w.until))), null
from windows as w
inner join staging.configurations as i on i.valid_from < w.until and i.valid_to > w.since
where w.kind = 'configuration'
union all
select w.name, w.kind, to_json(struct_update(i, valid_to := least(i.valid_to, w.until))), null
from windows as w
inner join staging.prices as i on i.valid_from < w.until and i.valid_to > w.since
where w.kind = 'price'
union all
select w.name, w.kind, to_json(i), null
from windows as w
inner join staging.deployments as i on i.deployed_at >= w.since and i.deployed_at < w.until
where w.kind = 'deployment'
union all
select
    w.name,
    w.kind,
    to_json(struct_update(i, stopped_at := case when i.stopped_at < w.until then i.stopped_at end)),
    null
from windows as w
inner join apps as i on i.created_at < w.until and coalesce(i.stopped_at > w.since, true)
where w.kind = 'app'
order by all
"""

_DELIVERIES = """
select d.source, d.app, d.sha256, d.fetched_at, d.range_start, d.range_end, min(r.path)
from staging.deliveries as d
inner join raw.deliveries as r on d.file_id = r.file_id and d.fetched_at = r.fetched_at
where
    d.role in ('bill', 'usage')
    and d.range_start < $until
    and d.range_end > $since
group by all
order by d.sha256, d.fetched_at, d.range_start
"""

_CONTENTS = """
select distinct d.app, d.sha256, f.path
from staging.deliveries as d
inner join raw.files as f on d.file_id = f.file_id
where
    d.role = 'context'
    and d.as_of < $until
order by d.sha256
"""


@dataclass(frozen=True)
class Window:
    """A stretch of time and the kinds of inputs that count in it; naive UTC, the end is exclusive."""

    name: str
    kinds: tuple[str, ...]
    since: dt.datetime
    until: dt.datetime


@dataclass(frozen=True, order=True)
class Input:
    """One thing that a week is made of: its kind, what it says as JSON, and when it was fetched if it is a delivery."""

    kind: str
    text: str
    fetched_at: dt.datetime | None


@dataclass(frozen=True)
class WeekDelivery:
    """A bill or call log that speaks for a week; times are naive UTC, the path is below the landing folder."""

    source: str
    app: str | None
    sha256: str
    fetched_at: dt.datetime
    range_start: dt.datetime
    range_end: dt.datetime
    path: str

    @property
    def role(self) -> Role:
        """What its source is for."""
        return SOURCES[self.source].role

    @property
    def identity(self) -> tuple[str, dt.datetime]:
        """Content and fetch time."""
        return self.sha256, self.fetched_at

    def speaks_for(self, day: dt.date) -> bool:
        """Whether the delivery can move this day's cost: a bill of the day, a log that comes within a day of it."""
        start = day_start(day)
        reach = _ONE_DAY if self.role is Role.USAGE else dt.timedelta()
        return self.range_start < start + _ONE_DAY + reach and self.range_end > start - reach


def build_window(week: IsoWeek) -> Window:
    """All that a week's tables are built from, two days before it included: usage of the day before reaches into it.

    No table of a week reads summaries or invoices: those that do have all months, and are written with every build.
    """
    kinds = (DELIVERY, *_MEANINGS)
    return Window(week.label, kinds, day_start(week.start) - 2 * _ONE_DAY, day_start(week.end) + _ONE_DAY)


def cost_window(week: IsoWeek) -> Window:
    """The deliveries that can move a week's cost.

    Containers reach into a week from the day before, and a day of logs tells of those of the day before it.
    """
    return Window("cost", (DELIVERY,), day_start(week.start) - _ONE_DAY, day_start(week.end) + _ONE_DAY)


def report_windows(week: IsoWeek, baseline: BaselinePeriod | None) -> tuple[Window, ...]:
    """What a report is computed from: the week, its baseline, and what was configured from that baseline on."""
    before = baseline or BaselinePeriod(week.start, week.start)
    since, until, first = day_start(week.start), day_start(week.end), day_start(before.start)
    return (
        Window("week", (DELIVERY, SUMMARY), since, until),
        Window("baseline", (DELIVERY,), first, day_start(min(before.end, week.end))),
        Window("from the baseline on", _MEANINGS, first, until),
    )


def inputs_in(con: duckdb.DuckDBPyConnection, windows: Iterable[Window]) -> dict[str, tuple[Input, ...]]:
    """Read the inputs of every window by its name, in an order that is the same on every machine."""
    asked = [(window, kind) for window in windows for kind in window.kinds]
    found: dict[str, list[Input]] = {window.name: [] for window, _ in asked}
    parameters = {
        "names": [window.name for window, _ in asked],
        "kinds": [kind for _, kind in asked],
        "since": [window.since for window, _ in asked],
        "until": [window.until for window, _ in asked],
    }
    if asked:
        for name, kind, text, fetched_at in answers(con, _INPUTS, parameters):
            found[name].append(Input(kind, text, fetched_at))
    return {name: tuple(inputs) for name, inputs in found.items()}


def build_hashes(con: duckdb.DuckDBPyConnection, weeks: Iterable[IsoWeek]) -> dict[IsoWeek, dict[str, str]]:
    """Hash what the tables of every week are built from, each kind by itself; the catalog and the SQL apart."""
    by_name = inputs_in(con, [build_window(week) for week in weeks])
    return {
        IsoWeek.parse(name): {
            kind: hash_of(inputs) for kind, inputs in itertools.groupby(found, key=attrgetter("kind"))
        }
        for name, found in by_name.items()
    }


def hash_of(inputs: Iterable[Input], *more: str) -> str:
    """Hash inputs, and what else counts."""
    lines = [*(f"{one.kind} {one.text}" for one in inputs), *more]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def deliveries_for(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> tuple[WeekDelivery, ...]:
    """Read the bills and call logs that can move a week's cost, by content and fetch time."""
    window = cost_window(week)
    rows = answers(con, _DELIVERIES, {"since": window.since, "until": window.until})
    return tuple(WeekDelivery(*row) for row in rows)


def contents_for(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> tuple[tuple[str | None, str, str], ...]:
    """Read app, content hash and path of the configurations, prices and apps that were taken before the week's end."""
    return tuple(answers(con, _CONTENTS, {"until": day_start(week.end)}))
