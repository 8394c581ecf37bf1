"""One corruption on trial: a clean week lies behind, a corrupted one arrives, and somebody has to notice.

The workspace is two simulated weeks of CORAL-X with an invoice. The first is built once. Every trial copies it, lets
the second week arrive with the corruption in it, and runs load, build and gates as `tieout run` does, without Dagster.
"""

import datetime as dt
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import TypeAlias

import duckdb

from benchmarks.mutations.exports import Exports
from tests.support.loading import load_at
from tieout.catalog.load import load_catalog
from tieout.catalog.models import Catalog
from tieout.core.findings import Severity
from tieout.core.money import CENT
from tieout.core.periods import IsoWeek
from tieout.core.resources import resource_path
from tieout.measure.daily_work import measure
from tieout.measure.week_cents import read_week_cents
from tieout.report.inputs import days_of_week, states_of_landed_days
from tieout.report.sections.findings import read_findings
from tieout.report.sections.gates import read_gates
from tieout.report.sections.rollout import read_rollout
from tieout.report.sections.tie_out import GateOutcome, read_tie_out
from tieout.simulator import SCENARIOS, Scenario, simulate
from tieout.sources import create_raw_schema
from tieout.validation.raw_checks import check_raw
from tieout.validation.results import ValidationResult
from tieout.validation.runner import Validator
from tieout.warehouse.build import Period, build_models
from tieout.warehouse.catalog_tables import write_catalog
from tieout.warehouse.connection import open_warehouse
from tieout.warehouse.models import load_models

FIRST, SECOND = IsoWeek.parse("2026-W42"), IsoWeek.parse("2026-W43")
NOW = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
INVOICE = "invoices/2026-10.json"
SUMMARY = "billing_summary/2026-10.json"
# What is shown to finance or read by other programs is made of these.
BUILT_FLOORS = ("staging", "usage", "spend", "reconciliation", "savings")
RESULT = ("spend", "savings")

Corruption: TypeAlias = Callable[[Exports], None]
CONTROL_TOTAL = ("nothing but a control total",)
"""What a kind leads to that nobody can notice until the month's summary or the other report is there."""


@dataclass(frozen=True)
class Kind:
    """One kind of corruption.

    Attributes:
        name: what is wrong.
        where: which export or raw table it is in.
        change: does it to the landed files before they are loaded, or is a statement on the raw tables after it.
        leads_to: checks, gates, findings or reasons of refusal of which one has to notice, because its name leads a
            person to the cause. Empty where the figures must be what they are without the corruption.
    """

    name: str
    where: str
    change: Corruption | str
    leads_to: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """What a run said and what it left.

    Attributes:
        refused: files that were refused, with the reason.
        blocked: critical expectations that were broken, as `table: name`, and gates that block the week's report.
        warned: broken warnings, gates that warn, and findings.
        kept: tables that were to stay as they were, because something was blocked.
        disturbed: which of them are not what they were to the last byte, all the same.
        tables: a hash of the rows of every table that is built.
    """

    refused: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    disturbed: tuple[str, ...] = ()
    tables: Mapping[str, object] = field(default_factory=dict)

    @property
    def figures(self) -> Mapping[str, object]:
        """The hashes of the tables that everything is reported from."""
        return {name: digest for name, digest in self.tables.items() if name.partition(".")[0] in RESULT}


class Workspace:
    """The workspace with its first week built; see `arrive`."""

    def __init__(self, root: Path, scenario: Scenario = SCENARIOS["coral-x"]) -> None:
        """Simulate below `root`, and build the first week."""
        self._root = root
        self._catalog = load_catalog(resource_path("catalog"))
        simulate(scenario, seed=1, weeks=2, out=root)
        self._before: Mapping[str, object] = {}
        self._landing, self._waiting = root / "landing", root / "second"
        _write_invoice(self._landing)
        shutil.copytree(self._landing, self._waiting, copy_function=os.link)
        for path in self._landing.rglob("*"):
            if path.is_file() and _is_of_second_week(path):
                path.unlink()
        run = self._run(root, FIRST)
        self._before = run.tables
        if run.refused or run.blocked:
            raise RuntimeError(f"the clean first week is held up: {run.refused} {run.blocked}")

    def arrive(self, change: Corruption | str) -> Run:
        """Let the second week arrive with a corruption in it, in a copy of the workspace."""
        root = self._root / "trial"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(self._waiting, root / "landing", copy_function=os.link)
        shutil.copyfile(self._root / "warehouse.duckdb", root / "warehouse.duckdb")
        if isinstance(change, str):
            return self._run(root, SECOND, change)
        change(Exports(root / "landing"))
        return self._run(root, SECOND)

    def _run(self, root: Path, week: IsoWeek, *statements: str) -> Run:
        with open_warehouse(root / "warehouse.duckdb") as con:
            create_raw_schema(con)
            write_catalog(con, self._catalog)
            rejected = load_at(con, root / "landing", now=NOW).rejected
            if rejected:  # a file that is refused is named in every run until it is repaired
                return Run(refused=tuple(f"{file.path}: {file.reason}" for file in rejected))
            for statement in statements:
                con.execute(statement)
            validations, kept = _build(con, Period(week.start, week.end))
            blocked = broken(validations, Severity.CRITICAL)
            stopped, said = ((), ()) if blocked else noticed(con, week, self._catalog)
            after = _hashes(con)
        return Run(
            blocked=(*blocked, *stopped),
            warned=(*broken(validations, Severity.WARNING), *said),
            kept=tuple(kept),
            disturbed=tuple(name for name in kept if self._before.get(name) != after.get(name)),
            tables=after,
        )


def _write_invoice(landing: Path) -> None:
    """Write what the month comes to, by a summary that was read when the month was over."""
    Exports(landing).say(landing / SUMMARY, fetched_at="2026-11-02T02:00:00Z")
    summary = json.loads((landing / SUMMARY).read_bytes())
    invoice = {
        "number": "INV-2026-0010",
        "total": str(Decimal(summary["billed_cost"]).quantize(CENT, rounding=ROUND_HALF_UP)),
    }
    Exports(landing).edit(landing / INVOICE, json.dumps(invoice).encode())


def _is_of_second_week(file: Path) -> bool:
    """Whether an export, or its sidecar, came with the second week: its name holds the day, or the month, it is of."""
    return file.name[: len("2026-10-19")] >= f"{SECOND.start}" or file.name.startswith("2026-10.")


def _build(con: duckdb.DuckDBPyConnection, period: Period) -> tuple[list[ValidationResult], list[str]]:
    """Check the raw tables and build the others; return what was validated, and the tables that stayed as they were."""
    validator = Validator(con)
    validations = list(check_raw(con, lambda: validator, run_id="mutation").values())
    models = [model for model in load_models() if model.schema in BUILT_FLOORS]
    if not all(validation.success for validation in validations):
        return validations, [model.name for model in models]
    build = build_models(con, models, period, validator=validator, run_id="mutation")
    return [*validations, *build.validations], [] if build.is_committed else [model.name for model in models]


def broken(validations: Sequence[ValidationResult], severity: Severity) -> tuple[str, ...]:
    """The broken expectations of one severity, as `table: name`."""
    return tuple(
        f"{validation.suite.table}: {outcome.expectation.name}"
        for validation in validations
        for outcome in validation.failures
        if outcome.expectation.severity is severity
    )


def noticed(con: duckdb.DuckDBPyConnection, week: IsoWeek, catalog: Catalog) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the report of a week shows: the gates that block it, then the gates and findings that warn."""
    landed = states_of_landed_days(con, week)
    days = days_of_week(landed, week)
    gates = read_gates(con, week, tie_out=read_tie_out(con, week), days=days)
    measurement, _ = measure(con, week, catalog, lock=None)
    rollout = read_rollout(con, week, landed=landed.keys(), catalog=catalog, costs=read_week_cents(con, week))
    findings = read_findings(con, measurement, catalog=catalog, landed=landed, rollout=rollout)
    warnings = [finding for finding in findings if finding.severity is not Severity.INFO]
    blocking, warning = (
        tuple(f"{gate.code}: {gate.title}" for gate in gates if gate.outcome is outcome)
        for outcome in (GateOutcome.BLOCKED, GateOutcome.WARNING)
    )
    return blocking, (*warning, *(f"finding: {finding.code}" for finding in warnings))


def _hashes(con: duckdb.DuckDBPyConnection) -> dict[str, object]:
    """A hash of the rows of every table that is built, whatever their order; views have no rows of their own."""
    tables = con.execute(
        "select table_schema || '.' || table_name from information_schema.tables "
        "where table_type = 'BASE TABLE' and list_contains(?, table_schema)",
        [list(BUILT_FLOORS)],
    ).fetchall()
    return {name: con.execute(f"select count(*), sum(hash(t)) from {name} as t").fetchone() for (name,) in tables}
