"""Quiet: what checks, gates and anomalies say about clean data, over many simulated workspaces.

A warning counts once for a workspace when it is an expectation's, whose rows may lie in any week, and once a week when
it is a gate's or a finding's.
"""

import datetime as dt
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.mutations.trial import broken, noticed
from tests.support.loading import load_at
from tieout.catalog.load import load_catalog
from tieout.core.findings import Severity
from tieout.core.periods import IsoWeek
from tieout.core.resources import resource_path
from tieout.simulator import Scenario, simulate
from tieout.sources import create_raw_schema
from tieout.validation.raw_checks import check_raw
from tieout.validation.results import ValidationResult
from tieout.validation.runner import Validator
from tieout.warehouse.build import Period, build_models
from tieout.warehouse.catalog_tables import write_catalog
from tieout.warehouse.connection import open_warehouse
from tieout.warehouse.models import load_models

SOON = dt.timedelta(days=2)
# What is really so in the simulated workspaces: a deployment from a dirty tree, another price than the catalog's,
# callers that stayed behind, and in `as-deployed` configurations that are not those of the catalog.
TRUE = frozenset(
    {
        "raw.app_history: Everything deployed was committed to version control",
        "raw.billing_rates: Rates are what the catalog lists",
        "staging.configurations: What is deployed is what the catalog says",
        "finding: premise_not_met",
        "finding: configuration_drift",
        "finding: rollout_incomplete",
    }
)


@dataclass(frozen=True)
class Quiet:
    """What was said about the clean workspaces of one scenario.

    Attributes:
        scenario: which.
        seeds: how many workspaces.
        weeks: how many weeks they have together.
        refused: files that were refused.
        blocked: critical expectations that were broken, and gates that block a week.
        warned: how often each warning that is not true was given.
    """

    scenario: str
    seeds: int
    weeks: int
    refused: int
    blocked: int
    warned: Mapping[str, int]

    @property
    def warnings_a_week(self) -> float:
        """False warnings in a week, on average."""
        return sum(self.warned.values()) / self.weeks


@dataclass(frozen=True)
class _Said:
    """What was said about one workspace: files refused, and names of what blocks and of what warns."""

    refused: int
    blocking: tuple[str, ...]
    warning: tuple[str, ...]


def measure(scenario: Scenario, *, seeds: Sequence[int], weeks: int) -> Quiet:
    """Simulate so many workspaces, build each as a whole, and count what is said."""
    said = [_build(scenario, seed, weeks) for seed in seeds]
    warned = Counter(name for each in said for name in each.warning if name not in TRUE)
    return Quiet(
        scenario=scenario.name,
        seeds=len(seeds),
        weeks=len(seeds) * weeks,
        refused=sum(each.refused for each in said),
        blocked=sum(len(each.blocking) for each in said),
        warned=warned,
    )


def _build(scenario: Scenario, seed: int, weeks: int) -> _Said:
    catalog = load_catalog(resource_path("catalog"))
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory:
        out = Path(directory)
        summary = simulate(scenario, seed=seed, weeks=weeks, out=out)
        period = Period(summary.period_start.date(), summary.period_end.date())
        with open_warehouse(out / "warehouse.duckdb") as con:
            create_raw_schema(con)
            write_catalog(con, catalog)
            rejected = load_at(con, out / "landing", now=summary.period_end + SOON).rejected
            validations = list(_validations(con, period))
            gates = [noticed(con, week, catalog) for week in _weeks(period)]
    return _Said(
        refused=len(rejected),
        blocking=(*broken(validations, Severity.CRITICAL), *(name for names, _ in gates for name in names)),
        warning=(*broken(validations, Severity.WARNING), *(name for _, names in gates for name in names)),
    )


def _validations(con: duckdb.DuckDBPyConnection, period: Period) -> Iterator[ValidationResult]:
    validator = Validator(con)
    yield from check_raw(con, lambda: validator, run_id="benchmark").values()
    yield from build_models(con, load_models(), period, validator=validator, run_id="benchmark").validations


def _weeks(period: Period) -> Iterator[IsoWeek]:
    week = IsoWeek.of(period.since)
    while week.start < period.until:
        yield week
        week = week.next()


def table(results: Sequence[Quiet]) -> str:
    """The results as a Markdown table."""
    lines = [
        "| scenario | seeds | weeks | refused | blocked | warnings a week | which |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.scenario} | {r.seeds} | {r.weeks} | {r.refused} | {r.blocked} | {r.warnings_a_week:.2f} "
        f"| {'; '.join(f'{name} {times}×' for name, times in sorted(r.warned.items())) or 'none'} |"
        for r in results
    ]
    return "\n".join(lines)
