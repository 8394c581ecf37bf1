"""Where Dagster's record is kept: in Dagster's own files, which its own storages can read, too.

Dagster keeps each evaluation of a check three times, and each materialization with all columns that it is made of. A
run has some hundred of them, so `CompactEvents` keeps each where it is read; UI, daemon and their runs use it. Dagster
also makes an engine and a connection for every statement, and commits after each. So the runs of the command line use
`KeptEvents` and `KeptRuns`, which keep the connections, and commit a whole batch.

Dagster offers its storages to configuration and not to Python. So everything that leans on its inside is in this
module: the classes, the methods that hand out their connections, and what a deleted run leaves behind; what the text
of an event has is in `event_texts`.
`tests/dagster/instance_test.py` and `retention_test.py` notice when that changes.
"""

import logging
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from pathlib import Path
from threading import RLock
from typing import Any, Self

import dagster as dg
import sqlalchemy
from alembic.config import Config
from alembic.script import ScriptDirectory
from dagster._core.events import StepMaterializationData
from dagster._core.events.log import EventLogEntry
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable as EventLogs
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData

from tieout.defs.event_texts import LINEAGE, shortened, without_counts, without_lineage

LOCATION = "tieout"
"""What the UI calls the definitions."""

_REPOSITORY = "__repository__"  # as Dagster calls the definitions of a location
_EVALUATION = dg.DagsterEventType.ASSET_CHECK_EVALUATION
_MATERIALIZATION = dg.DagsterEventType.ASSET_MATERIALIZATION
_PAGE_BYTES = 512
_read_migrations, _migrations = ScriptDirectory.from_config, dict[str | None, ScriptDirectory]()


def _migrations_read_once(config: Config) -> ScriptDirectory:
    """Read a folder of migrations once in a process; Dagster does for every file of a run, and takes 60 ms for it."""
    folder = config.get_main_option("script_location")
    if folder not in _migrations:
        _migrations[folder] = _read_migrations(config)
    return _migrations[folder]


ScriptDirectory.from_config = _migrations_read_once  # type: ignore[method-assign]


class _Connections:
    """One engine for each file, with its connection and every statement it has compiled, until it is closed.

    SQLite hands its commits to the operating system and does not wait for the disk. A crash of the machine may lose the
    last events of the log, never anything of the warehouse.
    """

    def __init__(self) -> None:
        self._engines: dict[str, sqlalchemy.Engine] = {}
        self._held: dict[str, sqlalchemy.Connection] = {}
        self._batch: ExitStack | None = None
        self._lock = RLock()

    @contextmanager
    def transaction(self, url: str) -> Iterator[sqlalchemy.Connection]:
        """A connection in a transaction: that of the batch, or one for this block."""
        with self._lock:
            if self._batch is None:
                with self._engine(url).begin() as con:
                    yield con
                return
            if url not in self._held:
                self._held[url] = self._batch.enter_context(self._engine(url).begin())
            yield self._held[url]

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Commit at the end of this block, and not before."""
        with self._lock:
            if self._batch is not None:
                yield
                return
            with ExitStack() as self._batch:
                try:
                    yield
                finally:
                    self._held.clear()
                    self._batch = None

    def close(self) -> None:
        """Close every connection."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()

    def _engine(self, url: str) -> sqlalchemy.Engine:
        if url not in self._engines:
            options = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False}
            self._engines[url] = sqlalchemy.create_engine(url, poolclass=sqlalchemy.QueuePool, connect_args=options)
            sqlalchemy.event.listen(self._engines[url], "connect", _commit_without_waiting)
        return self._engines[url]


def _commit_without_waiting(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("pragma synchronous = normal")


class CompactEvents(SqliteEventLogStorage):
    """The events, in one file for each run and one index of all; each stands where Dagster looks for it, and once."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        """Make the storage that the configuration names."""
        return cls(inst_data=inst_data, **config_value)

    def run_connection(self, run_id: str | None = None) -> Any:
        """The file of a run; Dagster makes what it does not find in it."""
        _make_with_small_pages(Path(self.path_for_shard(run_id or "")))
        return super().run_connection(run_id or "")

    def batch(self) -> AbstractContextManager[None]:
        """Commit each statement of this block by itself."""
        return nullcontext()

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events in one transaction; what a run has made and checked, of which there is most, all at once."""
        kinds: dict[object, list[EventLogEntry]] = {}
        for event in events:
            kinds.setdefault(event.dagster_event_type if event.run_id else None, []).append(event)
        with self.batch():
            self._store_evaluations(kinds.pop(_EVALUATION, ()))
            self._store_materializations(kinds.pop(_MATERIALIZATION, ()))
            for event in (event for others in kinds.values() for event in others):
                self.store_event(event)

    def _store_evaluations(self, events: Sequence[EventLogEntry]) -> None:
        """Store evaluations of one run that planned none: Dagster would look for the plan of each.

        The run has the events, with the sentence alone where a check holds; in the index of all runs, where Dagster
        keeps each twice, only the row of the check has it. The UI and the daemon read the evaluations of all runs there
        and nowhere else.
        """
        if not events:
            return
        rows = [self._event_to_row(event) for event in events]
        with self.run_connection(events[0].run_id) as con:
            con.execute(EventLogs.insert(), [row | {"event": without_counts(row["event"])} for row in rows])
        with self.index_connection() as con:
            newest = con.execute(sqlalchemy.select(sqlalchemy.func.max(EventLogs.c.id))).scalar_one()
            evaluated = [_evaluated(newest or 0, event, row) for event, row in zip(events, rows, strict=True)]
            con.execute(AssetCheckExecutionsTable.insert(), evaluated)

    def _store_materializations(self, events: Sequence[EventLogEntry]) -> None:
        """Store materializations of one run; which columns a table is made of stands with its newest one only.

        The row of an asset has its newest one, so of a table's weeks only the last one is written there.
        """
        if not events:
            return
        rows = [self._event_to_row(event) for event in events]
        with self.run_connection(events[0].run_id) as con:
            con.execute(EventLogs.insert(), [row | {"event": without_lineage(row["event"])} for row in rows])
        with self.index_connection() as con:
            last = {row["asset_key"]: place for place, row in enumerate(rows) if LINEAGE in row["event"]}
            for asset_key in last:
                _take_lineage_from_newest(con, asset_key)
            newest = {row["asset_key"]: place for place, row in enumerate(rows)}
            for place, (event, row) in enumerate(zip(events, rows, strict=True)):
                text = row["event"] if place == last.get(row["asset_key"]) else without_lineage(row["event"])
                [number] = con.execute(EventLogs.insert().returning(EventLogs.c.id), row | {"event": text}).one()
                if place == newest[row["asset_key"]]:
                    self._store_asset_event(con, event, number)

    def _event_to_row(self, event: EventLogEntry) -> dict[str, Any]:
        """Say what is stored of an event: its text without what Dagster assumes where nothing is said."""
        row = super()._event_to_row(event)
        return row | {"event": shortened(row["event"])}


def _make_with_small_pages(file: Path) -> None:
    """Make the file of a run that has none: its two dozen tables and indexes take a page each, and most stay empty."""
    if not file.exists():
        with closing(sqlite3.connect(file, timeout=SQLITE_BUSY_TIMEOUT_SECONDS)) as con:
            con.execute(f"pragma page_size = {_PAGE_BYTES}")
            con.execute("vacuum")


class KeptEvents(CompactEvents):
    """The same, over connections that stay open until it is closed."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Open nothing of our own yet; Dagster makes the index if there is none."""
        self._connections = _Connections()
        self._complete: set[str | None] = set()
        self._tables: set[str] = set()
        self._columns_of_assets: set[str] = set()
        super().__init__(base_dir, inst_data)

    @contextmanager
    def run_connection(self, run_id: str | None = None) -> Iterator[sqlalchemy.Connection]:
        """The file of a run, which Dagster makes when it is asked for first."""
        if run_id not in self._complete:
            with super().run_connection(run_id):
                self._complete.add(run_id)
        with self._connections.transaction(self.conn_string_for_shard(run_id or "")) as con:
            yield con

    @contextmanager
    def index_connection(self) -> Iterator[sqlalchemy.Connection]:
        """The index of all runs."""
        with self.run_connection("index") as con:
            yield con

    def has_table(self, table_name: str) -> bool:
        """Tell whether the index has a table; Dagster asks for every check that it records."""
        if table_name not in self._tables:
            with self.index_connection() as con:
                self._tables |= set(sqlalchemy.inspect(con).get_table_names())
        return table_name in self._tables

    def _has_asset_key_col_on_connection(self, conn: sqlalchemy.Connection, column_name: str) -> bool:
        """Tell whether the row of an asset has a column; Dagster asks for every materialization that it records."""
        if column_name not in self._columns_of_assets and super()._has_asset_key_col_on_connection(conn, column_name):
            self._columns_of_assets.add(column_name)
        return column_name in self._columns_of_assets

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Commit what is recorded in this block at its end."""
        with self._connections.batch():
            yield

    def dispose(self) -> None:
        """Close the files."""
        self._connections.close()
        super().dispose()


def _take_lineage_from_newest(con: sqlalchemy.Connection, asset_key: str) -> None:
    """Take the lineage out of what is the newest materialization of a table until another one is stored."""
    columns = EventLogs.c
    of_the_table = (columns.asset_key == asset_key, columns.dagster_event_type == _MATERIALIZATION.value)
    newest = sqlalchemy.select(columns.id, columns.event).where(*of_the_table).order_by(columns.id.desc()).limit(1)
    for number, event in con.execute(newest).all():
        if LINEAGE in event:
            con.execute(EventLogs.update().where(columns.id == number).values(event=without_lineage(event)))


def _evaluated(storage_id: int, event: EventLogEntry, row: Mapping[str, Any]) -> dict[str, object]:
    """The row of a check that was evaluated, as Dagster keeps it beside the event."""
    evaluation = event.get_dagster_event().event_specific_data
    assert isinstance(evaluation, dg.AssetCheckEvaluation)
    status = AssetCheckExecutionRecordStatus.SUCCEEDED if evaluation.passed else AssetCheckExecutionRecordStatus.FAILED
    return {
        "asset_key": evaluation.asset_key.to_string(),
        "check_name": evaluation.check_name,
        "run_id": event.run_id,
        "execution_status": status.value,
        "evaluation_event": row["event"],
        "evaluation_event_timestamp": row["timestamp"],
        "evaluation_event_storage_id": storage_id,
        "partition": evaluation.partition,
    }


class KeptRuns(SqliteRunStorage):
    """The runs, in one file."""

    def __init__(self, conn_string: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Open nothing yet."""
        self._connections = _Connections()
        self._url = conn_string
        super().__init__(conn_string, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "KeptRuns":
        """Make the storage that the configuration names."""
        return cls.from_local(inst_data=inst_data, **config_value)

    def add_run(self, dagster_run: dg.DagsterRun) -> dg.DagsterRun:
        """Add a run as one of the definitions that the UI serves: its timeline shows no others."""
        repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(LOCATION), _REPOSITORY)
        return super().add_run(dagster_run.with_job_origin(RemoteJobOrigin(repository, dagster_run.job_name)))

    @contextmanager
    def connect(self) -> Iterator[sqlalchemy.Connection]:
        """The file of all runs."""
        with self._connections.transaction(self._url) as con:
            yield con

    def dispose(self) -> None:
        """Close the file."""
        self._connections.close()
        super().dispose()


def report(context: dg.OpExecutionContext, events: Iterable[dg.AssetMaterialization | dg.AssetCheckEvaluation]) -> None:
    """Record what a step has made and checked, as events of its run.

    An op may log such events one by one; Dagster then repeats job, op, step and a sentence in every one of them, which
    takes most of the place that the record needs.
    """
    context.instance.event_log_storage.store_event_batch([_entry(context, event) for event in events])


def _entry(context: dg.OpExecutionContext, event: dg.AssetMaterialization | dg.AssetCheckEvaluation) -> EventLogEntry:
    kind: dg.DagsterEventType
    data: dg.AssetCheckEvaluation | StepMaterializationData
    if isinstance(event, dg.AssetCheckEvaluation):
        kind, data = _EVALUATION, event
    else:
        kind, data = dg.DagsterEventType.ASSET_MATERIALIZATION, StepMaterializationData(event)
    return EventLogEntry(  # type: ignore[no-untyped-call]
        error_info=None,
        level=logging.DEBUG,
        user_message="",
        run_id=context.run_id,
        timestamp=time.time(),
        step_key=context.op.name,
        job_name=context.job_name,
        dagster_event=dg.DagsterEvent(kind.value, context.job_name, step_key=context.op.name, event_specific_data=data),
    )


@contextmanager
def recorded_together(instance: dg.DagsterInstance) -> Iterator[None]:
    """Record what a block reports in one transaction, where the instance can; Dagster's own storages cannot."""
    storage = instance.event_log_storage
    if not isinstance(storage, CompactEvents):
        yield
        return
    with storage.batch():
        yield


def storages(folder: Path, *, is_kept_open: bool) -> Mapping[str, object]:
    """The part of an instance's configuration that names these classes, for the files that Dagster uses by itself.

    Args:
        folder: of the instance.
        is_kept_open: whether connections stay open: in a process that makes one run, and ends.
    """

    def storage(module: str, name: str, *parts: str) -> dict[str, object]:
        return {"module": module, "class": name, "config": {"base_dir": str(folder.joinpath(*parts))}}

    runs, events = (KeptRuns, KeptEvents) if is_kept_open else (SqliteRunStorage, CompactEvents)
    return {
        "run_storage": storage(runs.__module__, runs.__name__, "history"),
        "event_log_storage": storage(events.__module__, events.__name__, "history", "runs"),
        "schedule_storage": storage("dagster._core.storage.schedules", "SqliteScheduleStorage", "schedules"),
    }


def forget_files(instance: dg.DagsterInstance, run_id: str) -> None:
    """Delete what Dagster leaves behind of a run: its own file, and the evaluations of its checks."""
    storage = instance.event_log_storage
    if isinstance(storage, SqliteEventLogStorage):
        with storage.index_connection() as con:
            con.execute(AssetCheckExecutionsTable.delete().where(AssetCheckExecutionsTable.c.run_id == run_id))
        file = Path(storage.path_for_shard(run_id))
        for path in (file, *(file.with_name(f"{file.name}-{part}") for part in ("wal", "shm", "journal"))):
            path.unlink(missing_ok=True)
