"""Runs the commands of README.md and docs/tutorial.md as a reader would type them: `python -m tests.tutorial`.

In a folder of its own, on fewer weeks than the pages say. A command that stands in both pages runs once; `make test`
and `make ui` are only looked up, because CI runs the one itself, and the other does not end. What needs Modal talks to
the local server. Every line of the printed samples must have its like in what the commands print.
"""

import datetime as dt
import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from tests.modal.local_modal import LocalModal
from tieout.simulator import SCENARIOS, larger, run

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("docs/tutorial.md", "README.md")
WEEKS = 2
NOT_RUN = ("make test", "make ui")
NEEDS_MODAL = ("tieout pull",)
# These need the eight weeks of the whole demo.
_NOT_COMPARED = ("Verified:",)
_LINKED = (".venv", "Makefile", "pyproject.toml", "requirements.lock")

_BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SAMPLE = re.compile(r"^```text\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`((?:tieout|make) [^`]+)`")
_WORKSPACE = re.compile(r"--home mine\b")


def commands(page: str) -> Iterator[str]:
    """Yield the commands of a page in Markdown, in order: those of its blocks, and those in a line that name a home."""
    places = [(found.start(), found[1].splitlines()) for found in _BLOCK.finditer(page)]
    places += [(found.start(), [found[1]]) for found in _INLINE.finditer(page) if _WORKSPACE.search(found[1])]
    for _, lines in sorted(places):
        for line in lines:
            if command := line.partition("#")[0].strip().replace(".venv/bin/tieout", "tieout"):
                yield command


def samples(page: str) -> Iterator[str]:
    """Yield the lines of printed output that a page shows."""
    for found in _SAMPLE.finditer(page):
        yield from found[1].splitlines()


def likeness(line: str) -> re.Pattern[str]:
    """Return a pattern of what is printed alike: other figures, the same words, and anything for an ellipsis."""
    words = (re.escape(part) for part in re.split(r"(?:\d[\d,.]*)?\d|…", line))
    others = (".*" if between == "…" else r"[\d,.]*\d" for between in re.findall(r"(?:\d[\d,.]*)?\d|…", line))
    return re.compile("".join(itertools.chain.from_iterable(itertools.zip_longest(words, others, fillvalue=""))))


def main() -> int:
    """Run all, and say what failed; returns the exit code."""
    pages = [(ROOT / page).read_text(encoding="utf-8") for page in PAGES]
    wanted = [command for page in pages for command in commands(page)]
    # A command may stand twice in a page on purpose, as `tieout run` does before and after `tieout init`.
    rest = [command for command in commands(pages[1]) if command not in set(commands(pages[0]))]
    with tempfile.TemporaryDirectory(prefix="tutorial-") as folder, ExitStack() as open_server:
        for name in _LINKED:
            (Path(folder) / name).symlink_to(ROOT / name)
        server = open_server.enter_context(_local_modal()) if any(map(_needs_modal, wanted)) else None
        printed = ""
        for command in [*commands(pages[0]), *rest]:
            environment = server.environment if server is not None and _needs_modal(command) else {}
            ended = _run(command, Path(folder), environment)
            printed += ended.stdout + ended.stderr
            if ended.returncode:
                print(f"{command}: exit code {ended.returncode}\n{ended.stdout}{ended.stderr}", file=sys.stderr)
                return 1
    missing = [line for page in pages for line in samples(page) if not _is_shown(line, printed)]
    for line in missing:
        print(f"no command prints anything like: {line}", file=sys.stderr)
    return 1 if missing else 0


def _is_shown(sample: str, printed: str) -> bool:
    return sample.startswith(_NOT_COMPARED) or likeness(sample).search(printed) is not None


def _needs_modal(command: str) -> bool:
    return command.startswith(NEEDS_MODAL)


def _local_modal() -> LocalModal:
    scenario = larger(SCENARIOS["as-deployed"], functions=2, calls_per_day=20)
    world = run(replace(scenario, bill=replace(scenario.bill, restated_week_from_end=None)), 1, 1)
    server = LocalModal(world)
    server.workspace.now = dt.datetime.now(dt.UTC)
    return server


def _run(command: str, folder: Path, more: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    begun = time.monotonic()
    typed = re.sub(r"--weeks \d+", f"--weeks {WEEKS}", command)
    if command in NOT_RUN:
        typed = typed.replace("make", "make --dry-run", 1)
    # As a reader would have it: his own environment, and none of ours.
    own = {name: value for name, value in os.environ.items() if not name.startswith(("TIEOUT_", "MODAL_", "MAKE"))}
    environment = {**own, "MODAL_CONFIG_PATH": str(folder / "no-config"), "ARGS": f"--weeks {WEEKS}", **more}
    ended = subprocess.run(
        ["bash", "-c", re.sub(r"^tieout\b", ".venv/bin/tieout", typed)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    print(f"{time.monotonic() - begun:5.0f} s  {typed}", flush=True)
    return ended


if __name__ == "__main__":
    sys.exit(main())
