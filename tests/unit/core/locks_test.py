import subprocess
import sys
from pathlib import Path

import pytest

from tieout.core.locks import LockedError, only_process

HOLDER = """
import sys
from pathlib import Path
from tieout.core.locks import only_process
with only_process(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_while_one_process_works_another_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / ".pull.lock"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockedError, match=r"\.pull\.lock: another process"), only_process(path):
            pass
        holder.kill()
        holder.wait()
    with only_process(path):  # the system has let go of what the killed process held
        pass


def test_the_file_of_a_lock_stays_and_tells_nothing(tmp_path: Path) -> None:
    path = tmp_path / "outbox.lock"
    for _ in range(2):
        with only_process(path):
            pass
    assert path.read_bytes() == b""


def test_an_error_in_the_block_lets_go(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no"), only_process(tmp_path / "a.lock"):
        raise ValueError("no")
    with only_process(tmp_path / "a.lock"):
        pass
