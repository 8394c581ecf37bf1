import csv
import datetime as dt
import importlib.metadata
import io
import json
import re
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest
from openpyxl import load_workbook
from rich.console import Console

from tests.conftest import Tieout
from tieout.cli.sql import printable
from tieout.core.home import Home
from tieout.warehouse.connection import WarehouseBusyError, WarehouseError, open_warehouse, read_warehouse
from tieout.warehouse.queries import canned_queries, reads_published_only


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with one table of awkward values."""
    folder = tmp_path_factory.mktemp("home")
    with duckdb.connect(folder / "warehouse.duckdb") as con:
        con.execute("create schema spend")
        con.execute("create table spend.odd (name varchar, amount_usd decimal(38, 12), hour timestamp, note varchar)")
        con.execute("insert into spend.odd values ('=HYPERLINK(\"x\")', 12345678901234567890.123456789012, null, 'ok')")
        con.execute("insert into spend.odd values ('\x1b[31mred', -0.000000000001, '2026-11-02 01:00', '-1')")
    return folder


def test_a_select_is_answered_digit_for_digit(tieout: Tieout, home: Path) -> None:
    said = tieout("sql", "select amount_usd from spend.odd order by amount_usd", "--home", home)
    assert said.out.split() == ["amount_usd", "-0.000000000001", "12345678901234567890.123456789012"]


def test_csv_keeps_every_digit_and_no_formula_runs(tieout: Tieout, home: Path) -> None:
    said = tieout("sql", "select * from spend.odd order by amount_usd desc", "--csv", "--home", home)
    rows = list(csv.reader(io.StringIO(said.out)))
    assert rows[0] == ["name", "amount_usd", "hour", "note"]
    assert rows[1] == ['\'=HYPERLINK("x")', "12345678901234567890.123456789012", "", "ok"]
    assert rows[2][1:] == ["-0.000000000001", "2026-11-02 01:00:00", "'-1"]


def test_json_carries_money_as_text(tieout: Tieout, home: Path) -> None:
    said = tieout("sql", "select amount_usd, hour, 3 as n from spend.odd order by amount_usd", "--json", "--home", home)
    assert json.loads(said.out) == [
        {"amount_usd": "-0.000000000001", "hour": "2026-11-02 01:00:00", "n": 3},
        {"amount_usd": "12345678901234567890.123456789012", "hour": None, "n": 3},
    ]


def test_a_name_cannot_colour_the_terminal(tieout: Tieout, home: Path) -> None:
    said = tieout("sql", "select name from spend.odd", "--home", home)
    assert "\x1b" not in said.out
    assert r"\x1b[31mred" in said.out
    assert printable("a\tb\nc") == r"a\tb\nc"


@pytest.mark.parametrize(
    "statement",
    [
        "drop table spend.odd",
        "insert into spend.odd values (null, 1, null, null)",
        "create table spend.new (a int)",
        "copy spend.odd to 'stolen.csv'",
        "select * from read_csv('/etc/passwd')",
        "set enable_external_access = true",
        "attach 'other.duckdb'",
    ],
)
def test_a_question_can_change_nothing_and_see_no_other_file(
    tieout: Tieout, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    monkeypatch.chdir(tmp_path)
    said = tieout("sql", statement, "--home", home)
    assert said.code == 2
    assert "Traceback" not in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_in_sql_is_shown_where_it_is(tieout: Tieout, home: Path) -> None:
    said = tieout("sql", "select nme from spend.odd", "--home", home)
    assert said.code == 2
    assert "nme" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("question", "remedy"),
    [
        ("select nme from spend.odd", 'sql "describe TABLE"'),
        ("select 1 from oddd", 'sql "show tables"'),
        ("select from from spend.odd", "lists what can be asked without SQL"),
    ],
)
def test_a_wrong_name_is_told_what_lists_the_right_ones(tieout: Tieout, home: Path, question: str, remedy: str) -> None:
    assert remedy in tieout("sql", question, "--home", home).err


def test_a_table_of_finance_is_found_in_the_schema_main_as_in_its_own_file() -> None:
    assert reads_published_only("select * from main.spend_daily join finance.weeks using (week)")
    assert not reads_published_only("select * from main.nothing_of_the_kind")


def test_a_question_about_what_is_not_built_yet_says_what_builds_it(tieout: Tieout, home: Path) -> None:
    said = tieout("sql", "tie_out", "--home", home)
    assert said.code == 2
    assert "reconciliation.pools, reconciliation.remainders: not built yet\n" in said.err
    assert f"`tieout run --home {home}` builds what is landed." in said.err


def test_an_unknown_name_is_answered_with_those_that_there_are(tieout: Tieout, home: Path) -> None:
    said = tieout("sql", "tieout", "--home", home)
    assert said.code == 2
    assert "tie_out" in said.err


def test_without_a_question_the_canned_ones_are_listed(tieout: Tieout) -> None:
    said = tieout("sql")
    assert said.code == 0
    for name, query in canned_queries().items():
        assert name in said.out
        assert "?" in query.question


def test_a_warehouse_that_is_being_written_says_so(tieout: Tieout, home: Path) -> None:
    program = (
        "import duckdb, sys\n"
        "con = duckdb.connect(sys.argv[1])\n"
        "con.execute('create or replace table busy (a int)')\n"
        "print('open', flush=True)\n"
        "sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(home / "warehouse.duckdb")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline().strip() == b"open"
        said = tieout("sql", "select 1", "--home", home)
        writer.communicate()
    assert said.code == 2
    assert re.search(rf"warehouse\.duckdb is being written by python\S*, process {writer.pid}\n", said.err)


def test_a_warehouse_that_is_only_read_elsewhere_is_not_said_to_be_written(home: Path) -> None:
    program = (
        "import duckdb, sys; con = duckdb.connect(sys.argv[1], read_only=True); print(1, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(home / "warehouse.duckdb")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        reader.stdout.readline()
        said = rf"is open in python\S*, process {reader.pid}"
        with pytest.raises(WarehouseBusyError, match=said), open_warehouse(home / "warehouse.duckdb"):
            pass
        reader.communicate()


def test_a_path_that_has_lock_in_its_name_is_not_taken_for_a_locked_file(tmp_path: Path) -> None:
    (tmp_path / "lock.duckdb").write_bytes(b"a spreadsheet" * 1000)
    with pytest.raises(WarehouseError, match="is damaged"), read_warehouse(tmp_path / "lock.duckdb"):
        pass


# Files


def test_parquet_carries_exact_decimals_dates_and_times(tieout: Tieout, home: Path, tmp_path: Path) -> None:
    path = tmp_path / "odd.parquet"
    said = tieout("sql", "select *, [1, 2] as parts, 7::hugeint as n from spend.odd", "--parquet", path, "--home", home)
    assert (said.code, said.out) == (0, f"2 rows in {path}\n")
    found = pl.read_parquet(path).sort("amount_usd")
    assert found.schema["amount_usd"] == pl.Decimal(38, 12)
    assert found["amount_usd"].to_list() == [
        Decimal("-0.000000000001"),
        Decimal("12345678901234567890.123456789012"),
    ]
    assert found["name"].to_list() == ["\x1b[31mred", '=HYPERLINK("x")']
    assert found["hour"].to_list() == [dt.datetime(2026, 11, 2, 1), None]  # noqa: DTZ001 - UTC, as everywhere
    assert found["parts"].to_list() == ["[1, 2]", "[1, 2]"]
    assert found["n"].to_list() == [Decimal(7), Decimal(7)]


def test_a_workbook_has_numbers_where_they_are_exact_and_every_digit_beside_them(
    tieout: Tieout, home: Path, tmp_path: Path
) -> None:
    path = tmp_path / "odd.xlsx"
    question = "select name, amount_usd, hour, note from spend.odd order by amount_usd"
    assert tieout("sql", question, "--xlsx", path, "--home", home).code == 0
    book = load_workbook(path)
    rows = list(book["Answer"].iter_rows(values_only=True))
    assert rows[0] == ("name", "amount_usd", "amount_usd, every digit", "hour", "note")
    assert rows[1][1:] == (-1e-12, "-0.000000000001", dt.datetime(2026, 11, 2, 1), "-1")  # noqa: DTZ001
    assert rows[2][2] == "12345678901234567890.123456789012"
    assert [cell.data_type for cell in book["Answer"][3]] == ["s", "n", "s", "n", "s"]
    assert book["Question"]["B2"].value == question


def test_names_that_occur_twice_are_numbered_in_a_file(tieout: Tieout, home: Path, tmp_path: Path) -> None:
    path = tmp_path / "twice.parquet"
    assert tieout("sql", "select 1 as a, 2 as a, 3 as a", "--parquet", path, "--home", home).code == 0
    assert pl.read_parquet(path).rows() == [(1, 2, 3)]
    assert pl.read_parquet(path).columns == ["a", "a_2", "a_3"]


def test_the_same_answer_is_the_same_file(tieout: Tieout, home: Path, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one.xlsx", "two.xlsx")]
    for path in files:
        assert tieout("sql", "select * from spend.odd order by all", "--xlsx", path, "--home", home).code == 0
    assert files[0].read_bytes() == files[1].read_bytes()


def test_only_one_form_can_be_asked_for(tieout: Tieout, home: Path, tmp_path: Path) -> None:
    said = tieout("sql", "select 1", "--csv", "--xlsx", tmp_path / "x.xlsx", "--home", home)
    assert said.code == 2
    assert "--csv and --xlsx exclude each other" in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_column_of_amounts_ends_with_the_last_digit_that_counts(tieout: Tieout, home: Path) -> None:
    said = tieout("sql", "select unnest([1.5, 20.25])::decimal(38, 12) as amount_usd", "--home", home)
    assert said.out.split() == ["amount_usd", "1.50", "20.25"]


@pytest.mark.parametrize("name", sorted(canned_queries()))
def test_every_canned_question_has_an_answer(tieout: Tieout, built_workspace: Home, name: str) -> None:
    said = tieout("sql", name, "--csv", "--home", built_workspace.root)
    assert said.code == 0
    assert len(said.out.splitlines()) >= 1


def test_the_tie_out_shows_zero_pools_off(tieout: Tieout, built_workspace: Home) -> None:
    said = tieout("sql", "tie-out", "--json", "--home", built_workspace.root)
    total = json.loads(said.out)[-1]
    assert total["environment"] == "all environments"
    assert total["pools"] > 1000
    assert total["pools_off"] == 0
    assert total["billed_usd"] == total["attributed_usd"]
    assert Decimal(total["difference_usd"]) == 0


@pytest.mark.parametrize("width", [40, 200])
def test_a_terminal_of_any_width_shows_every_digit(
    tieout: Tieout, home: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=width, soft_wrap=True, highlight=False)
    monkeypatch.setattr("tieout.cli.sql.out", terminal)
    said = tieout("sql", "select name, amount_usd, amount_usd as again from spend.odd", "--home", home)
    assert said.code == 0
    shown = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert shown.count("12345678901234567890.123456789012") == 2
    assert shown.count("-0.000000000001") == 2
    assert r"\x1b[31mred" in shown


# What is asked wrongly, and what is asked without an end


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("", "the question is empty"),
        ("   ", "the question is empty"),
        ("-- only a remark", "nothing but a comment"),
        ("update spend.odd set name = 'x'", "this is no question but UPDATE"),
        ("create temp table t as select 1", "this is no question but CREATE"),
        ("create temp table t as pivot spend.odd on note using count(*)", "this is no question but CREATE"),
        ("/* ; */ copy (pivot spend.odd on note using count(*)) to 'x.csv'", "this is no question but COPY"),
        ("select 1; select 2", "these are 2 statements"),
        ("select from where", "syntax error"),
        ("pivot", "there is no question called 'pivot'; there are: "),
        ("update", "there is no question called 'update'"),
        ("tie-outs", "there is no question called 'tie-outs'; did you mean tie_out"),
        ("spend_daily", 'It is a table: `tieout sql "from spend_daily" --home'),
        ("from spend.od", 'Did you mean "odd"'),
    ],
)
def test_what_is_no_question_is_refused_with_what_to_ask_instead(
    tieout: Tieout, home: Path, question: str, said: str
) -> None:
    spoken = tieout("sql", "--home", home, "--", question)
    assert (spoken.code, spoken.out) == (2, "")
    assert said in " ".join(spoken.err.split())
    assert "Traceback" not in spoken.err


def test_an_option_that_there_is_not_is_named(tieout: Tieout) -> None:
    spoken = tieout("sql", "--x")
    assert spoken.code == 2
    assert "No such option: --x" in spoken.err


@pytest.mark.parametrize(
    "question",
    [
        "pivot spend.odd on note using count(*)",
        "/* by note */ from (pivot spend.odd on note using count(*))",
        "describe spend.odd",
        "values (1)",
    ],
)
def test_every_kind_of_question_is_answered(tieout: Tieout, home: Path, question: str) -> None:
    assert tieout("sql", question, "--home", home).code == 0


def test_a_pivot_is_answered_digit_for_digit(tieout: Tieout, home: Path) -> None:
    rows = "(values (1.000000000001::decimal(38, 12), 'a'), (2, 'b'), (3, 'a')) as t (usd, note)"
    said = tieout("sql", f"pivot (from {rows}) on note using sum(usd)", "--csv", "--home", home)
    assert said.out == "a,b\n4.000000000001,2.000000000000\n"


def test_a_question_without_an_end_is_stopped_after_the_time_that_it_has(tieout: Tieout, home: Path) -> None:
    endless = "select count(*) from range(100000000000) a, range(100000) b"
    spoken = tieout("sql", endless, "--timeout", "0.2", "--home", home)
    assert spoken.code == 2
    assert "stopped after 0.2 s" in spoken.err


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM])
def test_a_question_without_an_end_can_be_stopped(home: Path, way: signal.Signals) -> None:
    program = (
        "import signal, sys, threading, os, duckdb\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from tieout.warehouse import queries\n"
        "ask = queries._require_question\n"
        f"stop = lambda: os.kill(os.getpid(), {int(way)})\n"
        "queries._require_question = lambda select: (threading.Timer(0.2, stop).start(), ask(select))\n"
        "from tieout.cli import main\n"
        "main()"
    )
    endless = "select count(*) from range(100000000000) a, range(100000) b"
    command = [sys.executable, "-c", program, "sql", endless, "--home", str(home)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "Stopped; nothing was asked to the end.\n"


def test_csv_for_excel_begins_with_a_byte_order_mark(tieout: Tieout, home: Path) -> None:
    plain = tieout("sql", "select 'Zürich' as city", "--csv", "--home", home).out
    assert tieout("sql", "select 'Zürich' as city", "--excel-csv", "--home", home).out == f"\ufeff{plain}"


def test_the_version_is_said_without_a_command(tieout: Tieout) -> None:
    said = tieout("--version")
    assert (said.code, said.out) == (0, f"tieout {importlib.metadata.version('tieout')}\n")
