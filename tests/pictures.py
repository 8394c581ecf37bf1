"""Takes the pictures of README and docs anew: `make pictures`. Look at them before you keep them.

They show the newest week of the demo's workspace as Chromium draws it, so they differ a little where other fonts are.
"""

import argparse
import datetime as dt
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tieout.cli.demo import run_demo
from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.mail.compose import Envelope, Picture, compose_report
from tieout.report.contents import WeeklyReport
from tieout.report.formats.charts import draw_charts
from tieout.workspace import Workspace

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
NEWEST = "2026-W46"
MAIL = "mail.html"
_MOST_COLOURS = 128


@dataclass(frozen=True)
class Shot:
    """What a picture shows: a page below the folder of reports, from its top or from a section on.

    Attributes:
        name: of the file.
        page: below the folder of reports, or the mail.
        width: of the window.
        height: of the picture; None for the whole page.
        scheme: the colours that the reader prefers.
        section: its anchor; empty to begin at the top.
    """

    name: str
    page: str
    width: int
    height: int | None = None
    scheme: Literal["light", "dark"] = "light"
    section: str = ""


SHOTS = (
    Shot("report.png", f"{NEWEST}/index.html", 1280),
    Shot("report-dark.png", f"{NEWEST}/index.html", 1280, 800, scheme="dark"),
    Shot("report-phone.png", f"{NEWEST}/index.html", 390, 1500),
    Shot("report-bridge.png", f"{NEWEST}/savings.html", 1280, 900, section="bridge"),
    Shot("report-spend.png", f"{NEWEST}/spend.html", 1280, 1250),
    Shot("report-function.png", f"{NEWEST}/function-generate-code-modal.html", 1280, 1250),
    Shot("archive.png", "index.html", 1280),
    Shot("archive-phone.png", "index.html", 390),
    Shot("mail.png", MAIL, 700),
)


def take(home: Home, images: Path) -> list[Path]:
    """Take every picture of a workspace whose newest week is the demo's.

    Raises:
        SystemExit: Chromium is not installed, or the workspace has no report of that week.
    """
    program = find_chromium()
    if not (home.reports / NEWEST / "index.html").exists():
        sys.exit(f"{home.root} has no report of {NEWEST}; `tieout demo --home {home.root}` writes one.")
    images.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        mail = Path(folder) / MAIL
        with Workspace(home, home.catalog) as workspace:
            mail.write_text(mail_of(workspace.report(NEWEST)), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        taken = [
            _take(browser, shot, mail if shot.page == MAIL else (home.reports / shot.page).resolve(), images)
            for shot in SHOTS
        ]
        browser.close()
    return taken


def find_chromium() -> str:
    """Return the program that draws the pages.

    Raises:
        SystemExit: it is not installed.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        sys.exit("Chromium takes the pictures; install it (on Debian: apt-get install chromium) and run this again.")
    return program


def mail_of(report: WeeklyReport) -> str:
    """Return the mail of a week as a browser shows it."""
    pictures = [Picture(chart.name, chart.alt, chart.png()) for chart in draw_charts(report)]
    envelope = Envelope("r1", "finance", "tieout@example.com", (), dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC))
    return compose_report(report, envelope, pictures=pictures, workbook=b"").preview


def _take(browser: Browser, shot: Shot, page: Path, images: Path) -> Path:
    opened = browser.new_page(viewport={"width": shot.width, "height": shot.height or 800}, color_scheme=shot.scheme)
    opened.goto(page.as_uri())
    if shot.section:
        opened.locator(f"#{shot.section}").evaluate("heading => heading.scrollIntoView()")
    path = images / shot.name
    opened.screenshot(path=path, full_page=shot.height is None)
    opened.close()
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(_MOST_COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    small.save(path, "PNG", optimize=True)
    return path


def main() -> None:
    """Simulate the workspace, run everything, and take the pictures; or take them of one that is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="a workspace that `tieout demo` has made; without it, one is made")
    home = parser.parse_args().home
    with tempfile.TemporaryDirectory() as folder:
        if home is None:
            home = Path(folder)
            run_demo(Home(home), lambda: resource_path("catalog"), scenario="coral-x", seed=1, weeks=8)
        for path in take(Home(home), IMAGES):
            print(path.relative_to(Path.cwd()))


if __name__ == "__main__":
    main()
