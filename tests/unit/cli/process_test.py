"""The process of a command ends with it, and leaves nothing behind that has to be done."""

import os
import subprocess
import sys

# A command that has something to be called at the end, and something that Python alone would take apart.
_PROGRAM = """
import atexit, sys, threading, time, weakref
from tieout.cli import app, main

class Garbage:
    def __init__(self):
        self.itself = self
    def __del__(self):
        print("taken apart")

def say_later():
    time.sleep(0.2)
    print("thread")

def command(prog_name):
    sys.modules["kept"] = Garbage()
    atexit.register(print, "at exit")
    weakref.finalize(command, print, "finalized")
    threading.Thread(target=say_later).start()
    sys.stdout.write("said ")
    {end}

app.app = command
main()
"""


def _run(end: str) -> subprocess.CompletedProcess[str]:
    program = _PROGRAM.format(end=end)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)


def test_what_waits_for_the_end_is_done_and_nothing_is_taken_apart() -> None:
    done = _run("sys.exit(3)")
    assert (done.returncode, done.stderr) == (3, "")
    assert sorted(done.stdout.split("\n")) == sorted(["said thread", "at exit", "finalized", ""])


def test_a_command_that_says_nothing_of_its_end_ends_well() -> None:
    assert (_run("sys.exit()").returncode, _run("sys.exit(0)").returncode) == (0, 0)


def test_an_error_in_words_is_said_as_by_any_process() -> None:
    done = _run("sys.exit('it was too warm')")
    assert (done.returncode, done.stderr) == (1, "it was too warm\n")
    assert "taken apart" in done.stdout


def test_output_that_nobody_reads_is_an_error_as_of_any_process() -> None:
    program = (
        "import sys\nfrom tieout.cli import app, main\n"
        "app.app = lambda prog_name: (sys.stdout.write('said'), sys.exit(0))\nmain()"
    )
    # Buffered, so that nobody notices before the end.
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = subprocess.Popen(
        [sys.executable, "-c", program], env=buffered, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert b"BrokenPipeError" in process.stderr.read()
    assert process.wait(60) == 120
