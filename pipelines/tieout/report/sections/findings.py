"""Findings of the week: what is deployed contradicts the catalog, the data is incomplete, or a cost is unusual."""

import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.findings import Finding, Severity
from tieout.core.money import format_usd
from tieout.core.periods import IsoWeek, day_start
from tieout.measure.anomalies import read_anomalies
from tieout.measure.configuration_drift import Deviation, read_deviations
from tieout.report.formats.sheets import Sheet, SheetColumn
from tieout.report.inputs import week_bounds
from tieout.report.sections.catalog_coverage import read_catalog_coverage
from tieout.report.sections.rollout import RolloutLine
from tieout.report.wording import against_usual, count, day_name, listing, plain, span, spoken
from tieout.savings.anomalies import Anomaly
from tieout.savings.days import FunctionDay, baseline_days
from tieout.savings.week import WeekMeasurement
from tieout.warehouse.parsed import answers

PREMISE_NOT_MET = "premise_not_met"
CONFIGURATION_DRIFT = "configuration_drift"
UNKNOWN_RESOURCE = "unknown_resource_label"
BASELINE_DAYS_MISSING = "baseline_days_missing"
ROLLOUT_INCOMPLETE = "rollout_incomplete"
UNUSUAL_COST = "unusual_cost"
LOG_MISSING = "log_missing"
LOG_SHORT = "log_short"
UNKNOWN_SERIES = "unknown_series"
SERVER_NOT_MEASURED = "server_not_measured"
NEGATIVE_COST = "negative_cost"
BASELINE_NOT_MATCHED = "baseline_not_matched"
COMPLETE_ROLLOUT = Fraction(9, 10)

_UNKNOWN_RESOURCES = """
select i.resource, count(distinct i.object_id)
from staging.billing_items as i
where
    i.reading = 'now' and i.hour >= $since and i.hour < $until and i.resource not in ('rounding', 'difference', 'all')
    and i.resource not in (select r.resource from catalog.resources as r)
group by all
order by all
"""

_UNKNOWN_SERIES = """
select name, unit, count(distinct (environment, app, function))
from staging.series
where measure is null and range_start < $until and range_end > $since
group by all
order by all
"""

# What Modal counts of servers in the week, by either of its counts, where no series shows their containers.
_UNMEASURED_SERVERS = """
with counted as (
    select s.file_id, f.server, s.since, s.request_count as requests, s.container_total_count as containers
    from raw.server_stats as s
    inner join raw.files as f on s.file_id = f.file_id
    union all
    select file_id, name, since, total_count, container_total_count
    from raw.app_stats
    where kind = 'server'
)
select app, server, sum(requests), max(containers)
from (
    select d.environment, d.app, s.server, s.since, max(s.requests) as requests, max(s.containers) as containers
    from counted as s
    inner join staging.deliveries as d on s.file_id = d.file_id
    where s.since >= $since and s.since < $until
    group by all
) as c
where containers > 0 and not exists (
    select 1 from staging.series as s
    where
        s.is_server and s.measure = 'containers' and s.environment = c.environment and s.app = c.app
        and s.function = c.server and s.range_start < $until and s.range_end > $since
)
group by all
order by all
"""

_NOT_MATCHED = """
select
    function,
    app,
    day::date,
    outcome
from reconciliation.log_vs_bill
where
    environment = $environment
    and day in (select unnest($days::timestamp[]))
    and function in (select unnest($functions::varchar[]))
    and outcome != 'matched'
order by function, app, day
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
        *_log_findings(measurement),
        *_negative_findings(measurement),
        *_unmatched_findings(con, measurement, catalog),
        *_resource_findings(con, week),
        *_series_findings(con, week),
        *_server_findings(con, week),
        *read_catalog_coverage(con, week, catalog),
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
        day
        for day in baseline_days(measurement.baseline)
        if day <= newest and day not in landed and day not in measurement.baseline_days
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


def _days_that_matter(measurement: WeekMeasurement) -> frozenset[dt.date]:
    baseline = baseline_days(measurement.baseline) if measurement.baseline else []
    return frozenset((*baseline, *measurement.week.days()))


def _log_findings(measurement: WeekMeasurement) -> Iterator[Finding]:
    """Name the logs that baseline or week lack; on such a day the cost of one function goes to the others."""
    matter = _days_that_matter(measurement)
    for gap in measurement.log_gaps:
        if days := [day for day in gap.days if day in matter]:
            lacks = (
                f"the call log of {gap.app} has fewer calls than Modal counts on {_spans(days)} (gate G8)"
                if gap.is_short
                else f"no call log of {gap.app} is landed for {_spans(days)}"
            )
            yield Finding(
                code=LOG_SHORT if gap.is_short else LOG_MISSING,
                severity=Severity.WARNING,
                subject=gap.function,
                message=f"{lacks}, so its cost went elsewhere; "
                f"{_count_for_nothing(len(days))} Pull again, or land the log: "
                "Modal keeps calls for a day or for thirty, by plan. Later the days stay out.",
                data={"app": gap.app, "days": ", ".join(day.isoformat() for day in days)},
            )


def _count_for_nothing(days: int) -> str:
    return "that day counts for nothing." if days == 1 else f"those {days} days count for nothing."


def _negative_findings(measurement: WeekMeasurement) -> Iterator[Finding]:
    matter = _days_that_matter(measurement)
    by_function: defaultdict[str, list[FunctionDay]] = defaultdict(list)
    for value in measurement.negative_days:
        if value.day in matter:
            by_function[value.function].append(value)
    for function, days in sorted(by_function.items()):
        amounts = [f"{format_usd(value.cost_usd)} on {day_name(value.day)}" for value in days]
        yield Finding(
            code=NEGATIVE_COST,
            severity=Severity.WARNING,
            subject=function,
            message=f"cost {listing(amounts)}: a refund, which is no saving, or a wrong bill; "
            f"{_count_for_nothing(len(days))} Compare with Modal's own bill, and land it again if it says otherwise.",
            data={value.day.isoformat(): str(value.cost_usd) for value in days},
        )


def _unmatched_findings(
    con: duckdb.DuckDBPyConnection, measurement: WeekMeasurement, catalog: Catalog
) -> Iterator[Finding]:
    """Gate G6 looks at the week only; this looks at the days that the week is compared with."""
    parameters = {
        "environment": catalog.functions.environment,
        "days": [day_start(day) for day in measurement.baseline_days],
        "functions": [function.name for function in catalog.functions.functions],
    }
    rows = answers(con, _NOT_MATCHED, parameters)
    for (function, app), found in itertools.groupby(rows, key=lambda row: row[:2]):
        outcomes = {day: outcome for _, _, day, outcome in found}
        yield Finding(
            code=BASELINE_NOT_MATCHED,
            severity=Severity.WARNING,
            subject=function,
            message=f"the bill of {app} and the call log do not match on {_spans(sorted(outcomes))}; the saving is "
            "measured against these days. Gate G6 of their weeks has the amounts.",
            data={day.isoformat(): outcome for day, outcome in outcomes.items()},
        )


def _spans(days: Sequence[dt.date]) -> str:
    """Days in order, those in a row as a span."""
    rows = itertools.groupby(enumerate(days), key=lambda place: place[1] - place[0] * dt.timedelta(days=1))
    runs = [[day for _, day in run] for _, run in rows]
    return listing([_run(run[0], run[-1]) for run in runs])


def _run(first: dt.date, last: dt.date) -> str:
    return day_name(first) if first == last else span(first, last + dt.timedelta(days=1))


def _resource_findings(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> list[Finding]:
    return [
        Finding(
            code=UNKNOWN_RESOURCE,
            severity=Severity.WARNING,
            subject=resource,
            message=f"prices.yaml knows no resource with this label, billed for {count(objects, 'object')}; "
            "its cost is shared by container time. Add the label to catalog/prices.yaml.",
            data={"objects": str(objects)},
        )
        for resource, objects in answers(con, _UNKNOWN_RESOURCES, week_bounds(week))
    ]


def _series_findings(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> Iterator[Finding]:
    """One finding for all series that no rule understands: they may be many, and none of them moves a figure."""
    rows = answers(con, _UNKNOWN_SERIES, week_bounds(week))
    if not rows:
        return
    named = [f"{name} ({unit or 'no unit'})" for name, unit, _ in rows]
    yield Finding(
        code=UNKNOWN_SERIES,
        severity=Severity.INFO,
        subject="function metrics",
        message=f"series.yaml does not say what {listing(named)} {'is' if len(rows) == 1 else 'are'}; "
        "no figure uses it. Add a rule to catalog/series.yaml if one should.",
        data={name: f"{functions} functions" for name, _, functions in rows},
    )


def _server_findings(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> Iterator[Finding]:
    """Name the servers that ran, and of which nothing says for how long: no call log ever shows one."""
    for app, server, requests, containers in answers(con, _UNMEASURED_SERVERS, week_bounds(week)):
        yield Finding(
            code=SERVER_NOT_MEASURED,
            severity=Severity.WARNING,
            subject=server,
            message=f"Modal counts {count(requests, 'request')} to the server {server} of {app}, on up to "
            f"{count(containers, 'container')} a day. No series of its containers is landed, so its cost cannot be "
            "told from that of functions. `tieout pull` brings the series, or land `modal server metrics`.",
            data={"app": app, "requests": str(requests), "containers": str(containers)},
        )


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
        else f"of {anomaly.compared_days} comparable days before"
    )
    return (
        f"{format_usd(anomaly.actual_usd)} on {day_name(anomaly.day)}{against_usual(anomaly.ratio)}, "
        f"where {format_usd(anomaly.expected_usd)} is the median {compared}"
    )


def write_findings(sheet: Sheet, findings: Sequence[Finding]) -> None:
    """Write the sheet of the findings."""
    sheet.title("Findings")
    columns = (
        SheetColumn("What it is about"),
        SheetColumn("Finding"),
        SheetColumn("Severity"),
        SheetColumn("In a sentence", width=90, wraps=True),
    )
    rows = [
        (spoken(each.subject), each.code.replace("_", " "), each.severity.value, spoken(plain(each.message)))
        for each in findings
    ]
    sheet.browse(sheet.table(columns, rows), len(columns), fixed=1)
