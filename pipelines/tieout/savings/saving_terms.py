"""The terms whose product is a saving, and how they are measured (docs/reference/rules.md, "Bridge")."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from tieout.savings.daily_work import DailyWork

_MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class ContainerRates:
    """What a second of a function's container costs by resource, in dollars; no GPU is a rate of zero."""

    gpu_usd_per_second: Fraction
    cpu_usd_per_second: Fraction
    memory_usd_per_second: Fraction

    @property
    def usd_per_second(self) -> Fraction:
        """All resources together."""
        return self.gpu_usd_per_second + self.cpu_usd_per_second + self.memory_usd_per_second


@dataclass(frozen=True)
class CallCost:
    """What one successful call costs.

    Attributes:
        execution_seconds: execution seconds per call.
        overhead: billed container seconds ÷ execution seconds (start-up and idle time on top of the work).
        rates: price of a billed container second.
    """

    execution_seconds: Fraction
    overhead: Fraction
    rates: ContainerRates

    @property
    def usd(self) -> Fraction:
        """Dollars per call."""
        return self.execution_seconds * self.overhead * self.rates.usd_per_second


@dataclass(frozen=True)
class SavingTerms:
    """The terms whose product is a saving; both sides of a bridge are stated for the same length of time.

    Attributes:
        calls: successful calls in the period (a day, when the claim is per day), old and new configuration together.
        coverage: share of them that ran on the new configuration.
        before: a call on the old configuration.
        after: a call on the new configuration.
    """

    calls: Fraction
    coverage: Fraction
    before: CallCost
    after: CallCost

    def saving_usd(self) -> Fraction:
        """Calls × coverage × (cost before − cost after), in dollars."""
        return self.calls * self.coverage * (self.before.usd - self.after.usd)


def measured_call_cost(work: Sequence[DailyWork]) -> CallCost | None:
    """What a successful call cost on these days of one function; None without calls, execution or container time."""
    calls = sum(value.successful_calls for value in work)
    busy = sum(value.busy_us for value in work)
    container = sum(value.container_us for value in work)
    if not (calls and busy and container):
        return None
    seconds = Fraction(container, _MICROSECONDS)
    return CallCost(
        execution_seconds=Fraction(busy, _MICROSECONDS * calls),
        overhead=Fraction(container, busy),
        rates=ContainerRates(
            gpu_usd_per_second=Fraction(sum((value.gpu_usd for value in work), Decimal(0))) / seconds,
            cpu_usd_per_second=Fraction(sum((value.cpu_usd for value in work), Decimal(0))) / seconds,
            memory_usd_per_second=Fraction(sum((value.memory_usd for value in work), Decimal(0))) / seconds,
        ),
    )


def projected_terms(
    calls: Fraction | int, baseline: CallCost, *, before: ContainerRates, after: ContainerRates
) -> SavingTerms:
    """Restate a claim: its own volume and prices, full coverage, at the baseline's measured billed seconds per call.

    The claim promises the same work on cheaper resources, so only the rates change from before to after.

    Args:
        calls: the claim's calls, in the length of time that the bridge is stated for.
        baseline: a call as measured before the rollout; its rates are not used.
        before: the claim's price of a container second before.
        after: the same after.
    """
    return SavingTerms(Fraction(calls), Fraction(1), replace(baseline, rates=before), replace(baseline, rates=after))
