"""Ten programs read finance's file while it is replaced twenty times: none sees an error or a mixed state."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.support.finance_warehouse import CATALOG, FUNCTIONS, bill, write_finance_warehouse
from tieout.warehouse.publish import publish

pytestmark = [pytest.mark.slow, pytest.mark.all_threads]

READERS, PUBLICATIONS = 10, 20
READS = 2  # by as many readers while each is published

# A reader knows nothing of Tieout. For every line on its input it opens the file anew, as finance's programs do.
READER = """
import json, sys, duckdb
path, questions = sys.argv[1], json.loads(sys.argv[2])
print("ready", flush=True)
for _ in sys.stdin:
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute(f"attach '{path}' as books (read_only)")
        con.execute("use books")
        print(json.dumps([str(con.execute(question).fetchall()[0][0]) for question in questions]))
"""

TOTALS = (
    "select attributed_usd from about",
    "select sum(attributed_usd) from weeks",
    "select sum(amount_usd) from spend_daily",
    "select sum(amount_usd) from spend_by_function_phase",
    "select sum(attributed_usd) from reconciliation_monthly",
)


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    write_finance_warehouse(tmp_path / "warehouse.duckdb")
    with duckdb.connect(tmp_path / "warehouse.duckdb") as opened:
        yield opened


@contextmanager
def reader(path: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", READER, str(path), json.dumps(TOTALS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def ask(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_ten_readers_see_whole_files_only_while_twenty_are_published(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = tmp_path / "finance.duckdb"
    publish(con, path, CATALOG)
    with ExitStack() as stack:
        readers = [stack.enter_context(reader(path)) for _ in range(READERS)]
        assert [said(process) for process in readers] == ["ready\n"] * READERS
        for number in range(2, PUBLICATIONS + 2):
            bill(con, Decimal(number))
            for turn in range(READS):
                ask(readers[(number * READS + turn) % READERS])
            publish(con, path, CATALOG)
        answers = [process.communicate()[0].splitlines() for process in readers]
        assert [process.returncode for process in readers] == [0] * READERS
    seen = [json.loads(answer) for answers_of_one in answers for answer in answers_of_one]
    published = {
        str((Decimal(number) * len(FUNCTIONS)).quantize(Decimal("1e-12"))) for number in range(1, PUBLICATIONS + 2)
    }
    assert len(seen) == PUBLICATIONS * READS
    assert all(len(set(totals)) == 1 for totals in seen)
    assert {totals[0] for totals in seen} <= published
    assert len({totals[0] for totals in seen}) > PUBLICATIONS // 2
