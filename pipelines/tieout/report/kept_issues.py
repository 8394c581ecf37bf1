"""The files of issued revisions: a manifest of hashes says what they are, and what is lost is written again or named.

A manifest is written with its revision, in one rename, and kept in the warehouse, too. So neither a folder nor a
warehouse that is lost takes with it the knowledge of what was issued.
"""

import hashlib
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
from pydantic import BaseModel, ConfigDict, ValidationError

from tieout.core.files import make_folder, write_whole
from tieout.core.periods import IsoWeek
from tieout.report.file_names import PAGE_NAME, SUMMARY_NAME, TEXT_NAME
from tieout.warehouse.closings import FIGURES_NAME, REVISION_FOLDER
from tieout.warehouse.parsed import answers

MANIFEST_NAME = "manifest.json"
_ALWAYS = (PAGE_NAME, TEXT_NAME, SUMMARY_NAME)
_MISSING_MANIFESTS = """
select week, revision
from meta.closings
anti join meta.manifests using (week, revision)
order by all
"""
_ISSUES = """
select c.week, c.revision, c.document, m.document
from meta.closings as c
left join meta.manifests as m using (week, revision)
order by all
"""


class KeptFile(BaseModel):
    """A file of a revision as it was issued."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    bytes: int
    sha256: str


class Manifest(BaseModel):
    """The files of a revision, by name, without the manifest itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    week: str
    revision: int
    files: tuple[KeptFile, ...]

    @property
    def document(self) -> str:
        """As it is written."""
        return self.model_dump_json(indent=2) + "\n"


@dataclass(frozen=True)
class LostFile:
    """A file of an issue that cannot be brought back from the workspace, and what is wrong with it."""

    path: Path
    problem: str


@dataclass(frozen=True)
class Mended:
    """What became of the files of all issues: those written again, as they were, and those that are lost."""

    rewritten: tuple[Path, ...]
    lost: tuple[LostFile, ...]


def manifest_of(week: str, revision: int, folder: Path) -> Manifest:
    """Take the manifest of a revision from its files."""
    paths = sorted(path for path in folder.iterdir() if path.is_file() and path.name != MANIFEST_NAME)
    contents = {path.name: path.read_bytes() for path in paths}
    files = tuple(KeptFile(name=name, bytes=len(c), sha256=_sha256(c)) for name, c in contents.items())
    return Manifest(week=week, revision=revision, files=files)


def record_manifest(con: duckdb.DuckDBPyConnection, manifest: Manifest) -> None:
    """Keep a manifest in the warehouse."""
    con.execute(
        "insert or replace into meta.manifests values (?, ?, ?)",
        [manifest.week, manifest.revision, manifest.document],
    )


def adopt_manifests(con: duckdb.DuckDBPyConnection, reports: Path) -> None:
    """Read the manifests that the warehouse lacks from their folders; one of an earlier version gets its first.

    Args:
        con: the warehouse, open for writing, with its closings restored.
        reports: the folder of all reports.
    """
    for week, revision in answers(con, _MISSING_MANIFESTS):
        folder = reports / week / REVISION_FOLDER.format(revision)
        if not (folder / FIGURES_NAME).is_file():
            continue
        manifest = _read_manifest(folder / MANIFEST_NAME)
        if manifest is None or (manifest.week, manifest.revision) != (week, revision):
            manifest = manifest_of(week, revision, folder)
            write_whole(folder / MANIFEST_NAME, manifest.document)
        record_manifest(con, manifest)


def mend_issues(con: duckdb.DuckDBPyConnection, reports: Path) -> Mended:
    """Verify every file of every issue by its hash, and write those again whose content the workspace still has.

    Figures and manifests are in the warehouse; pages and tables may be the week's present ones, or another revision's.

    Args:
        con: the warehouse, open for reading.
        reports: the folder of all reports.
    """
    rewritten: list[Path] = []
    lost: list[LostFile] = []
    for week, revision, figures, document in answers(con, _ISSUES):
        folder = reports / week / REVISION_FOLDER.format(revision)
        known = {FIGURES_NAME: figures} | ({} if document is None else {MANIFEST_NAME: document})
        for file in _files(known):
            problem = _problem(folder / file.name, file)
            if problem is None:
                continue
            if _rewrite(folder, file, known):
                rewritten.append(folder / file.name)
            else:
                lost.append(LostFile(folder / file.name, problem))
    return Mended(tuple(rewritten), tuple(lost))


def weeks_without_pages(con: duckdb.DuckDBPyConnection, reports: Path) -> tuple[IsoWeek, ...]:
    """Return the reported weeks whose present files are not all there, or are empty, in the order of time."""
    made = [week for (week,) in con.execute("select week from meta.report_inputs order by week").fetchall()]
    manifests = {
        week: Manifest.model_validate_json(document)
        for week, document in con.execute(
            "select week, max_by(document, revision) from meta.manifests group by week"
        ).fetchall()
    }
    return tuple(IsoWeek.parse(week) for week in made if not _is_whole(reports / week, manifests.get(week)))


def _is_whole(folder: Path, manifest: Manifest | None) -> bool:
    """Whether a week's folder has what each has and, where its text is that of the last issue, what that has."""
    names = set(_ALWAYS)
    text = folder / TEXT_NAME
    if manifest is not None and text.is_file():
        issued = {file.name: file.sha256 for file in manifest.files}
        if _sha256(text.read_bytes()) == issued.get(TEXT_NAME):
            names.update(issued.keys() - {FIGURES_NAME})
    return all(_has_content(folder / name) for name in names)


def _has_content(path: Path) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size > 0


def _files(known: Mapping[str, str]) -> Iterator[KeptFile]:
    """Yield what a revision has to consist of, as far as the warehouse knows it."""
    manifest = Manifest.model_validate_json(known[MANIFEST_NAME]) if MANIFEST_NAME in known else None
    listed = {file.name: file for file in manifest.files} if manifest else {}
    for name, document in known.items():
        content = document.encode()
        listed[name] = KeptFile(name=name, bytes=len(content), sha256=_sha256(content))
    yield from listed.values()


def _problem(path: Path, file: KeptFile) -> str | None:
    if not path.is_file():
        return "is gone"
    size = path.stat().st_size
    if size == 0 < file.bytes:
        return "is empty"
    if size != file.bytes or _sha256(path.read_bytes()) != file.sha256:
        return "is not what was issued"
    return None


def _rewrite(folder: Path, file: KeptFile, known: Mapping[str, str]) -> bool:
    """Write a file again from what the workspace has of its content; False when it has nothing, or cannot."""
    try:
        for content in _candidates(folder, file.name, known):
            if _sha256(content) == file.sha256:
                make_folder(folder)
                write_whole(folder / file.name, content)
                return True
    except OSError:  # a home that is read-only, or full
        return False
    return False


def _candidates(folder: Path, name: str, known: Mapping[str, str]) -> Iterator[bytes]:
    if name in known:
        yield known[name].encode()
    present = folder.parent / name
    if present.is_file():
        yield _as_kept(present)
    for other in sorted(folder.parent.glob(REVISION_FOLDER.format("*"))):
        if other != folder and (other / name).is_file():
            yield (other / name).read_bytes()


def _as_kept(path: Path) -> bytes:
    """Return a file of the week's folder as it would be kept below."""
    content = path.read_bytes()
    if path.suffix != ".html":
        return content
    from tieout.report.archive import kept_page  # the templates, which a run without work does not need

    return kept_page(content.decode("utf-8", errors="replace")).encode()


def _read_manifest(path: Path) -> Manifest | None:
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
