"""Findings of the week: where what is deployed contradicts the catalog, or the data is incomplete."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import duckdb

from pipelines.core.catalog import BASELINE, Catalog, Configuration
from pipelines.core.findings import Finding, Severity
from pipelines.core.periods import IsoWeek, day_start
from pipelines.core.savings import BaselinePeriod, baseline_days
from pipelines.report.contents import RolloutLine
from pipelines.report.wording import count, day_name, listing

PREMISE_NOT_MET = "premise_not_met"
CONFIGURATION_DRIFT = "configuration_drift"
UNKNOWN_RESOURCE = "unknown_resource_label"
BASELINE_DAYS_MISSING = "baseline_days_missing"
ROLLOUT_INCOMPLETE = "rollout_incomplete"

COMPLETE_ROLLOUT = Fraction(9, 10)

# The last look at each deployment that was live in the week; for the baseline, at any time before the week's end.
_DEPLOYED = """
select function, app, phase, gpu, gpu_count, cpu_request_millicores, memory_request_mib, valid_from
from staging.configurations
where
    environment = $environment and source = 'function info' and is_catalogued
    and valid_from < $until and (phase = $baseline or valid_to > $since)
qualify row_number() over (partition by app, function, phase order by valid_from desc) = 1
order by function, app, phase
"""

_UNKNOWN_RESOURCES = """
select i.resource, count(distinct i.object_id)
from staging.billing_items as i
where
    i.hour >= $since and i.hour < $until and i.resource not in ('rounding', 'all')
    and i.resource not in (select r.resource from catalog.resources as r)
group by all
order by all
"""


@dataclass(frozen=True)
class _Difference:
    """One setting that the catalog and the deployment do not agree on, both in words."""

    catalog: str
    deployed: str


def read_findings(
    con: duckdb.DuckDBPyConnection,
    week: IsoWeek,
    *,
    catalog: Catalog,
    baseline: BaselinePeriod | None,
    landed: Mapping[dt.date, object],
    rollout: Sequence[RolloutLine],
) -> tuple[Finding, ...]:
    """Collect what a reader of the week must know beside its figures."""
    return (
        *_configuration_findings(con, week, catalog),
        *_rollout_findings(rollout),
        *_baseline_findings(baseline, landed),
        *_resource_findings(con, week),
    )


def premises(findings: Sequence[Finding]) -> dict[str, str]:
    """Return by function what was deployed before, where that is not what the catalog says."""
    return {finding.subject: finding.data["deployed"] for finding in findings if finding.code == PREMISE_NOT_MET}


def _configuration_findings(con: duckdb.DuckDBPyConnection, week: IsoWeek, catalog: Catalog) -> list[Finding]:
    parameters = {
        "environment": catalog.functions.environment,
        "since": day_start(week.start),
        "until": day_start(week.end),
        "baseline": BASELINE,
    }
    findings = []
    for function, app, phase, gpu, gpu_count, millicores, memory_mib, seen_from in con.execute(
        _DEPLOYED, parameters
    ).fetchall():
        expected = _configuration(catalog, function, app, phase)
        if expected is None:
            continue
        deployed = _settings(gpu, gpu_count, millicores, memory_mib)
        differences = [
            _Difference(said, deployed[setting])
            for setting, said in _catalogued_settings(expected).items()
            if said != deployed[setting]
        ]
        if differences:
            findings.append(
                _configuration_finding(function, app=app, phase=phase, seen_from=seen_from, differences=differences)
            )
    return findings


def _configuration(catalog: Catalog, function: str, app: str, phase: str) -> Configuration | None:
    return next(
        (
            configuration
            for known in catalog.functions.functions
            if known.name == function
            for configuration in known.configurations
            if (configuration.app, configuration.phase) == (app, phase)
        ),
        None,
    )


def _catalogued_settings(configuration: Configuration) -> dict[str, str]:
    millicores = None if configuration.cpu_cores is None else int(configuration.cpu_cores * 1000)
    return _settings(configuration.gpu, configuration.gpu_count, millicores, configuration.memory_mib)


def _settings(gpu: str | None, gpu_count: int, millicores: int | None, memory_mib: int | None) -> dict[str, str]:
    return {
        "gpu": "no GPU" if gpu is None else gpu if gpu_count == 1 else f"{gpu_count} × {gpu}",
        "cpu": "default CPU" if millicores is None else _cores(millicores),
        "memory": "default memory" if memory_mib is None else f"{memory_mib:,} MiB",
    }


def _cores(millicores: int) -> str:
    return "1 core" if millicores == 1000 else f"{(Decimal(millicores) / 1000).normalize():f} cores"


def _configuration_finding(
    function: str, *, app: str, phase: str, seen_from: dt.datetime, differences: Sequence[_Difference]
) -> Finding:
    said = listing([d.catalog for d in differences])
    deployed = listing([d.deployed for d in differences])
    is_premise = phase == BASELINE
    what = "premise not met: the catalog's “before”" if is_premise else f"drift: the catalog's {phase}"
    return Finding(
        code=PREMISE_NOT_MET if is_premise else CONFIGURATION_DRIFT,
        severity=Severity.WARNING,
        subject=function,
        message=f"{what} says {said}; {app} was deployed with {deployed} ({day_name(seen_from.date())}).",
        data={"app": app, "phase": phase, "catalog": said, "deployed": deployed},
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


def _baseline_findings(baseline: BaselinePeriod | None, landed: Mapping[dt.date, object]) -> list[Finding]:
    if baseline is None or not landed:
        return []
    newest = max(landed)
    missing = [day for day in baseline_days(baseline) if day not in landed and day <= newest]
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
