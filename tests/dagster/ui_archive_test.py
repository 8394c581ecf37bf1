"""The archive beside Dagster: a reader gets its files, and nothing else by any name."""

import asyncio
from pathlib import Path

import pytest

from tieout.defs.ui_archive import BesideArchive, Message, Receive, Scope, Send, find_file
from tieout.report.formats.templates import page_script


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with an archive of one week, and what does not belong to it."""
    reports = tmp_path / "workspace" / "reports"
    week = reports / "2026-W46"
    week.mkdir(parents=True)
    for file in (reports / "index.html", week / "index.html", week / "chart-bill.png", week / "notes.sh"):
        file.write_text(file.name)
    (week / ".partial.html").write_text("not whole")
    (tmp_path / "workspace" / "warehouse.html").write_text("of the workspace")
    (tmp_path / "workspace" / "reports-of-somebody-else").mkdir()
    (tmp_path / "workspace" / "reports-of-somebody-else" / "index.html").write_text("of somebody else")
    (reports / "way-out.html").symlink_to(tmp_path / "workspace" / "warehouse.html")
    (reports / "ways-out").symlink_to(tmp_path / "workspace")
    return reports


def ask(folder: Path, path: str, method: str = "GET") -> tuple[int, dict[str, str], str]:
    said: list[Message] = []

    async def dagster(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 299, "headers": []})

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        said.append(message)

    scope: Scope = {"type": "http", "method": method, "path": path}
    asyncio.run(BesideArchive(dagster, folder)(scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in said[0]["headers"]}
    return said[0]["status"], headers, said[1]["body"].decode() if len(said) > 1 else ""


def test_a_reader_gets_the_files_of_the_archive_with_their_types(folder: Path) -> None:
    for path in ("/archive/", "/archive/index.html", "/archive/2026-W46/", "/archive/2026-W46/index.html"):
        status, headers, body = ask(folder, path)
        assert (status, body, headers["content-type"]) == (200, "index.html", "text/html; charset=utf-8")
    assert ask(folder, "/archive/2026-W46/chart-bill.png")[1]["content-type"] == "image/png"
    assert ask(folder, "/archive")[1]["location"] == "/archive/"
    assert ask(folder, "/archive/2026-W46")[1]["location"] == "/archive/2026-W46/"
    status, headers, body = ask(folder, "/archive/index.html", "HEAD")
    assert (status, headers["content-length"], body) == (200, "10", "")


def test_dagster_answers_for_everything_else(folder: Path) -> None:
    for path in ("/", "/runs", "/archives/", "/archive.html", "/assets/archive/"):
        assert ask(folder, path)[0] == 299


@pytest.mark.parametrize(
    "path",
    [
        "../warehouse.html",
        "2026-W46/../../warehouse.html",
        "../reports-of-somebody-else/index.html",
        "..\\warehouse.html",
        "./2026-W46/../index.html",
        "way-out.html",
        "ways-out/warehouse.html",
        "2026-W46/.partial.html",
        "2026-W46/notes.sh",
        "2026-W46/nothing.html",
        "2026-W46/index.html/",
        "2026-W46/index.html/x",
        "2026-W46\0.html",
        "x" * 5000,
    ],
)
def test_nothing_outside_the_archive_is_reached(folder: Path, path: str) -> None:
    assert ask(folder, f"/archive/{path}")[::2] == (404, "The archive has no such file.\n")
    assert find_file(folder, path) is None


def test_an_absolute_path_stays_within_the_archive(folder: Path) -> None:
    assert ask(folder, "/archive//etc/passwd")[0] == 404
    assert find_file(folder, f"/{folder / 'index.html'}") is None


def test_a_page_may_run_what_tieout_wrote_and_nothing_else(folder: Path) -> None:
    policy = ask(folder, "/archive/index.html")[1]["content-security-policy"]
    assert "default-src 'none'" in policy
    assert f"script-src '{page_script().digest}';" in policy
    assert ask(folder, "/archive/index.html")[1]["x-content-type-options"] == "nosniff"


def test_an_archive_without_a_report_says_how_to_get_one(tmp_path: Path) -> None:
    status, _, body = ask(tmp_path / "none", "/archive/")
    assert (status, body) == (404, "No report is written yet: `tieout run` writes them.\n")
