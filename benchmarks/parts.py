"""Which part of Tieout a command's CPU seconds go to, by looking at it every few milliseconds of computing.

`python parts.py OUT ARGUMENT…` runs `tieout ARGUMENT…` and writes the seconds of each part to OUT. It needs nothing of
Tieout but its command line, so that another version can be looked at in the same way.
"""

import importlib.util
import json
import re
import signal
import sys
import time
from collections import defaultdict
from functools import cache
from pathlib import Path
from types import FrameType

INTERVAL_SECONDS = 0.004
PARTS = ("figures", "validation", "Dagster", "publish", "pages", "start")
# The innermost frame that is of one of these decides: a library, or a package of Tieout, which the first version called
# `pipelines`. What is in none is the start: imports, and the command line.
_LIBRARIES = {"/site-packages/great_expectations/": "validation", "/site-packages/dagster": "Dagster"}
_PACKAGE = re.compile(r"/(?:pipelines/tieout|pipelines|tieout)/(\w+)(?:/(\w+))?")
_PACKAGES = {"validation": "validation", "report": "pages", "defs": "Dagster", "definitions": "Dagster"}
# The first version kept its suites beside its tables.
_IN_WAREHOUSE = re.compile(r"publish|validation|suites|raw_checks")
_OF_NO_PART = frozenset({"cli", "core", "workspace", "__init__"})


class Sampler:
    """Counts CPU seconds of all threads to the part that the main thread is in when it looks."""

    def __init__(self) -> None:
        """Count nothing yet."""
        self.seconds: dict[str, float] = defaultdict(float)
        self._counted = time.process_time()

    def look(self, _signal: int, frame: FrameType | None) -> None:
        """Count what was computed since the last look; a query that took longer is counted whole when it returns."""
        now = time.process_time()
        self.seconds[part_of(frame)] += now - self._counted
        self._counted = now


def part_of(frame: FrameType | None) -> str:
    """The part that the innermost frame belongs to which belongs to one."""
    while frame is not None:
        if part := _part_of_file(frame.f_code.co_filename):
            return part
        frame = frame.f_back
    return "start"


@cache
def _part_of_file(path: str) -> str | None:
    for library, part in _LIBRARIES.items():
        if library in path:
            return part
    found = _PACKAGE.search(path)
    if "/site-packages/" in path or found is None or found[1] in _OF_NO_PART:
        return None
    if found[1] == "warehouse" and (module := _IN_WAREHOUSE.match(found[2] or "")):
        return "publish" if module[0] == "publish" else "validation"
    return _PACKAGES.get(found[1], "figures")


def main() -> None:
    """Run a command and say where its time went, however it ends."""
    out = Path(sys.argv[1])
    sys.argv = ["tieout", *sys.argv[2:]]
    sampler = Sampler()
    signal.signal(signal.SIGPROF, sampler.look)
    signal.setitimer(signal.ITIMER_PROF, INTERVAL_SECONDS, INTERVAL_SECONDS)
    try:
        package = "tieout" if importlib.util.find_spec("tieout") else "pipelines"
        importlib.import_module(f"{package}.cli").main()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        out.write_text(json.dumps({part: round(sampler.seconds[part], 3) for part in PARTS}), encoding="utf-8")


if __name__ == "__main__":
    main()
