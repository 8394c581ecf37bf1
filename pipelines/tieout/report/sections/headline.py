"""The first lines of the report: what was saved, how sure that is, and how much of the promise it is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.money import format_usd, round_picodollars, to_cents
from tieout.core.periods import IsoWeek
from tieout.measure.audit import billed_by_day
from tieout.report.cents import per_day
from tieout.report.reasons import because
from tieout.report.sections.savings import Savings, Standing, standing_of
from tieout.report.wording import Share, count, listing, share_of_rate, usd, with_interval
from tieout.savings.days import projected_usd_per_day
from tieout.savings.guardrails import GuardrailVerdict
from tieout.savings.status import Judgement, ReasonCode, Status
from tieout.savings.week import WeekMeasurement

_NOTHING_TO_MEASURE = frozenset({ReasonCode.NO_CHANGE_NAMED, ReasonCode.NOTHING_DEPLOYED})
_GUARDRAILS = "guardrails passed"
_NARROW = "± within a quarter of the saving"

CHECKS: Mapping[str, frozenset[ReasonCode]] = {
    "baseline frozen, two weeks or longer": frozenset(
        {
            ReasonCode.BASELINE_NOT_FROZEN,
            ReasonCode.SHORT_BASELINE,
            ReasonCode.TOO_FEW_BASELINE_DAYS,
            ReasonCode.NO_BASELINE_CALLS,
        }
    ),
    "baseline without outages": frozenset({ReasonCode.BASELINE_OUTAGE}),
    "bill settled": frozenset({ReasonCode.UNSETTLED_DAYS, ReasonCode.NO_MEASURED_DAY}),
    "log and bill match for the claim": frozenset(
        {
            ReasonCode.BASELINE_NOT_MATCHED,
            ReasonCode.DAYS_NOT_MATCHED,
            ReasonCode.BILL_BELOW_LOG,
            ReasonCode.UNEXPLAINED_BEFORE,
            ReasonCode.UNEXPLAINED_FELL,
        }
    ),
    "calls moved to the newest phase": frozenset(
        {
            ReasonCode.ROLLOUT_INCOMPLETE,
            ReasonCode.ROLLED_BACK,
            ReasonCode.PREMISE_CONTRADICTED,
            *_NOTHING_TO_MEASURE,
        }
    ),
    "same work, at volumes of the baseline": frozenset(
        {
            ReasonCode.EXTRAPOLATED,
            ReasonCode.FAR_EXTRAPOLATED,
            ReasonCode.WORK_UNIT_CHANGED,
            ReasonCode.WORK_UNIT_SHIFTED,
            ReasonCode.WORK_UNIT_UNSURE,
            ReasonCode.IMPLAUSIBLE_COUNTERFACTUAL,
            ReasonCode.NO_SUCCESSFUL_CALL,
        }
    ),
    "no work moved elsewhere": frozenset(
        {
            ReasonCode.MOVED_OUTSIDE,
            ReasonCode.OUTSIDE_GREW,
            ReasonCode.OTHER_APP_GREW,
            ReasonCode.TAKEN_OVER,
            ReasonCode.GREW_APART,
        }
    ),
    "witnesses agree": frozenset({ReasonCode.WITNESSES_DISAGREE}),
    _GUARDRAILS: frozenset(
        {ReasonCode.GUARDRAIL_FAILED, ReasonCode.GUARDRAIL_INCONCLUSIVE, ReasonCode.GUARDRAILS_NOT_TESTED}
    ),
    _NARROW: frozenset(
        {
            ReasonCode.NEGATIVE_SAVING,
            ReasonCode.NO_INTERVAL,
            ReasonCode.INTERVAL_INCLUDES_ZERO,
            ReasonCode.INTERVAL_TOO_WIDE,
            ReasonCode.WIDE_INTERVAL,
        }
    ),
}
"""What a verified saving must pass, with the reasons that stand against it: every reason has its check."""


@dataclass(frozen=True)
class Check:
    """Something that a verified saving must pass, whether it does, and what stands against it.

    What is not clear is open, unless it is known that it does not hold.
    """

    what: str
    is_clear: bool
    why: str = ""
    has_failed: bool = False

    @property
    def state(self) -> str:
        """In a word."""
        return "clear" if self.is_clear else "failed" if self.has_failed else "open"

    @property
    def mark(self) -> str:
        """As a sign."""
        return {"clear": "✓", "open": "○", "failed": "✗"}[self.state]


@dataclass(frozen=True)
class HeadlineRates:
    """The realization rate, three ways; None where there is nothing to compare with."""

    vs_published: Share | None = None
    vs_restated: Share | None = None
    cost_cut: Share | None = None
    claimed_cost_cut: Share | None = None

    @property
    def cut_figure(self) -> str | None:
        """`39.4% less cost for the same work, claimed 63.3% less`; None where nothing is measured."""
        if self.cost_cut is None:
            return None
        claimed = f", claimed {_less_or_more(self.claimed_cost_cut)}" if self.claimed_cost_cut is not None else ""
        return f"{_less_or_more(self.cost_cut)} cost for the same work{claimed}"


def _less_or_more(cut: Share) -> str:
    direction = "more" if cut.part * cut.whole < 0 else "less"
    return f"{Share(abs(cut.part), abs(cut.whole))} {direction}"


@dataclass(frozen=True)
class Headline:
    """The figures of the first lines.

    Attributes:
        week: the week they are about.
        measured_days: days of it that count.
        avoided_usd: cents; None when nothing is claimed.
        half_width_usd: half of its 90% interval, in cents; None without one.
        avoided_usd_per_day: cents per measured day.
        half_width_usd_per_day: likewise.
        standing: what may be said of it.
        published_usd_per_day: the saving as published; None without a projection.
        lines_usd_per_day: the sum of the projection's own lines.
        restated_usd_per_day: the projection at measured seconds per call; None when nothing is measured.
        rates: how much of the promise that is.
        cash_change_usd: mean baseline day times measured days, less the bill; None when that cannot be said.
        baseline_usd_per_day: all that was billed in the baseline, per day; None without one.
        is_refused: the counterfactual is no headline, because it is far above everything that the functions ever cost.
        checks: what a verified saving must pass; empty where nothing is claimed.
        premises_not_met: projected savings whose "before" was never deployed, and how many there are.
    """

    week: IsoWeek
    measured_days: int
    avoided_usd: Decimal | None
    half_width_usd: Decimal | None
    avoided_usd_per_day: Decimal | None
    half_width_usd_per_day: Decimal | None
    standing: Standing
    published_usd_per_day: Decimal | None
    lines_usd_per_day: Decimal
    restated_usd_per_day: Decimal | None
    rates: HeadlineRates
    cash_change_usd: Decimal | None
    baseline_usd_per_day: Decimal | None
    premises_not_met: tuple[int, int]
    is_refused: bool = False
    checks: tuple[Check, ...] = ()

    @property
    def week_figure(self) -> str | None:
        """`$522.35 ± $12.59`: the avoided cost of the week; None when nothing is claimed."""
        return None if self.avoided_usd is None else with_interval(self.avoided_usd, self.half_width_usd)

    @property
    def day_figure(self) -> str | None:
        """`$74.62 ± $1.80`: the same per measured day, the figure to use."""
        if self.avoided_usd_per_day is None:
            return None
        return with_interval(self.avoided_usd_per_day, self.half_width_usd_per_day)

    @property
    def sentence(self) -> str:
        """The status and what the week avoided, or why nothing is claimed."""
        because = "; ".join(self.standing.because)
        if self.avoided_usd is None or self.is_refused:
            return f"No saving is claimed for {self.week.label}, because {because}."
        interval = " (90% interval)" if self.half_width_usd is not None else ", without an interval"
        what = "the avoided cost is negative," if self.avoided_usd < 0 else "avoided cost"
        status = self.standing.state.capitalize()
        sentence = (
            f"{status}: {what} {self.week_figure} in {self.week.label}, {self.day_figure} a day over "
            f"{count(self.measured_days, 'measured day')}{interval}."
        )
        return f"{sentence} Not verified, because {because}." if because else sentence

    @property
    def realization_sentence(self) -> str | None:
        """How much of the promise that is, three ways; None when there is nothing to compare."""
        rates, parts = self.rates, []
        if rates.vs_published is not None and self.published_usd_per_day is not None:
            part = f"{rates.vs_published} of the published {usd(self.published_usd_per_day)} a day"
            if self.lines_usd_per_day != self.published_usd_per_day:
                part += f" (its own lines add up to {format_usd(self.lines_usd_per_day)})"
            parts.append(part)
        if rates.vs_restated is not None and self.restated_usd_per_day is not None:
            parts.append(f"{rates.vs_restated} of the restated {format_usd(self.restated_usd_per_day)}")
        if rates.cut_figure is not None:
            parts.append(rates.cut_figure)
        return f"That is {listing(parts)}." if parts else None

    @property
    def comparison(self) -> str | None:
        """The projection against all that was ever spent, and what to use; None when the projection is possible."""
        published, spent = self.published_usd_per_day, self.baseline_usd_per_day
        if published is None or spent is None or published <= spent:
            return None
        sentence = (
            f"The published projection of {usd(published)} a day exceeds the whole measured spend of "
            f"{format_usd(spent)} a day in the baseline"
        )
        if self.restated_usd_per_day is None or self.day_figure is None:
            return f"{sentence}."
        restated = f"{sentence}; at measured seconds per call it is {format_usd(self.restated_usd_per_day)} a day"
        if not self.standing.bears_a_figure:
            return f"{restated}."
        return f"{restated}, and the figure to use is the measured {self.day_figure} a day."

    @property
    def cash_sentence(self) -> str | None:
        """The change of the bill, which is no saving; None when it cannot be said."""
        if self.cash_change_usd is None:
            return None
        direction = "below" if self.cash_change_usd >= 0 else "above"
        return (
            f"The bill is {format_usd(abs(self.cash_change_usd))} {direction} as many average baseline days. "
            "Part of that is the number of calls, so it is not the saving."
        )

    @property
    def premise_sentence(self) -> str | None:
        """How many projected savings rest on something that was never deployed; None when all premises hold."""
        unmet, lines = self.premises_not_met
        if not unmet:
            return None
        rest = "rests" if unmet == 1 else "rest"
        configuration = f"{rest} on a configuration that was not deployed"
        return f"Premise not met: {unmet} of the {lines} projected savings {configuration}."

    @property
    def sentences(self) -> tuple[str, ...]:
        """Everything the headline says, in the order of its weight."""
        said = (
            self.sentence,
            self.realization_sentence,
            self.comparison,
            self.premise_sentence,
            self.cash_sentence,
        )
        return tuple(sentence for sentence in said if sentence is not None)


def describe_headline(
    con: duckdb.DuckDBPyConnection, measurement: WeekMeasurement, savings: Savings, catalog: Catalog
) -> Headline:
    """Draw the first lines of the report from its parts."""
    published, bridge = catalog.projection.published, measurement.bridge
    avoided, width, days = measurement.avoided_usd, measurement.half_width, len(measurement.days)
    before, change = _bills(con, measurement)
    projected = [function for function in measurement.functions if function.projected_usd_per_day is not None]
    unmet = [function for function in projected if function.judgement.status is Status.PREMISE_NOT_MET]
    lines = catalog.projection.lines
    return Headline(
        week=measurement.week,
        measured_days=days,
        avoided_usd=savings.total.avoided_usd,
        half_width_usd=savings.total.half_width_usd,
        avoided_usd_per_day=None if avoided is None else per_day(avoided, days),
        half_width_usd_per_day=None if width is None else per_day(width.half_width_usd, days),
        standing=_total_standing(measurement, catalog),
        published_usd_per_day=published.saving_usd_per_day if published else None,
        lines_usd_per_day=sum(
            (projected_usd_per_day(x.before_usd_per_hour, x.after_usd_per_hour, x.calls_per_hour) for x in lines),
            Decimal(0),
        ),
        restated_usd_per_day=bridge.total.restated.printed_usd if bridge and lines else None,
        rates=_rates(measurement),
        cash_change_usd=change,
        baseline_usd_per_day=before,
        premises_not_met=(len(unmet), len(projected)),
        checks=() if avoided is None else tuple(_checks(measurement, avoided)),
        is_refused=any(
            reason.code is ReasonCode.IMPLAUSIBLE_COUNTERFACTUAL for reason in measurement.judgement.reasons
        ),
    )


def _checks(measurement: WeekMeasurement, avoided_usd: Decimal) -> Iterator[Check]:
    """The checks of the total; guardrails that only small functions have open are no reason against it, and named."""
    verdicts = [function.guardrails.verdict for function in measurement.functions if function.guardrails is not None]
    still_open = sum(verdict is not GuardrailVerdict.PASS for verdict in verdicts)
    for check in checks_of(measurement.judgement, avoided_usd):
        if check.what == _GUARDRAILS and check.is_clear and still_open:
            verb = "has" if still_open == 1 else "have"
            why = f"{count(still_open, 'function')} that moved less than 1% of it {verb} open ones"
            yield Check("guardrails passed by what carries the saving", is_clear=True, why=why)
        else:
            yield check


def checks_of(judgement: Judgement, avoided_usd: Decimal) -> Iterator[Check]:
    """Hold a judgement against every check; of a cost that rose no width is asked, but whether it fell."""
    for what, codes in CHECKS.items():
        against = tuple(reason for reason in judgement.reasons if reason.code in codes)
        why = "; ".join(because(Judgement(judgement.status, against)))
        if what == _NARROW and avoided_usd < 0:
            rose = any(reason.code is ReasonCode.NEGATIVE_SAVING for reason in against)
            yield Check("cost fell", is_clear=False, why=why or "the avoided cost is negative", has_failed=rose)
        else:
            yield Check(what, not against, why)


def _total_standing(measurement: WeekMeasurement, catalog: Catalog) -> Standing:
    if not catalog.functions.functions:
        return Standing(Status.NO_CLAIM.value, ("no catalog names a function or a change",))
    if not measurement.functions:
        return Standing(Status.NO_CLAIM.value, ("the catalog names no function that has calls or cost",))
    undeployed = [r for r in measurement.judgement.reasons if r.code in _NOTHING_TO_MEASURE]
    if undeployed:  # whatever else is missing follows from it: no function claims anything yet
        return standing_of(Judgement(measurement.judgement.status, tuple(undeployed)))
    return standing_of(measurement.judgement)


def _rates(measurement: WeekMeasurement) -> HeadlineRates:
    if measurement.rates is None:
        return HeadlineRates()
    return HeadlineRates(
        vs_published=share_of_rate(measurement.rates.vs_published),
        vs_restated=share_of_rate(measurement.rates.vs_restated),
        cost_cut=share_of_rate(measurement.rates.cost_cut),
        claimed_cost_cut=share_of_rate(measurement.rates.claimed_cost_cut),
    )


def _bills(con: duckdb.DuckDBPyConnection, measurement: WeekMeasurement) -> tuple[Decimal | None, Decimal | None]:
    """All that was billed per landed baseline day, whatever for, and by how much the measured days were below that.

    The change is None when a day is missing on either side, which would pass for a change.
    """
    baseline, before = measurement.baseline, measurement.baseline_days
    if baseline is None or not before:
        return None, None
    billed = billed_by_day(con, since=baseline.start, until=measurement.week.end)
    mean = Fraction(sum((billed.get(day, Decimal(0)) for day in before), Decimal(0))) / len(before)
    [mean_cents] = to_cents([round_picodollars(mean)])
    if len(before) < baseline.days or measurement.missing_days or not measurement.days:
        return mean_cents, None
    actual = sum((billed.get(day, Decimal(0)) for day in measurement.days), Decimal(0))
    [change] = to_cents([round_picodollars(mean * len(measurement.days)) - actual])
    return mean_cents, change
