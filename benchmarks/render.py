"""Render: all artefacts of a week, from an open warehouse to files: pages, charts, text, workbook, mail and PDF.

The demo has a few functions; as many pages of functions are rendered as if there were twenty.
"""

import datetime as dt
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tieout.catalog.load import load_catalog
from tieout.core.home import Home
from tieout.core.resources import resource_path

if TYPE_CHECKING:
    from tieout.report.contents import WeeklyReport

_FUNCTIONS = 20
_STEPS = ("import", "report", "charts", "pages, text, workbook and pictures", "mail and PDF")


@dataclass(frozen=True)
class RenderResult:
    """CPU seconds of every step, one list per process."""

    seconds: dict[str, list[float]]

    @property
    def total(self) -> float:
        """Median of what a process needs for all of it."""
        runs: Iterator[tuple[float, ...]] = zip(*self.seconds.values(), strict=True)
        return statistics.median(sum(run) for run in runs)


def measure(runs: int) -> RenderResult:
    """Render the newest week of the simulated CORAL-X programme in fresh processes."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "workspace"
        subprocess.run(
            [sys.executable, "-c", "from tieout.cli import main; main()", "demo", "--home", str(home)],
            check=True,
            capture_output=True,
        )
        lines = [
            subprocess.run(
                [sys.executable, "-m", "benchmarks.render", str(home)], check=True, capture_output=True, text=True
            ).stdout.split()
            for _ in range(runs)
        ]
    return RenderResult({step: [float(line[i]) for line in lines] for i, step in enumerate(_STEPS)})


def table(result: RenderResult) -> str:
    """Lay the medians out as Markdown."""
    rows = [f"| {step} | {statistics.median(seconds):.2f} s |" for step, seconds in result.seconds.items()]
    return "\n".join(["| step | median, CPU |", "|---|---|", *rows, f"| all of it | {result.total:.2f} s |"])


def _render(home: Home) -> Iterator[float]:
    """Render the newest week once, and yield the seconds of every step."""
    watch = _Watch()
    from tieout.mail.compose import Envelope, Picture, compose_report
    from tieout.report.formats.charts import draw_charts
    from tieout.report.formats.html import write_report
    from tieout.report.formats.workbook import render_workbook
    from tieout.report.weekly import build_report
    from tieout.warehouse.connection import read_warehouse
    from tieout.warehouse.weeks import built_weeks

    yield watch.lap()
    with read_warehouse(home.warehouse) as con:
        week = built_weeks(con)[-1]
        report = _with_functions(build_report(con, week, load_catalog(resource_path("catalog"))))
    yield watch.lap()
    charts = draw_charts(report)
    yield watch.lap()
    with tempfile.TemporaryDirectory() as folder:
        write_report(report, charts, Path(folder))
    yield watch.lap()
    compose_report(
        report,
        Envelope(
            "r1", "finance", "tieout@example.com", ("finance@example.com",), dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
        ),
        pictures=[Picture(chart.name, chart.alt, chart.png()) for chart in charts],
        workbook=render_workbook(report),
        archive_url=None,
    )
    yield watch.lap()


def _with_functions(report: "WeeklyReport") -> "WeeklyReport":
    """Give the report as many functions as it lacks to twenty: copies of its own, with pages of their own."""
    own = report.functions
    copies = [replace(own[i % len(own)], slug=f"{own[i % len(own)].slug}-{i}") for i in range(len(own), _FUNCTIONS)]
    return replace(report, functions=(*own, *copies))


class _Watch:
    """Says how much of the processors each step took, those of its threads included."""

    def __init__(self) -> None:
        """Start."""
        self._started = time.process_time()

    def lap(self) -> float:
        """Return the seconds since the last lap, and begin the next."""
        seconds = time.process_time() - self._started
        self._started += seconds
        return seconds


if __name__ == "__main__":
    print(*_render(Home(Path(sys.argv[1]))))
