"""The terms whose product is a saving: calls, coverage and the cost of a call (docs/method.md, "Bridge")."""

from dataclasses import dataclass, replace
from fractions import Fraction


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
