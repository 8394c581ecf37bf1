"""Reading the catalog: five files become one `Catalog`. A mistake is reported with file, line and entry."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
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
    GuardrailMargins,
    Prices,
    Projection,
    Rollout,
    SeriesRules,
    WorkspaceSettings,
)
from tieout.core.resources import resource_path
from tieout.core.yaml_lines import Location, YamlDocument, parse_yaml

_FILES = ("functions", "rollout", "projection", "prices", "adjustments")
# Those of a first catalog. Without a phase no guardrail is tested.
_USUAL_MARGINS = {
    "error_rate": "0.01",
    "timeout_rate": "0.01",
    "oom_rate": "0.01",
    "p50_ratio": "1.25",
    "p95_ratio": "1.25",
}
_M = TypeVar("_M", bound=BaseModel)


def load_catalog(directory: Path) -> Catalog:
    """Read the catalog's five files, and `billing.yaml`, `settings.yaml` and `series.yaml` where there are such.

    The hash is that of the five files, and of settings and series that are not the built-in ones, because they move
    figures: a file that says the defaults is as good as none.

    A folder that is not there is an empty programme, named after the folder it would be in: it measures what everything
    costs, and claims nothing.

    Raises:
        CatalogError: a file is missing, is not YAML, has a wrong field, or names something another file lacks.
    """
    if not directory.exists():
        return _empty_programme(directory.parent.name)
    digest = hashlib.sha256()
    file_sha256: dict[str, str] = {}
    documents: dict[str, YamlDocument] = {}
    for name in _FILES:
        path = directory / f"{name}.yaml"
        content = _content(path)
        digest.update(name.encode() + b"\0" + content + b"\0")
        file_sha256[path.name] = hashlib.sha256(content).hexdigest()
        documents[name] = _parse(path, content)
    settings = _optional(directory / "settings.yaml", WorkspaceSettings, WorkspaceSettings())
    if settings != WorkspaceSettings():
        digest.update(b"settings\0" + settings.model_dump_json(exclude_defaults=True).encode() + b"\0")
    series = _optional(directory / "series.yaml", SeriesRules, built_in_series())
    if series != built_in_series():
        digest.update(b"series\0" + series.model_dump_json().encode() + b"\0")
    catalog = Catalog(
        functions=documents["functions"].read_as(Functions),
        rollout=documents["rollout"].read_as(Rollout),
        projection=documents["projection"].read_as(Projection),
        prices=documents["prices"].read_as(Prices),
        adjustments=documents["adjustments"].read_as(Adjustments),
        billing=_optional(directory / "billing.yaml", Billing, Billing()),
        settings=settings,
        series=series,
        sha256=digest.hexdigest(),
        file_sha256=file_sha256,
    )
    catalog = _with_present_names(catalog)
    _check_references(catalog, documents)
    return catalog


def _empty_programme(name: str) -> Catalog:
    """A programme that names no function and claims nothing; Modal's list prices are the built-in ones."""
    path = resource_path("catalog") / "prices.yaml"
    content = _content(path)
    return Catalog(
        functions=Functions(),
        rollout=Rollout(programme=name or "workspace", guardrails=GuardrailMargins.model_validate(_USUAL_MARGINS)),
        projection=Projection(title="No projection"),
        prices=_parse(path, content).read_as(Prices),
        adjustments=Adjustments(),
        series=built_in_series(),
        sha256=hashlib.sha256(b"empty\0" + name.encode() + b"\0" + content).hexdigest(),
        file_sha256={path.name: hashlib.sha256(content).hexdigest()},
    )


def load_beside(path: Path, kind: type[_M]) -> _M:
    """Read a file that lies in the catalog's folder and is no part of the programme, nor of its hash.

    Raises:
        CatalogError: the file is missing, is not YAML, or has a wrong field.
    """
    return _parse(path, _content(path)).read_as(kind)


def built_in_series() -> SeriesRules:
    """What Modal's series mean where the catalog does not say otherwise."""
    return load_beside(resource_path("catalog") / "series.yaml", SeriesRules)


def _optional(path: Path, kind: type[_M], otherwise: _M) -> _M:
    """Read a file that may be missing."""
    return load_beside(path, kind) if path.exists() else otherwise


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
    _check_names(catalog, fail)
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
