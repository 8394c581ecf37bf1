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
from pipelines.core.catalog import Catalog, load_catalog
from pipelines.core.findings import Severity
from pipelines.core.periods import IsoWeek
from pipelines.core.resources import resource_path
from pipelines.simulator import SCENARIOS, simulate
from pipelines.sources import create_raw_schema, load_landing
from pipelines.warehouse.build import Period, build_model
from pipelines.warehouse.catalog_tables import write_catalog
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.models import load_models
from pipelines.warehouse.raw_checks import check_raw
from pipelines.warehouse.validation import ValidationResult, Validator

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
        blocked: critical expectations that were broken.
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


def measure(scenario: str, *, seeds: Sequence[int], weeks: int) -> Quiet:
    """Simulate so many workspaces, build each as a whole, and count what is said."""
    refused, blocked = 0, 0
    warned: Counter[str] = Counter()
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory:
            out = Path(directory)
            summary = simulate(SCENARIOS[scenario], seed=seed, weeks=weeks, out=out)
            period = Period(summary.period_start.date(), summary.period_end.date())
            with open_warehouse(out / "warehouse.duckdb") as con:
                catalog = load_catalog(resource_path("catalog"))
                create_raw_schema(con)
                write_catalog(con, catalog)
                refused += len(load_landing(con, out / "landing", now=summary.period_end + SOON).rejected)
                validations = list(_validations(con, period))
                blocked += len(broken(validations, Severity.CRITICAL))
                warned.update(broken(validations, Severity.WARNING))
                warned.update(_weekly(con, period, catalog))
    false = {name: times for name, times in warned.items() if name not in TRUE}
    return Quiet(scenario, len(seeds), len(seeds) * weeks, refused, blocked, false)


def _validations(con: duckdb.DuckDBPyConnection, period: Period) -> Iterator[ValidationResult]:
    validator = Validator(con)
    yield from check_raw(con, validator, run_id="benchmark").values()
    for model in load_models():
        yield build_model(con, model, period, validator=validator, run_id="benchmark").validation


def _weekly(con: duckdb.DuckDBPyConnection, period: Period, catalog: Catalog) -> Iterator[str]:
    week = IsoWeek.of(period.since)
    while week.start < period.until:
        yield from noticed(con, week, catalog)
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
