"""What the command line says when the disk is full, a terminal is old, or somebody stops it."""

import datetime as dt
import io
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import duckdb
import pytest
import typer

from tests.conftest import Tieout
from tieout.cli.failures import ExitCode
from tieout.cli.messages import explain
from tieout.cli.stopping import stoppable
from tieout.core.home import Home
from tieout.measure.daily_work import landed_days
from tieout.warehouse.connection import WarehouseError, open_warehouse, read_warehouse
from tieout.warehouse.models import all_models


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C arrives, also where the tests run in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_stopped_says_one_line(number: signal.Signals, capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(typer.Exit) as left, stoppable("Stopped; what arrived is landed."):
        signal.raise_signal(number)
    assert left.value.exit_code == 130
    assert capsys.readouterr().err == "Stopped; what arrived is landed.\n"
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_disk_that_is_full_for_dagster_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    error = RuntimeError("an event was not stored")
    error.__cause__ = sqlite3.OperationalError("database or disk is full")
    assert explain(error) is ExitCode.USAGE
    said = capsys.readouterr().err
    assert "Dagster's record of runs" in said and "database or disk is full" in said
    assert "`tieout doctor`" in said


def test_a_table_that_another_version_did_not_build_is_no_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "warehouse.duckdb"
    with open_warehouse(path) as con:
        con.execute("insert into meta.models values ('spend.hourly', 'another version')")
    with pytest.raises(WarehouseError) as raised, read_warehouse(path) as con:
        con.execute("select * from staging.restated_lines")
    assert explain(raised.value) is ExitCode.USAGE
    said = capsys.readouterr().err
    assert f"{path} was built by another version of Tieout" in said and "restated_lines" in said
    assert "`tieout run` brings it up to date" in said


@pytest.mark.parametrize("opened", [open_warehouse, read_warehouse])
def test_a_view_of_a_later_version_is_no_python_object_of_its_name(
    opened: Callable[[Path], AbstractContextManager[duckdb.DuckDBPyConnection]], tmp_path: Path
) -> None:
    path = tmp_path / "warehouse.duckdb"
    with open_warehouse(path) as con:
        models = [(model.name, model.code_version) for model in all_models() if model.name != "staging.landed_days"]
        con.executemany("insert into meta.models values (?, ?)", models)
    with pytest.raises(WarehouseError, match=r"another version of Tieout .*landed_days") as raised, opened(path) as con:
        landed_days(con, until=dt.date(2026, 11, 16))
    assert raised.value.remedy == "`tieout run` brings it up to date."


def test_a_mistake_of_ours_in_a_warehouse_of_this_version_keeps_its_traceback(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with open_warehouse(path) as con:
        models = [(model.name, model.code_version) for model in all_models()]
        con.executemany("insert into meta.models values (?, ?)", models)
    with pytest.raises(duckdb.CatalogException), read_warehouse(path) as con:
        con.execute("select * from staging.nothing")


def test_a_terminal_without_a_character_shows_another_one(tieout: Tieout, monkeypatch: pytest.MonkeyPatch) -> None:
    old = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", old)
    tieout("--help")
    old.write("± $1")
    old.flush()
    assert old.buffer.getvalue().endswith(b"? $1")


def test_the_doctor_says_that_a_folder_cannot_be_written(
    tieout: Tieout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home")
    (home.landing / "app_list").mkdir(parents=True)
    (home.landing / "app_list" / "2026-11-01.json").write_text("[]")
    monkeypatch.setattr("tieout.cli.doctor.os.access", lambda path, _: path != home.landing)
    assert f"problem  landing    {home.landing} cannot be written" in tieout("doctor", "--home", home.root).out


def test_without_files_the_doctor_names_the_pull_first(tieout: Tieout, tmp_path: Path) -> None:
    assert f"→ `tieout pull --home {tmp_path}` brings Modal's exports" in tieout("doctor", "--home", tmp_path).out


def test_the_doctor_says_that_a_run_is_writing(tieout: Tieout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path)
    with open_warehouse(home.warehouse):
        pass
    monkeypatch.setattr("tieout.warehouse.connection.duckdb.connect", locked)
    assert f"ok       warehouse  {home.warehouse}: a run is writing it" in tieout("doctor", "--home", tmp_path).out


def locked(*_: object, **__: object) -> None:
    import duckdb

    raise duckdb.IOException("Could not set lock on file: Conflicting lock is held")
