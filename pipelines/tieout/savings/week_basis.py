"""The days that count in the measurement of a week, and the work on them."""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from tieout.core.money import round_picodollars
from tieout.core.periods import IsoWeek
from tieout.savings.boundary import Boundary, OtherApp, boundary, grown_like
from tieout.savings.context import WeekContext
from tieout.savings.counterfactual import fit_counterfactual
from tieout.savings.daily_work import DailyWork, WorkingDay, function_days, working_days
from tieout.savings.days import BaselinePeriod, FunctionDay, baseline_days, measured_days
from tieout.savings.error_bars import Attribution
from tieout.savings.log_coverage import LogGap
from tieout.savings.moved_work import WorkVolume, taken_over_usd_per_day
from tieout.savings.programme import Programme
from tieout.savings.unit_shift import UnitShift
from tieout.savings.work_unit import InputVolume, days_of_inputs, input_volume, shifted_units


@dataclass(frozen=True)
class WeekBasis:
    """The days of a measurement, and the work on them by function.

    Attributes:
        week: which.
        programme: what the catalog says.
        baseline: the frozen period; None when there is no whole week of data before the first deployment.
        baseline_days: its days that count.
        days: days of the week after the first deployment, without deployment days, that count.
        missing_days: days that would be among them, but for their bill, a call log or a negative cost.
        blackout: the days of deployment.
        counted: every day before the week's end that counts.
        log_gaps: the call logs that are missing on days with a landed bill.
        negative_days: the programme's function days before the week's end whose cost is negative.
        work: on the days that count, by function.
        contradictions: by function, what the catalog says was deployed before and was not.
        context: what is known beside the work.
    """

    week: IsoWeek
    programme: Programme
    baseline: BaselinePeriod | None
    baseline_days: tuple[dt.date, ...]
    days: tuple[dt.date, ...]
    missing_days: tuple[dt.date, ...]
    blackout: frozenset[dt.date]
    counted: frozenset[dt.date]
    log_gaps: tuple[LogGap, ...]
    negative_days: tuple[FunctionDay, ...]
    work: Mapping[str, Sequence[DailyWork]]
    contradictions: Mapping[str, Mapping[str, str]]
    context: WeekContext

    @cached_property
    def outside(self) -> Boundary:
        """The boundary account of the measured days."""
        silent = sum((self._silent_usd_per_day(name) for name in self.programme.functions), Fraction(0))
        return boundary(
            self.context.outside,
            baseline_days=self.baseline_days,
            days=self.days,
            silent_usd_per_day=round_picodollars(silent),
            volume_growth=self._volume_growth(),
        )

    def _volume_growth(self) -> Fraction:
        """How much more the catalog's functions were called, weighted by their baseline cost; at least 1."""
        before = [volume for volume in self._volumes if volume.before > 0]
        weight = sum((volume.usd_before for volume in before), Fraction(0))
        grown = sum((volume.growth * volume.usd_before for volume in before), Fraction(0))
        return max(grown / weight, Fraction(1)) if weight > 0 else Fraction(1)

    def _silent_usd_per_day(self, function: str) -> Fraction:
        """What a function cost on a baseline day beyond what it still costs; zero where somebody called it since."""
        before, after = self.baseline_work(function), self.working_days(function, self.days)
        if not (before and after) or any(day.successful_calls for day in after):
            return Fraction(0)
        means = [sum((Fraction(day.cost_usd) for day in side), Fraction(0)) / len(side) for side in (before, after)]
        return max(means[0] - means[1], Fraction(0))

    def attribution_usd(self, counterfactuals_usd: Mapping[str, Decimal]) -> Decimal:
        """What the attribution leaves open of a saving, by function what its calls would have cost, in dollars."""
        mondays = {IsoWeek.of(day).start for day in self.baseline_days}
        attribution = Attribution(self.context.error_bars, baseline=mondays)
        return attribution.half_width_usd(counterfactuals_usd, measured={self.week.start})

    def baseline_work(self, function: str) -> tuple[WorkingDay, ...]:
        """The work of a catalog's function on the baseline days, at the list prices of the week, to the picodollar."""
        return self._baseline_work[function]

    @cached_property
    def _baseline_work(self) -> Mapping[str, tuple[WorkingDay, ...]]:
        return {
            name: self.context.at_week_prices(name, self.working_days(name, self.baseline_days))
            for name in self.programme.functions
        }

    def working_days(self, function: str, days: Sequence[dt.date]) -> tuple[WorkingDay, ...]:
        """The work of a function on every one of the days."""
        return working_days(self.work.get(function, ()), days)

    def is_deployed(self, function: str) -> bool:
        """Whether a phase that changes a function is deployed by the end of the week."""
        return any(phase.deployed_at.date() < self.week.end for phase in self.programme.phases_of(function))

    @cached_property
    def taken_over(self) -> Mapping[str, Fraction]:
        """What functions of the catalog may have taken over from others on the measured days, dollars by function."""
        return {name: usd * len(self.days) for name, usd in taken_over_usd_per_day(self._volumes).items()}

    @cached_property
    def _volumes(self) -> Sequence[WorkVolume]:
        if not self.baseline_days or not self.days:
            return ()
        return [volume for name in self.programme.functions if (volume := self._volume(name)) is not None]

    def _volume(self, function: str) -> WorkVolume | None:
        """Calls of a function that something is claimed for, else its cost; None where neither side has any."""
        before, after = self.baseline_work(function), self.working_days(function, self.days)
        usd_before = _same_weekdays(before, after, lambda day: Fraction(day.cost_usd))
        model = fit_counterfactual(before) if self.is_deployed(function) else None
        if model is not None:
            calls = _same_weekdays(before, after, lambda day: Fraction(day.successful_calls))
            calls_after = Fraction(sum(day.successful_calls for day in after), len(after))
            return WorkVolume(function, calls, calls_after, model.usd_per_call, usd_before) if calls else None
        usd_after = sum((Fraction(day.cost_usd) for day in after), Fraction(0)) / len(after)
        is_there = usd_before > 0 or (usd_before == 0 and usd_after > 0)
        return WorkVolume(function, usd_before, usd_after, Fraction(1), usd_before) if is_there else None

    @cached_property
    def shifted_units(self) -> Mapping[str, UnitShift]:
        """The functions whose inputs may be other work than in the baseline, by name."""
        volumes = [self._input_volume(name) for name in self.programme.functions]
        known = [volume for volume in volumes if volume is not None]
        return shifted_units(known, demand_outside=self._demand_outside())

    def _input_volume(self, function: str) -> InputVolume | None:
        work, before, after = self.work.get(function, ()), frozenset(self.baseline_days), frozenset(self.days)
        cost = sum((Fraction(day.cost_usd) for day in self.baseline_work(function)), Fraction(0))
        return input_volume(
            function,
            days_of_inputs(value for value in work if value.day in before),
            days_of_inputs(value for value in work if value.day in after),
            weight=cost,
        )

    def _demand_outside(self) -> float:
        """How the cost of the programme's apps outside the catalog moved, residuals left out; 1 where there is none."""
        lines = [line for line in self.outside.lines if not line.function.startswith("__")]
        before = sum((line.before_usd_per_day for line in lines), Decimal(0))
        after = sum((line.after_usd_per_day for line in lines), Decimal(0))
        return float(after / before) if before > 0 and after > 0 else 1.0

    def unexplained_fell_usd(self, functions: Collection[str]) -> Decimal:
        """By how much less of the cost of some functions no log explains on the measured days than in the baseline.

        What the apps as a whole cannot explain counts by the functions' share of the programme's baseline cost.
        """
        if not self.baseline_days or not self.days:
            return Decimal(0)
        own = sum((self.context.unexplained_fell_usd(f, self.baseline_days, self.days) for f in functions), Fraction(0))
        costs = {name: sum(day.cost_usd for day in self.baseline_work(name)) for name in self.programme.functions}
        whole = sum(costs.values())
        share = Fraction(sum(costs.get(name, 0) for name in functions)) / Fraction(whole) if whole else Fraction(0)
        residual = Fraction(self.outside.unexplained_fell_usd_per_day) * len(self.days) * share
        return round_picodollars(own + residual)

    def unpaid_usd(self, functions: Iterable[str]) -> Decimal:
        """How much more of what the logs of some functions show the bill leaves unpaid than it did in the baseline."""
        if not self.baseline_days or not self.days:
            return Decimal(0)
        own = (self.context.unpaid_usd(name, self.baseline_days, self.days) for name in functions)
        return round_picodollars(sum((max(usd, Fraction(0)) for usd in own), Fraction(0)))

    def grown_like(self, saving_usd: Decimal | None) -> OtherApp | None:
        """The app outside the programme that grew by about what was saved; None without one."""
        apps = self.context.other_apps
        return grown_like(saving_usd, apps, baseline_days=self.baseline_days, days=self.days)

    def unsettled_days(self, function: str, days: Sequence[dt.date]) -> tuple[dt.date, ...]:
        """Those of the days on which the bill of a function was read before the settle buffer had passed."""
        unsettled = {value.day for value in self.work.get(function, ()) if not value.is_settled}
        return tuple(day for day in days if day in unsettled)


def week_basis(
    week: IsoWeek,
    work: Iterable[DailyWork],
    *,
    programme: Programme,
    baseline: BaselinePeriod | None,
    landed: Iterable[dt.date],
    contradictions: Mapping[str, Mapping[str, str]],
    log_gaps: Iterable[LogGap],
    context: WeekContext,
) -> WeekBasis:
    """Select the days that count; `savings.week.measure_week` says what the arguments are."""
    landed_days = frozenset(day for day in landed if day < week.end)
    gaps = tuple(_within(log_gaps, landed_days))
    known = [value for value in work if value.day in landed_days]
    negative = _negative_days(known, programme)
    counted = landed_days.difference((value.day for value in negative), *(gap.days for gap in gaps))
    deployments = frozenset(programme.deployment_days.values())
    candidates = measured_days(week, first_deployment=min(deployments, default=None), blackout=deployments)
    before = tuple(day for day in (baseline_days(baseline) if baseline else []) if day in counted)
    days = tuple(day for day in candidates if day in counted)
    return WeekBasis(
        week=week,
        programme=programme,
        baseline=baseline,
        baseline_days=before,
        days=days,
        missing_days=tuple(day for day in candidates if day not in counted),
        blackout=deployments,
        counted=counted,
        log_gaps=gaps,
        negative_days=negative,
        work=_by_function(value for value in known if value.day in counted),
        contradictions=contradictions,
        context=context,
    )


def _same_weekdays(
    before: Sequence[WorkingDay], after: Sequence[WorkingDay], value: Callable[[WorkingDay], Fraction]
) -> Fraction:
    """The mean of the baseline over the weekdays that some days have; a weekday without any is a mean day."""
    by_weekday: dict[int, list[Fraction]] = {}
    for day in before:
        by_weekday.setdefault(day.day.weekday(), []).append(value(day))
    every = [amount for amounts in by_weekday.values() for amount in amounts]
    like = [by_weekday.get(day.day.weekday(), every) for day in after]
    return sum((sum(amounts, Fraction(0)) / len(amounts) for amounts in like), Fraction(0)) / len(after)


def _by_function(work: Iterable[DailyWork]) -> dict[str, list[DailyWork]]:
    by_function: dict[str, list[DailyWork]] = {}
    for value in work:
        by_function.setdefault(value.function, []).append(value)
    return by_function


def _within(gaps: Iterable[LogGap], days: Collection[dt.date]) -> Iterable[LogGap]:
    for gap in gaps:
        if within := tuple(day for day in gap.days if day in days):
            yield replace(gap, days=within)


def _negative_days(work: Iterable[DailyWork], programme: Programme) -> tuple[FunctionDay, ...]:
    negative = [value for value in function_days(work, programme.functions) if value.cost_usd < 0]
    return tuple(sorted(negative, key=lambda value: (value.day, value.function)))
