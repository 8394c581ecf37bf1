"""Reading the catalog: five files become one `Catalog`. A mistake is reported with file, line and field."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from tieout.catalog.models import (
    BASELINE,
    Adjustments,
    Billing,
    Catalog,
    CatalogError,
    Functions,
    Prices,
    Projection,
    Rollout,
)

_FILES = ("functions", "rollout", "projection", "prices", "adjustments")
_M = TypeVar("_M", bound=BaseModel)


def load_catalog(directory: Path) -> Catalog:
    """Read the catalog's five files, and `billing.yaml` when there is one.

    Raises:
        CatalogError: a file is missing, is not YAML, has a wrong field, or names something another file lacks.
    """
    digest = hashlib.sha256()
    file_sha256: dict[str, str] = {}
    documents: dict[str, CommentedMap] = {}
    for name in _FILES:
        path = directory / f"{name}.yaml"
        content = _content(path)
        digest.update(name.encode() + b"\0" + content + b"\0")
        file_sha256[path.name] = hashlib.sha256(content).hexdigest()
        documents[name] = _parse(path, content)
    catalog = Catalog(
        functions=_model(Functions, directory / "functions.yaml", documents["functions"]),
        rollout=_model(Rollout, directory / "rollout.yaml", documents["rollout"]),
        projection=_model(Projection, directory / "projection.yaml", documents["projection"]),
        prices=_model(Prices, directory / "prices.yaml", documents["prices"]),
        adjustments=_model(Adjustments, directory / "adjustments.yaml", documents["adjustments"]),
        billing=_billing(directory / "billing.yaml"),
        sha256=digest.hexdigest(),
        file_sha256=file_sha256,
    )
    _check_references(catalog, directory, documents)
    return catalog


def load_beside(path: Path, kind: type[_M]) -> _M:
    """Read a file that lies in the catalog's folder and is no part of the programme, nor of its hash.

    Raises:
        CatalogError: the file is missing, is not YAML, or has a wrong field.
    """
    return _model(kind, path, _parse(path, _content(path)))


def _billing(path: Path) -> Billing:
    """Read what moves no figure, and so no hash."""
    return load_beside(path, Billing) if path.exists() else Billing()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise CatalogError(
            f"{path}: the catalog needs this file; --catalog DIR or $TIEOUT_CATALOG say where it is"
        ) from None


@cache
def _parse(path: Path, content: bytes) -> CommentedMap:
    """Parse a content once in a process: every run of a command reads the catalog, and parsing it takes long."""
    try:
        document = YAML(typ="rt").load(content)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise CatalogError(f"{path}:{line}: not YAML: {error.problem}") from None
    except YAMLError as error:
        raise CatalogError(f"{path}: not YAML: {error}") from None
    if document is None:
        return CommentedMap()
    if not isinstance(document, CommentedMap):
        raise CatalogError(f"{path}:1: expected `key: value` lines at the top")
    return document


def _model(kind: type[_M], path: Path, document: CommentedMap) -> _M:
    try:
        return kind.model_validate(_plain(document))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "(file)"
        message = first["msg"].removeprefix("Value error, ")
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise CatalogError(f"{path}:{_line(document, first['loc'])}: {field}: {message}{more}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_plain(item) for item in value)
    return value


def _line(document: CommentedMap, location: Iterable[str | int]) -> int:
    line, node = 1, document
    for part in location:
        try:
            if isinstance(node, CommentedMap):
                line = node.lc.key(part)[0] + 1
            elif isinstance(node, CommentedSeq):
                line = node.lc.item(part)[0] + 1
            node = node[part]
        except (KeyError, IndexError, TypeError, AttributeError):
            break
    return line


def _check_references(catalog: Catalog, directory: Path, documents: Mapping[str, CommentedMap]) -> None:
    phases = [BASELINE, *(phase.id for phase in catalog.rollout.phases)]
    known = {function.name for function in catalog.functions.functions}
    resources = {resource.name for resource in catalog.prices.resources}

    def fail(name: str, location: Sequence[str | int], message: str) -> None:
        field = ".".join(str(part) for part in location)
        line = _line(documents[name], location)
        raise CatalogError(f"{directory / f'{name}.yaml'}:{line}: {field}: {message}")

    _check_unique(phases, "rollout", fail)
    for i, function in enumerate(catalog.functions.functions):
        for j, configuration in enumerate(function.configurations):
            where = ("functions", i, "configurations", j)
            if configuration.phase not in phases:
                fail("functions", (*where, "phase"), f"no such phase in rollout.yaml: {configuration.phase!r}")
            if configuration.gpu is not None and configuration.gpu not in resources:
                fail("functions", (*where, "gpu"), f"no such resource in prices.yaml: {configuration.gpu!r}")
    for i, phase in enumerate(catalog.rollout.phases):
        for j, name in enumerate(phase.functions):
            if name not in known:
                fail("rollout", ("phases", i, "functions", j), f"no such function in functions.yaml: {name!r}")
    for i, line in enumerate(catalog.projection.lines):
        if line.function not in known:
            fail("projection", ("lines", i, "function"), f"no such function in functions.yaml: {line.function!r}")
    immediate = catalog.projection.claims.immediate
    for i, cut in enumerate(immediate.cuts if immediate else ()):
        if cut.function not in known:
            location = ("claims", "immediate", "cuts", i, "function")
            fail("projection", location, f"no such function in functions.yaml: {cut.function!r}")
    seen: dict[str, str] = {}
    for i, resource in enumerate(catalog.prices.resources):
        for label in (resource.name, *resource.labels):
            if seen.setdefault(label.lower(), resource.name) != resource.name:
                fail("prices", ("resources", i), f"the label {label!r} already belongs to {seen[label.lower()]!r}")


def _check_unique(phases: Sequence[str], name: str, fail: Any) -> None:
    for i, phase in enumerate(phases):
        if phase in phases[:i]:
            fail(name, ("phases", i - 1, "id"), f"the phase {phase!r} is there twice, or is the baseline's name")
