"""The cumulative saving since the first deployment, against its promise."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from tieout.catalog.models import Catalog
from tieout.core.money import format_usd, in_cents
from tieout.core.periods import IsoWeek, days_between
from tieout.report.wording import count, day_name, listing, share_of, with_interval
from tieout.savings.cumulative import CumulativeDay, WeekClaim, cumulative_avoided
from tieout.savings.daily_work import DailyWork
from tieout.savings.error_bars import CostBar
from tieout.savings.programme import Programme
from tieout.savings.week import WeekMeasurement


@dataclass(frozen=True)
class CumulativePoint:
    """A UTC day since the first deployment, and what all measured days up to and including it come to; exact.

    Attributes:
        day: the day.
        avoided_usd: of this day alone; None for a day that does not count (deployment, or no bill).
        cumulative_usd: of all measured days so far.
        half_width_usd: half of the 90% interval around the cumulative; None before the first measured day, and where
            the baseline is too short.
        published_usd: the published saving a day × the measured days so far; None when none was published.
        restated_usd: the restated projection a day, as of the report's week, likewise; None when nothing is measured.
    """

    day: dt.date
    avoided_usd: Decimal | None
    cumulative_usd: Decimal
    half_width_usd: Decimal | None
    published_usd: Decimal | None
    restated_usd: Decimal | None


@dataclass(frozen=True)
class DeploymentDay:
    """The day of a phase's deployment."""

    phase: str
    day: dt.date


@dataclass(frozen=True)
class Cumulative:
    """The avoided cost since the first deployment, day by day; there is at least one measured day.

    The amounts of a week's days add up to what that week's own measurement says, exactly.
    """

    points: tuple[CumulativePoint, ...]
    deployments: tuple[DeploymentDay, ...]

    @property
    def last(self) -> CumulativePoint:
        """The end of the report's week."""
        return self.points[-1]

    @property
    def measured_days(self) -> int:
        """How many days count."""
        return sum(point.avoided_usd is not None for point in self.points)

    @cached_property
    def weeks(self) -> Mapping[IsoWeek, Decimal]:
        """What each week with a measured day avoided, in the cents of its own report."""
        exact: dict[IsoWeek, Decimal] = {}
        for point in self.points:
            if point.avoided_usd is not None:
                week = IsoWeek.of(point.day)
                exact[week] = exact.get(week, Decimal(0)) + point.avoided_usd
        return {week: in_cents(amount) for week, amount in exact.items()}

    @property
    def reached_usd(self) -> Decimal:
        """What all measured days avoided: the cents of the weeks added up."""
        return sum(self.weeks.values(), Decimal(0))

    @property
    def figure(self) -> str:
        """`$1,953.12 ± $21.30`: what all measured days avoided."""
        return with_interval(self.reached_usd, self.last.half_width_usd)

    @property
    def sentence(self) -> str:
        """What was avoided so far, with its interval."""
        since, interval = day_name(self.points[0].day), " (90% interval)"
        interval = ", without an interval" if self.last.half_width_usd is None else interval
        what = "negative avoided cost" if self.reached_usd < 0 else "avoided cost"
        return f"Since {since}: {what} {self.figure} over {count(self.measured_days, 'measured day')}{interval}."

    @property
    def promise_sentence(self) -> str | None:
        """What was promised for the same days, all of it from the first day on; None without a promise."""
        parts, last = [], self.last
        for promised, name in ((last.restated_usd, "restated"), (last.published_usd, "published")):
            if promised:
                share = share_of(self.reached_usd, promised)
                parts.append(f"{share} of the {format_usd(promised)} of the {name} projection")
        if not parts:
            return None
        return f"That is {listing(parts)} for the same days, counted in full from the first deployment."

    @property
    def gap_sentence(self) -> str | None:
        """How many days do not count; None when all do."""
        gaps = len(self.points) - self.measured_days
        if not gaps:
            return None
        verb = "does" if gaps == 1 else "do"
        return f"{count(gaps, 'day')} {verb} not count: a deployment day, or a bill that is not landed whole."


def describe_cumulative(
    measurement: WeekMeasurement,
    work: Iterable[DailyWork],
    catalog: Catalog,
    *,
    earlier: Mapping[IsoWeek, Mapping[str, WeekClaim]],
    error_bars: Sequence[CostBar],
) -> Cumulative | None:
    """Add up the avoided cost since the first deployment; None when no day counts yet.

    Args:
        measurement: of the report's week; its models and its restated projection hold for all days.
        work: all days up to the end of the week, the baseline's on their frozen basis.
        catalog: the programme.
        earlier: the counterfactuals of the weeks before, with their witnesses.
        error_bars: of everything in the programme's apps, of all weeks.
    """
    programme = Programme.of(catalog)
    days = cumulative_avoided(
        work,
        programme=programme,
        claims={
            function.function: WeekClaim(function.model, function.testimony.volumes if function.testimony else {})
            for function in measurement.functions
            if function.model
        },
        landed=measurement.counted,
        until=measurement.week.end,
        earlier=earlier,
        error_bars=error_bars,
    )
    if not days:
        return None
    bridge = measurement.bridge
    restated = bridge.total.restated.printed_usd if bridge and catalog.projection.lines else None
    deployments = sorted((day, phase) for phase, day in programme.deployment_days.items() if day < measurement.week.end)
    return Cumulative(
        points=tuple(
            _points(
                days,
                days_between(deployments[0][0], measurement.week.end),
                published=programme.published_usd_per_day,
                restated=restated,
            )
        ),
        deployments=tuple(DeploymentDay(phase, day) for day, phase in deployments),
    )


def _points(
    measured: Iterable[CumulativeDay], days: Sequence[dt.date], *, published: Decimal | None, restated: Decimal | None
) -> Iterator[CumulativePoint]:
    """Give every day its point; a day that does not count stays where the day before was."""
    by_day = {value.day: value for value in measured}
    count, reached, width = 0, Decimal(0), None
    for day in days:
        value = by_day.get(day)
        if value is not None:
            count, reached = count + 1, value.cumulative_usd
            width = None if value.half_width is None else value.half_width.half_width_usd
        yield CumulativePoint(
            day=day,
            avoided_usd=None if value is None else value.avoided_usd,
            cumulative_usd=reached,
            half_width_usd=width,
            published_usd=None if published is None else published * count,
            restated_usd=None if restated is None else restated * count,
        )
