"""The measurement of a week, read off the warehouse: `savings.week` on the frozen basis, where there is one."""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

import duckdb

from tieout.catalog.models import BASELINE, Catalog
from tieout.core.bounded import read_bounded
from tieout.core.findings import Finding, Severity
from tieout.core.periods import IsoWeek, day_start
from tieout.measure.configuration_drift import contradictions
from tieout.measure.context import read_context
from tieout.measure.log_coverage import missing_logs
from tieout.savings.baseline_changes import compare
from tieout.savings.baseline_lock import LOCK_NAME, BaselineLock, under_todays_names
from tieout.savings.baseline_lock_parser import parse_lock
from tieout.savings.context import WeekContext
from tieout.savings.daily_work import DailyWork, function_days
from tieout.savings.days import BaselinePeriod, FunctionDay, baseline_days, baseline_period
from tieout.savings.log_coverage import LogGap
from tieout.savings.programme import Programme
from tieout.savings.status import ReasonCode
from tieout.savings.week import METHOD_VERSION, WeekMeasurement, measure_week
from tieout.warehouse.parsed import answers

BASELINE_NOT_FROZEN = "baseline_not_frozen"

_LARGEST_LOCK = 64 << 20
_WORK = """
select
    app, function, phase, day::date, successful_calls, function_calls, inputs, errors, timeouts, oom_kills,
    p50_execution_us / 1e6, p95_execution_us / 1e6, busy_us, container_us,
    cost_usd::decimal(38, 12), gpu_usd::decimal(38, 12), cpu_usd::decimal(38, 12), memory_usd::decimal(38, 12),
    status != 'provisional'
from savings.daily_function
where environment = $environment and day < $until
order by function, app, day, phase
"""

_LANDED_DAYS = "select day, is_settled from staging.landed_days where day < $until order by day"


def read_lock(catalog_directory: Path) -> BaselineLock | None:
    """Read the frozen baseline that lies beside the catalog's files; None when nothing was frozen yet.

    Raises:
        LockError: it is damaged; the message names file, line and field.
        UnboundedFileError: it is no regular file, or far larger than any baseline.
    """
    path = catalog_directory / LOCK_NAME
    try:
        content = read_bounded(path, most_bytes=_LARGEST_LOCK)
    except FileNotFoundError:
        return None
    # A byte that is no UTF-8 becomes a character that no field accepts, so the message names its line.
    return parse_lock(content.decode("utf-8", errors="replace"), name=str(path))


def landed_days(con: duckdb.DuckDBPyConnection, *, until: dt.date) -> dict[dt.date, bool]:
    """Return the days before `until` whose bill is landed as a whole, in order, and whether it is settled."""
    return dict(answers(con, _LANDED_DAYS, {"until": until}))


def read_work(con: duckdb.DuckDBPyConnection, catalog: Catalog, *, until: dt.date) -> list[DailyWork]:
    """Read work, quality and cost of the catalog's functions by phase and day before `until`.

    A function of the same name in an app that the catalog does not give it is another function, and left out.
    """
    owners = catalog.owners()
    parameters = {"environment": catalog.functions.environment, "until": day_start(until)}
    return [
        DailyWork(owner, *row)
        for app, function, *row in answers(con, _WORK, parameters)
        if (owner := owners.get((app, function))) is not None
    ]


def baseline_of(landed: Collection[dt.date], catalog: Catalog) -> BaselinePeriod | None:
    """Return the baseline that the landed days allow; None without a deployment or a whole week before it."""
    first = min((phase.deployed_at.date() for phase in catalog.rollout.phases), default=None)
    return None if first is None or not landed else baseline_period(min(landed), first)


def baseline_in_force(
    con: duckdb.DuckDBPyConnection, week: IsoWeek, catalog: Catalog, *, lock: BaselineLock | None
) -> BaselinePeriod | None:
    """Return the baseline of a week: the frozen one, else what the landed days allow."""
    return lock.baseline if lock is not None else baseline_of(landed_days(con, until=week.end), catalog)


def daily_series(work: Iterable[DailyWork], catalog: Catalog, *, landed: Collection[dt.date]) -> list[FunctionDay]:
    """Add up calls and cost over phases for every function of the catalog and landed day: what a freeze freezes."""
    known = {function.name for function in catalog.functions.functions}
    return function_days((value for value in work if value.day in landed), known)


Measured: TypeAlias = tuple[WeekMeasurement, tuple[Finding, ...]]
"""A week's measurement, and how data and catalog differ from the frozen baseline."""


@dataclass(frozen=True)
class WeekReadings:
    """All that a warehouse says of a week: what a measurement is made of, and nothing else.

    Attributes:
        week: which.
        programme: what the catalog says.
        work: all days up to the end of the week or of the frozen baseline, as the data are today.
        landed: days with a whole bill, and whether it is settled.
        today: the baseline that the landed days allow; None when they allow none.
        lock: the frozen baseline under today's names; None without one.
        contradictions: by function, what the catalog says was deployed before and was not.
        log_gaps: the call logs that are missing, but for frozen days.
        context: prices, gates, the boundary and the replays.
    """

    week: IsoWeek
    programme: Programme
    work: Sequence[DailyWork]
    landed: Mapping[dt.date, bool]
    today: BaselinePeriod | None
    lock: BaselineLock | None
    contradictions: Mapping[str, Mapping[str, str]]
    log_gaps: Sequence[LogGap]
    context: WeekContext

    def measurement(self) -> WeekMeasurement:
        """Measure the week."""
        held = _held(self.lock)
        return measure_week(
            self.week,
            _on_basis(self.work, held),
            programme=self.programme,
            baseline=self.today if self.lock is None else self.lock.baseline,
            landed={*self.landed, *_frozen_days(held)},
            contradictions=self.contradictions,
            log_gaps=self.log_gaps,
            context=self.context,
        )


def read_week(
    con: duckdb.DuckDBPyConnection, week: IsoWeek, catalog: Catalog, *, lock: BaselineLock | None
) -> WeekReadings:
    """Read all that a week is measured from; `measure` says what the arguments are."""
    lock = None if lock is None else under_todays_names(lock, catalog)
    until = week.end if lock is None else max(week.end, lock.baseline.end)
    landed = landed_days(con, until=until)
    today, held = baseline_of(landed, catalog), _held(lock)
    baseline = today if lock is None else lock.baseline
    return WeekReadings(
        week=week,
        programme=Programme.of(catalog),
        work=read_work(con, catalog, until=until),
        landed=landed,
        today=today,
        lock=lock,
        contradictions=contradictions(con, catalog),
        log_gaps=tuple(_but_for(_frozen_days(held), missing_logs(con, catalog, until=until))),
        context=read_context(con, week, catalog, baseline=baseline, is_baseline_frozen=held is not None),
    )


def _frozen_days(held: BaselineLock | None) -> frozenset[dt.date]:
    return frozenset(baseline_days(held.baseline) if held else ())


def measure(con: duckdb.DuckDBPyConnection, week: IsoWeek, catalog: Catalog, *, lock: BaselineLock | None) -> Measured:
    """Measure a week, and say how the data and the catalog differ from the frozen baseline.

    With a lock the figure stays on the frozen calls and costs, whatever happened to the data since. Days without a
    landed bill, or without a call log, count for nothing, but for frozen ones. A lock of another version of the method
    counted other things: it keeps the dates, and the saving is measured on today's data until the baseline is frozen
    again.

    Args:
        con: a connection to a built warehouse, in UTC; only read from.
        week: the week; work after its end does not count.
        catalog: the programme.
        lock: the frozen baseline; None to measure against the baseline as the data are now.
    """
    readings = read_week(con, week, catalog, lock=lock)
    measurement = readings.measurement()
    changed = tuple(_changed_units(measurement))
    if readings.lock is None:
        return measurement, (*changed, *_not_frozen(readings.today))
    series = daily_series(readings.work, catalog, landed=readings.landed)
    differences = compare(readings.lock, series, catalog, method_version=METHOD_VERSION, baseline=readings.today)
    return measurement, (*changed, *differences)


def _changed_units(measurement: WeekMeasurement) -> Iterator[Finding]:
    for function in measurement.functions:
        for reason in function.judgement.reasons:
            if reason.code is ReasonCode.WORK_UNIT_CHANGED:
                yield Finding(
                    reason.code,
                    Severity.WARNING,
                    function.function,
                    f"A function call of {function.function} has {reason.data['after']} inputs; in the baseline it had "
                    f"{reason.data['before']}. Check that an input is still the same work.",
                    reason.data,
                )


def _held(lock: BaselineLock | None) -> BaselineLock | None:
    """The lock, where its calls are counted as this version of the method counts them."""
    return lock if lock is not None and lock.method_version == METHOD_VERSION else None


def _but_for(frozen: Collection[dt.date], gaps: Iterable[LogGap]) -> Iterator[LogGap]:
    return (replace(gap, days=tuple(day for day in gap.days if day not in frozen)) for gap in gaps)


def work_on_basis(
    con: duckdb.DuckDBPyConnection, catalog: Catalog, *, until: dt.date, lock: BaselineLock | None
) -> list[DailyWork]:
    """Read the work before `until` as `measure` sees it: calls and cost of the baseline as they are frozen."""
    held = _held(None if lock is None else under_todays_names(lock, catalog))
    return list(_on_basis(read_work(con, catalog, until=until), held))


def _on_basis(work: Iterable[DailyWork], lock: BaselineLock | None) -> Iterator[DailyWork]:
    """Put frozen calls and cost in the place of today's; one phase of a day carries them, the others nothing.

    Time, quality and the cost by resource are not frozen: they describe the work, and no saving is made of them.
    """
    if lock is None:
        yield from work
        return
    frozen = {(value.function, value.day): value for value in lock.series}
    unseen = dict(frozen)
    for value in work:
        if not lock.baseline.start <= value.day < lock.baseline.end:
            yield value
            continue
        basis = unseen.pop((value.function, value.day), None)
        calls, cost = (basis.successful_calls, basis.cost_usd) if basis else (0, Decimal(0))
        yield replace(value, successful_calls=calls, cost_usd=cost)
    yield from map(_without_detail, unseen.values())


def _without_detail(value: FunctionDay) -> DailyWork:
    """A frozen day that the data know nothing of any more."""
    nothing = Decimal(0)
    return DailyWork(
        function=value.function,
        phase=BASELINE,
        day=value.day,
        successful_calls=value.successful_calls,
        function_calls=0,
        inputs=0,
        errors=0,
        timeouts=0,
        ooms=0,
        p50_seconds=None,
        p95_seconds=None,
        busy_us=0,
        container_us=0,
        cost_usd=value.cost_usd,
        gpu_usd=nothing,
        cpu_usd=nothing,
        memory_usd=nothing,
        is_settled=True,
    )


def _not_frozen(baseline: BaselinePeriod | None) -> Iterator[Finding]:
    if baseline is not None:
        yield Finding(
            BASELINE_NOT_FROZEN,
            Severity.INFO,
            "baseline",
            "the baseline is not frozen: the saving moves whenever its data are corrected. "
            "`tieout freeze-baseline` freezes it.",
            {"baseline_start": baseline.start.isoformat(), "baseline_end": baseline.end.isoformat()},
        )
