"""The catalog: a savings programme as text in git, read into frozen models.

Five files in one folder: `functions.yaml` (what runs where, by phase), `rollout.yaml` (phases and deployments),
`projection.yaml` (the claim, immutable), `prices.yaml` (list prices and labels), `adjustments.yaml` (the ledger of
non-routine adjustments). A mistake is reported with file, line and field.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from pipelines.core.guardrails import Margins
from pipelines.core.money import MoneyError, parse_usd

BASELINE = "baseline"


class CatalogError(ValueError):
    """A catalog file that cannot be used; the message names file, line, field and what to write instead."""


def _exact_usd(value: object) -> Decimal:
    if not isinstance(value, str):
        raise ValueError('write the amount in quotes, like "2.10", so that it is read exactly')
    try:
        return parse_usd(value)
    except MoneyError as error:
        raise ValueError(str(error)) from None


def _utc(value: object) -> dt.datetime:
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value)
    if not isinstance(value, dt.datetime):
        raise ValueError("write a time like 2026-10-19T10:40:00Z")
    if value.tzinfo is None:
        raise ValueError("write the time with its offset, like 2026-10-19T10:40:00Z")
    return value.astimezone(dt.UTC).replace(tzinfo=None)


Usd = Annotated[Decimal, BeforeValidator(_exact_usd)]
Percent = Annotated[Decimal, BeforeValidator(_exact_usd)]
Exact = Annotated[Decimal, BeforeValidator(_exact_usd)]
UtcTime = Annotated[dt.datetime, BeforeValidator(_utc)]
Name = Annotated[str, Field(min_length=1)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Configuration(_Model):
    """The resources a function is given in one phase, on one app."""

    phase: Name
    app: Name
    gpu: str | None = None
    gpu_count: int = Field(default=1, ge=1, le=8)
    cpu_cores: Exact | None = None
    memory_mib: int | None = Field(default=None, ge=1)
    timeout_seconds: int | None = Field(default=None, ge=1, le=86400)
    scaledown_window_seconds: int | None = Field(default=None, ge=2, le=1200)


class Function(_Model):
    """One function of the programme with its configuration in every phase that changes it."""

    name: Name
    summary: str = ""
    configurations: tuple[Configuration, ...] = Field(min_length=1)


class Functions(_Model):
    """`functions.yaml`."""

    environment: Name = "main"
    functions: tuple[Function, ...] = ()


class UsdRange(_Model):
    """A promised range in dollars a day."""

    low: Usd
    high: Usd


class Phase(_Model):
    """One step of the rollout: what was deployed when, and what it was promised to save."""

    id: Name
    name: Name
    deployed_at: UtcTime
    functions: tuple[str, ...]
    promised_usd_per_day: UsdRange | None = None
    risk: Literal["low", "medium", "high"]


class GuardrailMargins(_Model):
    """The harm that is accepted, fixed before anybody looks: differences of rates, and ratios after ÷ before."""

    error_rate: Exact
    timeout_rate: Exact
    oom_rate: Exact
    p50_ratio: Exact
    p95_ratio: Exact

    @model_validator(mode="after")
    def _are_margins(self) -> Self:
        self.margins()
        return self

    def margins(self) -> Margins:
        """The same for the tests of `core.guardrails`."""
        return Margins(**self.model_dump())


class Rollout(_Model):
    """`rollout.yaml`."""

    programme: Name
    guardrails: GuardrailMargins
    phases: tuple[Phase, ...] = ()


class ProjectionLine(_Model):
    """One function of the claim, as published: a price per hour times calls per hour."""

    function: Name
    before_usd_per_hour: Usd
    after_usd_per_hour: Usd
    calls_per_hour: int = Field(ge=0)


class PublishedTotals(_Model):
    """The totals that the analysis printed, rounding and all."""

    before_usd_per_hour: Usd
    after_usd_per_hour: Usd
    before_usd_per_day: Usd
    after_usd_per_day: Usd
    saving_usd_per_day: Usd
    saving_usd_per_month: Usd
    reduction_percent: Usd


class PercentRange(_Model):
    """A claimed range in percent, or in percentage points."""

    low: Percent
    high: Percent


class PriceCut(_Model):
    """A function whose price per hour the analysis lowers without saying how often it is called."""

    function: Name
    before_usd_per_hour: Usd
    after_usd_per_hour: Usd


class ImmediateClaim(_Model):
    """The saving per hour that the analysis prints under a table of price cuts."""

    saving_usd_per_hour: UsdRange
    cuts: tuple[PriceCut, ...] = Field(min_length=1)


class Claims(_Model):
    """What the analysis promises in words beside its lines and totals."""

    least_reduction_percent: Percent | None = None
    least_saving_usd_per_month: Usd | None = None
    first_week_reduction_percent: PercentRange | None = None
    later_weeks_additional_percent: PercentRange | None = None
    immediate: ImmediateClaim | None = None


class Projection(_Model):
    """`projection.yaml`: the claim that reality is held against; it is never edited."""

    title: Name
    lines: tuple[ProjectionLine, ...] = ()
    published: PublishedTotals | None = None
    claims: Claims = Claims()


class Price(_Model):
    """A list price from a day on, until the next one."""

    valid_from: dt.date
    usd_per_hour: Usd
    source: Name


class Resource(_Model):
    """Something Modal bills by the hour, the labels it goes by, and its prices."""

    name: Name
    kind: Literal["gpu", "cpu", "memory"]
    rate_name: Name
    labels: tuple[str, ...] = ()
    prices: tuple[Price, ...] = Field(min_length=1)


class Defaults(_Model):
    """What Modal gives a function that asks for nothing."""

    cpu_cores: Exact
    memory_mib: int
    scaledown_window_seconds: int


class Multipliers(_Model):
    """Factors on the list price, in hundredths (150 is 1.5×)."""

    broad_region_percent: int
    narrow_region_percent: int
    nonpreemptible_percent: int


class Prices(_Model):
    """`prices.yaml`."""

    resources: tuple[Resource, ...] = Field(min_length=1)
    defaults: Defaults
    multipliers: Multipliers


class Adjustment(_Model):
    """A dated, evidenced correction to the saving that is no routine effect of demand."""

    day: dt.date
    function: Name
    amount_usd: Usd
    cause: Name
    evidence: Name


class Adjustments(_Model):
    """`adjustments.yaml`."""

    adjustments: tuple[Adjustment, ...] = ()


class Billing(_Model):
    """`billing.yaml`: the account that the bill belongs to, as other tools shall know it. The file may be missing."""

    account_id: Name = "modal-workspace"
    account_name: Name = "Modal workspace"


class Catalog(BaseModel):
    """The whole programme, and the hashes of the files it was read from, together and each by its name."""

    model_config = ConfigDict(frozen=True)

    functions: Functions
    rollout: Rollout
    projection: Projection
    prices: Prices
    adjustments: Adjustments
    billing: Billing = Billing()
    sha256: str
    file_sha256: Mapping[str, str] = {}

    def phase_start(self, phase: str) -> dt.datetime | None:
        """When a phase was deployed (naive UTC); None for the baseline."""
        return next((p.deployed_at for p in self.rollout.phases if p.id == phase), None)


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
