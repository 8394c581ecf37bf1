"""The folder of reports in a browser, beside Dagster: its files, and nothing else.

A page of the archive has the same origin as Dagster, so it is let run only what Tieout's own pages run, whatever
somebody has put into the folder.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tieout.report.file_names import PAGE_NAME
from tieout.report.formats.templates import page_script

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

ARCHIVE = "/archive/"
"""Where the archive lies below the address of the UI."""

_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def is_of_archive(path: str) -> bool:
    """Whether a request's path belongs to the archive."""
    return path.startswith(ARCHIVE) or path == ARCHIVE.rstrip("/")


class BesideArchive:
    """An ASGI application that answers for the archive, and passes everything else on."""

    def __init__(self, application: Application, folder: Path) -> None:
        """Serve the files of a folder beside an application."""
        self._application = application
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for the archive, or pass it on."""
        if scope["type"] != "http" or not is_of_archive(scope["path"]):
            await self._application(scope, receive, send)
            return
        path = scope["path"][len(ARCHIVE) :]
        found = await asyncio.to_thread(find_file, self._folder, path)
        if scope["path"] != ARCHIVE and not scope["path"].endswith("/") and found is not None and found.is_dir():
            await _answer(send, 308, b"", {"location": f"{quote(scope['path'])}/"})
        elif found is None or not (file := found / PAGE_NAME if found.is_dir() else found).is_file():
            await _answer(send, 404, _missing(path), {"content-type": _TYPES[".txt"]})
        else:
            content = await asyncio.to_thread(file.read_bytes)
            await _answer(send, 200, content, _headers_of(file), is_sent=scope["method"] == "GET")


def find_file(folder: Path, path: str) -> Path | None:
    """Return what a path names in a folder; None where there is nothing, or what is not for everybody's eyes.

    Nothing outside the folder is found, by no detour: dots, a link that leads out, an absolute path, another separator.
    """
    parts = [part for part in path.split("/") if part]
    if any(part.startswith(".") or "\\" in part or "\0" in part for part in parts):
        return None
    try:
        root = folder.resolve()
        found = root.joinpath(*parts).resolve()
        is_file = found.suffix in _TYPES and found.is_file() and not path.endswith("/")
        if not found.is_relative_to(root) or not (found.is_dir() or is_file):
            return None
    except OSError:  # a name longer than a file's can be
        return None
    return found


def _missing(path: str) -> bytes:
    if path.strip("/"):
        return b"The archive has no such file.\n"
    return b"No report is written yet: `tieout run` writes them.\n"


def _headers_of(file: Path) -> Mapping[str, str]:
    return {
        "content-type": _TYPES[file.suffix],
        "content-security-policy": "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; "
        f"script-src '{page_script().digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    }


async def _answer(send: Send, status: int, body: bytes, headers: Mapping[str, str], *, is_sent: bool = True) -> None:
    common = {"content-length": str(len(body)), "cache-control": "no-store", "x-content-type-options": "nosniff"}
    lines = [(name.encode(), value.encode("latin-1")) for name, value in {**common, **headers}.items()]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body if is_sent else b""})
