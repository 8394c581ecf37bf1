"""Realized against projected: the week's savings by function, the headline, and how far the rollout has come."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import duckdb

from pipelines.core.catalog import BASELINE, Catalog, ProjectionLine
from pipelines.core.money import to_cents
from pipelines.core.periods import IsoWeek, day_start
from pipelines.core.savings import (
    BaselinePeriod,
    FunctionDay,
    FunctionSaving,
    baseline_days,
    baseline_period,
    measured_days,
    projected_usd_per_day,
    round_picodollars,
    weekly_savings,
)
from pipelines.report.cents import per_day, to_cents_in_groups
from pipelines.report.contents import (
    Headline,
    RolloutLine,
    SavingGroup,
    SavingLine,
    Savings,
    SavingTotal,
)
from pipelines.report.wording import Share, share_of

IN_THE_PROJECTION = "Functions in the projection"
OTHERS = "Other functions of the programme"

_SERIES = """
select function, day::date, sum(successful_calls)::bigint, sum(cost_usd)::decimal(38, 12)
from savings.daily_function
where environment = $environment and day < $until
group by all
order by all
"""

_BILLED_BY_DAY = """
select hour::date, sum(amount_usd)::decimal(38, 12)
from spend.hourly
where hour >= $since and hour < $until
group by all
order by all
"""

_BY_PHASE = """
select function, phase, day::date, sum(successful_calls)::bigint, sum(cost_usd)::decimal(38, 12)
from savings.daily_function
where environment = $environment and day >= $since and day < $until
group by all
order by all
"""


@dataclass(frozen=True)
class Measurement:
    """The savings of a week as measured, before they are rounded and worded.

    Attributes:
        week: the week.
        baseline: the frozen period; None when there is no whole week.
        baseline_days: its days up to the week's end whose bill is landed.
        measured_days: the week's days that count and whose bill is landed.
        missing_days: days that would count, but for their bill.
        by_function: every function of the environment, residuals too.
    """

    week: IsoWeek
    baseline: BaselinePeriod | None
    baseline_days: tuple[dt.date, ...]
    measured_days: tuple[dt.date, ...]
    missing_days: tuple[dt.date, ...]
    by_function: Mapping[str, FunctionSaving]


def deployment_days(catalog: Catalog) -> dict[str, dt.date]:
    """Return the day of deployment by phase."""
    return {phase.id: phase.deployed_at.date() for phase in catalog.rollout.phases}


def find_baseline(landed: Collection[dt.date], catalog: Catalog) -> BaselinePeriod | None:
    """Return the baseline that the landed days allow; None before anything was deployed or landed."""
    first_deployment = min(deployment_days(catalog).values(), default=None)
    if first_deployment is None or not landed:
        return None
    return baseline_period(min(landed), first_deployment)


def measure(
    con: duckdb.DuckDBPyConnection, week: IsoWeek, *, landed: Collection[dt.date], catalog: Catalog
) -> Measurement:
    """Measure every function of the programme's environment over the days whose bill is landed.

    A day with calls but without its bill would look like a saving, so it counts for nothing.
    """
    deployments = deployment_days(catalog)
    baseline = find_baseline(landed, catalog)
    first = min(deployments.values(), default=None)
    days = measured_days(week, first_deployment=first, blackout=deployments.values())
    parameters = {"environment": catalog.functions.environment, "until": day_start(week.end)}
    rows = con.execute(_SERIES, parameters).fetchall()
    series = [FunctionDay(*row) for row in rows if row[1] in landed]
    # A projected function that was never seen still has its line, with the reason why nothing is claimed.
    series += [FunctionDay(line.function, week.start, 0, Decimal(0)) for line in catalog.projection.lines]
    savings = weekly_savings(series, week, deployments=deployments, baseline=baseline)
    return Measurement(
        week=week,
        baseline=baseline,
        baseline_days=tuple(day for day in baseline_days(baseline) if day in landed) if baseline else (),
        measured_days=tuple(day for day in days if day in landed),
        missing_days=tuple(day for day in days if day not in landed),
        by_function={saving.function: saving for saving in savings},
    )


def describe_savings(measurement: Measurement, catalog: Catalog, premises: Mapping[str, str]) -> Savings:
    """Set out realized against projected, in cents that add up.

    Args:
        measurement: the week as measured.
        catalog: the programme.
        premises: by function, what was deployed before where it is not what the catalog says.
    """
    projection = {line.function: line for line in catalog.projection.lines}
    known = [function.name for function in catalog.functions.functions]
    seen = [name for name in known if name in measurement.by_function]
    groups = [list(projection), [name for name in seen if name not in projection]]
    savings = [[measurement.by_function[name] for name in names] for names in groups]
    days = len(measurement.measured_days)
    avoided = to_cents_in_groups([[s.avoided_usd or Decimal(0) for s in group] for group in savings])
    actual = to_cents_in_groups(
        [[s.actual_usd if _claims(s, days) else Decimal(0) for s in group] for group in savings]
    )
    described = []
    for title, group, *cents in zip((IN_THE_PROJECTION, OTHERS), savings, avoided, actual, strict=True):
        lines = tuple(
            _line(
                saving,
                projection.get(saving.function),
                days=days,
                cents=(avoided_usd, actual_usd),
                premise=premises.get(saving.function),
            )
            for saving, avoided_usd, actual_usd in zip(group, *cents, strict=True)
        )
        if lines:
            described.append(SavingGroup(title, lines, _total(lines, days)))
    return Savings(
        measured_days=days,
        baseline=measurement.baseline,
        baseline_days_landed=len(measurement.baseline_days),
        groups=tuple(described),
        total=_total([line for group in described for line in group.lines], days),
        silent_functions=tuple(name for name in known if name not in measurement.by_function),
    )


def _claims(saving: FunctionSaving, days: int) -> bool:
    return saving.avoided_usd is not None and days > 0


def _line(
    saving: FunctionSaving,
    projected: ProjectionLine | None,
    *,
    days: int,
    cents: tuple[Decimal, Decimal],
    premise: str | None,
) -> SavingLine:
    claims = _claims(saving, days)
    avoided, actual = cents
    per_day_usd = None if projected is None else _projected(projected)
    unit = round_picodollars(Fraction(saving.actual_usd) / saving.successful_calls) if saving.successful_calls else None
    return SavingLine(
        function=saving.function,
        projected_usd_per_day=per_day_usd,
        counterfactual_usd=avoided + actual if claims else None,
        actual_usd=actual if claims else None,
        avoided_usd=avoided if claims else None,
        successful_calls=saving.successful_calls,
        before_unit_usd=saving.baseline_unit_usd,
        after_unit_usd=unit,
        realization=share_of(per_day(avoided, days), per_day_usd) if claims and per_day_usd else None,
        not_claimed_because=None if claims else _reason(saving),
        premise=premise,
    )


def _reason(saving: FunctionSaving) -> str:
    return saving.reason.value if saving.reason else "the bill of no measured day is landed"


def _projected(line: ProjectionLine) -> Decimal:
    return projected_usd_per_day(line.before_usd_per_hour, line.after_usd_per_hour, line.calls_per_hour)


def _total(lines: Sequence[SavingLine], days: int) -> SavingTotal:
    claimed = [line for line in lines if line.avoided_usd is not None]
    projected = [line.projected_usd_per_day for line in lines if line.projected_usd_per_day is not None]
    projected_usd = sum(projected, Decimal(0)) if projected else None
    if not claimed:
        return SavingTotal(projected_usd, None, None, None, None)
    avoided = sum((line.avoided_usd or Decimal(0) for line in claimed), Decimal(0))
    actual = sum((line.actual_usd or Decimal(0) for line in claimed), Decimal(0))
    realization = share_of(per_day(avoided, days), projected_usd) if projected_usd else None
    return SavingTotal(projected_usd, avoided + actual, actual, avoided, realization)


def describe_headline(
    con: duckdb.DuckDBPyConnection, measurement: Measurement, savings: Savings, catalog: Catalog
) -> Headline:
    """Draw the first lines of the report from its parts."""
    published = catalog.projection.published
    total, days = savings.total, savings.measured_days
    lines = [line for group in savings.groups for line in group.lines if line.projected_usd_per_day is not None]
    return Headline(
        week=measurement.week,
        measured_days=days,
        avoided_usd=total.avoided_usd,
        avoided_usd_per_day=None if total.avoided_usd is None else per_day(total.avoided_usd, days),
        counterfactual_usd=total.counterfactual_usd,
        not_claimed_because=None if total.avoided_usd is not None else _reason_for_all(savings),
        published_usd_per_day=published.saving_usd_per_day if published else None,
        lines_usd_per_day=sum((_projected(line) for line in catalog.projection.lines), Decimal(0)),
        published_cut_percent=published.reduction_percent if published else None,
        cash_change_usd=_cash_change(measurement),
        baseline_usd_per_day=_baseline_usd_per_day(con, measurement),
        premises_not_met=(sum(line.premise is not None for line in lines), len(lines)),
    )


def _reason_for_all(savings: Savings) -> str:
    reasons = sorted({line.not_claimed_because or "" for group in savings.groups for line in group.lines})
    if not reasons:
        return "the catalog names no function that has calls or cost"
    return reasons[0] if len(reasons) == 1 else "no function allows it (each reason stands in its line)"


def _cash_change(measurement: Measurement) -> Decimal | None:
    """Sum over all functions; None when a day is missing on either side, which would pass for a change."""
    baseline = measurement.baseline
    if baseline is None or len(measurement.baseline_days) < baseline.days or measurement.missing_days:
        return None
    changes = [saving.cash_change_usd for saving in measurement.by_function.values()]
    known = [change for change in changes if change is not None]
    [cents] = to_cents([sum(known, Decimal(0))])
    return cents if known else None


def _baseline_usd_per_day(con: duckdb.DuckDBPyConnection, measurement: Measurement) -> Decimal | None:
    """All that was billed on the landed baseline days, whatever it was for, per day."""
    if measurement.baseline is None or not measurement.baseline_days:
        return None
    parameters = {"since": day_start(measurement.baseline.start), "until": day_start(measurement.baseline.end)}
    rows = con.execute(_BILLED_BY_DAY, parameters).fetchall()
    billed = sum((amount for day, amount in rows if day in measurement.baseline_days), Decimal(0))
    return per_day(billed, len(measurement.baseline_days))


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
    deployments = deployment_days(catalog)
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
