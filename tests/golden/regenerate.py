"""Writes the golden files anew: `python -m tests.golden.regenerate`. Look at the difference before you keep it."""

from pathlib import Path

from pipelines.report.render import write_report
from tests.golden.handmade import REPORT

GOLDEN = Path(__file__).parent

if __name__ == "__main__":
    for path in write_report(REPORT, GOLDEN):
        print(path.relative_to(Path.cwd()))
