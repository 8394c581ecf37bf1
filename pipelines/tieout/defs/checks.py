"""Expectations as asset checks: one for each, named by its sentence, blocking when it is critical."""

from collections.abc import Iterator
from functools import cache

import dagster as dg

from tieout.core.findings import Severity
from tieout.defs.metadata import rows_as_table
from tieout.validation.results import ExpectationOutcome, ValidationResult
from tieout.validation.suites import load_suite

PROGRAMME = dg.AssetKey(["catalog", "programme"])
"""The asset of the tables of the catalog."""


def table_key(table: str) -> dg.AssetKey:
    """The asset of a table of the warehouse, `spend.hourly`."""
    return dg.AssetKey(table.split("."))


@cache
def check_specs(table: str) -> tuple[dg.AssetCheckSpec, ...]:
    """Declare the checks of a table of the warehouse, one for each expectation of its suite."""
    suite = load_suite(table)
    return tuple(
        dg.AssetCheckSpec(
            name=expectation.check_name,
            asset=table_key(suite.table),
            description=expectation.name,
            blocking=expectation.severity is Severity.CRITICAL,
            metadata={"suite": f"{suite.file}:{expectation.line}"},
        )
        for expectation in suite.expectations
    )


def check_results(validation: ValidationResult) -> Iterator[dg.AssetCheckResult]:
    """Say how the rows stood up to every expectation, as an asset does."""
    for outcome in judged(validation):
        yield dg.AssetCheckResult(
            asset_key=table_key(validation.suite.table),
            check_name=outcome.expectation.check_name,
            passed=outcome.success,
            severity=_severity(outcome),
            description=_said(outcome),
            metadata=_metadata(outcome),
        )


def check_evaluations(validation: ValidationResult) -> Iterator[dg.AssetCheckEvaluation]:
    """Say how the rows stood up to every expectation, as an event."""
    for outcome in judged(validation):
        yield dg.AssetCheckEvaluation(
            asset_key=table_key(validation.suite.table),
            check_name=outcome.expectation.check_name,
            passed=outcome.success,
            severity=_severity(outcome),
            description=_said(outcome),
            metadata=_metadata(outcome),
            blocking=outcome.expectation.severity is Severity.CRITICAL,
        )


def judged(validation: ValidationResult) -> list[ExpectationOutcome]:
    """Return what was found. That something holds for no row at all says nothing, and is not shown as a success."""
    return [outcome for outcome in validation.outcomes if outcome.checked_rows or not outcome.success]


def _said(outcome: ExpectationOutcome) -> str:
    """What is found; the sentence of a check that holds stands beside it, and is not repeated in every run."""
    return outcome.summary.removeprefix(f"{outcome.expectation.name}: ") if outcome.success else outcome.summary


def _severity(outcome: ExpectationOutcome) -> dg.AssetCheckSeverity:
    is_critical = outcome.expectation.severity is Severity.CRITICAL
    return dg.AssetCheckSeverity.ERROR if is_critical else dg.AssetCheckSeverity.WARN


def broken_rules(*validations: ValidationResult) -> str:
    """One sentence for each critical expectation that is broken."""
    return "; ".join(
        f"{validation.suite.table}: {outcome.summary}" for validation in validations for outcome in validation.blocking
    )


def _metadata(outcome: ExpectationOutcome) -> dict[str, dg.MetadataValue]:
    """Counts, which the UI plots over time, and what is wrong."""
    metadata: dict[str, dg.MetadataValue] = {
        "checked_rows": dg.MetadataValue.int(outcome.checked_rows),
        "unexpected_rows": dg.MetadataValue.int(outcome.unexpected_rows),
    }
    if outcome.observed is not None:
        metadata["observed"] = dg.MetadataValue.text(outcome.observed)
    if outcome.sample:
        metadata["sample"] = rows_as_table(outcome.sample)
    return metadata
