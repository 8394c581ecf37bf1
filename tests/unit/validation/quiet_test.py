"""Great Expectations works in silence: no network, no files, nothing on the terminal, no usage statistics."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

# An audit hook cannot be taken off again, so this runs in a process of its own.
VALIDATION = """
import os, sys
seen = []

def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], str | bytes) and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR):
        path = os.fsdecode(arguments[0])
        if not path.startswith("/dev/") and "__pycache__" not in path:
            seen.append(f"writes {path}")
    if event in ("os.mkdir", "os.rename", "os.remove", "tempfile.mkstemp", "tempfile.mkdtemp"):
        if "__pycache__" not in str(arguments):
            seen.append(f"{event} {arguments}")
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        seen.append(f"{event} {arguments[1:]}")

sys.addaudithook(watch)
import duckdb
from tieout.core.findings import Severity
from tieout.validation.suites import Expectation, Suite
from tieout.validation.runner import Validator

con = duckdb.connect()
con.execute("create table t as select null as a")
broken = Expectation("A is known", Severity.CRITICAL, "expect_column_values_to_not_be_null", {"column": "a"}, None, 1)
rule = Expectation("A is 1", Severity.CRITICAL, None, {}, "select * from {table} where a is distinct from 1", 2)
result = Validator(con).validate(Suite("main.t", "main/t.yaml", (broken, rule)), rows="select * from t")
assert len(result.failures) == 2
assert os.environ["GX_ANALYTICS_ENABLED"] == "False"
sys.exit("\\n".join(seen) or 0)
"""


def test_a_validation_reaches_no_network_writes_no_file_and_prints_nothing() -> None:
    finished = subprocess.run(
        [sys.executable, "-B", "-c", VALIDATION], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")


AFTERWARDS = """
assert "altair.vegalite" not in sys.modules
import altair
assert altair.Chart is sys.modules["altair"].Chart is sys.modules["altair.vegalite"].Chart
"""


def test_what_no_suite_draws_with_is_imported_only_by_those_who_draw() -> None:
    said = VALIDATION.partition("sys.exit")[0] + AFTERWARDS
    finished = subprocess.run([sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")


def test_suites_are_listed_without_great_expectations() -> None:
    listed = "import sys, tieout.validation.runner as v, tieout.validation.suites as s; s.all_suites()"
    found = f"{listed}; sys.exit('great_expectations' in sys.modules)"
    finished = subprocess.run([sys.executable, "-c", found], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")
