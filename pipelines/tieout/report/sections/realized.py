"""Realized against projected: the headline, the week's savings by function, and how far the rollout has come."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import duckdb

from tieout.catalog.models import BASELINE, Catalog
from tieout.core.money import CENT, round_picodollars, to_cents
from tieout.core.periods import IsoWeek, day_start
from tieout.measure.audit import billed_by_day
from tieout.report.cents import per_day, to_cents_in_groups
from tieout.report.contents import RolloutLine
from tieout.report.reasons import because, remarks
from tieout.report.saving_contents import Headline, Rates, SavingGroup, SavingLine, Savings, SavingTotal, Standing
from tieout.report.wording import Share, share_of, share_of_rate
from tieout.savings.days import baseline_days, projected_usd_per_day
from tieout.savings.function_measurement import FunctionMeasurement
from tieout.savings.status import Judgement, ReasonCode, Status
from tieout.savings.uncertainty import HalfWidth
from tieout.savings.week import WeekMeasurement

IN_THE_PROJECTION = "Functions in the projection"
OTHERS = "Other functions of the programme"

_NOTHING_TO_MEASURE = frozenset({ReasonCode.NO_CHANGE_NAMED, ReasonCode.NOTHING_DEPLOYED})

_BY_PHASE = """
select function, phase, day::date, sum(successful_calls)::bigint, sum(cost_usd)::decimal(38, 12)
from savings.daily_function
where environment = $environment and day >= $since and day < $until
group by all
order by all
"""


def standing_of(judgement: Judgement) -> Standing:
    """Put a judgement into words."""
    return Standing(judgement.status.value, because(judgement), remarks(judgement))


def half_width_in_cents(width: HalfWidth | None) -> Decimal | None:
    """Return a half-width in cents; None without one."""
    return None if width is None else width.half_width_usd.quantize(CENT)


def describe_savings(measurement: WeekMeasurement, catalog: Catalog) -> Savings:
    """Set out realized against projected, in cents that add up."""
    projected = [f for f in measurement.functions if f.projected_usd_per_day is not None]
    others = [f for f in measurement.functions if f.projected_usd_per_day is None]
    groups = [projected, others]
    avoided = to_cents_in_groups([[f.avoided_usd or Decimal(0) for f in group] for group in groups])
    actual = to_cents_in_groups([[f.avoided.actual_usd if f.avoided else Decimal(0) for f in g] for g in groups])
    described = []
    for title, group, *cents in zip((IN_THE_PROJECTION, OTHERS), groups, avoided, actual, strict=True):
        lines = tuple(
            _line(function, avoided_usd=avoided_usd, actual_usd=actual_usd)
            for function, avoided_usd, actual_usd in zip(group, *cents, strict=True)
        )
        if lines:
            described.append(SavingGroup(title, lines, _total(lines, len(measurement.days), half_width_usd=None)))
    measured = {function.function for function in measurement.functions}
    baseline = baseline_days(measurement.baseline) if measurement.baseline else []
    return Savings(
        measured_days=len(measurement.days),
        baseline=measurement.baseline,
        baseline_days_landed=len({*measurement.baseline_days, *(measurement.uncounted & set(baseline))}),
        groups=tuple(described),
        total=_total(
            [line for group in described for line in group.lines],
            len(measurement.days),
            half_width_usd=half_width_in_cents(measurement.half_width),
        ),
        silent_functions=tuple(f.name for f in catalog.functions.functions if f.name not in measured),
    )


def _line(function: FunctionMeasurement, *, avoided_usd: Decimal, actual_usd: Decimal) -> SavingLine:
    claims, projected = function.avoided is not None, function.projected_usd_per_day
    realization = None
    if claims and projected:
        realization = share_of(avoided_usd, projected * len(function.days))
    return SavingLine(
        function=function.function,
        projected_usd_per_day=projected,
        counterfactual_usd=avoided_usd + actual_usd if claims else None,
        actual_usd=actual_usd if claims else None,
        avoided_usd=avoided_usd if claims else None,
        half_width_usd=half_width_in_cents(function.half_width),
        successful_calls=function.calls,
        before_unit_usd=_before_unit(function),
        after_unit_usd=_unit(Fraction(function.actual_usd), function.calls),
        realization=realization,
        standing=standing_of(function.judgement),
    )


def _before_unit(function: FunctionMeasurement) -> Decimal | None:
    """Baseline cost per call: every form of the model meets the baseline's mean day."""
    if function.model is None:
        return None
    calls = sum(function.model.calls)
    return _unit(function.model.exact_cost_usd(Fraction(calls), len(function.model.days)), calls)


def _unit(cost: Fraction, calls: int) -> Decimal | None:
    return round_picodollars(cost / calls) if calls else None


def _total(lines: Sequence[SavingLine], days: int, *, half_width_usd: Decimal | None) -> SavingTotal:
    claimed = [line for line in lines if line.avoided_usd is not None]
    projected = [line.projected_usd_per_day for line in lines if line.projected_usd_per_day is not None]
    projected_usd = sum(projected, Decimal(0)) if projected else None
    if not claimed:
        return SavingTotal(projected_usd, None, None, None, None, None)
    avoided = sum((line.avoided_usd or Decimal(0) for line in claimed), Decimal(0))
    actual = sum((line.actual_usd or Decimal(0) for line in claimed), Decimal(0))
    realization = share_of(avoided, projected_usd * days) if projected_usd else None
    return SavingTotal(projected_usd, avoided + actual, actual, avoided, half_width_usd, realization)


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
        standing=_total_standing(measurement),
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
    )


def _total_standing(measurement: WeekMeasurement) -> Standing:
    if not measurement.functions:
        return Standing(Status.NO_CLAIM.value, ("the catalog names no function that has calls or cost",))
    undeployed = [r for r in measurement.judgement.reasons if r.code in _NOTHING_TO_MEASURE]
    if undeployed:  # whatever else is missing follows from it: no function claims anything yet
        return standing_of(Judgement(measurement.judgement.status, tuple(undeployed)))
    return standing_of(measurement.judgement)


def _rates(measurement: WeekMeasurement) -> Rates:
    if measurement.rates is None:
        return Rates()
    return Rates(
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


@dataclass
class _Moves:
    """Calls and cost of one function, in its newest phase and in all phases."""

    moved_calls: int = 0
    calls: int = 0
    moved_usd: Decimal = Decimal(0)
    elsewhere_usd: Decimal = Decimal(0)


def read_rollout(
    con: duckdb.DuckDBPyConnection, week: IsoWeek, *, landed: Collection[dt.date], catalog: Catalog
) -> tuple[RolloutLine, ...]:
    """Read how many calls and how much cost have moved to each function's newest phase, in the catalog's order."""
    deployments = {phase.id: phase.deployed_at.date() for phase in catalog.rollout.phases}
    newest = _newest_phases(catalog, week)
    days = {name: [d for d in week.days() if d > deployments[phase] and d in landed] for name, phase in newest.items()}
    parameters = {
        "environment": catalog.functions.environment,
        "since": day_start(week.start),
        "until": day_start(week.end),
    }
    moves: dict[str, _Moves] = defaultdict(_Moves)
    for function, phase, day, calls, cost in con.execute(_BY_PHASE, parameters).fetchall():
        if day not in days.get(function, ()):
            continue
        sums = moves[function]
        sums.calls += calls
        if phase == newest[function]:
            sums.moved_calls += calls
            sums.moved_usd += cost
        else:
            sums.elsewhere_usd += cost
    return tuple(
        RolloutLine(
            function=name,
            phase=newest[name],
            days=len(days[name]),
            moved_calls=moves[name].moved_calls,
            calls=moves[name].calls,
            calls_share=share_of(moves[name].moved_calls, moves[name].calls),
            moved_usd=moves[name].moved_usd,
            elsewhere_usd=moves[name].elsewhere_usd,
            cost_share=_cost_share(moves[name]),
        )
        for name in newest
        if name in moves
    )


def _cost_share(moves: _Moves) -> Share | None:
    return share_of(moves.moved_usd, moves.moved_usd + moves.elsewhere_usd)


def _newest_phases(catalog: Catalog, week: IsoWeek) -> dict[str, str]:
    """Return the last phase that each function has and that was deployed before the week's end; baseline left out."""
    deployed = [phase for phase in catalog.rollout.phases if phase.deployed_at < day_start(week.end)]
    order = [BASELINE, *(phase.id for phase in sorted(deployed, key=lambda phase: phase.deployed_at))]
    newest = {}
    for function in catalog.functions.functions:
        phases = [c.phase for c in function.configurations if c.phase in order]
        if phases and (last := max(phases, key=order.index)) != BASELINE:
            newest[function.name] = last
    return newest
