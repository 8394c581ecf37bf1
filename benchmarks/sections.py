"""Files of results: Markdown with a section for each benchmark, which is written anew when that has been measured."""

import datetime as dt
import os
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path


def machine() -> str:
    """When and where something was measured, and of which commit."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return (
        f"{dt.datetime.now(dt.UTC):%Y-%m-%d}, commit {commit.stdout.strip() or 'unknown'}, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    )


def section(name: str, text: str) -> str:
    """Put a heading, and where it was measured, above a result."""
    return f"## {name.capitalize()}\n\n{machine()}\n\n{text}\n"


def write_section(path: Path, title: str, names: Iterable[str], name: str, written: str) -> None:
    """Put a section in the place of the one before, in the order of the names; the others stay as they are."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    sections = {part.partition("\n")[0].lower(): f"## {part}" for part in text.split("\n## ")[1:]} | {name: written}
    ordered = [sections[each].rstrip() for each in names if each in sections]
    path.write_text("\n\n".join([title, *ordered]) + "\n", encoding="utf-8")
