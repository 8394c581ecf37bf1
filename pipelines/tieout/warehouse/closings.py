"""Closed weeks in the warehouse: `meta.closings`, and what it takes to close a week and to say what moved it since.

A closing is kept twice, because it is state that no landed file can bring back: in the warehouse, and as
`reports/<week>/revision-<n>/figures.json`, from which a warehouse that is built anew gets it.
"""

import datetime as dt
import hashlib
from collections.abc import Collection
from decimal import Decimal
from pathlib import Path

import duckdb

from tieout.core.money import CENT
from tieout.core.periods import IsoWeek, day_start
from tieout.sources.source import Role
from tieout.warehouse.closed_week import (
    NOTHING,
    ClosedAmount,
    Closing,
    ClosingError,
    Figures,
    Move,
    format_closing,
    moved_days,
    moved_functions,
    parse_closing,
)
from tieout.warehouse.models import code_versions
from tieout.warehouse.parsed import answers
from tieout.warehouse.week_inputs import contents_for, deliveries_for

FIGURES_NAME = "figures.json"
REVISION_FOLDER = "revision-{}"

_ATTRIBUTING = ("staging", "usage", "spend", "savings")

_AMOUNTS = """
select hour::date, environment, app, function, phase, component, sum(amount_usd)::decimal(38, 12)
from spend.hourly
where hour >= $since and hour < $until
group by all
having sum(amount_usd) != 0
order by all
"""

_RESTATED = """
select distinct l.app, l.hour::date, f.sha256, l.fetched_after, d.path
from staging.restated_lines as l
inner join raw.files as f on l.file_id_after = f.file_id
inner join raw.deliveries as d on l.file_id_after = d.file_id and l.fetched_after = d.fetched_at
where l.hour >= $since and l.hour < $until
"""

_IS_OPEN = """
select
    not exists (select 1 from meta.closings where week = $week)
    or not exists (select 1 from meta.week_inputs where week > $week)
"""

# Weeks may be issued in another order than that of time: what counts is which was issued first after the revision.
_CARRIED = """
with
asked as (
    select
        unnest($weeks::varchar[]) as week
),
open_weeks as (
    select week from asked
    where
        week not in (select week from meta.closings)
        or week >= all (select week from meta.week_inputs)
),
issued as (
    select week, min(closed_at) as issued_at
    from meta.closings
    group by all
),
revisions as (
    select c.week, c.revision, min_by(i.week, i.issued_at) as carrier
    from meta.closings as c
    left join issued as i on c.week < i.week and c.closed_at < i.issued_at
    where c.revision > 1
    group by all
)
select a.week, r.week, r.revision
from asked as a
inner join revisions as r on r.week < a.week
where r.carrier = a.week or (r.carrier is null and a.week in (select week from open_weeks))
order by all
"""

_UNISSUED = """
with
issued as (
    select c.week, max_by(c.document, c.revision) as document
    from meta.closings as c
    semi join meta.week_inputs as i on c.week = i.week
    where c.week < $week
    group by all
),
closed as (
    select week, unnest(json_extract(document, '$.closing.figures.amounts[*]')) as amount
    from issued
),
spent as (
    select date_trunc('week', hour) as monday, environment, function, sum(amount_usd) as amount_usd
    from spend.hourly
    where hour < $until
    group by all
),
amounts as (
    select
        week,
        amount ->> '$.environment' as environment,
        amount ->> '$.function' as function,
        (amount ->> '$.amount_usd')::decimal(38, 12) as before_usd,
        0::decimal(38, 12) as after_usd
    from closed
    union all
    select strftime(monday, '%G-W%V') as week, environment, function, 0, amount_usd
    from spent
)
select
    a.week,
    sum(a.before_usd),
    sum(a.after_usd),
    sum(sum(a.before_usd)) over (partition by a.week),
    sum(sum(a.after_usd)) over (partition by a.week)
from amounts as a
semi join issued as i on a.week = i.week
group by a.week, a.environment, a.function
qualify sum(a.before_usd) != sum(a.after_usd)
order by a.week
"""


def closings_of(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> tuple[Closing, ...]:
    """Return the issues of a week, the first one first."""
    rows = con.execute(
        "select revision, document from meta.closings where week = ? order by revision", [week.label]
    ).fetchall()
    return tuple(
        parse_closing(document, name=f"meta.closings, {week.label}, revision {revision}") for revision, document in rows
    )


def carried_by(
    con: duckdb.DuckDBPyConnection, weeks: Collection[IsoWeek]
) -> dict[IsoWeek, tuple[tuple[IsoWeek, int], ...]]:
    """Return, for each of some weeks, the revisions of earlier weeks that its report carries as restatements.

    Each belongs to the later week that was issued for the first time next after it, whichever that is. While there is
    none, a week that is not issued carries it, and so does the newest one.
    """
    carried: dict[IsoWeek, tuple[tuple[IsoWeek, int], ...]] = dict.fromkeys(weeks, ())
    for carrier, label, revision in answers(con, _CARRIED, {"weeks": [week.label for week in weeks]}):
        carried[IsoWeek.parse(carrier)] += ((IsoWeek.parse(label), revision),)
    return carried


def unissued_moves(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> dict[IsoWeek, Decimal]:
    """Return how far the printed cost of earlier weeks has moved from the last issue, where no issue says so yet.

    It is zero where cents have moved between functions.

    There are none for a week that was issued before others: its report carries what was known then.
    """
    if not _is_open(con, week):
        return {}
    moves = {}
    for label, *costs in answers(con, _UNISSUED, {"week": week.label, "until": day_start(week.start)}):
        was, is_now, all_was, all_is_now = (cost.quantize(CENT) for cost in costs)
        if was != is_now or all_was != all_is_now:
            moves[IsoWeek.parse(label)] = all_is_now - all_was
    return moves


def record_closing(con: duckdb.DuckDBPyConnection, closing: Closing) -> None:
    """Keep an issue that is not kept yet."""
    con.execute(
        "insert into meta.closings values (?, ?, ?, ?)",
        [closing.week, closing.revision, closing.closed_at, format_closing(closing)],
    )


def restore_closings(con: duckdb.DuckDBPyConnection, reports: Path) -> int:
    """Read back the closings that the reports hold and the warehouse does not, and return how many.

    Raises:
        ClosingError: one of them was cut off or edited, or lies in the folder of another.
    """
    known = {tuple(row) for row in con.execute("select week, revision from meta.closings").fetchall()}
    restored = 0
    for path in sorted(reports.glob(f"*/{REVISION_FOLDER.format('*')}/{FIGURES_NAME}")):
        week, revision = path.parent.parent.name, _number(path.parent.name)
        if revision is None or (week, revision) in known:
            continue
        closing = parse_closing(path.read_text(encoding="utf-8"), name=str(path))
        if (closing.week, closing.revision) != (week, revision):
            raise ClosingError(
                f"it is revision {closing.revision} of {closing.week}, not what its folder says",
                place=path,
                remedy="Move the folder back to where it was, or away.",
            )
        record_closing(con, closing)
        restored += 1
    return restored


def next_closing_time(con: duckdb.DuckDBPyConnection, now: dt.datetime) -> dt.datetime:
    """Return the time of an issue made now (naive UTC): later than all before it, also when a clock was set back."""
    utc = now.astimezone(dt.UTC).replace(tzinfo=None)
    [(last,)] = con.execute("select max(closed_at) from meta.closings").fetchall()
    return utc if last is None else max(utc, last + dt.timedelta(microseconds=1))


def closed_amounts(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> tuple[ClosedAmount, ...]:
    """Read the week's cost by day, app, function, phase and component, exact."""
    rows = answers(con, _AMOUNTS, _bounds(week))
    return tuple(ClosedAmount(**dict(zip(ClosedAmount.model_fields, row, strict=True))) for row in rows)


def vanished_files(con: duckdb.DuckDBPyConnection, figures: Figures) -> int:
    """Count the contents that an issue was computed from and that the warehouse does not hold any more."""
    contents = [*{sha256 for sha256, _ in figures.deliveries}.union(figures.contents)]
    [(held,)] = con.execute(
        "select count(*) from raw.files where sha256 in (select unnest($contents))", {"contents": contents}
    ).fetchall()
    return len(contents) - int(held)


def code_sha256() -> str:
    """Hash the SQL that attributes and measures."""
    code = [f"{name} {version}" for name, version in code_versions().items() if name.partition(".")[0] in _ATTRIBUTING]
    return hashlib.sha256("\n".join(sorted(code)).encode()).hexdigest()


def moves_between(con: duckdb.DuckDBPyConnection, week: IsoWeek, before: Figures, after: Figures) -> tuple[Move, ...]:
    """Return what moved, function by function, with the files that are new since and speak for what moved."""
    return tuple(
        Move(
            environment=environment,
            function=function,
            before_usd=before.costs.get((environment, function), NOTHING),
            after_usd=after.costs.get((environment, function), NOTHING),
            files=_files(con, week, before, moved_days(before, after, (environment, function))),
        )
        for environment, function in moved_functions(before, after)
    )


def _files(
    con: duckdb.DuckDBPyConnection, week: IsoWeek, before: Figures, moved: Collection[tuple[str, dt.date]]
) -> tuple[str, ...]:
    """Name what moved some apps' days: restated bills and new logs; else new bills; else new configurations."""
    known = set(before.deliveries)
    known_contents = {sha256 for sha256, _ in known} | set(before.contents)
    new = [delivery for delivery in deliveries_for(con, week) if delivery.identity not in known]
    apps = {app for app, _ in moved}
    restated = {
        path
        for app, day, sha256, fetched_at, path in answers(con, _RESTATED, _bounds(week))
        if (app, day) in moved and (sha256, fetched_at) not in known
    }
    logs = {
        delivery.path
        for delivery in new
        if delivery.role is Role.USAGE
        and delivery.sha256 not in known_contents
        and any(delivery.app == app and delivery.speaks_for(day) for app, day in moved)
    }
    bills = {d.path for d in new if d.role is Role.BILL and any(d.speaks_for(day) for _, day in moved)}
    configurations = {
        path for app, sha256, path in contents_for(con, week) if sha256 not in known_contents and app in {*apps, None}
    }
    return tuple(sorted(restated | logs or bills or configurations))


def _is_open(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> bool:
    """Whether a week's report may still say what is known now: it is not issued, or it is the newest."""
    [(is_open,)] = answers(con, _IS_OPEN, {"week": week.label})
    return bool(is_open)


def _number(folder: str) -> int | None:
    """Read a revision's number from the name of its folder; None for a folder that was renamed."""
    number = folder.removeprefix(REVISION_FOLDER.format(""))
    return int(number) if number.isdecimal() else None


def _bounds(week: IsoWeek) -> dict[str, dt.datetime]:
    return {"since": day_start(week.start), "until": day_start(week.end)}
