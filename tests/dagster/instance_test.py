"""The Dagster instance of a workspace: what the runs of the command line write is what Dagster's own classes read."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy
from alembic.config import Config
from alembic.script import ScriptDirectory

from tieout.core.home import Home
from tieout.defs import storage
from tieout.defs.instance import complete_instance, open_instance
from tieout.defs.storage import recorded_together, report

KEY = dg.AssetKey(["spend", "hourly"])
CHECKS = [dg.AssetCheckKey(KEY, f"check_{number}") for number in range(3)]
WEEKS = ("2026-W42", "2026-W43")
LINEAGE = {
    "dagster/column_lineage": dg.MetadataValue.column_lineage(
        dg.TableColumnLineage({"hour": [dg.TableColumnDep(dg.AssetKey("bill"), "hour")]})
    )
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A workspace whose instance has all its tables."""
    home = Home(tmp_path_factory.mktemp("instance"))
    with open_instance(home) as instance:
        execute(instance)
    return home


def test_an_instance_has_its_tables_before_webserver_and_daemon_start_at_once(tmp_path: Path) -> None:
    folder = complete_instance(Home(tmp_path))
    for file in ("history/runs.db", "history/runs/index.db", "schedules/schedules.db"):
        engine = sqlalchemy.create_engine(f"sqlite:///{folder / file}")
        with engine.connect() as con:
            assert con.execute(sqlalchemy.text("select count(*) from alembic_version")).scalar_one() == 1
        engine.dispose()


def test_dagster_reads_its_migrations_where_they_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str | None] = []

    def reading(config: Config) -> ScriptDirectory:
        read.append(config.get_main_option("script_location"))
        return as_it_is(config)

    as_it_is = storage._read_migrations
    monkeypatch.setattr(storage, "_read_migrations", reading)
    monkeypatch.setattr(storage, "_migrations", {})
    for name in ("first", "second"):
        with open_instance(Home(tmp_path / name)):
            pass
    assert read, "Dagster reads its migrations in another way: what makes that once a process is of no use"
    assert len(read) == len(set(read))


@dg.op(out={})
def step(context: dg.OpExecutionContext) -> Iterator[None]:
    with recorded_together(context.instance):
        context.log.info("two weeks of one table")
        report(
            context, [dg.AssetCheckEvaluation(KEY, each.name, passed=each != CHECKS[1], metadata={}) for each in CHECKS]
        )
        report(
            context, [dg.AssetMaterialization(KEY, partition=week, metadata={"rows": 3, **LINEAGE}) for week in WEEKS]
        )
    yield from ()


@dg.job
def steps() -> None:
    step()


def execute(instance: dg.DagsterInstance) -> str:
    return steps.execute_in_process(instance=instance).run_id


@contextmanager
def watched_engines() -> Iterator[list[sqlalchemy.Engine]]:
    """Collect the engine of every connection that is used meanwhile."""
    engines: list[sqlalchemy.Engine] = []

    def used(connection: sqlalchemy.Connection) -> None:
        engines.append(connection.engine)

    sqlalchemy.event.listen(sqlalchemy.Engine, "engine_connect", used)
    try:
        yield engines
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "engine_connect", used)


@contextmanager
def watched_statements() -> Iterator[list[str]]:
    """Collect the text of every statement that is run meanwhile."""
    texts: list[str] = []

    def ran(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        texts.append(statement)

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", ran)
    try:
        yield texts
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", ran)


def seen(instance: dg.DagsterInstance, run_id: str) -> tuple[object, ...]:
    """What the UI asks for: the run, its events, the weeks of the table, the newest of each, and the checks."""
    storage = instance.event_log_storage
    recorded = storage.get_latest_asset_check_execution_by_key(CHECKS)
    newest = instance.get_latest_materialization_event(KEY)
    assert newest is not None and newest.asset_materialization is not None
    return (
        [record.dagster_run.status for record in instance.get_run_records()],
        [event.dagster_event_type for event in instance.all_logs(run_id) if event.dagster_event_type],
        instance.get_materialized_partitions(KEY),
        newest.asset_materialization.metadata,
        {key: (record.status, record.run_id) for key, record in recorded.items()},
        [storage.get_asset_check_execution_history(key, limit=9)[0].status for key in CHECKS],
    )


@contextmanager
def dagsters_own(home: Home) -> Iterator[dg.DagsterInstance]:
    """The same files, by the storages that Dagster uses where nothing else is configured."""
    (home.dagster / "plain.yaml").write_text("telemetry: {enabled: false}\n")
    with dg.DagsterInstance.from_config(str(home.dagster), "plain.yaml") as instance:
        assert type(instance.event_log_storage).__module__.startswith("dagster.")
        yield instance


@contextmanager
def of_the_service(home: Home) -> Iterator[dg.DagsterInstance]:
    """As the UI, its daemon, and the runs that it starts, open it."""
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        yield instance


Opening = Callable[[Home], AbstractContextManager[dg.DagsterInstance]]
OURS = pytest.mark.parametrize("opened", [open_instance, of_the_service])


@OURS
def test_dagster_reads_what_we_have_recorded(home: Home, opened: Opening) -> None:
    with opened(home) as instance:
        run_id = execute(instance)
        ours = seen(instance, run_id)
    for others in (dagsters_own, of_the_service, open_instance):
        with others(home) as instance:
            assert seen(instance, run_id) == ours


@OURS
def test_what_is_recorded_is_what_dagster_would_have_recorded(tmp_path: Path, opened: Opening) -> None:
    other = Home(tmp_path / "other")
    with open_instance(other):
        pass
    with dagsters_own(other) as instance:
        theirs = seen(instance, run_id := execute(instance))
    with opened(other) as instance:
        ours = seen(instance, run_of_ours := execute(instance))
    assert run_id != run_of_ours
    assert theirs[1:4] == ours[1:4]
    assert theirs[5] == ours[5]


@OURS
def test_nothing_is_kept_in_more_places_than_dagster_reads_it_from(home: Home, opened: Opening) -> None:
    with opened(home) as instance:
        run_id = execute(instance)
    runs = home.dagster / "history" / "runs"
    assert kept(runs / f"{run_id}.db", run_id) == {"ASSET_CHECK_EVALUATION": (3, 0), "ASSET_MATERIALIZATION": (2, 0)}
    assert kept(runs / "index.db", run_id) == {"ASSET_MATERIALIZATION": (2, 1)}
    with opened(home) as instance:
        execute(instance)
    assert kept(runs / "index.db", run_id) == {"ASSET_MATERIALIZATION": (2, 0)}


def test_an_older_week_that_is_built_with_the_newest_leaves_no_columns_of_the_run_before(home: Home) -> None:
    """Where columns are from stands with the newest week of a build, which is stored after the older ones."""

    @dg.op
    def build(context: dg.OpExecutionContext) -> None:
        older = dg.AssetMaterialization(KEY, partition=WEEKS[0])
        newest = dg.AssetMaterialization(KEY, partition=WEEKS[1], metadata=LINEAGE)
        report(context, [older, newest])

    built = dg.GraphDefinition(name="built", node_defs=[build]).to_job(name="built")
    with open_instance(home) as instance:
        before, after = (built.execute_in_process(instance=instance).run_id for _ in range(2))
    index = home.dagster / "history" / "runs" / "index.db"
    assert kept(index, before) == {"ASSET_MATERIALIZATION": (2, 0)}
    assert kept(index, after) == {"ASSET_MATERIALIZATION": (2, 1)}


def test_the_record_of_a_run_that_says_little_is_small(home: Home) -> None:
    with open_instance(home) as instance:
        run_id = execute(instance)
    assert (home.dagster / "history" / "runs" / f"{run_id}.db").stat().st_size <= 60_000


def kept(file: Path, run_id: str) -> dict[str, tuple[int, int]]:
    """Count what a file has of the tables and checks of a run, and how often it says where columns are from."""
    with contextlib.closing(sqlite3.connect(file)) as con:
        counted = con.execute(
            "select dagster_event_type, count(*), count(*) filter (where instr(event, 'TableColumnDep') > 0) "
            "from event_logs where run_id = ? and dagster_event_type like 'ASSET_%' group by 1",
            (run_id,),
        ).fetchall()
        return {kind: (events, lineages) for kind, events, lineages in counted}


def test_each_file_has_one_engine_however_many_events_are_written(home: Home) -> None:
    with open_instance(home) as instance:
        run_id = execute(instance)
        with watched_engines() as engines:
            for _ in range(2):
                seen(instance, run_id)
                instance.report_runless_asset_event(dg.AssetMaterialization(KEY, partition=WEEKS[0]))
    assert len(engines) > len(set(engines))
    assert len({engine.url for engine in engines}) <= len(set(engines)) <= 1 + len({engine.url for engine in engines})


def test_what_an_index_has_is_asked_once_however_many_tables_were_built(home: Home) -> None:
    with open_instance(home) as instance:
        execute(instance)
        with watched_statements() as statements:
            execute(instance)
    assert [text for text in statements if "asset_keys" in text]
    assert not [text for text in statements if "table_xinfo" in text and "asset_keys" in text]


def test_an_asset_row_has_the_newest_of_the_weeks_that_were_built_together(home: Home) -> None:
    with open_instance(home) as instance:
        with watched_statements() as statements:
            execute(instance)
        written = [text for text in statements if text.startswith(("UPDATE asset_keys", "INSERT INTO asset_keys"))]
        newest = instance.get_latest_materialization_event(KEY)
    assert 1 <= len(written) <= 2, "an insert, and an update where that finds the row of an earlier run"
    assert newest is not None and newest.asset_materialization is not None
    assert newest.asset_materialization.partition == WEEKS[-1]


def test_what_fails_half_way_is_not_recorded(home: Home) -> None:
    with open_instance(home) as instance:
        before = instance.get_latest_materialization_event(KEY)
        with pytest.raises(RuntimeError), recorded_together(instance):
            instance.report_runless_asset_event(dg.AssetMaterialization(KEY, partition=WEEKS[0]))
            raise RuntimeError
        assert instance.get_latest_materialization_event(KEY) == before
