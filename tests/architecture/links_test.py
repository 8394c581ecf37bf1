"""Links between the pages lead somewhere: to a file that git tracks, and to a heading that its page has."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|\]: (\S+)")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
_ELSEWHERE = re.compile(r"[a-z]+:")


def tracked(pattern: str) -> list[Path]:
    """The files that git tracks or would track."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", pattern]
    listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    paths = {ROOT / name for name in listing.split("\0") if name}
    return sorted(path for path in paths if path.is_file())


def anchor_of(heading: str) -> str:
    """What a link to a heading ends in: lower case, without punctuation, blanks as hyphens."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(text: str) -> set[str]:
    headings = _HEADING.findall(re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    return {anchor_of(heading) for heading in headings}


def links(text: str) -> Iterator[str]:
    """The targets of all links in a page that lead to a place in this project."""
    for inline, reference in _LINK.findall(_CODE.sub("", text)):
        target = inline or reference
        if not _ELSEWHERE.match(target):
            yield target


def complaints(page: Path) -> Iterator[str]:
    for target in links(page.read_text(encoding="utf-8")):
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        if not linked.exists():
            yield f"{target}: there is no such file"
        elif anchor and anchor not in anchors(linked.read_text(encoding="utf-8")):
            yield f"{target}: {linked.name} has no such heading"


@pytest.mark.parametrize("page", tracked("*.md"), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_link_leads_somewhere(page: Path) -> None:
    found = list(complaints(page))
    assert not found, f"{page.relative_to(ROOT)}:\n" + "\n".join(found)


def test_a_link_that_leads_nowhere_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# What it's for\n", encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](there.md) [b](there.md#what-its-for) [c](https://example.org/x) `[d](gone.md)`\n"
        "[e](gone.md) ![f](gone.svg) [g](there.md#gone) [h](#gone)\n",
        encoding="utf-8",
    )
    assert [complaint.partition(":")[0] for complaint in complaints(page)] == [
        "gone.md",
        "gone.svg",
        "there.md#gone",
        "#gone",
    ]


# Paths that a page names in code, such as `sql/spend/hourly.sql`. One with <…> stands for many.
_PATH = re.compile(r"`((?:catalog|sql|expectations|reports|pipelines|tests|benchmarks|docs|\.ci)/[^`\s<*]*)`")


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_a_path_that_a_page_names_is_there(name: str) -> None:
    named = set(_PATH.findall((ROOT / name).read_text(encoding="utf-8")))
    gone = sorted(path for path in named if not (ROOT / path).exists())
    assert named, "the pages name paths in code"
    assert not gone, f"{name} names what is not there: {gone}"
