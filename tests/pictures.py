"""Takes the pictures of the documentation anew: `make pictures`. Look at them before you keep them.

They show the report of the simulated workspace as Chromium draws it, so they differ a little where other fonts are.
"""

import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

from tieout.cli.demo import run_demo
from tieout.core.home import Home
from tieout.core.resources import resource_path

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
NEWEST = "2026-W46"


@dataclass(frozen=True)
class Picture:
    """What a picture shows: a page below the folder of reports from its top, or one of its sections."""

    name: str
    page: str
    width: int
    height: int
    scheme: Literal["light", "dark"] = "light"
    section: str | None = None


PICTURES = (
    Picture("report.png", f"{NEWEST}/index.html", 1280, 1450),
    Picture("report-dark.png", f"{NEWEST}/index.html", 1280, 800, scheme="dark"),
    Picture("report-phone.png", f"{NEWEST}/index.html", 390, 1500),
    Picture("report-bridge.png", f"{NEWEST}/savings.html", 1280, 900, section="bridge"),
    Picture("report-spend.png", f"{NEWEST}/spend.html", 1280, 1000),
    Picture("report-function.png", f"{NEWEST}/function-generate-code-modal.html", 1280, 1100),
    Picture("archive.png", "index.html", 1280, 1100),
)


def take(reports: Path, images: Path) -> list[Path]:
    """Take every picture of a folder of reports.

    Raises:
        SystemExit: Chromium is not installed.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        sys.exit("Chromium takes the pictures; install it (on Debian: apt-get install chromium) and run this again.")
    images.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        taken = [_take(browser, picture, reports, images) for picture in PICTURES]
        browser.close()
    return taken


def _take(browser: Browser, picture: Picture, reports: Path, images: Path) -> Path:
    viewport = {"width": picture.width, "height": picture.height}
    page = browser.new_page(viewport=viewport, color_scheme=picture.scheme)  # type: ignore[arg-type]
    page.goto((reports / picture.page).as_uri())
    if picture.section is not None:
        page.locator(f"#{picture.section}").evaluate("heading => heading.scrollIntoView()")
    path = images / picture.name
    page.screenshot(path=path)
    page.close()
    return path


def main() -> None:
    """Simulate the workspace, run everything, and take the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        run_demo(home, lambda: resource_path("catalog"), scenario="coral-x", seed=1, weeks=8)
        for path in take(home.reports, IMAGES):
            print(path.relative_to(Path.cwd()))


if __name__ == "__main__":
    main()
