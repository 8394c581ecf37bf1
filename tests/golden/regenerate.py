"""Writes the golden files anew: `python -m tests.golden.regenerate`. Look at the difference before you keep it."""

from pathlib import Path

from tests.golden.edges import EMPTY
from tests.golden.handmade import REPORT
from tieout.report.archive import ArchivedWeek, Neighbours, WeekSummary, render_archive
from tieout.report.file_names import PAGE_NAME, TEXT_NAME
from tieout.report.formats.html import render_pages, render_text

GOLDEN = Path(__file__).parent


def golden_files() -> dict[str, str]:
    """The pages of a week with one of everything, of one without data, and of the archive that holds both.

    They are without pictures, whose letters depend on the fonts of the machine that draws them.
    """
    first, last = REPORT.week, EMPTY.week
    weeks = ((REPORT, Neighbours(next=last)), (EMPTY, Neighbours(previous=first)))
    return {
        **{
            f"{report.week.label}/{name}": page
            for report, neighbours in weeks
            for name, page in render_pages(report, neighbours=neighbours)
        },
        **{f"{report.week.label}/{TEXT_NAME}": render_text(report) for report, _ in weeks},
        PAGE_NAME: render_archive([ArchivedWeek(report.week, WeekSummary.of(report)) for report in (EMPTY, REPORT)]),
    }


if __name__ == "__main__":
    for name, content in golden_files().items():
        path = GOLDEN / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8", newline="\n")
        print(path.relative_to(Path.cwd()))
