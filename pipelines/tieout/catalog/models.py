"""The catalog's models: a savings programme as text in git, frozen once it is read.

Files in one folder. Needed: `functions.yaml` (what runs where, by phase) and `prices.yaml` (list prices and labels).
Optional: `rollout.yaml` (phases and deployments), `projection.yaml` (the claim, immutable), `adjustments.yaml` (the
ledger of non-routine adjustments), `billing.yaml` and `settings.yaml`; the mail has models of its own.
"""

import contextlib
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from tieout.catalog.settings import WorkspaceSettings
from tieout.core.errors import TieoutError
from tieout.core.money import MoneyError, parse_usd

BASELINE = "baseline"


class CatalogError(TieoutError):
    """A catalog file that cannot be used; its place names file and line, its problem the entry."""

    usual_remedy = "Correct the catalog, then run the command again."


def _exact_usd(value: object) -> Decimal:
    if not isinstance(value, str):
        raise ValueError('write the amount in quotes, like "2.10", so that it is read exactly')
    try:
        return parse_usd(value)
    except MoneyError as error:
        raise ValueError(str(error)) from None


def _require_order(low: Decimal, high: Decimal) -> None:
    if low > high:
        raise ValueError("low is more than high; swap them")


def _utc(value: object) -> dt.datetime:
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = dt.datetime.fromisoformat(value)
    if not isinstance(value, dt.datetime):
        raise ValueError(f"write the time like 2026-10-19T10:40:00Z, not {str(value)[:40]!r}")
    if value.tzinfo is None:
        raise ValueError("write the time with its offset, like 2026-10-19T10:40:00Z")
    return value.astimezone(dt.UTC).replace(tzinfo=None)


_QUOTED_NUMBER = WithJsonSchema({"type": "string", "pattern": r"^-?\d+(\.\d+)?$"})
Usd = Annotated[Decimal, BeforeValidator(_exact_usd), _QUOTED_NUMBER]
Percent = Annotated[Decimal, BeforeValidator(_exact_usd), _QUOTED_NUMBER]
Exact = Annotated[Decimal, BeforeValidator(_exact_usd), _QUOTED_NUMBER]
UtcTime = Annotated[dt.datetime, BeforeValidator(_utc), WithJsonSchema({"type": "string", "format": "date-time"})]
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
    """One function of the programme with its configuration in every phase that changes it.

    A function is known by its app and its name. Its configurations name its apps; `replaces` gives the names that it
    had before, so that a renamed function keeps its baseline.
    """

    name: Name
    summary: str = ""
    replaces: tuple[Name, ...] = ()
    configurations: tuple[Configuration, ...] = Field(min_length=1)


class Functions(_Model):
    """`functions.yaml`."""

    environment: Name = "main"
    functions: tuple[Function, ...] = ()


class UsdRange(_Model):
    """A promised range in dollars a day."""

    low: Usd
    high: Usd

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        _require_order(self.low, self.high)
        return self


class Phase(_Model):
    """One step of the rollout: what was deployed when, and what it was promised to save."""

    id: Name
    name: Name
    deployed_at: UtcTime
    functions: tuple[str, ...]
    promised_usd_per_day: UsdRange | None = None
    risk: Literal["low", "medium", "high"]


@dataclass(frozen=True)
class Margins:
    """The harm that is accepted, as the tests of `savings.guardrails` take it.

    Attributes:
        error_rate: largest accepted increase of the error rate, as a difference of rates (0.01 is a percentage point).
        timeout_rate: the same for timeouts.
        oom_rate: the same for kills by the kernel for lack of memory.
        p50_ratio: largest accepted ratio of typical p50 execution seconds, after ÷ before (1.10 is 10% slower).
        p95_ratio: the same for p95.
    """

    error_rate: Decimal
    timeout_rate: Decimal
    oom_rate: Decimal
    p50_ratio: Decimal
    p95_ratio: Decimal

    def __post_init__(self) -> None:
        """Refuse margins that are none.

        Raises:
            ValueError: a rate outside 0..1, or a ratio below 1.
        """
        for field in fields(self):
            value: Decimal = getattr(self, field.name)
            if field.name.endswith("_rate") and not 0 <= value <= 1:
                raise ValueError(f"{field.name}: {value} is no margin of a rate; write one from 0 to 1, like 0.01")
            if field.name.endswith("_ratio") and not (value.is_finite() and value >= 1):
                raise ValueError(f"{field.name}: {value} is no margin of a ratio; write one of 1 or more, like 1.10")


class GuardrailMargins(_Model):
    """The harm that is accepted, fixed before anybody looks: differences of rates, and ratios after ÷ before."""

    error_rate: Exact = Decimal("0.01")
    timeout_rate: Exact = Decimal("0.01")
    oom_rate: Exact = Decimal("0.01")
    p50_ratio: Exact = Decimal("1.25")
    p95_ratio: Exact = Decimal("1.25")

    @model_validator(mode="after")
    def _are_margins(self) -> Self:
        self.margins()
        return self

    def margins(self) -> Margins:
        """The same for the tests of `savings.guardrails`."""
        return Margins(**self.model_dump())


class Rollout(_Model):
    """`rollout.yaml`: the programme's name, the accepted harm, and the phases in the order of their deployment."""

    programme: Name
    guardrails: GuardrailMargins = GuardrailMargins()
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

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        _require_order(self.low, self.high)
        return self


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

    title: Name = "No projection"
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
    timeout_seconds: int = 300


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
    """`billing.yaml`: the account that the bill belongs to, as other tools shall know it. The file may be missing.

    Attributes:
        account_id: BillingAccountId of FOCUS rows.
        account_name: BillingAccountName of FOCUS rows.
        publishes_tags: whether FOCUS rows carry the tags of the bill, which may name people.
    """

    account_id: Name = "modal-workspace"
    account_name: Name = "Modal workspace"
    publishes_tags: bool = True


class SeriesRule(_Model):
    """What a series of Modal's metrics measures, by its unit, the words in its name, and its aggregation.

    Attributes:
        measure: what is measured: containers, cpu in cores, memory in MiB, gpu in percent, and so on.
        units: the units that Modal writes, any of them.
        words: parts of the name between underscores, all of them. Of several rules, that with the most words holds.
        aggregations: the last part of the name, any of them.
        times: what a value is multiplied by to be in the unit of the measure.
        divided_by: what it is divided by.
    """

    measure: Literal[
        "containers", "cpu", "memory", "gpu", "gpu_memory", "gpu_memory_share", "calls", "successful_calls"
    ]
    units: tuple[Name, ...] = Field(min_length=1)
    words: tuple[Name, ...] = ()
    aggregations: tuple[Name, ...] = Field(min_length=1)
    times: int = Field(default=1, ge=1)
    divided_by: int = Field(default=1, ge=1)


class SeriesRules(_Model):
    """`series.yaml`. Where the file is missing, the built-in rules hold."""

    rules: tuple[SeriesRule, ...] = ()


class Catalog(BaseModel):
    """The whole programme, and the hashes of the files it was read from, together and each by its name."""

    model_config = ConfigDict(frozen=True)

    functions: Functions
    rollout: Rollout
    projection: Projection
    prices: Prices
    adjustments: Adjustments
    billing: Billing = Billing()
    settings: WorkspaceSettings = WorkspaceSettings()
    series: SeriesRules = SeriesRules()
    sha256: str
    file_sha256: Mapping[str, str] = {}

    def owners(self) -> dict[tuple[str, str], str]:
        """The function of the catalog that each app and name on a bill or in a log belongs to."""
        return {
            (configuration.app, name): function.name
            for function in self.functions.functions
            for configuration in function.configurations
            for name in (function.name, *function.replaces)
        }

    def phase_start(self, phase: str) -> dt.datetime | None:
        """When a phase was deployed (naive UTC); None for the baseline."""
        return next((p.deployed_at for p in self.rollout.phases if p.id == phase), None)
