"""Takes a picture of everything that people see, to be looked at before a release: `make gallery`.

Every page of weeks that differ (a claim, claims that reality contradicts, none, 300 functions, no cost, a loss) at a
desk, on a phone, in the dark and on paper; the mail at two widths; PDF and workbook, where the programs are installed
that show them; and Dagster's pages. Each week is of a workspace that was built for it; the two demos can be named. A
week that claims for 300 functions is handmade: no scenario has so many in its programme.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from tests.golden.edges import MANY
from tests.pictures import NEWEST, find_chromium, mail_of
from tests.support.edge_workspaces import EDGES, EdgeWorkspace
from tieout.cli.demo import run_demo
from tieout.core.home import Home
from tieout.core.periods import IsoWeek
from tieout.core.resources import resource_path
from tieout.defs.ui_guard import TOKEN_PARAMETER, TOKEN_VARIABLE
from tieout.report import pages
from tieout.report.contents import WeeklyReport
from tieout.report.formats.charts import draw_charts
from tieout.report.formats.html import write_report
from tieout.report.formats.pdf import render_pdf
from tieout.report.formats.workbook import render_workbook
from tieout.workspace import Workspace

_TOKEN = "the-token-of-the-gallery-of-pictures"
_STARTS_WITHIN_SECONDS = 300
_DRAWS_WITHIN_MS = 120_000
_SETTLES_MS = 3_000
_REPORT = "/assets/reports/weekly?view=overview"
# A place in Dagster's UI, and what is there once its data have come: its pages never stop asking.
_DAGSTER = {
    "graph": ("/asset-groups", "text=reconciliation"),
    "asset": ("/assets/spend/hourly?view=overview", "text=Row count"),
    "checks": ("/assets/spend/attributed?view=checks", "text=every_pool_equals_the_bill"),
    "partitions": ("/assets/spend/hourly?view=partitions", f"text={NEWEST}"),
    "lineage": ("/assets/spend/hourly?view=lineage", "text=weekly"),
    "report": (_REPORT, "text=difference $0.000000000000"),
    "report-events": ("/assets/reports/weekly?view=events", "text=saved_usd"),
    "runs": ("/runs", "a[href^='/runs/']"),
    "timeline": ("/overview/activity/timeline", "a[href$='/jobs/run']"),
}
# The newest run of the command line; mails are runs, too.
_RUNS, _RUN = "/locations/tieout/jobs/run/runs", "text=Finished execution of run"


@dataclass(frozen=True)
class Look:
    """How somebody looks at a page."""

    name: str
    width: int
    height: int
    scheme: Literal["light", "dark"] = "light"


_LOOKS = (Look("desktop", 1280, 800), Look("phone", 390, 844), Look("dark", 1280, 800, "dark"))


def show(workspaces: dict[str, EdgeWorkspace], demo: Home, folder: Path) -> None:
    """Take all pictures: of a week of each workspace, of one that claims for 300 functions, and of the demo's UI."""
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        for name, (home, week, catalog) in workspaces.items():
            with Workspace(home, catalog) as workspace:
                report = workspace.report(week)
            _show_archive(browser, report, home.reports, folder / name)
            _show_forms(browser, report, mail_of(report), folder / name)
        write_report(MANY, draw_charts(MANY), Path(temporary))
        _show_archive(browser, MANY, Path(temporary), folder / "300-claims")
        _show_forms(browser, MANY, mail_of(MANY), folder / "300-claims")
        with _served(demo) as address:
            _show_dagster(browser, address, folder / "dagster")
        browser.close()


def _show_archive(browser: Browser, report: WeeklyReport, reports: Path, folder: Path) -> None:
    """Every page of a week, one of a function, and the archive."""
    names = ["index.html", *(page.file for page in pages.pages_of(report))]
    names += [each.file for each in report.functions[:1]]
    found = {Path(name).stem: reports / report.week.label / name for name in names}
    for name, path in {**found, "archive": reports / "index.html"}.items():
        for look in _LOOKS:
            with _opened(browser, look) as page:
                page.goto(path.resolve().as_uri())
                page.screenshot(path=_made(folder / f"{name}.{look.name}.png"), full_page=True)
                if look is _LOOKS[0]:
                    printed = folder / f"{name}.print.pdf"
                    page.pdf(path=printed, prefer_css_page_size=True)
                    _as_pictures(printed)


def _show_forms(browser: Browser, report: WeeklyReport, mail: str, folder: Path) -> None:
    """The mail as programs show it, the PDF and the workbook."""
    for look in (replace(_LOOKS[0], name="700", width=700), replace(_LOOKS[1], name="390")):
        for scheme in ("light", "dark"):
            with _opened(browser, replace(look, scheme=scheme)) as page:
                page.set_content(mail)
                page.screenshot(path=_made(folder / f"mail.{look.name}.{scheme}.png"), full_page=True)
    (pdf := folder / "week.pdf").write_bytes(
        render_pdf(report, next((chart.png() for chart in draw_charts(report) if chart.name == "bill"), None))
    )
    _as_pictures(pdf)
    (workbook := folder / "week.xlsx").write_bytes(render_workbook(report))
    if office := shutil.which("soffice"):
        command = [office, "--headless", "--convert-to", "pdf:calc_pdf_Export", "--outdir", str(folder / "workbook")]
        subprocess.run([*command, str(workbook)], check=True, capture_output=True)
        _as_pictures(folder / "workbook" / "week.pdf")


def _show_dagster(browser: Browser, address: str, folder: Path) -> None:
    with _opened(browser, Look("desktop", 1600, 1000)) as page:
        page.goto(f"{address}/?{TOKEN_PARAMETER}={_TOKEN}")
        for name, (place, sign) in _DAGSTER.items():
            page.goto(f"{address}{place}")
            _picture_once(page, sign, _made(folder / f"{name}.png"))
        page.goto(f"{address}{_REPORT}")
        page.get_by_text("Plots", exact=True).first.click(timeout=_DRAWS_WITHIN_MS)
        _picture_once(page, "text=saved_usd", folder / "report-plots.png")
        page.goto(f"{address}{_RUNS}")
        page.locator("a[href^='/runs/']").first.click()
        _picture_once(page, _RUN, folder / "run.png")


def _picture_once(page: Page, sign: str, path: Path) -> None:
    page.locator(sign).first.wait_for(timeout=_DRAWS_WITHIN_MS, state="attached")
    page.wait_for_timeout(_SETTLES_MS)
    page.screenshot(path=path)


@contextmanager
def _opened(browser: Browser, look: Look) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": look.width, "height": look.height}, color_scheme=look.scheme)
    yield context.new_page()
    context.close()


@contextmanager
def _served(home: Home) -> Iterator[str]:
    """The UI of a workspace while the block lasts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", "from tieout.cli import main; main()", "ui", "--port", str(port)]
    command += ["--home", str(home.root), "--catalog", str(home.catalog)]
    with subprocess.Popen(command, env={**os.environ, TOKEN_VARIABLE: _TOKEN}, stdout=subprocess.DEVNULL) as server:
        try:
            _wait_for(f"http://127.0.0.1:{port}/server_info", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.send_signal(signal.SIGTERM)


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _STARTS_WITHIN_SECONDS
    signed = urllib.request.Request(url, headers={"Authorization": f"Bearer {_TOKEN}"})
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(signed, timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
        else:
            return
    sys.exit("The UI did not start; its own messages are in dagster/ui.log of the workspace.")


def _as_pictures(document: Path) -> None:
    """Make a picture of every page of a PDF, where poppler is installed."""
    if program := shutil.which("pdftoppm"):
        subprocess.run([program, "-png", "-r", "70", str(document), str(document.with_suffix(""))], check=True)


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def main() -> None:
    """Make the demos that are not named, and take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("gallery"), help="the folder of the pictures")
    scenarios = ("coral-x", "as-deployed")
    for scenario in scenarios:
        parser.add_argument(
            f"--{scenario}", type=Path, help=f"a workspace that `tieout demo --scenario {scenario}` made"
        )
    named = vars(parser.parse_args())
    with tempfile.TemporaryDirectory() as folder:
        demos = {}
        for scenario in scenarios:
            home = Home(named[scenario.replace("-", "_")] or Path(folder) / scenario)
            run_demo(home, lambda: resource_path("catalog"), scenario=scenario, seed=1, weeks=8)
            demos[scenario] = EdgeWorkspace(home, IsoWeek.parse(NEWEST), home.catalog)
        edges = {name: build(Path(folder) / name) for name, build in EDGES.items()}
        show(demos | edges, demos[scenarios[0]].home, named["out"])
    print(named["out"])


if __name__ == "__main__":
    main()
