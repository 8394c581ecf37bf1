"""Which ISO weeks have to be built or reported anew, because what they are made of has changed.

A week is made of its inputs (`week_inputs`), the catalog, and the SQL. A hash over all of that is kept in
`meta.week_inputs` when the week has been built, and one of each kind of it in `meta.week_parts`, which say why it is
built again. Containers tie weeks together: a log that shows one alive changes every week since that container was
created. A report, with the measured tables that it shows, is made of all weeks up to its
own, of what is known of its months, of the frozen baseline with its weeks where there is one, and of the revisions of
earlier weeks that it carries.
"""

import datetime as dt
import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.periods import IsoWeek
from tieout.core.sql import transaction
from tieout.savings.baseline_lock import BaselineLock
from tieout.sources.registry import ATTRIBUTED
from tieout.warehouse.closings import carried_by
from tieout.warehouse.connection import has_table
from tieout.warehouse.models import code_versions, load_models, reported_models
from tieout.warehouse.parsed import answers, parsed
from tieout.warehouse.week_inputs import APP, CONFIGURATION, DELIVERY, DEPLOYMENT, PRICE, build_hashes

CATALOG, SQL = "catalog", "sql"
NEW = "a new week"
CONTAINERS = "a container of a newly landed call log lived in it"
MONTHS = "a summary or an invoice, which every build reads"
CHANGED = {
    DELIVERY: "files of its days",
    CONFIGURATION: "a configuration",
    PRICE: "a price",
    DEPLOYMENT: "a deployment",
    APP: "an app",
    CATALOG: "the catalog",
    SQL: "the SQL of another version of Tieout",
}
"""Why a week is built: what of it is new, or has changed since it was built."""

# What the landed files mean for a week, apart from the rows of bills and logs; read off the raw tables in no time.
_MEANINGS = frozenset(
    f"staging.{table}"
    for table in (
        *("deliveries", "monthly_deliveries", "deployments", "apps"),
        *("configurations", "servers", "variants", "prices"),
    )
)

# From the first row on: what was asked for before anything was there to be billed is no week.
_KNOWN_WEEKS = """
with

landed as (
    select
        d.range_start,
        d.range_end,
        min(f.content_start) over () as first_row_at
    from raw.deliveries as d
    inner join raw.files as f on d.file_id = f.file_id
    where
        f.source in (select unnest($sources))
        and d.range_start < d.range_end
)

select distinct
    unnest(range(date_trunc('week', greatest(range_start, first_row_at)), range_end, interval 7 day))::date as monday
from landed
where range_end > first_row_at
order by monday
"""

_COUNTING_MONTHS = """
select source, month, file_id, fetched_at >= month + interval 1 month
from staging.monthly_deliveries
"""

# All that a report says of its months beside what its own weeks do; `report/sections/months.py` and `month_gates.py`.
_MONTH_TABLES = {
    *("reconciliation.months", "reconciliation.invoices", "finance.adjustments"),
    *("staging.billing_intervals", "staging.monthly_deliveries"),
}
_OF_MONTHS = """
select month, to_json(m)::varchar from reconciliation.months as m
union all
select month, to_json(i)::varchar from reconciliation.invoices as i
union all
select day, to_json(a)::varchar from finance.adjustments as a where applies_to = 'bill'
union all
select month, concat_ws(' ', source, sha256, fetched_at >= month + interval 1 month) from staging.monthly_deliveries
union all
select m.month, count(distinct i.hour::date)::varchar || ' days landed'
from reconciliation.months as m
left join staging.billing_intervals as i
    on i.reading = 'now' and i.hour >= m.month and i.hour < m.month::timestamp + interval 1 month
group by m.month
order by all
"""

# A container's whole life, with its configuration, belongs to the week in which it was created.
_FOLLOWED = """
with

seen as (
    select
        container_key,
        min(startup_began_at) as first_seen_at,
        max(hour) as last_seen_at
    from raw.container_hours
    where
        file_id > $last_file_id
        and inputs > 0
    group by all
),

known as (
    select
        s.container_key,
        min(d.startup_began_at) as first_known_at,
        max(d.last_ended_at) as last_known_at
    from seen as s
    inner join usage.container_days as d on s.container_key = d.container_key
    group by all
)

select
    min(least(c.created_at, s.first_seen_at, k.first_known_at)),
    max(greatest(s.last_seen_at, k.last_known_at))
from seen as s
inner join raw.containers as c on s.container_key = c.container_key
left join known as k on s.container_key = k.container_key
"""


def known_weeks(con: duckdb.DuckDBPyConnection) -> tuple[IsoWeek, ...]:
    """Return the weeks that landed bills or call logs speak of, from their first row on, in the order of time."""
    return tuple(IsoWeek.of(monday) for (monday,) in answers(con, _KNOWN_WEEKS, {"sources": sorted(ATTRIBUTED)}))


def built_weeks(con: duckdb.DuckDBPyConnection) -> tuple[IsoWeek, ...]:
    """Return the weeks that every table was built for, in the order of time; the warehouse is only read."""
    return tuple(sorted(_recorded(con, "meta.week_inputs")))


def stale_weeks(con: duckdb.DuckDBPyConnection, catalog: Catalog) -> dict[IsoWeek, str]:
    """Return the known weeks that were never built, or whose inputs have changed since, in the order of time, and why.

    A summary or an invoice changes the newest one, where none has changed otherwise: every build reads all months. The
    raw tables must be there, and those of this catalog.
    """
    follow_containers(con)
    weeks, built = known_weeks(con), _recorded(con, "meta.week_inputs")
    reported = _recorded(con, "meta.report_inputs")
    never_built = {week: CONTAINERS if week in reported else NEW for week in weeks if week not in built}
    if len(never_built) == len(weeks):  # what they are made of need not be known before they are built
        return never_built
    months_built = _months(con)
    with _meanings(con):
        current = _parts(con, catalog, weeks)
        months_landed = _months(con)
    parts = _recorded_parts(con)
    stale = {
        week: never_built.get(week) or _changed(current[week], parts.get(week, {}))
        for week in weeks
        if built.get(week) != _hash_of_parts(current[week])
    }
    if stale or months_landed == months_built:
        return stale
    return dict.fromkeys(weeks[-1:], MONTHS)


def _changed(now: Mapping[str, str], before: Mapping[str, str]) -> str:
    """Say in words what of a week has changed since it was built."""
    changed = {kind for kind in {*now, *before} if now.get(kind) != before.get(kind)}
    return ", ".join(words for kind, words in CHANGED.items() if kind in changed)


def record_weeks(
    con: duckdb.DuckDBPyConnection, catalog: Catalog, weeks: Iterable[IsoWeek], *, now: dt.datetime
) -> None:
    """Record that every table was built for these weeks, from the inputs as they are."""
    parts = _parts(con, catalog, tuple(weeks))
    if not parts:
        return
    rows = [(week.label, kind, digest) for week, kinds in parts.items() for kind, digest in kinds.items()]
    with transaction(con):
        _record(con, "meta.week_inputs", {week: _hash_of_parts(kinds) for week, kinds in parts.items()}, now)
        con.executemany("delete from meta.week_parts where week = ?", [[week.label] for week in parts])
        con.executemany("insert into meta.week_parts values (?, ?, ?)", rows)


def stale_reports(
    con: duckdb.DuckDBPyConnection, catalog: Catalog, lock: BaselineLock | None = None
) -> tuple[IsoWeek, ...]:
    """Return the built weeks whose report was never made, or not from the weeks and the baseline as they are now."""
    current = report_hashes(con, catalog, lock)
    made = _recorded(con, "meta.report_inputs")
    return tuple(week for week in sorted(current) if made.get(week) != current[week])


def record_reports(
    con: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    weeks: Iterable[IsoWeek],
    *,
    now: dt.datetime,
    lock: BaselineLock | None = None,
) -> None:
    """Record that the reports of these weeks were made from the weeks as last built, and from this baseline."""
    current = report_hashes(con, catalog, lock)
    with transaction(con):
        _record(con, "meta.report_inputs", {week: current[week] for week in weeks if week in current}, now)


def follow_containers(con: duckdb.DuckDBPyConnection) -> None:
    """Forget that the weeks were built into which the containers of newly loaded call logs reach back.

    Must run before the usage of those logs is built, and does nothing when run again.
    """
    last = _first_value(con, "select max(last_file_id) from meta.followed_calls") or 0
    newest = _first_value(con, "select max(file_id) from raw.files") or 0
    if newest == last:
        return
    with transaction(con):
        if has_table(con, "usage.container_days"):
            since, until = con.execute(_FOLLOWED, {"last_file_id": last}).fetchone() or (None, None)
            if since is not None:
                con.execute(
                    "delete from meta.week_inputs where week between ? and ?",
                    [IsoWeek.of(since).label, IsoWeek.of(until).label],
                )
        con.execute("delete from meta.followed_calls")
        con.execute("insert into meta.followed_calls values (?)", [newest])


def consecutive(weeks: Sequence[IsoWeek]) -> Iterator[tuple[IsoWeek, IsoWeek]]:
    """Yield the first and the last week of every unbroken row of weeks; the weeks are in the order of time."""
    for i, week in enumerate(weeks):
        if i == 0 or weeks[i - 1].next() != week:
            first = week
        if i == len(weeks) - 1 or weeks[i + 1] != week.next():
            yield first, week


@contextmanager
def _meanings(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Read the small staging tables off the raw tables as they are now, and leave the warehouse as it was."""
    with transaction(con) as changes:
        changes.is_kept = False
        for model in load_models():
            if model.name in _MEANINGS:
                con.execute(parsed(con, f"create or replace {model.kind} {model.name} as {model.sql}"))
        yield


def _months(con: duckdb.DuckDBPyConnection) -> set[tuple[str, dt.date, int, bool]]:
    """Return which summary and which invoice counts for every month, and whether the month was over when it was read.

    There are none where the table was never built.
    """
    if not has_table(con, "staging.monthly_deliveries"):
        return set()
    return set(answers(con, _COUNTING_MONTHS))


def _parts(con: duckdb.DuckDBPyConnection, catalog: Catalog, weeks: Sequence[IsoWeek]) -> dict[IsoWeek, dict[str, str]]:
    """Hash what weeks are made of, kind by kind."""
    landed = build_hashes(con, weeks)
    code = _digest(f"{model.name} {model.code_version}" for model in load_models())
    return {week: {CATALOG: catalog.sha256, SQL: code, **landed[week]} for week in weeks}


def _hash_of_parts(parts: Mapping[str, str]) -> str:
    return _digest(f"{kind} {parts[kind]}" for kind in sorted(parts))


def _recorded_parts(con: duckdb.DuckDBPyConnection) -> dict[IsoWeek, dict[str, str]]:
    parts: dict[IsoWeek, dict[str, str]] = {}
    for week, kind, digest in con.execute("select week, kind, input_hash from meta.week_parts").fetchall():
        parts.setdefault(IsoWeek.parse(week), {})[kind] = digest
    return parts


def report_hashes(con: duckdb.DuckDBPyConnection, catalog: Catalog, lock: BaselineLock | None) -> dict[IsoWeek, str]:
    """Hash what the report of every built week, with the tables measured beside it, is made of as things are now."""
    built = _recorded(con, "meta.week_inputs")
    months, carried = _facts_of_months(con), carried_by(con, built)
    common = [
        "not frozen" if lock is None else lock.sha256,
        *(f"{model.name} {model.code_version}" for model in reported_models()),
    ]
    weeks = sorted(built)
    lines, mondays = [f"{week.label} {built[week]}" for week in weeks], [week.start for week in weeks]
    return {
        week: _digest(
            [
                *common,
                *lines[: bisect_left(mondays, _seen_until(week, lock))],
                *(fact for month in _months_of(week) for fact in months.get(month, ())),
                *(f"carries {other.label} revision {revision}" for other, revision in carried[week]),
            ]
        )
        for week in weeks
    }


def _seen_until(week: IsoWeek, lock: BaselineLock | None) -> dt.date:
    """The end of what a week's report looks at: its own, or that of a frozen baseline that lies after it."""
    return week.end if lock is None else max(week.end, lock.baseline.end)


def _months_of(week: IsoWeek) -> list[dt.date]:
    return sorted({day.replace(day=1) for day in week.days()})


def _facts_of_months(con: duckdb.DuckDBPyConnection) -> dict[dt.date, list[str]]:
    """Read what reports say of their months; nothing where that is not built yet, or by other SQL."""
    facts: dict[dt.date, list[str]] = {}
    built, current = dict(con.execute("select model, code_version from meta.models").fetchall()), code_versions()
    if all(built.get(name) == current[name] for name in _MONTH_TABLES):
        for month, fact in answers(con, _OF_MONTHS):
            facts.setdefault(month, []).append(fact)
    return facts


def _recorded(con: duckdb.DuckDBPyConnection, table: str) -> dict[IsoWeek, str]:
    rows = con.execute(f"select week, input_hash from {table}").fetchall()  # noqa: S608 - one of two constants
    return {IsoWeek.parse(week): digest for week, digest in rows}


def _record(con: duckdb.DuckDBPyConnection, table: str, hashes: dict[IsoWeek, str], now: dt.datetime) -> None:
    """Record all of them, in the transaction that is open: weeks of one build are reported in their order."""
    at = now.astimezone(dt.UTC).replace(tzinfo=None)
    rows = [(week.label, digest, at) for week, digest in hashes.items()]
    if rows:
        con.executemany(f"insert or replace into {table} values (?, ?, ?)", rows)  # noqa: S608 - one of two constants


def _first_value(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
