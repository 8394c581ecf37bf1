"""Files that take a machine: what is landed is read within bounds, refused by name, and keeps nothing else back."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.landing_folder import CALL, CALLS, REPORT_LINE, LandingFolder
from tieout.core.money import MoneyError, parse_usd
from tieout.sources import LoadResult

BILL = "billing_report/2026-11-02.json"
CALL_LOG = f"{CALLS}/2026-11-02.json"
_WITHIN = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
from tieout.sources.contents import digest_file, unpack
from tieout.sources.landing import RejectionError
for read in (lambda path: unpack(path.read_bytes()), lambda path: digest_file(path, is_gzip=True)):
    try:
        read(Path(sys.argv[1]))
    except RejectionError as refused:
        print(refused.problem)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[LandingFolder]:
    with LandingFolder(tmp_path) as folder:
        folder.put("billing_report/good.json", [REPORT_LINE])
        yield folder


def place(folder: LandingFolder, name: str) -> Path:
    path = folder.landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def refusals(loaded: LoadResult) -> dict[str, str]:
    """Each refused file with its reason; the good one beside them is loaded all the same."""
    assert loaded.loaded == 1
    assert all(file.fix for file in loaded.rejected)
    return {file.path: file.reason for file in loaded.rejected}


@pytest.mark.parametrize("name", [BILL, CALL_LOG])
@pytest.mark.parametrize("kind", ["a pipe (FIFO)", "a device"])
@pytest.mark.parametrize("is_linked", [False, True])
def test_what_is_no_file_is_refused_aloud(folder: LandingFolder, name: str, kind: str, is_linked: bool) -> None:
    if kind == "a device":
        place(folder, name).symlink_to("/dev/zero")
    elif is_linked:
        os.mkfifo(folder.landing.parent / "pipe")
        place(folder, name).symlink_to(folder.landing.parent / "pipe")
    else:
        os.mkfifo(place(folder, name))
    assert refusals(folder.load()) == {name: f"it is {kind}, or a link to one, and no file"}


@pytest.mark.parametrize("name", [BILL, CALL_LOG])
def test_a_sidecar_without_an_end_is_not_read(folder: LandingFolder, name: str) -> None:
    place(folder, name).write_text(json.dumps([CALL if name == CALL_LOG else REPORT_LINE]))
    place(folder, f"{name}.meta.json").symlink_to("/dev/zero")
    said = "its sidecar cannot be read: it is a device, or a link to one, and no file"
    assert refusals(folder.load()) == {name: said}


@pytest.mark.parametrize("name", [BILL, CALL_LOG])
def test_a_gzip_file_that_unpacks_to_far_more_than_an_export_is_refused(folder: LandingFolder, name: str) -> None:
    place(folder, f"{name}.gz").write_bytes(gzip.compress(b"[" + b" " * (100 << 20) + b"]"))
    [(path, reason)] = refusals(folder.load()).items()
    assert path == f"{name}.gz"
    assert "unpacks to more than 8" in reason


def test_a_bomb_is_refused_in_little_memory(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.json.gz"
    with gzip.open(bomb, "wb") as file:
        for _ in range(400):
            file.write(bytes(1 << 20))
    said = subprocess.run(
        [sys.executable, "-c", _WITHIN, str(bomb)], capture_output=True, text=True, check=True, timeout=120
    ).stdout.splitlines()
    assert len(said) == 2
    assert all("unpacks to more than" in line for line in said)


def test_a_number_of_thousands_of_digits_is_refused_by_its_line(folder: LandingFolder) -> None:
    place(folder, BILL).write_text('[\n{"object_id": ' + "9" * 5000 + "}]")
    log = "function_calls/app=a/function=f/long.json"
    digits = {"execution_time_seconds": 10**4000}
    place(folder, log).write_text(json.dumps([CALL | digits]))
    assert refusals(folder.load()) == {
        BILL: "line 2: a number of 5,000 digits, which no export has",
        log: f"row 1: execution_time_seconds is 1{'0' * 59}, not between 0 and 1000000000 seconds",
    }


@pytest.mark.parametrize("text", ["9" * 5000, "0." + "0" * 5000 + "1", "0" * 65])
def test_an_amount_has_no_thousands_of_digits(text: str) -> None:
    with pytest.raises(MoneyError, match=f"has {len(text):,} characters"):
        parse_usd(text)


def test_a_header_without_an_end_is_refused(folder: LandingFolder) -> None:
    header = "Object ID,Description,Environment,Interval Start,Cost," + ",".join(f"c{n}" for n in range(100_000))
    place(folder, "billing_report/2026-11-02.csv").write_text(f"{header}\n")
    [reason] = refusals(folder.load()).values()
    assert reason.startswith("line 1: a header of")


def test_a_row_without_an_end_is_refused(folder: LandingFolder) -> None:
    place(folder, CALL_LOG).write_text('[{"function_call_id": "' + "x" * (40 << 20))
    [reason] = refusals(folder.load()).values()
    assert reason == "line 1: a row of more than 16,777,216 characters, or without an end"
