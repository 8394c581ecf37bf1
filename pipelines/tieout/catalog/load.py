"""Reading the catalog: five files become one `Catalog`. A mistake is reported with file, line and entry."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NoReturn, TypeVar

from pydantic import BaseModel

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
    WorkspaceSettings,
)
from tieout.core.yaml_lines import Location, YamlDocument, parse_yaml

_FILES = ("functions", "rollout", "projection", "prices", "adjustments")
_M = TypeVar("_M", bound=BaseModel)


def load_catalog(directory: Path) -> Catalog:
    """Read the catalog's five files, and `billing.yaml` and `settings.yaml` where there are such.

    The hash is that of the five files, and of the settings that are not the defaults, because they move figures: a
    file that says the defaults is as good as none.

    Raises:
        CatalogError: a file is missing, is not YAML, has a wrong field, or names something another file lacks.
    """
    digest = hashlib.sha256()
    file_sha256: dict[str, str] = {}
    documents: dict[str, YamlDocument] = {}
    for name in _FILES:
        path = directory / f"{name}.yaml"
        content = _content(path)
        digest.update(name.encode() + b"\0" + content + b"\0")
        file_sha256[path.name] = hashlib.sha256(content).hexdigest()
        documents[name] = _parse(path, content)
    settings = _optional(directory / "settings.yaml", WorkspaceSettings)
    if settings != WorkspaceSettings():
        digest.update(b"settings\0" + settings.model_dump_json(exclude_defaults=True).encode() + b"\0")
    catalog = Catalog(
        functions=documents["functions"].read_as(Functions),
        rollout=documents["rollout"].read_as(Rollout),
        projection=documents["projection"].read_as(Projection),
        prices=documents["prices"].read_as(Prices),
        adjustments=documents["adjustments"].read_as(Adjustments),
        billing=_optional(directory / "billing.yaml", Billing),
        settings=settings,
        sha256=digest.hexdigest(),
        file_sha256=file_sha256,
    )
    _check_references(catalog, documents)
    return catalog


def load_beside(path: Path, kind: type[_M]) -> _M:
    """Read a file that lies in the catalog's folder and is no part of the programme, nor of its hash.

    Raises:
        CatalogError: the file is missing, is not YAML, or has a wrong field.
    """
    return _parse(path, _content(path)).read_as(kind)


def _optional(path: Path, kind: type[_M]) -> _M:
    """Read a file that may be missing; every field of its model has a default."""
    return load_beside(path, kind) if path.exists() else kind()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise CatalogError(
            "the catalog needs this file", place=path, remedy="--catalog DIR or $TIEOUT_CATALOG say where it is."
        ) from None


@cache
def _parse(path: Path, content: bytes) -> YamlDocument:
    """Parse a content once in a process: every run of a command reads the catalog, and parsing it takes long."""
    return parse_yaml(content, name=str(path), error=CatalogError)


def _check_references(catalog: Catalog, documents: Mapping[str, YamlDocument]) -> None:
    phases = [BASELINE, *(phase.id for phase in catalog.rollout.phases)]
    known = {function.name for function in catalog.functions.functions}
    resources = {resource.name for resource in catalog.prices.resources}

    def fail(name: str, location: Location, message: str) -> NoReturn:
        documents[name].refuse(location, message)

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


def _check_unique(phases: Sequence[str], name: str, fail: Callable[[str, Location, str], NoReturn]) -> None:
    for i, phase in enumerate(phases):
        if phase in phases[:i]:
            fail(name, ("phases", i - 1, "id"), f"the phase {phase!r} is there twice, or is the baseline's name")
