"""Which part of Tieout a command's CPU seconds go to, by looking at it every few milliseconds of computing.

`python parts.py OUT ARGUMENT…` runs `tieout ARGUMENT…` and writes the seconds of each part to OUT. It needs nothing of
Tieout but its command line, so that another version can be looked at in the same way.
"""

import json
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path
from types import FrameType

INTERVAL_SECONDS = 0.004
PARTS = ("figures", "validation", "Dagster", "publish", "pages", "start")
# The innermost frame that lies in one of these decides; what lies in none is the start: imports, and the command line.
_PLACES = {
    "/great_expectations/": "validation",
    "/tieout/validation/": "validation",
    "/tieout/warehouse/publish": "publish",
    "/tieout/report/": "pages",
    "/tieout/core/": "",
    "/tieout/cli/": "",
    "/tieout/workspace": "",
    "/tieout/defs/": "Dagster",
    "/tieout/definitions.py": "Dagster",
    "/dagster": "Dagster",
    "/tieout/": "figures",
}


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
        path = frame.f_code.co_filename
        for place, part in _PLACES.items():
            if place in path:
                if part:
                    return part
                break
        frame = frame.f_back
    return "start"


def main() -> None:
    """Run a command and say where its time went, however it ends."""
    out = Path(sys.argv[1])
    sys.argv = ["tieout", *sys.argv[2:]]
    sampler = Sampler()
    signal.signal(signal.SIGPROF, sampler.look)
    signal.setitimer(signal.ITIMER_PROF, INTERVAL_SECONDS, INTERVAL_SECONDS)
    try:
        from tieout.cli import main as tieout

        tieout()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        out.write_text(json.dumps({part: round(sampler.seconds[part], 3) for part in PARTS}), encoding="utf-8")


if __name__ == "__main__":
    main()
