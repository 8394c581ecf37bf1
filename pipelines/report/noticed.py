"""Findings of the week: what is deployed contradicts the catalog, the data is incomplete, or a cost is unusual."""

import datetime as dt
import itertools
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

import duckdb

from pipelines.core.anomalies import Anomaly
from pipelines.core.catalog import Catalog
from pipelines.core.findings import Finding, Severity
from pipelines.core.measurement import WeekMeasurement
from pipelines.core.money import format_usd
from pipelines.core.periods import IsoWeek, day_start
from pipelines.core.savings import baseline_days
from pipelines.report.contents import RolloutLine
from pipelines.report.wording import count, day_name, listing
from pipelines.warehouse.anomalies import read_anomalies
from pipelines.warehouse.deployed import Deviation, read_deviations

PREMISE_NOT_MET = "premise_not_met"
CONFIGURATION_DRIFT = "configuration_drift"
UNKNOWN_RESOURCE = "unknown_resource_label"
BASELINE_DAYS_MISSING = "baseline_days_missing"
ROLLOUT_INCOMPLETE = "rollout_incomplete"
UNUSUAL_COST = "unusual_cost"

COMPLETE_ROLLOUT = Fraction(9, 10)

_UNKNOWN_RESOURCES = """
select i.resource, count(distinct i.object_id)
from staging.billing_items as i
where
    i.hour >= $since and i.hour < $until and i.resource not in ('rounding', 'all')
    and i.resource not in (select r.resource from catalog.resources as r)
group by all
order by all
"""


def read_findings(
    con: duckdb.DuckDBPyConnection,
    measurement: WeekMeasurement,
    *,
    catalog: Catalog,
    landed: Mapping[dt.date, object],
    rollout: Sequence[RolloutLine],
) -> tuple[Finding, ...]:
    """Collect what a reader of the week must know beside its figures."""
    week = measurement.week
    deviations = read_deviations(con, catalog, since=week.start, until=week.end)
    return (
        *(_configuration_finding(deviation) for deviation in deviations),
        *_rollout_findings(rollout),
        *_baseline_findings(measurement, landed),
        *_resource_findings(con, week),
        *_unusual_costs(read_anomalies(con, week, catalog)),
    )


def _configuration_finding(deviation: Deviation) -> Finding:
    said = listing([difference.catalog for difference in deviation.differences.values()])
    deployed = listing([difference.deployed for difference in deviation.differences.values()])
    is_premise = deviation.contradicts_premise
    what = "premise not met: the catalog's “before”" if is_premise else f"drift: the catalog's {deviation.phase}"
    return Finding(
        code=PREMISE_NOT_MET if is_premise else CONFIGURATION_DRIFT,
        severity=Severity.WARNING,
        subject=deviation.function,
        message=f"{what} says {said}; {deviation.app} was deployed with {deployed} "
        f"({day_name(deviation.seen_from.date())}).",
        data={"app": deviation.app, "phase": deviation.phase, "catalog": said, "deployed": deployed},
    )


def _rollout_findings(rollout: Sequence[RolloutLine]) -> list[Finding]:
    behind = [line for line in rollout if line.calls and Fraction(line.moved_calls, line.calls) < COMPLETE_ROLLOUT]
    if not behind:
        return []
    shares = [f"{line.function} {line.calls_share}" for line in behind]
    verb = "has" if len(behind) == 1 else "have"
    return [
        Finding(
            code=ROLLOUT_INCOMPLETE,
            severity=Severity.WARNING,
            subject="rollout",
            message=f"{count(len(behind), 'function')} {verb} less than nine tenths of the calls in the newest phase: "
            f"{listing(shares)}. The others still run as they were before.",
            data={line.function: f"{line.moved_calls} of {line.calls}" for line in behind},
        )
    ]


def _baseline_findings(measurement: WeekMeasurement, landed: Mapping[dt.date, object]) -> list[Finding]:
    if measurement.baseline is None or not landed:
        return []
    newest = max(landed)
    missing = [
        day for day in baseline_days(measurement.baseline) if day not in measurement.baseline_days and day <= newest
    ]
    if not missing:
        return []
    return [
        Finding(
            code=BASELINE_DAYS_MISSING,
            severity=Severity.WARNING,
            subject="baseline",
            message=f"the bill of {count(len(missing), 'baseline day')} is not landed as a whole, "
            f"the first is {day_name(missing[0])}; those days count for nothing.",
            data={"days": ", ".join(day.isoformat() for day in missing)},
        )
    ]


def _resource_findings(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> list[Finding]:
    parameters = {"since": day_start(week.start), "until": day_start(week.end)}
    return [
        Finding(
            code=UNKNOWN_RESOURCE,
            severity=Severity.WARNING,
            subject=resource,
            message=f"prices.yaml knows no resource with this label, billed for {count(objects, 'object')}; "
            "its cost is shared by container time. Add the label to catalog/prices.yaml.",
            data={"objects": str(objects)},
        )
        for resource, objects in con.execute(_UNKNOWN_RESOURCES, parameters).fetchall()
    ]


def _unusual_costs(anomalies: Sequence[Anomaly]) -> Iterator[Finding]:
    """One finding for a function, however many of its days are out of line."""
    for function, found in itertools.groupby(anomalies, key=lambda anomaly: anomaly.function):
        days = list(found)
        yield Finding(
            code=UNUSUAL_COST,
            severity=Severity.WARNING,
            subject=function,
            message=f"cost {listing([_unusual_day(anomaly) for anomaly in days])}. "
            "No deployment of the catalog explains it.",
            data={
                anomaly.day.isoformat(): f"{anomaly.actual_usd} actual, {anomaly.expected_usd} expected"
                for anomaly in days
            },
        )


def _unusual_day(anomaly: Anomaly) -> str:
    compared = (
        f"of the {anomaly.compared_days} {anomaly.day:%A}s before"
        if anomaly.is_weekday
        else f"of the {anomaly.compared_days} days before"
    )
    return (
        f"{format_usd(anomaly.actual_usd)} on {day_name(anomaly.day)}{_times(anomaly)}, "
        f"where {format_usd(anomaly.expected_usd)} is the median {compared}"
    )


def _times(anomaly: Anomaly) -> str:
    return "" if anomaly.ratio is None else f" ({anomaly.ratio:.1f} times the usual)"
