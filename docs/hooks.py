"""The pages that lie outside of docs/ in the site: where each stands there, and the links to and from them."""

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
ELSEWHERE = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "benchmarks/results.md": "measurements.md",
}
"""Pages by their path from the root of the project, and their place in the site."""
_PLACES = {place: path for path, place in ELSEWHERE.items()}
_LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)")


def on_files(files: Files, *, config: Any) -> Files:
    """Add the pages from outside."""
    for path, place in ELSEWHERE.items():
        files.append(File.generated(config, place, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Let every link lead to where its page stands in the site."""
    source = page.file.src_uri
    here = PurePosixPath(_PLACES.get(source, f"docs/{source}")).parent

    def moved(link: re.Match[str]) -> str:
        target = normpath((here / link[1]).as_posix())
        place = ELSEWHERE.get(target, target.removeprefix("docs/"))
        return f"]({relpath(place, PurePosixPath(source).parent.as_posix() or '.')}"

    return _LINK.sub(moved, markdown)
