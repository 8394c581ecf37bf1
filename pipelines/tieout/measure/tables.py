"""The measurement as rows: what the measured models of `sql/savings/` select from. Money stays decimal all the way."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

import duckdb
import polars as pl

from tieout.audit.entries import AuditEntry, Detail
from tieout.catalog.models import Catalog
from tieout.core.money import round_picodollars
from tieout.core.periods import IsoWeek
from tieout.measure.anomalies import read_anomalies
from tieout.measure.audit import audit
from tieout.measure.daily_work import Measured, baseline_in_force, measure
from tieout.measure.replays import replayed_rows
from tieout.measure.week_cents import read_week_cents
from tieout.savings.baseline_lock import BaselineLock
from tieout.savings.bridge import Amount, Bridge, RealizationRates
from tieout.savings.guardrails import DurationGuardrail, Proportion, RateGuardrail
from tieout.savings.ledger import LedgerState
from tieout.savings.printed import PrintedSaving, printed_saving
from tieout.savings.programme import Programme
from tieout.savings.status import Judgement
from tieout.savings.week import WeekMeasurement
from tieout.savings.witnesses import Testimony
from tieout.warehouse.build import Period
from tieout.warehouse.models import Model

Row: TypeAlias = tuple[Any, ...]
Columns: TypeAlias = Mapping[str, Any]

ALL = "all"
_USD = pl.Decimal(38, 12)
_WEEK: Columns = {"week_start": pl.Date, "week": pl.String}

_COLUMNS: Mapping[str, Columns] = {
    "ledger": {
        **_WEEK,
        "phase": pl.String,
        "app": pl.String,
        "function": pl.String,
        "position": pl.Int32,
        "state": pl.String,
        "reasons": pl.String,
        "measured_days": pl.Int32,
        "calls": pl.Int64,
        "avoided_usd": _USD,
        "half_width_usd": _USD,
        "printed_usd": _USD,
    },
    "bridge": {
        **_WEEK,
        "scope": pl.String,
        "phase": pl.String,
        "app": pl.String,
        "function": pl.String,
        "position": pl.Int32,
        "step": pl.String,
        "exact_usd": _USD,
        "printed_usd": _USD,
    },
    "guardrails": {
        **_WEEK,
        "app": pl.String,
        "function": pl.String,
        "guardrail": pl.String,
        "position": pl.Int32,
        "before_value": pl.Float64,
        "before_count": pl.Int64,
        "after_value": pl.Float64,
        "after_count": pl.Int64,
        "estimate": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "margin": _USD,
        "verdict": pl.String,
        "reason": pl.String,
    },
    "weekly": {
        **_WEEK,
        "status": pl.String,
        "reasons": pl.String,
        "baseline_start": pl.Date,
        "baseline_end": pl.Date,
        "baseline_days": pl.Int32,
        "is_baseline_frozen": pl.Boolean,
        "measured_days": pl.Int32,
        "missing_days": pl.Int32,
        **dict.fromkeys(
            (
                "avoided_usd",
                "half_width_usd",
                "counterfactual_usd",
                "actual_usd",
                "realized_usd_per_day",
                "published_usd_per_day",
                "restated_usd_per_day",
                "normalized_usd_per_day",
                "vs_published",
                "vs_restated",
                "cost_cut",
                "claimed_cost_cut",
                "printed_avoided_usd",
                "printed_actual_usd",
                "printed_counterfactual_usd",
            ),
            _USD,
        ),
    },
    "replays": {
        **_WEEK,
        "app": pl.String,
        "function": pl.String,
        "day": pl.Date,
        "is_baseline": pl.Boolean,
        **dict.fromkeys(("inputs", "startup_us", "execution_us", "idle_us", "warm_us"), pl.Int64),
        "variance_us2": pl.Float64,
        "content_hash": pl.String,
    },
    "witnesses": {
        **_WEEK,
        "app": pl.String,
        "function": pl.String,
        "witness": pl.String,
        **dict.fromkeys(("counterfactual_usd", "saving_usd", "half_width_usd", "difference_usd", "allowed_usd"), _USD),
        "agrees": pl.Boolean,
    },
    "anomalies": {
        **_WEEK,
        "app": pl.String,
        "function": pl.String,
        "day": pl.Date,
        "actual_usd": _USD,
        "expected_usd": _USD,
        "deviations": pl.Float64,
        "compared_days": pl.Int32,
        "is_weekday": pl.Boolean,
    },
    "audit": {
        "position": pl.Int32,
        "detail": pl.Int32,
        "code": pl.String,
        "severity": pl.String,
        "subject": pl.String,
        "statement": pl.String,
        "arithmetic": pl.String,
        "published": pl.String,
        "computed": pl.String,
        "computed_low": _USD,
        "computed_high": _USD,
        "unit": pl.String,
    },
}


class MeasuredTables:
    """Rows for the measured models, from the warehouse as it is; every week is measured once.

    Attributes:
        measured: what was measured of each week, with the findings beside it.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, catalog: Catalog, lock: BaselineLock | None) -> None:
        """Measure nothing yet."""
        self._con = con
        self._catalog = catalog
        self._lock = lock
        self.measured: dict[IsoWeek, Measured] = {}

    def __call__(self, model: Model, period: Period) -> pl.DataFrame:
        """Return the rows of a measured model for the weeks whose Monday lies in a period."""
        if model.table == "audit":
            rows = list(_audit(audit(self._con, self._catalog, lock=self._lock, measured=self._measure).entries))
        elif model.table == "replays":
            rows = [row for week in period.weeks() for row in self._replays(week)]
        elif model.table == "anomalies":
            rows = [row for week in period.weeks() for row in self._anomalies(week)]
        else:
            rows = [row for week in period.weeks() for row in self._rows(model, week)]
        return pl.DataFrame(rows, schema=dict(_COLUMNS[model.table]), orient="row")

    def _measure(self, week: IsoWeek) -> Measured:
        if week not in self.measured:
            self.measured[week] = measure(self._con, week, self._catalog, lock=self._lock)
        return self.measured[week]

    def _rows(self, model: Model, week: IsoWeek) -> Iterator[Row]:
        measurement, _ = self._measure(week)
        if model.table == "weekly":
            rows = _weekly(measurement, self._catalog, self._printed(measurement), is_frozen=self._lock is not None)
        elif model.table == "ledger":
            rows = _ledger(measurement, Programme.of(self._catalog), self._printed(measurement))
        else:
            rows = _WEEKLY_ROWS[model.table](measurement, Programme.of(self._catalog))
        return ((week.start, week.label, *row) for row in rows)

    def _printed(self, measurement: WeekMeasurement) -> PrintedSaving:
        costs = read_week_cents(self._con, measurement.week)
        return printed_saving(measurement, costs.of_environment(self._catalog.functions.environment))

    def _replays(self, week: IsoWeek) -> Iterator[Row]:
        baseline = baseline_in_force(self._con, week, self._catalog, lock=self._lock)
        for row in replayed_rows(self._con, week, self._catalog, baseline=baseline):
            time = row.replayed.time
            yield (
                week.start,
                week.label,
                row.app,
                row.function,
                row.day,
                row.is_baseline,
                row.inputs,
                time.startup_us,
                time.execution_us,
                time.idle_us,
                time.warm_us,
                row.replayed.variance_us2,
                row.replayed.content_hash,
            )

    def _anomalies(self, week: IsoWeek) -> Iterator[Row]:
        for anomaly in read_anomalies(self._con, week, self._catalog):
            yield (
                week.start,
                week.label,
                anomaly.app,
                anomaly.function,
                anomaly.day,
                anomaly.actual_usd,
                anomaly.expected_usd,
                anomaly.deviations,
                anomaly.compared_days,
                anomaly.is_weekday,
            )


def _ledger(measurement: WeekMeasurement, programme: Programme, printed: PrintedSaving) -> Iterator[Row]:
    for position, line in enumerate(measurement.ledger, start=1):
        function = measurement.function(line.function)
        yield (
            "+".join(line.phases),
            programme.app_of(line.function, line.phases[-1]),
            line.function,
            position,
            line.state.value,
            "" if isinstance(line.state, LedgerState) else _codes(function.judgement),
            len(function.days),
            function.calls,
            line.avoided_usd,
            line.half_width_usd,
            printed.ledger_usd.get((line.function, line.phases)),
        )


def _bridge(measurement: WeekMeasurement, programme: Programme) -> Iterator[Row]:
    report = measurement.bridge
    if report is None:
        return
    for (phase, function), bridge in report.functions.items():
        yield from (("function", phase, programme.app_of(function, phase), function, *row) for row in _steps(bridge))
    for phase, bridge in report.phases.items():
        yield from (("phase", phase, ALL, ALL, *row) for row in _steps(bridge))
    yield from (("total", ALL, ALL, ALL, *row) for row in _steps(report.total))


def _steps(bridge: Bridge) -> Iterator[Row]:
    named: list[tuple[str, Amount]] = [
        ("published", bridge.published),
        *((line.step.value, line.amount) for line in bridge.steps),
        ("realized", bridge.realized),
    ]
    for position, (step, amount) in enumerate(named):
        yield position, step, amount.exact_usd, amount.printed_usd


def _guardrails(measurement: WeekMeasurement, programme: Programme) -> Iterator[Row]:
    for function in measurement.functions:
        if function.guardrails is None:
            continue
        for position, result in enumerate(function.guardrails.results, start=1):
            yield (
                programme.app_of(function.function, function.phase),
                function.function,
                result.guardrail.value,
                position,
                *_sides(result),
                result.estimate,
                None if result.interval is None else result.interval.low,
                None if result.interval is None else result.interval.high,
                result.margin,
                result.verdict.value,
                result.reason.value,
            )


def _sides(result: RateGuardrail | DurationGuardrail) -> Row:
    if isinstance(result, RateGuardrail):
        return _rate(result.before), result.before.calls, _rate(result.after), result.after.calls
    return result.before_seconds, result.before_days, result.after_seconds, result.after_days


def _rate(side: Proportion) -> float | None:
    return side.rate if side.calls else None


def _witnesses(measurement: WeekMeasurement, programme: Programme) -> Iterator[Row]:
    for function in measurement.functions:
        app = programme.app_of(function.function, function.phase)
        yield from ((app, function.function, *row) for row in _testimony(function.testimony))
    yield from ((ALL, ALL, *row) for row in _testimony(measurement.testimony))


def _testimony(testimony: Testimony | None) -> Iterator[Row]:
    if testimony is None:
        return
    for witness in testimony.witnesses:
        yield (
            witness.kind.value,
            witness.counterfactual_usd,
            witness.saving_usd,
            witness.half_width_usd,
            witness.difference_usd(testimony.saving_usd),
            testimony.half_width_usd,
            testimony.agrees(witness),
        )


_WEEKLY_ROWS: Mapping[str, Callable[[WeekMeasurement, Programme], Iterator[Row]]] = {
    "bridge": _bridge,
    "guardrails": _guardrails,
    "witnesses": _witnesses,
}


def _weekly(
    measurement: WeekMeasurement, catalog: Catalog, printed: PrintedSaving, *, is_frozen: bool
) -> Iterator[Row]:
    claiming = [function for function in measurement.functions if function.avoided is not None]
    counterfactual = [f.avoided.counterfactual_usd for f in claiming if f.avoided is not None]
    normalized = [f.normalized_usd_per_day for f in measurement.functions if f.normalized_usd_per_day is not None]
    published, rates = catalog.projection.published, measurement.rates
    total = None if measurement.bridge is None else measurement.bridge.total
    yield (
        measurement.judgement.status.value,
        _codes(measurement.judgement),
        None if measurement.baseline is None else measurement.baseline.start,
        None if measurement.baseline is None else measurement.baseline.end,
        len(measurement.baseline_days),
        is_frozen,
        len(measurement.days),
        len(measurement.missing_days),
        measurement.avoided_usd,
        None if measurement.half_width is None else measurement.half_width.half_width_usd,
        _sum(counterfactual),
        _sum([function.actual_usd for function in claiming]),
        None if total is None else total.realized.exact_usd,
        None if published is None else published.saving_usd_per_day,
        None if total is None else total.restated.exact_usd,
        _sum(normalized),
        *((None,) * 4 if rates is None else _rates(rates)),
        printed.total_avoided_usd,
        printed.total_actual_usd,
        printed.total_counterfactual_usd,
    )


def _rates(rates: RealizationRates) -> Row:
    shares = rates.vs_published, rates.vs_restated, rates.cost_cut, rates.claimed_cost_cut
    return tuple(None if share is None else round_picodollars(share) for share in shares)


def _sum(amounts: list[Decimal]) -> Decimal | None:
    return sum(amounts, Decimal(0)) if amounts else None


def _codes(judgement: Judgement) -> str:
    return " ".join(dict.fromkeys(reason.code.value for reason in judgement.reasons))


def _audit(entries: tuple[AuditEntry, ...]) -> Iterator[Row]:
    for position, entry in enumerate(entries, start=1):
        lines: tuple[AuditEntry | Detail, ...] = (entry, *entry.details)
        for detail, line in enumerate(lines):
            yield position, detail, entry.code.value, entry.severity.value, *_audit_figures(line)


def _audit_figures(line: AuditEntry | Detail) -> Row:
    return (
        line.subject,
        line.statement if isinstance(line, AuditEntry) else line.label,
        line.arithmetic,
        None if line.published is None else line.published.text,
        line.computed.text,
        line.computed.low,
        line.computed.high,
        line.computed.unit.value,
    )
