"""Running the jobs in this process, for the command line: recorded in the workspace's instance like any other run."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import dagster as dg

from tieout.core.periods import IsoWeek
from tieout.defs import jobs
from tieout.defs.calendar import week_key, week_of
from tieout.defs.checks import table_key
from tieout.defs.finance import PUBLISHED
from tieout.defs.instance import LOCATION
from tieout.defs.reports import HEADLINE, WEEKLY_REPORT
from tieout.warehouse.models import all_models, reported_models

if TYPE_CHECKING:
    from dagster_shared.error import SerializableErrorInfo

_PROCESS = "tieout/process"
_INTERRUPTED = dg.DagsterExecutionInterruptedError.__name__

# The event log has everything; the terminal belongs to the command.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class BrokenRule:
    """A critical expectation that the data of a run broke."""

    table: str
    summary: str


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended.

    Attributes:
        broken: the critical expectations that stopped it; empty when the data passed.
        error: what else stopped it; None when nothing did.
        headlines: what each report that it made says first, in lines.
    """

    broken: tuple[BrokenRule, ...]
    error: str | None
    headlines: Mapping[IsoWeek, str] = field(default_factory=dict)

    @property
    def success(self) -> bool:
        """Whether everything was built."""
        return not self.broken and self.error is None


def end_lost_runs(instance: dg.DagsterInstance) -> None:
    """Record as failed the runs of processes that were killed; else they would seem to go on, and block others."""
    unfinished = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED])
    for run in instance.get_runs(unfinished):
        process = run.tags.get(_PROCESS)
        if process is not None and not _is_alive(int(process)):
            instance.report_run_failed(run, message="The process of this run was ended from outside.")


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def run_load(definitions: dg.Definitions, instance: dg.DagsterInstance) -> RunOutcome:
    """Load what is new in the landing folder."""
    job = definitions.resolve_job_def(jobs.load.name)
    return _outcome(job.execute_in_process(instance=instance, tags=_own(), run_config=_QUIET, raise_on_error=False))


def run_weeks(definitions: dg.Definitions, instance: dg.DagsterInstance, first: IsoWeek, last: IsoWeek) -> RunOutcome:
    """Build every table for consecutive weeks from what is loaded, and write their reports."""
    tables = [table_key(model.name) for model in all_models()]
    return _run(definitions, instance, [*tables, WEEKLY_REPORT], _weeks(first, last))


def run_reports(definitions: dg.Definitions, instance: dg.DagsterInstance, first: IsoWeek, last: IsoWeek) -> RunOutcome:
    """Measure consecutive weeks and write their reports, from the spend as it is."""
    return _run(definitions, instance, _reported_assets(), _weeks(first, last))


def run_publishing(definitions: dg.Definitions, instance: dg.DagsterInstance) -> RunOutcome:
    """Write finance's file anew from the tables as they are."""
    return _run(definitions, instance, [PUBLISHED], {})


def reported_and_published_assets() -> list[dg.AssetKey]:
    """What is made anew when only a report has changed: the measured tables that it shows, itself, finance's file."""
    return [*_reported_assets(), PUBLISHED]


def _reported_assets() -> list[dg.AssetKey]:
    return [*(table_key(model.name) for model in reported_models()), WEEKLY_REPORT]


def _run(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    assets: Sequence[dg.AssetKey],
    weeks: Mapping[str, str],
) -> RunOutcome:
    result = definitions.resolve_job_def(jobs.week.name).execute_in_process(
        instance=instance,
        asset_selection=assets,
        tags={**_own(), **weeks},
        run_config=_QUIET,
        raise_on_error=False,
    )
    return _outcome(result)


def _weeks(first: IsoWeek, last: IsoWeek) -> dict[str, str]:
    return {"dagster/asset_partition_range_start": week_key(first), "dagster/asset_partition_range_end": week_key(last)}


def _own() -> dict[str, str]:
    """Tag a run with its process, and with the code location of the UI, which counts it to the job's history then."""
    return {_PROCESS: str(os.getpid()), ".dagster/repository": f"__repository__@{LOCATION}"}


def _outcome(result: dg.ExecuteInProcessResult) -> RunOutcome:
    """Tell how a run ended.

    Raises:
        KeyboardInterrupt: it was stopped by a signal, which Dagster records and swallows.
    """
    if result.success:
        return RunOutcome(broken=(), error=None, headlines=dict(_headlines(result)))
    if any(error is not None and error.cls_name == _INTERRUPTED for error in _errors(result)):
        raise KeyboardInterrupt
    broken = tuple(
        BrokenRule(".".join(check.asset_key.path), check.description or check.check_name)
        for check in result.get_asset_check_evaluations()
        if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR
    )
    return RunOutcome(broken=broken, error=None if broken else _error(result))


def _headlines(result: dg.ExecuteInProcessResult) -> Iterator[tuple[IsoWeek, str]]:
    for event in result.all_events:
        if event.is_step_materialization and event.asset_key == WEEKLY_REPORT:
            made = event.step_materialization_data.materialization
            yield week_of(made.partition or ""), str(made.metadata[HEADLINE].value).replace("\n\n", "\n")


def _error(result: dg.ExecuteInProcessResult) -> str:
    for error in _errors(result):
        while error is not None and error.cause is not None:
            error = error.cause
        if error is not None:
            return error.message.strip()
    return "the run failed; `tieout ui` shows where"


def _errors(result: dg.ExecuteInProcessResult) -> "list[SerializableErrorInfo | None]":
    errors = [event.step_failure_data.error for event in result.all_events if event.is_step_failure]
    return errors + [event.job_failure_data.error for event in result.all_events if event.is_job_failure]
