"""The audit of the projection with what the warehouse adds: the claim at measured seconds per call, measured prices."""

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import duckdb

from tieout.audit.entries import AuditCode, AuditEntry, Detail
from tieout.audit.projection import audit_projection
from tieout.catalog.models import Catalog
from tieout.core.figures import Unit, figure, number, to_the_cent
from tieout.core.findings import Severity
from tieout.core.money import round_picodollars
from tieout.core.periods import IsoWeek, day_start
from tieout.measure.daily_work import Measured, measure, work_on_basis
from tieout.savings.baseline_lock import BaselineLock
from tieout.savings.daily_work import DailyWork
from tieout.savings.days import projected_usd_per_day
from tieout.savings.status import BEARS_A_FIGURE
from tieout.savings.week import WeekMeasurement
from tieout.warehouse.parsed import answers

_SECONDS_PER_HOUR = 3600
_MICROSECONDS = 1_000_000
_SHOWN_SECONDS = 2

_BILLED_BY_DAY = """
select hour::date, sum(amount_usd)::decimal(38, 12)
from spend.hourly
where hour >= $since and hour < $until
group by all
order by all
"""


@dataclass(frozen=True)
class MeasuredLine:
    """A line of the claim beside what was measured.

    Attributes:
        function: its name.
        published_usd_per_day: the saving of the line as claimed.
        seconds_per_call: billed container seconds per successful call in the baseline; None without calls.
        restated_usd_per_day: the claim at these seconds instead of an hour per call; None where nothing is claimed yet.
        claimed_before_usd: the claim's price per hour before.
        measured_before_usd: what an hour of the function's container cost in the baseline; None without any.
        claimed_after_usd: the claim's price per hour after.
        measured_after_usd: what it cost on the measured days of the week, in the newest phase; None without any.
    """

    function: str
    published_usd_per_day: Decimal
    seconds_per_call: Decimal | None
    restated_usd_per_day: Decimal | None
    claimed_before_usd: Decimal
    measured_before_usd: Decimal | None
    claimed_after_usd: Decimal
    measured_after_usd: Decimal | None


@dataclass(frozen=True)
class Audit:
    """The audit of the projection, and what measurement adds to it.

    Attributes:
        entries: everything in which the claim contradicts something, or agrees with it.
        measurement: the newest week; None where nothing is built, or there is no baseline.
        lines: the claim beside what was measured, by function; empty without a baseline.
    """

    entries: tuple[AuditEntry, ...]
    measurement: WeekMeasurement | None = None
    lines: tuple[MeasuredLine, ...] = ()


def audit(
    con: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    *,
    lock: BaselineLock | None,
    measured: Callable[[IsoWeek], Measured] | None = None,
) -> Audit:
    """Audit the projection, with the measurement of the newest week in `savings.daily_function`.

    Args:
        con: a connection to a built warehouse, in UTC; only read from.
        catalog: the programme.
        lock: the frozen baseline, when there is one.
        measured: measures a week, for who measures it for others, too.
    """
    entries = tuple(audit_projection(catalog))
    week = newest_week(con)
    if week is None:
        return Audit(entries)
    measurement, _ = measure(con, week, catalog, lock=lock) if measured is None else measured(week)
    if not measurement.baseline_days:
        return Audit(entries)
    work = work_on_basis(con, catalog, until=week.end, lock=lock)
    lines = tuple(_lines(measurement, work, catalog))
    spend = spend_per_day(con, measurement.baseline_days)
    return Audit((*_claim_against_spend(catalog, measurement, lines, spend), *entries), measurement, lines)


def newest_week(con: duckdb.DuckDBPyConnection) -> IsoWeek | None:
    """The last week with work or cost; None where nothing is built."""
    [(day,)] = con.execute("select max(day)::date from savings.daily_function").fetchall()
    return None if day is None else IsoWeek.of(day)


def billed_by_day(con: duckdb.DuckDBPyConnection, *, since: dt.date, until: dt.date) -> dict[dt.date, Decimal]:
    """Everything that was billed, whatever it was for, by day; until is exclusive, days without a bill are left out."""
    return dict(answers(con, _BILLED_BY_DAY, {"since": day_start(since), "until": day_start(until)}))


def spend_per_day(con: duckdb.DuckDBPyConnection, days: Collection[dt.date]) -> Decimal:
    """Everything that was billed on some days, whatever it was for, per day; there is at least one day."""
    by_day = billed_by_day(con, since=min(days), until=max(days) + dt.timedelta(days=1))
    billed = sum((amount for day, amount in by_day.items() if day in days), Decimal(0))
    return round_picodollars(Fraction(billed) / len(days))


def _lines(measurement: WeekMeasurement, work: Sequence[DailyWork], catalog: Catalog) -> Iterator[MeasuredLine]:
    for line in catalog.projection.lines:
        own = [value for value in work if value.function == line.function]
        function = measurement.function(line.function)
        before = [value for value in own if value.day in measurement.baseline_days]
        after = [value for value in own if value.day in function.days and value.phase == function.phase]
        prices = line.before_usd_per_hour, line.after_usd_per_hour
        yield MeasuredLine(
            function=line.function,
            published_usd_per_day=projected_usd_per_day(*prices, line.calls_per_hour),
            seconds_per_call=_seconds_per_call(before),
            restated_usd_per_day=_restated(measurement, line.function),
            claimed_before_usd=line.before_usd_per_hour,
            measured_before_usd=_usd_per_hour(before),
            claimed_after_usd=line.after_usd_per_hour,
            measured_after_usd=_usd_per_hour(after),
        )


def _seconds_per_call(work: Sequence[DailyWork]) -> Decimal | None:
    calls = sum(value.successful_calls for value in work)
    container_us = sum(value.container_us for value in work)
    return round_picodollars(Fraction(container_us, _MICROSECONDS * calls)) if calls else None


def _usd_per_hour(work: Sequence[DailyWork]) -> Decimal | None:
    container_us = sum(value.container_us for value in work)
    cost = Fraction(sum((value.cost_usd for value in work), Decimal(0)))
    return round_picodollars(cost * _SECONDS_PER_HOUR * _MICROSECONDS / container_us) if container_us else None


def _restated(measurement: WeekMeasurement, function: str) -> Decimal | None:
    if measurement.bridge is None:
        return None
    bridges = [bridge for (_, name), bridge in measurement.bridge.functions.items() if name == function]
    return sum((bridge.restated.exact_usd for bridge in bridges), Decimal(0))


def _claim_against_spend(
    catalog: Catalog, measurement: WeekMeasurement, lines: Sequence[MeasuredLine], spend: Decimal
) -> Iterator[AuditEntry]:
    """Say that the published saving is more than everything that was spent, where it is."""
    claim = catalog.projection
    if claim.published is None or claim.published.saving_usd_per_day <= spend:
        return
    published = figure(claim.published.saving_usd_per_day, Unit.USD_PER_DAY)
    yield AuditEntry(
        code=AuditCode.CLAIM_EXCEEDS_SPEND,
        severity=Severity.WARNING,
        subject=catalog.rollout.programme,
        statement=f"The published saving of {published.text} a day is more than the whole measured spend of "
        f"{to_the_cent(spend)} a day{_to_use_instead(measurement)}.",
        arithmetic=f"{published.text} > {to_the_cent(spend)}, billed a day on {len(measurement.baseline_days)} days "
        "of the baseline",
        published=published,
        computed=figure(spend, Unit.USD_PER_DAY),
        details=tuple(
            Detail(
                line.function,
                "restated",
                figure(line.published_usd_per_day, Unit.USD_PER_DAY),
                figure(line.restated_usd_per_day, Unit.USD_PER_DAY),
                _restatement(line),
            )
            for line in lines
            if line.restated_usd_per_day is not None
        ),
    )


def _restatement(line: MeasuredLine) -> str:
    seconds = "no measured call" if line.seconds_per_call is None else f"{line.seconds_per_call:,.{_SHOWN_SECONDS}f} s"
    return f"{number(line.published_usd_per_day)} × {seconds} ÷ {number(_SECONDS_PER_HOUR)} s"


def _to_use_instead(measurement: WeekMeasurement) -> str:
    bridge, avoided = measurement.bridge, measurement.avoided_usd
    if bridge is None or avoided is None:
        return ""
    restated = f"; at measured seconds per call it is {to_the_cent(bridge.total.restated.printed_usd)}"
    if measurement.judgement.status not in BEARS_A_FIGURE:
        return restated
    days = len(measurement.days)
    width = measurement.half_width
    interval = "" if width is None else f" ± {_per_day(width.half_width_usd, days)}"
    return (
        f"{restated}. The figure to use is "
        f"the measured avoided cost: {_per_day(avoided, days)}{interval} a day in {measurement.week.label}"
    )


def _per_day(amount: Decimal, days: int) -> str:
    return to_the_cent(round_picodollars(Fraction(amount) / days))
