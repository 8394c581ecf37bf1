"""Reading the catalog: a folder of files becomes one `Catalog`. A mistake is reported with file, line and entry."""

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, TypeVar

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
    SeriesRules,
)
from tieout.catalog.settings import WorkspaceSettings
from tieout.core.bounded import UnboundedFileError, read_bounded
from tieout.core.home import CATALOG_FOLDER
from tieout.core.resources import resource_path
from tieout.core.suggestions import did_you_mean
from tieout.core.yaml_lines import LARGEST_YAML, Location, YamlDocument, parse_yaml

FILES: Mapping[str, type[BaseModel]] = {
    "functions": Functions,
    "rollout": Rollout,
    "projection": Projection,
    "prices": Prices,
    "adjustments": Adjustments,
}
"""The files of the programme, whose hash is that of the catalog; those of `NEEDED` must be there."""
NEEDED = ("functions", "prices")
_BESIDE = ("billing", "mail", "series", "settings")
_GPU_COUNT = re.compile(r"(?P<gpu>[^:]+):(?P<count>[1-8])")

_M = TypeVar("_M", bound=BaseModel)


def load_catalog(directory: Path) -> Catalog:
    """Read the catalog's files: `functions.yaml` and `prices.yaml`, and of the others those that are there.

    The hash is that of the programme's files that are there, and of settings and series that are not the built-in ones,
    because they move figures: a file that says the defaults is as good as none.

    A folder that is not there is an empty programme, named after the folder it would be in: it measures what everything
    costs, and claims nothing.

    Raises:
        CatalogError: a file that is needed is missing; or one is not YAML, has a wrong field, or names something that
            another file lacks.
    """
    if not directory.exists():
        return _empty_programme(directory.parent.name)
    _check_file_names(directory)
    digest = hashlib.sha256()
    file_sha256: dict[str, str] = {}
    documents: dict[str, YamlDocument] = {}
    for name in FILES:
        path = directory / f"{name}.yaml"
        if name not in NEEDED and not path.exists():
            continue
        content = _content(path)
        digest.update(name.encode() + b"\0" + content + b"\0")
        file_sha256[path.name] = hashlib.sha256(content).hexdigest()
        documents[name] = _parse(path, content)
    settings = load_optional(directory / "settings.yaml", WorkspaceSettings)
    if settings.of_figures != WorkspaceSettings().of_figures:
        digest.update(b"settings\0" + settings.of_figures.encode() + b"\0")
    own_series = directory / "series.yaml"
    series = _read(own_series, SeriesRules) if own_series.exists() else built_in_series()
    if series != built_in_series():
        digest.update(b"series\0" + series.model_dump_json().encode() + b"\0")
    catalog = Catalog(
        functions=documents["functions"].read_as(Functions),
        rollout=documents["rollout"].read_as(Rollout) if "rollout" in documents else _no_rollout(directory),
        projection=documents["projection"].read_as(Projection) if "projection" in documents else Projection(),
        prices=documents["prices"].read_as(Prices),
        adjustments=documents["adjustments"].read_as(Adjustments) if "adjustments" in documents else Adjustments(),
        billing=load_optional(directory / "billing.yaml", Billing),
        settings=settings,
        series=series,
        sha256=digest.hexdigest(),
        file_sha256=file_sha256,
    )
    catalog = _with_present_names(catalog)
    _check_references(catalog, documents)
    return catalog


def _check_file_names(directory: Path) -> None:
    """Refuse a file whose name is nearly that of one that is missing: it would be passed over without a word."""
    known = {f"{name}.yaml" for name in (*FILES, *_BESIDE)}
    missing = {name for name in known if not (directory / name).exists()}
    for path in sorted(directory.glob("*.y*ml")):
        if path.name not in known and (meant := did_you_mean(path.name, missing)):
            raise CatalogError(
                f"no file of a catalog has this name{meant}", place=path, remedy="Rename it, or move it elsewhere."
            )


def _no_rollout(directory: Path) -> Rollout:
    """A rollout without a phase, with the name of the folder, or of the workspace that the folder is the catalog of."""
    folder = directory.absolute()
    return Rollout(programme=(folder.parent.name if folder.name == CATALOG_FOLDER else folder.name) or "workspace")


def _empty_programme(name: str) -> Catalog:
    """A programme that names no function and claims nothing; Modal's list prices are the built-in ones."""
    path = resource_path("catalog") / "prices.yaml"
    content = _content(path)
    return Catalog(
        functions=Functions(),
        rollout=Rollout(programme=name or "workspace"),
        projection=Projection(),
        prices=_parse(path, content).read_as(Prices),
        adjustments=Adjustments(),
        series=built_in_series(),
        sha256=hashlib.sha256(b"empty\0" + name.encode() + b"\0" + content).hexdigest(),
        file_sha256={path.name: hashlib.sha256(content).hexdigest()},
    )


def load_optional(path: Path, kind: type[_M]) -> _M:
    """Read a file of the catalog's folder that may be missing; every field of its model has a default.

    Raises:
        CatalogError: the file is not YAML, or has a wrong field.
    """
    return _read(path, kind) if path.exists() else kind()


def built_in_series() -> SeriesRules:
    """What Modal's series mean where the catalog does not say otherwise."""
    return _read(resource_path("catalog") / "series.yaml", SeriesRules)


def _read(path: Path, kind: type[_M]) -> _M:
    return _parse(path, _content(path)).read_as(kind)


def _content(path: Path) -> bytes:
    try:
        return read_bounded(path, most_bytes=LARGEST_YAML)
    except UnboundedFileError as error:
        raise CatalogError(error.problem, place=path, remedy=error.remedy) from None
    except OSError:
        raise CatalogError(
            "the catalog needs this file",
            place=path,
            remedy="Write it as docs/guides/catalog.md says. "
            "If the catalog is elsewhere, --catalog DIR or $TIEOUT_CATALOG say where.",
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
    _check_names(catalog, fail)
    for i, function in enumerate(catalog.functions.functions):
        for j, configuration in enumerate(function.configurations):
            where = ("functions", i, "configurations", j)
            if configuration.phase not in phases:
                said = f"no such phase in rollout.yaml: {configuration.phase!r}"
                fail("functions", (*where, "phase"), said + did_you_mean(configuration.phase, phases))
            if configuration.gpu is not None and configuration.gpu not in resources:
                fail("functions", (*where, "gpu"), _no_such_gpu(configuration.gpu, resources))
    for i, phase in enumerate(catalog.rollout.phases):
        for j, name in enumerate(phase.functions):
            if name not in known:
                fail("rollout", ("phases", i, "functions", j), _no_such_function(name, known))
    for i, line in enumerate(catalog.projection.lines):
        if line.function not in known:
            fail("projection", ("lines", i, "function"), _no_such_function(line.function, known))
    for i, adjustment in enumerate(catalog.adjustments.adjustments):
        if adjustment.function not in known:
            fail("adjustments", ("adjustments", i, "function"), _no_such_function(adjustment.function, known))
    immediate = catalog.projection.claims.immediate
    for i, cut in enumerate(immediate.cuts if immediate else ()):
        if cut.function not in known:
            location = ("claims", "immediate", "cuts", i, "function")
            fail("projection", location, _no_such_function(cut.function, known))
    seen: dict[str, str] = {}
    for i, resource in enumerate(catalog.prices.resources):
        for label in (resource.name, *resource.labels):
            if seen.setdefault(label.lower(), resource.name) != resource.name:
                fail("prices", ("resources", i), f"the label {label!r} already belongs to {seen[label.lower()]!r}")


def _no_such_function(name: str, known: Collection[str]) -> str:
    return f"no such function in functions.yaml: {name!r}{did_you_mean(name, known)}"


def _no_such_gpu(gpu: str, resources: Collection[str]) -> str:
    said = f"no such resource in prices.yaml: {gpu!r}"
    counted = _GPU_COUNT.fullmatch(gpu)
    if counted is not None and counted["gpu"] in resources:
        return f"{said}; write gpu: {counted['gpu']} and gpu_count: {counted['count']}"
    return said + did_you_mean(gpu, resources)


def _with_present_names(catalog: Catalog) -> Catalog:
    """Let the claim, the rollout and the adjustments name a function as it was called before it was replaced."""
    successor = {old: function.name for function in catalog.functions.functions for old in function.replaces}
    if not successor:
        return catalog

    def renamed(model: _M, **fields: Any) -> _M:
        return model.model_copy(update=fields)

    def present(lines: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(renamed(line, function=successor.get(line.function, line.function)) for line in lines)

    claims = catalog.projection.claims
    if claims.immediate is not None:
        claims = renamed(claims, immediate=renamed(claims.immediate, cuts=present(claims.immediate.cuts)))
    phases = tuple(
        renamed(phase, functions=tuple(dict.fromkeys(successor.get(name, name) for name in phase.functions)))
        for phase in catalog.rollout.phases
    )
    return renamed(
        catalog,
        rollout=renamed(catalog.rollout, phases=phases),
        projection=renamed(catalog.projection, lines=present(catalog.projection.lines), claims=claims),
        adjustments=renamed(catalog.adjustments, adjustments=present(catalog.adjustments.adjustments)),
    )


def _check_names(catalog: Catalog, fail: Callable[[str, Location, str], NoReturn]) -> None:
    """Every name, old or present, belongs to one function of the catalog."""
    functions = catalog.functions.functions
    known = {function.name for function in functions}
    taken: dict[str, str] = {}
    for i, function in enumerate(functions):
        if function.name in {other.name for other in functions[:i]}:
            fail("functions", ("functions", i, "name"), f"the function {function.name!r} is there twice")
        for j, old in enumerate(function.replaces):
            where = ("functions", i, "replaces", j)
            if old in known:
                fail("functions", where, f"{old!r} has an entry of its own; move its configurations here and remove it")
            if taken.setdefault(old, function.name) != function.name:
                fail("functions", where, f"{old!r} is already replaced by {taken[old]!r}")
    lines = [line.function for line in catalog.projection.lines]
    for i, name in enumerate(lines):
        if name in lines[:i]:
            fail("projection", ("lines", i, "function"), f"two lines are of one function, {name!r}")


def _check_unique(phases: Sequence[str], name: str, fail: Callable[[str, Location, str], NoReturn]) -> None:
    for i, phase in enumerate(phases):
        if phase in phases[:i]:
            fail(name, ("phases", i - 1, "id"), f"the phase {phase!r} is there twice, or is the baseline's name")
