"""The run that brings a workspace up to date: one step, for the command line and for Dagster's UI and sensors.

The step hands the whole pass to the façade and records what it did (`record.py`). On the command line the run executes
in its process, on the workspace that it has open, and the record is where that of every other run is.
"""

import datetime as dt
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import dagster as dg

from tieout.core.errors import TieoutError
from tieout.core.periods import IsoWeek
from tieout.defs.instance import open_instance
from tieout.defs.record import RunRecord
from tieout.defs.retention import forget_old_record
from tieout.defs.workspace import OpenWorkspace, open_workspace, sharing
from tieout.workspace import GateError, Update, Workspace

if TYPE_CHECKING:
    from dagster_shared.error import SerializableErrorInfo

RUN = "run"
STARTED_BY = "tieout/started_by"
_PROCESS = "tieout/process"
_INTERRUPTED = dg.DagsterExecutionInterruptedError.__name__
_DESCRIPTION = "Load what is new, build the weeks that it changes, write their reports, and publish: `tieout run`."

# The event log has everything; the terminal belongs to the command.
_QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}


class RunError(TieoutError):
    """A run failed for another reason than the data."""


@dataclass
class _Outcome:
    """What the step of a run in this process came to."""

    updates: list[Update] = field(default_factory=list)
    refusals: list[GateError] = field(default_factory=list)


def _graph(outcome: _Outcome) -> dg.GraphDefinition:
    """The one step; a run in this process finds in `outcome` what came of it."""

    @dg.op(
        name="bring_up_to_date",
        description=_DESCRIPTION,
        config_schema={
            "week": dg.Field(dg.Noneable(str), is_required=False, description="Build this week only: 2026-W46."),
            "all_weeks": dg.Field(bool, default_value=False, description="Build every week, changed or not."),
        },
        out={},
        pool="warehouse",
    )
    def bring_up_to_date(context: dg.OpExecutionContext, workspace: OpenWorkspace) -> Iterator[None]:
        week = context.op_config.get("week")
        try:
            update = workspace.update(
                None if week is None else IsoWeek.parse(week),
                all_weeks=context.op_config["all_weeks"],
                listener=RunRecord(context, workspace),
            )
        except GateError as error:
            outcome.refusals.append(error)
            raise dg.Failure(f"{error} See quarantine.rows.", allow_retries=False) from None
        outcome.updates.append(update)
        forget_old_record(context.instance, workspace.catalog.settings.record_days, now=dt.datetime.now(dt.UTC))
        yield from ()  # nothing is handed on, so no output is recorded

    @dg.graph(name=RUN, description=_DESCRIPTION)
    def run() -> None:
        bring_up_to_date()

    return run


run = _graph(_Outcome()).to_job(name=RUN, description=_DESCRIPTION, tags={STARTED_BY: "dagster"})


def run_update(workspace: Workspace, only: IsoWeek | None, *, all_weeks: bool) -> Update:
    """Bring a workspace that is open up to date, in a run of its Dagster instance.

    Raises:
        GateError: the data break a critical rule.
        RunError: what else stopped it.
        KeyboardInterrupt: it was stopped by a signal, which Dagster records and swallows.
    """
    outcome = _Outcome()
    resource = open_workspace(workspace.home, workspace.catalog_directory)
    job = _graph(outcome).to_job(name=RUN, description=_DESCRIPTION, resource_defs={"workspace": resource})
    asked = {"week": None if only is None else only.label, "all_weeks": all_weeks}
    with open_instance(workspace.home) as instance, sharing(workspace):
        end_lost_runs(instance)
        result = job.execute_in_process(
            instance=instance,
            tags=_own(),
            run_config={"loggers": _QUIET, "ops": {"bring_up_to_date": {"config": asked}}},
            raise_on_error=False,
        )
    if result.success:
        return outcome.updates[-1]
    if any(error is not None and error.cls_name == _INTERRUPTED for error in _errors(result)):
        raise KeyboardInterrupt
    raise outcome.refusals[-1] if outcome.refusals else RunError(_error(result))


def end_lost_runs(instance: dg.DagsterInstance) -> None:
    """Record as failed the runs of processes that were killed; else they would seem to go on, and block others."""
    unfinished = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED])
    for lost in instance.get_runs(unfinished):
        process = lost.tags.get(_PROCESS)
        if process is not None and not _is_alive(int(process)):
            instance.report_run_failed(lost, message="The process of this run was ended from outside.")


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _own() -> dict[str, str]:
    """Tag a run with who started it, and with its process."""
    return {
        STARTED_BY: "command line",
        _PROCESS: str(os.getpid()),
    }


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
