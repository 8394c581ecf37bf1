"""Where a file belongs that lies in no source's folder: what its path says, else what it begins with."""

import re
from collections.abc import Mapping

from tieout.core.suggestions import did_you_mean
from tieout.sources.dialects import EXPORTS, printed_head
from tieout.sources.landing import LandingFile, RejectionError
from tieout.sources.source import Source

_KEY = re.compile(r'"([^"\n]{1,40})"\s*:')
_PLACEHOLDER = re.compile(r"=([A-Z]+)/")
_LEAST_FIELDS = 3


def misplaced(file: LandingFile, sources: Mapping[str, Source]) -> RejectionError:
    """Word the refusal of a file whose folder is no source's, with the place where it belongs."""
    problem = "the file is in no source's folder"
    if file.source:
        problem = f"unknown source {file.source!r}{did_you_mean(file.source, sources)}"
    source = _named(file, sources) or _recognised(file, sources)
    if source is None:
        fix = "Move it into the folder of its export, which docs/guides/exports.md lists, or out of landing/."
        return RejectionError(problem, fix=fix)
    if not source.has_suffix_of(file):
        return RejectionError(problem, fix=instead_of(source))
    return RejectionError(problem, fix=f"Move it to {place_of(source, file)}. By its looks it is: {source.title}.")


def instead_of(source: Source) -> str:
    """Say what a source's folder takes in the place of a file of another kind."""
    return f"What belongs here is {source.file} ({source.export}). Move anything else out of landing/."


def place_of(source: Source, file: LandingFile) -> str:
    """Say where a file of a source belongs in the workspace, with the names that its folders say already."""
    *folders, name = file.name.split("/")
    if not source.path_keys:
        others = [folder for folder in folders if not _is_called_after(source, folder)]
        return "/".join(["landing", source.name, *others, name])
    said = dict(folder.split("=", 1) for folder in folders if "=" in folder)
    words = dict(zip(source.path_keys, _PLACEHOLDER.findall(source.file), strict=True))
    place = "/".join(["landing", source.name, *(f"{key}={said.get(key) or words[key]}" for key in words), name])
    unsaid = [word for key, word in words.items() if not said.get(key)]
    named = f', with the name in the place of {" and ".join(unsaid)} ("/" is written %2F, "%" is %25)' if unsaid else ""
    return place + named


def _named(file: LandingFile, sources: Mapping[str, Source]) -> Source | None:
    """Return the source that the file's name or one of its folders is called after, the last part first."""
    for part in reversed(file.name.split("/")):
        for source in sources.values():
            if _is_called_after(source, part):
                return source
    return None


def _is_called_after(source: Source, part: str) -> bool:
    said = re.sub(r"[\s-]+", "_", part.lower())
    return said.startswith((source.name, source.title.replace(" ", "_")))


def _recognised(file: LandingFile, sources: Mapping[str, Source]) -> Source | None:
    """Return the source that has most of the fields with which the file begins; None where two have as many."""
    head = printed_head(file.location)
    printed = set(_KEY.findall(head)) | set(re.split("[,;\t]", head.partition("\n")[0].strip()))
    found = {source.name: len(_fields(source, printed)) for source in sources.values()}
    most = max(found.values())
    best = [name for name, count in found.items() if count == most]
    return sources[best[0]] if most >= _LEAST_FIELDS and len(best) == 1 else None


def _fields(source: Source, printed: set[str]) -> set[str]:
    other_names = EXPORTS[source.name].names if source.name in EXPORTS else {}
    columns = {column.name for table in source.tables for column in table.columns}
    return {other_names.get(name, name) for name in printed} & columns
