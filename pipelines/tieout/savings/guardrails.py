"""Guardrails: whether a rollout harmed what it was not meant to touch (docs/reference/rules.md, "Guardrails").

Error, timeout and OOM rates and the p50 and p95 of execution seconds are held against margins that were fixed before
anybody looked. Each is a non-inferiority test: passed only when the whole interval of the harm lies within the margin,
failed only when it lies entirely beyond. In between the data cannot tell, and that is no pass.

Every bound is one-sided at 95%: the upper one decides a pass, the lower one a failure. Statistics are floats; no
money is involved. Known drawback: calls are taken as independent and days as independent, so failures that come in
clusters make the intervals of rates too narrow.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from tieout.catalog.models import Margins
from tieout.savings.quantiles import beta_quantile, student_t_quantile

CONFIDENCE = 0.95
SHORTEST_SECONDS = 1e-6  # the log's resolution
LEAST_DAYS = 2  # a variance needs two


class Guardrail(StrEnum):
    """What is guarded, in the order of the report."""

    ERROR_RATE = "error_rate"
    TIMEOUT_RATE = "timeout_rate"
    OOM_RATE = "oom_rate"
    P50_SECONDS = "p50_seconds"
    P95_SECONDS = "p95_seconds"


class GuardrailVerdict(StrEnum):
    """What a guardrail says; only `PASS` lets a saving be verified."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class GuardrailReason(StrEnum):
    """Why a verdict is what it is."""

    WITHIN_MARGIN = "within_margin"
    BEYOND_MARGIN = "beyond_margin"
    UNDERPOWERED = "underpowered"
    NO_CALLS = "no_calls"
    TOO_FEW_DAYS = "too_few_days"


class RateMethod(StrEnum):
    """How the interval of a difference of rates was made."""

    NEWCOMBE = "newcombe"
    EXACT_WHERE_ZERO = "exact_where_zero"


@dataclass(frozen=True)
class Proportion:
    """Events among calls."""

    events: int
    calls: int

    def __post_init__(self) -> None:
        """Refuse counts that cannot be.

        Raises:
            ValueError: negative counts, or more events than calls.
        """
        if not 0 <= self.events <= self.calls:
            raise ValueError(f"{self.events} events in {self.calls} calls cannot be")

    @property
    def rate(self) -> float:
        """Events ÷ calls, for at least one call."""
        return self.events / self.calls


@dataclass(frozen=True)
class Interval:
    """Two one-sided bounds."""

    low: float
    high: float


@dataclass(frozen=True)
class Quality:
    """How one function behaved on one side of the rollout.

    Attributes:
        calls: calls that ended, whatever the way.
        errors: calls that ended in failure.
        timeouts: calls that ran into the timeout.
        ooms: calls killed for lack of memory.
        daily_p50_seconds: median execution seconds of each day with calls.
        daily_p95_seconds: 95th percentile of execution seconds of each day with calls.
    """

    calls: int
    errors: int
    timeouts: int
    ooms: int
    daily_p50_seconds: tuple[float, ...]
    daily_p95_seconds: tuple[float, ...]


@dataclass(frozen=True)
class RateGuardrail:
    """Outcome for a rate.

    Attributes:
        guardrail: which rate.
        before: counts of the baseline.
        after: counts after the rollout.
        estimate: rate after − rate before; None without calls on both sides.
        interval: of that difference; `high` decides a pass.
        margin: the largest accepted difference.
        method: how the interval was made; None without one.
        verdict: pass, fail or inconclusive.
        reason: why.
    """

    guardrail: Guardrail
    before: Proportion
    after: Proportion
    estimate: float | None
    interval: Interval | None
    margin: Decimal
    method: RateMethod | None
    verdict: GuardrailVerdict
    reason: GuardrailReason


@dataclass(frozen=True)
class DurationGuardrail:
    """Outcome for a quantile of execution seconds.

    Attributes:
        guardrail: which quantile.
        before_days: days with calls in the baseline.
        after_days: days with calls after the rollout.
        before_seconds: geometric mean of the daily quantile before; None without a day.
        after_seconds: the same after.
        estimate: after ÷ before; None with less than two days on a side.
        interval: of that ratio; `high` decides a pass.
        margin: the largest accepted ratio.
        degrees_of_freedom: Welch–Satterthwaite; None where there is no interval or no variance.
        verdict: pass, fail or inconclusive.
        reason: why.
    """

    guardrail: Guardrail
    before_days: int
    after_days: int
    before_seconds: float | None
    after_seconds: float | None
    estimate: float | None
    interval: Interval | None
    margin: Decimal
    degrees_of_freedom: float | None
    verdict: GuardrailVerdict
    reason: GuardrailReason


@dataclass(frozen=True)
class FunctionGuardrails:
    """All guardrails of one function, in the order of `Guardrail`."""

    function: str
    results: tuple[RateGuardrail | DurationGuardrail, ...]

    @property
    def verdict(self) -> GuardrailVerdict:
        """`FAIL` when one fails, `PASS` when all pass, else `INCONCLUSIVE`."""
        verdicts = {result.verdict for result in self.results}
        if GuardrailVerdict.FAIL in verdicts:
            return GuardrailVerdict.FAIL
        return GuardrailVerdict.PASS if verdicts == {GuardrailVerdict.PASS} else GuardrailVerdict.INCONCLUSIVE

    @property
    def not_passed(self) -> tuple[RateGuardrail | DurationGuardrail, ...]:
        """Those that keep the saving from being verified."""
        return tuple(result for result in self.results if result.verdict is not GuardrailVerdict.PASS)


def assess(function: str, *, before: Quality, after: Quality, margins: Margins) -> FunctionGuardrails:
    """Hold one function's behaviour after the rollout against its baseline."""
    rates = [
        (Guardrail.ERROR_RATE, before.errors, after.errors, margins.error_rate),
        (Guardrail.TIMEOUT_RATE, before.timeouts, after.timeouts, margins.timeout_rate),
        (Guardrail.OOM_RATE, before.ooms, after.ooms, margins.oom_rate),
    ]
    return FunctionGuardrails(
        function,
        (
            *(
                rate_guardrail(guardrail, Proportion(old, before.calls), Proportion(new, after.calls), margin)
                for guardrail, old, new, margin in rates
            ),
            duration_guardrail(
                Guardrail.P50_SECONDS, before.daily_p50_seconds, after.daily_p50_seconds, margins.p50_ratio
            ),
            duration_guardrail(
                Guardrail.P95_SECONDS, before.daily_p95_seconds, after.daily_p95_seconds, margins.p95_ratio
            ),
        ),
    )


def rate_guardrail(guardrail: Guardrail, before: Proportion, after: Proportion, margin: Decimal) -> RateGuardrail:
    """Test that a rate rose by no more than the margin."""
    if not before.calls or not after.calls:
        estimate, interval, method = None, None, None
        verdict, reason = GuardrailVerdict.INCONCLUSIVE, GuardrailReason.NO_CALLS
    else:
        estimate, interval = after.rate - before.rate, newcombe(before, after)
        method = RateMethod.NEWCOMBE if before.events and after.events else RateMethod.EXACT_WHERE_ZERO
        verdict, reason = _judge(interval, float(margin))
    return RateGuardrail(
        guardrail=guardrail,
        before=before,
        after=after,
        estimate=estimate,
        interval=interval,
        margin=margin,
        method=method,
        verdict=verdict,
        reason=reason,
    )


def duration_guardrail(
    guardrail: Guardrail, before: Sequence[float], after: Sequence[float], margin: Decimal
) -> DurationGuardrail:
    """Test that a daily quantile of execution seconds grew by no more than the margin, by Welch's t on its logarithm.

    Args:
        guardrail: which quantile.
        before: the quantile of every baseline day with calls, in seconds.
        after: the same for the days after the rollout.
        margin: the largest accepted ratio after ÷ before.

    Raises:
        ValueError: a value that is no duration.
    """
    old, new = _logarithms(guardrail, before), _logarithms(guardrail, after)
    estimate, interval, freedom = None, None, None
    verdict, reason = GuardrailVerdict.INCONCLUSIVE, GuardrailReason.TOO_FEW_DAYS
    if min(len(old), len(new)) >= LEAST_DAYS:
        estimate = math.exp(statistics.fmean(new) - statistics.fmean(old))
        interval, freedom = _welch(old, new)
        verdict, reason = _judge(interval, float(margin))
    return DurationGuardrail(
        guardrail=guardrail,
        before_days=len(old),
        after_days=len(new),
        before_seconds=math.exp(statistics.fmean(old)) if old else None,
        after_seconds=math.exp(statistics.fmean(new)) if new else None,
        estimate=estimate,
        interval=interval,
        margin=margin,
        degrees_of_freedom=freedom,
        verdict=verdict,
        reason=reason,
    )


def wilson(proportion: Proportion, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's score bounds of a proportion, each one-sided at the given confidence."""
    z = statistics.NormalDist().inv_cdf(confidence)
    n, rate = proportion.calls, proportion.rate
    middle = rate + z * z / (2 * n)
    half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if not proportion.events else max(0.0, (middle - half) / scale)
    high = 1.0 if proportion.events == n else min(1.0, (middle + half) / scale)
    return Interval(low, high)


def clopper_pearson_upper(proportion: Proportion, confidence: float = CONFIDENCE) -> float:
    """Exact binomial upper bound of a proportion: the rate at which so few events have a chance of 1 − confidence."""
    if proportion.events == proportion.calls:
        return 1.0
    return beta_quantile(proportion.events + 1, proportion.calls - proportion.events, confidence)


def newcombe(before: Proportion, after: Proportion, confidence: float = CONFIDENCE) -> Interval:
    """Newcombe's hybrid score bounds of rate after − rate before, each one-sided at the given confidence.

    An arm without events enters with its exact binomial upper bound, which is wider there than Wilson's; without events
    on both sides the bound of the difference is that exact bound.
    """
    old, new = _bounds(before, confidence), _bounds(after, confidence)
    difference = after.rate - before.rate
    return Interval(
        max(-1.0, difference - math.hypot(after.rate - new.low, old.high - before.rate)),
        min(1.0, difference + math.hypot(new.high - after.rate, before.rate - old.low)),
    )


def _bounds(proportion: Proportion, confidence: float) -> Interval:
    if proportion.events:
        return wilson(proportion, confidence)
    return Interval(0.0, clopper_pearson_upper(proportion, confidence))


def _judge(interval: Interval, margin: float) -> tuple[GuardrailVerdict, GuardrailReason]:
    if interval.high <= margin:
        return GuardrailVerdict.PASS, GuardrailReason.WITHIN_MARGIN
    if interval.low > margin:
        return GuardrailVerdict.FAIL, GuardrailReason.BEYOND_MARGIN
    return GuardrailVerdict.INCONCLUSIVE, GuardrailReason.UNDERPOWERED


def _logarithms(guardrail: Guardrail, seconds: Sequence[float]) -> list[float]:
    for value in seconds:
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{guardrail}: {value} is no number of seconds; leave a day without calls out")
    return [math.log(max(value, SHORTEST_SECONDS)) for value in seconds]


def _welch(before: Sequence[float], after: Sequence[float]) -> tuple[Interval, float | None]:
    """Bounds of exp(mean after − mean before), and the degrees of freedom; None when no day differs from another."""
    difference = statistics.fmean(after) - statistics.fmean(before)
    parts = [statistics.variance(before) / len(before), statistics.variance(after) / len(after)]
    squared = math.fsum(parts)
    if squared == 0:
        return Interval(math.exp(difference), math.exp(difference)), None
    freedom = squared**2 / (parts[0] ** 2 / (len(before) - 1) + parts[1] ** 2 / (len(after) - 1))
    half = student_t_quantile(freedom, CONFIDENCE) * math.sqrt(squared)
    return Interval(_exp(difference - half), _exp(difference + half)), freedom


def _exp(logarithm: float) -> float:
    """E to a power; two days that differ wildly may leave the range of floats, and their bound is infinite."""
    try:
        return math.exp(logarithm)
    except OverflowError:
        return math.inf
