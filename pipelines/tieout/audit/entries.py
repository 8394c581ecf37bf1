"""What an audit of a claim consists of: entries with a published figure, a computed one, and the arithmetic."""

from dataclasses import dataclass
from enum import StrEnum

from tieout.core.figures import Agreement, Figure, agreement_of
from tieout.core.findings import Finding, Severity


class AuditCode(StrEnum):
    """What an entry of the audit is about."""

    SAVING_PER_FUNCTION = "saving_per_function"
    HOUR_BEFORE = "cost_per_hour_before"
    HOUR_AFTER = "cost_per_hour_after"
    DAY_BEFORE = "cost_per_day_before"
    DAY_AFTER = "cost_per_day_after"
    SAVING_PER_DAY = "saving_per_day"
    REDUCTION = "reduction"
    LEAST_REDUCTION = "least_reduction"
    SAVING_PER_MONTH = "saving_per_month"
    BREAK_EVEN = "break_even_realization"
    WEEKS_ADDED = "weekly_claims_added"
    WEEKS_COMPOUNDED = "weekly_claims_compounded"
    FIRST_WEEK = "first_week_against_phase"
    PHASE_RANGES = "phase_ranges_sum"
    PHASE_SPLITS = "phase_splits"
    GPU_REMOVALS = "gpu_removals_alone"
    IMMEDIATE = "immediate_saving"
    UNPROJECTED_CUTS = "cuts_without_a_line"
    IMPLIED_SECONDS = "implied_seconds_per_call"
    TIMEOUT_BOUND = "calls_longer_than_their_timeout"
    ALWAYS_ON = "one_container_always_on"
    GPU_PRICE = "gpu_price_off_the_rate_card"
    CONTAINER_PRICE = "container_prices_off_the_rate_card"
    TWO_PRICES = "one_configuration_two_prices"
    MEMORY_PRICE = "memory_cut_off_the_rate_card"
    CLAIM_EXCEEDS_SPEND = "claim_exceeds_measured_spend"


@dataclass(frozen=True)
class Detail:
    """One line under an entry: a function, a phase or another way to count.

    Attributes:
        subject: the function or phase, or the programme.
        label: what the figure is.
        published: the figure that the analysis prints; None where it prints none.
        computed: the figure from the arithmetic.
        arithmetic: how it comes about.
    """

    subject: str
    label: str
    published: Figure | None
    computed: Figure
    arithmetic: str


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """One finding of the audit, with all it takes to check it by hand.

    Attributes:
        code: what it is about.
        severity: `info` where the claim agrees with itself or is only explained, `warning` where it contradicts itself,
            the rate card or what was deployed. An audit never blocks a week.
        subject: the programme, a phase or a resource.
        statement: one sentence for a person.
        arithmetic: the computation of `computed`, in the figures of the claim.
        published: what the analysis printed; None where it printed nothing.
        computed: what its own figures come to.
        details: the figures by function, phase or way of counting.
    """

    code: AuditCode
    severity: Severity
    subject: str
    statement: str
    arithmetic: str
    published: Figure | None
    computed: Figure
    details: tuple[Detail, ...] = ()

    @property
    def agreement(self) -> Agreement | None:
        """How the computed figure stands to the published one; None for ranges and without a published one."""
        if self.published is None or self.published.unit is not self.computed.unit:
            return None
        if self.published.is_range or self.computed.is_range:
            return None
        return agreement_of(self.published, self.computed)

    def finding(self) -> Finding:
        """The entry as a finding, for the checks and the report."""
        data = {"arithmetic": self.arithmetic, "computed": self.computed.text}
        if self.published is not None:
            data["published"] = self.published.text
        return Finding(f"audit_{self.code.value}", self.severity, self.subject, self.statement, data)
