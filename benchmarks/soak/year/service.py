"""What the service does on a day: the jobs that its schedules ask for, on the instance of the workspace."""

import datetime as dt
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from unittest.mock import patch

import dagster as dg
import duckdb
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import InProcessCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from benchmarks.soak.clock import Clock
from tieout.catalog.load import load_catalog
from tieout.core.home import Home
from tieout.definitions import definitions_of
from tieout.defs.instance import open_instance
from tieout.defs.pull import PULLED
from tieout.defs.retention import forget_old_record
from tieout.defs.storage import LOCATION, recorded_together, report
from tieout.validation.results import ExpectationOutcome, ValidationResult
from tieout.validation.runner import Validator
from tieout.validation.suites import Suite

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_OUTCOMES = {dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_CHECK_EVALUATION}
_SECOND = dt.timedelta(seconds=1)


@dataclass
class Service:
    """A workspace, its instance of the day, and the clock."""

    home: Home
    catalog: Path
    instance: dg.DagsterInstance
    clock: Clock

    @cached_property
    def definitions(self) -> dg.Definitions:
        """As the service loads them."""
        return definitions_of(self.home, self.catalog)

    def pulled(self) -> None:
        """Record a pull, as the job of that name does."""

        @dg.op(name="pulled", out={})
        def pulled(context: dg.OpExecutionContext) -> Iterator[None]:
            context.log_event(dg.AssetMaterialization(PULLED))
            yield from ()

        pull = dg.GraphDefinition(name="pull", node_defs=[pulled]).to_job(name="pull")
        self._recorded(pull.execute_in_process(instance=self.instance, run_config=_QUIET))

    def run(self, *, is_checked: bool) -> float:
        """Run the daily run, which the sensor asks for after a pull, and return its CPU seconds.

        Args:
            is_checked: validate what is built; else every check is recorded as one that holds.

        Raises:
            DagsterError: it fails.
        """
        used = time.process_time()
        with nullcontext() if is_checked else patch("tieout.validation.runner.Validator", _Trusting):
            self._execute("run")
        return time.process_time() - used

    def repeat(self) -> None:
        """Record a daily run with what the last one recorded, and forget what is old, as a run does."""
        [last] = self.instance.get_runs(dg.RunsFilter(job_name="run"), limit=1)
        made = [event.dagster_event for event in self.instance.all_logs(last.run_id, of_type=_OUTCOMES)]
        days = load_catalog(self.catalog).settings.record_days

        @dg.op(name="bring_up_to_date", out={})
        def again(context: dg.OpExecutionContext) -> Iterator[None]:
            with recorded_together(context.instance):
                report(context, [_outcome(event) for event in made if event is not None])
            forget_old_record(context.instance, days, now=self.clock.now)
            yield from ()

        job = dg.GraphDefinition(name="run", node_defs=[again]).to_job(name="run")
        self._recorded(job.execute_in_process(instance=self.instance, run_config=_QUIET))

    def tick(self, name: str) -> list[dg.ExecuteInProcessResult]:
        """Let a schedule look, and run what it asks for; a run that fails shows in its result."""
        schedule = self.definitions.resolve_schedule_def(name)
        context = dg.build_schedule_context(
            self.instance,
            scheduled_execution_time=self.clock.now,
            repository_def=self.definitions.get_repository_def(),
        )
        with context:
            data = schedule.evaluate_tick(context)
        asked = data.run_requests or []
        results = [self._execute(schedule.job_name, request.partition_key, must_succeed=False) for request in asked]
        ids = [result.run_id for result in results]
        self._ticked(_state(name, InstigatorType.SCHEDULE), data.skip_message, ids)
        return results

    def idle_ticks(self, name: str, kind: InstigatorType, every: dt.timedelta) -> None:
        """Record the ticks of a day in which a schedule or sensor asks for nothing, and forget those of other days.

        The daemon does the same, but one by one.
        """
        self._ticked(_state(name, kind), "Nothing is new.", [])
        with closing(sqlite3.connect(self.home.dagster / "schedules" / "schedules.db")) as con, con:
            [(row,)] = con.execute(
                "select max(id) from job_ticks where selector_id = ?", (_state(name, kind).selector_id,)
            )
            moments = [self.clock.now - number * every for number in range(1, dt.timedelta(days=1) // every)]
            con.executemany(
                "insert into job_ticks (job_origin_id, selector_id, status, type, timestamp, tick_body)"
                " select job_origin_id, selector_id, status, type, ?, tick_body from job_ticks where id = ?",
                [(f"{moment:%Y-%m-%d %H:%M:%S}", row) for moment in moments],
            )
        for status, days in self.instance.get_tick_retention_settings(kind).items():
            if days > 0:
                state, before = _state(name, kind), self.clock.now - days * dt.timedelta(days=1)
                self.instance.purge_ticks(
                    state.instigator_origin_id, state.selector_id, before.timestamp(), tick_statuses=[status]
                )

    def _execute(
        self, job: str, partition: str | None = None, *, must_succeed: bool = True
    ) -> dg.ExecuteInProcessResult:
        result = self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance, partition_key=partition, raise_on_error=must_succeed, run_config=_QUIET
        )
        return self._recorded(result)

    def _recorded(self, result: dg.ExecuteInProcessResult) -> dg.ExecuteInProcessResult:
        """Have the record say that a run was on its day: SQLite, which writes the time, knows the machine's only."""
        now = f"{self.clock.now:%Y-%m-%d %H:%M:%S.%f}"
        with closing(sqlite3.connect(self.home.dagster / "history" / "runs.db")) as con, con:
            con.execute("update runs set create_timestamp = ? where run_id = ?", (now, result.run_id))
        self.clock.now += _SECOND
        return result

    def _ticked(self, state: InstigatorState, skipped: str | None, run_ids: list[str]) -> None:
        if self.instance.get_instigator_state(state.instigator_origin_id, state.selector_id) is None:
            self.instance.add_instigator_state(state)
        self.instance.create_tick(
            TickData(
                instigator_origin_id=state.instigator_origin_id,
                instigator_name=state.instigator_name,
                instigator_type=state.instigator_type,
                status=TickStatus.SUCCESS if run_ids else TickStatus.SKIPPED,
                timestamp=self.clock.now.timestamp(),
                selector_id=state.selector_id,
                skip_reason=skipped,
                run_ids=run_ids,
            )
        )


class _Trusting(Validator):
    """Says of every rule that it holds, and looks at nothing."""

    def __init__(self, _: duckdb.DuckDBPyConnection) -> None: ...

    def validate(self, suite: Suite, **_: object) -> ValidationResult:
        outcomes = tuple(ExpectationOutcome(each, success=True, checked_rows=1) for each in suite.expectations)
        return ValidationResult(suite=suite, checked_rows=1, outcomes=outcomes)


def _outcome(event: dg.DagsterEvent) -> dg.AssetMaterialization | dg.AssetCheckEvaluation:
    data = event.event_specific_data
    if isinstance(data, dg.AssetCheckEvaluation):
        return data
    return event.step_materialization_data.materialization


def _state(name: str, kind: InstigatorType) -> InstigatorState:
    location = InProcessCodeLocationOrigin(
        loadable_target_origin=LoadableTargetOrigin(module_name="tieout.definitions"), location_name=LOCATION
    )
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), name)
    data = SensorInstigatorData() if kind is InstigatorType.SENSOR else ScheduleInstigatorData(cron_schedule="")
    return InstigatorState(origin, kind, InstigatorStatus.DECLARED_IN_CODE, data)


@contextmanager
def serving(home: Home, catalog: Path, clock: Clock) -> Iterator[Service]:
    """Open the instance of a workspace."""
    with open_instance(home) as instance:
        yield Service(home, catalog, instance, clock)
