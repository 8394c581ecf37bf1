"""What Dagster hears of a run: a materialization of every table that was built, an evaluation of every check that ran.

Nothing is planned, and nothing empty is recorded. What belongs to one transaction of the warehouse is recorded
together, after it, and begins with a line that sums it up.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

import dagster as dg

from tieout.core.findings import Severity
from tieout.core.periods import IsoWeek
from tieout.defs.calendar import show_weeks, write_calendar
from tieout.defs.checks import PROGRAMME, check_evaluations, judged, table_key
from tieout.defs.columns import lineage_metadata, write_columns
from tieout.defs.finance import PUBLISHED, published_metadata
from tieout.defs.landing import report_deliveries
from tieout.defs.metadata import build_metadata
from tieout.defs.raw import loaded_tables, programme_metadata, raw_metadata
from tieout.defs.reports import WEEKLY_REPORT, report_metadata
from tieout.defs.storage import recorded_together, report
from tieout.sources import LoadResult
from tieout.validation.results import ValidationResult
from tieout.warehouse.build import Build, BuildResult, Period
from tieout.warehouse.publish import PublishedFile
from tieout.warehouse.weeks import consecutive
from tieout.workspace import Issue, Listener, Work, Workspace

WEEK_TAG = "tieout/week"
WEEKS_TAG = "tieout/weeks"


class RunRecord(Listener):
    """Reports to the run of an op what it does to a workspace."""

    def __init__(self, context: dg.OpExecutionContext, workspace: Workspace) -> None:
        """Report nothing yet."""
        self._context = context
        self._workspace = workspace

    def loaded(self, result: LoadResult, validations: Mapping[str, ValidationResult]) -> None:
        """Record what was loaded, how it stood up to its suites, and the days that it was delivered for."""
        write_calendar(self._workspace.home, self._workspace.known_weeks())
        with recorded_together(self._context.instance):
            self._context.log.info(
                f"{result.loaded} new files with {result.rows:,} rows, {len(result.rejected)} refused; "
                f"{_checks(validations.values())}"
            )
            self._report(_evaluations(validations.values()))
            if all(validation.success for validation in validations.values()):
                report_deliveries(self._context.instance, result.changed)
                self._report(
                    dg.AssetMaterialization(
                        table_key(f"raw.{table}"), metadata=raw_metadata(self._workspace, table, result)
                    )
                    for table in loaded_tables(result)
                )

    def found(self, work: Work) -> None:
        """Show the weeks that there are, say why some are built, and tag the run with those that it is about."""
        show_weeks(self._context.instance, work.known)
        for why, group in itertools.groupby(work.build, key=work.reasons.__getitem__):
            for first, last in consecutive(tuple(group)):
                self._context.log.info(f"Reason to build {_span(sorted({first, last}))}: {why}")
        weeks = work.report
        if weeks:
            tags = {WEEK_TAG: weeks[-1].label, **({WEEKS_TAG: _span(weeks)} if len(weeks) > 1 else {})}
            self._context.instance.add_run_tags(self._context.run_id, tags)
        if work.build:
            self._report([dg.AssetMaterialization(PROGRAMME, metadata=programme_metadata(self._workspace.catalog))])

    def built(self, build: Build, period: Period) -> None:
        """Record how every table stood up to its suite, and what was built, if it was committed."""
        weeks = period.weeks()
        with recorded_together(self._context.instance):
            self._context.log.info(
                f"{_span(weeks)}: {len(build.tables)} tables {'built' if build.is_committed else 'refused'}; "
                f"{_checks(build.validations)}"
            )
            self._report(_evaluations(build.validations))
            if build.is_committed:
                write_columns(self._workspace.home, self._workspace.con)
                self._report(each for built in build.tables for each in self._weeks(built, period))

    def reported(self, issue: Issue) -> None:
        """Record a week's report."""
        partition = issue.report.week.label
        self._report([dg.AssetMaterialization(WEEKLY_REPORT, metadata=report_metadata(issue), partition=partition)])

    def published(self, file: PublishedFile) -> None:
        """Record finance's file."""
        self._report([dg.AssetMaterialization(PUBLISHED, metadata=published_metadata(file))])

    def _weeks(self, built: BuildResult, period: Period) -> Iterator[dg.AssetMaterialization]:
        metadata = build_metadata(built)
        weeks = period.weeks()
        for week in weeks:
            newest = lineage_metadata(built.model.name) if week == weeks[-1] else {}
            yield dg.AssetMaterialization(
                table_key(built.model.name),
                metadata={"dagster/row_count": dg.MetadataValue.int(built.rows_of(week)), **metadata, **newest},
                partition=week.label,
            )

    def _report(self, events: Iterable[dg.AssetMaterialization | dg.AssetCheckEvaluation]) -> None:
        report(self._context, events)


def _evaluations(validations: Iterable[ValidationResult]) -> Iterator[dg.AssetCheckEvaluation]:
    for validation in validations:
        yield from check_evaluations(validation)


def _checks(validations: Iterable[ValidationResult]) -> str:
    outcomes = [outcome for validation in validations for outcome in judged(validation)]
    broken = [outcome.expectation.severity for outcome in outcomes if not outcome.success]
    said = f"{len(outcomes) - len(broken)} of {len(outcomes)} checks hold"
    for severity, many in ((Severity.CRITICAL, "critical"), (Severity.WARNING, "warnings")):
        if number := broken.count(severity):
            said += f", {number} {many}"
    return said


def _span(weeks: Sequence[IsoWeek]) -> str:
    return weeks[0].label if len(weeks) == 1 else f"{weeks[0].label} to {weeks[-1].label}"
