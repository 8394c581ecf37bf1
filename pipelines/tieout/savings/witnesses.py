"""Witnesses: other ways to the same saving, printed beside it (docs/reference/rules.md, "Witnesses").

- the regression: the counterfactual from calls and cost of the baseline days alone, without any replay;
- the replay: container time of the measured days on the old containers, at what a second of it cost in the baseline:
  Ĉ = κ × R, κ = baseline cost ÷ replayed time of the baseline;
- the same days: where callers stayed on the old configuration, what a call cost there and on the new one on these days.

Each has an interval of its own. Regression and replay agree with the saving when they differ by no more than its own
half-width; the same days know only those who stayed, so there the two half-widths count together.
"""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tieout.core.money import round_picodollars
from tieout.savings.counterfactual import fit_counterfactual
from tieout.savings.daily_work import DailyWork, WorkingDay
from tieout.savings.disagreement import Disagreement, WitnessKind
from tieout.savings.quantiles import student_t_quantile
from tieout.savings.replay_period import ReplayedDay
from tieout.savings.replay_shape import standing_share
from tieout.savings.uncertainty import CONFIDENCE, HalfWidth, MeasuredVolume, half_width, total_half_width

LEAST_SIDE_SHARE = Fraction(1, 5)
LEAST_SAME_DAYS = 3
_NORMAL_QUANTILE = 1.6449
_TO_MILLISECONDS = 1000


@dataclass(frozen=True)
class Witness:
    """What one witness says of the measured days, in dollars.

    Attributes:
        kind: which.
        saving_usd: the avoided cost that it comes to.
        actual_usd: what the days cost.
        half_width_usd: half of its own 90% interval; None without one.
        volume: the model behind it and what it was asked; None where there is none.
    """

    kind: WitnessKind
    saving_usd: Decimal
    actual_usd: Decimal
    half_width_usd: Decimal | None
    volume: MeasuredVolume | None = None

    @property
    def counterfactual_usd(self) -> Decimal:
        """What it says that the days would have cost."""
        return self.actual_usd + self.saving_usd

    def difference_usd(self, saving_usd: Decimal) -> Decimal:
        """How far it is from a saving, whichever is larger."""
        return abs(self.saving_usd - saving_usd)


@dataclass(frozen=True)
class Replays:
    """The replayed days of a function, in the order of its baseline days and of its measured days."""

    baseline: tuple[ReplayedDay, ...]
    measured: tuple[ReplayedDay, ...]

    def shape(self, before: Sequence[WorkingDay], after: Sequence[WorkingDay]) -> Fraction | None:
        """The share of a mean baseline day that stands however many calls there are; None where nothing tells."""
        return standing_share(
            [day.successful_calls for day in before],
            [replayed.time.total_us for replayed in self.baseline],
            [day.successful_calls for day in after],
            [replayed.time.total_us for replayed in self.measured],
        )

    def sampling_usd(self, before: Sequence[WorkingDay]) -> Decimal:
        """Half of the 90% interval around the counterfactual that the replay of a sample leaves, in dollars."""
        baseline, measured = self._total(self.baseline), self._total(self.measured)
        variance = sum(replayed.variance_us2 for replayed in self.measured)
        if baseline:
            variance += sum(replayed.variance_us2 for replayed in self.baseline) * (measured / baseline) ** 2
        if not (variance and baseline):
            return Decimal(0)
        per_us = float(sum((day.cost_usd for day in before), Decimal(0))) / baseline
        return round_picodollars(Fraction(_NORMAL_QUANTILE * per_us * math.sqrt(variance)))

    @staticmethod
    def _total(days: Sequence[ReplayedDay]) -> int:
        return sum(replayed.time.total_us for replayed in days)


def model_volumes(
    before: Sequence[WorkingDay], after: Sequence[WorkingDay], replays: Replays
) -> Mapping[WitnessKind, MeasuredVolume]:
    """Return the models of regression and replay, and what they are asked, in the order of their kinds.

    The replay has container time in the place of calls. One whose baseline has no call, or no time, is left out.
    """
    asked = {
        WitnessKind.REGRESSION: (fit_counterfactual(before), after),
        WitnessKind.REPLAY: (
            fit_counterfactual(_in_container_time(before, replays.baseline), standing_share=Fraction(0)),
            _in_container_time(after, replays.measured),
        ),
    }
    return {
        kind: MeasuredVolume(model, tuple(day.successful_calls for day in volumes))
        for kind, (model, volumes) in asked.items()
        if model is not None
    }


def model_witness(kind: WitnessKind, volume: MeasuredVolume, after: Sequence[WorkingDay]) -> Witness:
    """Return what a model says of the measured days."""
    actual = sum((day.cost_usd for day in after), Decimal(0))
    width = half_width(volume)
    return Witness(
        kind=kind,
        saving_usd=volume.model.cost_usd(sum(volume.calls), len(volume.calls)) - actual,
        actual_usd=actual,
        half_width_usd=None if width is None else width.half_width_usd,
        volume=volume,
    )


def _in_container_time(days: Sequence[WorkingDay], replays: Sequence[ReplayedDay]) -> list[WorkingDay]:
    """Put replayed container time, in milliseconds, in the place of calls."""
    return [
        WorkingDay(day.day, replayed.time.total_us // _TO_MILLISECONDS, day.cost_usd)
        for day, replayed in zip(days, replays, strict=True)
    ]


def same_days_witness(work: Sequence[DailyWork], days: Sequence[dt.date], *, newest: str) -> Witness | None:
    """Return what days say on which both sides ran; None where they are too few.

    A day counts where each side has a fifth of the day's successful calls. The difference of a call's cost holds for
    all calls of the newest phase; its interval is that of the daily differences.

    Args:
        work: of one function.
        days: the measured days.
        newest: the newest phase; all others are the old side.
    """
    sides = _sides(work, days, newest)
    both = [
        (old, new)
        for old, new in sides.values()
        if min(old.calls, new.calls) > 0 and min(old.calls, new.calls) >= LEAST_SIDE_SHARE * (old.calls + new.calls)
    ]
    if len(both) < LEAST_SAME_DAYS:
        return None
    moved = sum(new.calls for _, new in sides.values())
    unit = _unit([old for old, _ in both]) - _unit([new for _, new in both])
    each = [float(_unit([old]) - _unit([new])) for old, new in both]
    mean, freedom = sum(each) / len(each), len(each) - 1
    scatter = math.sqrt(sum((value - mean) ** 2 for value in each) / freedom / len(each))
    actual = sum((old.cost_usd + new.cost_usd for old, new in sides.values()), Decimal(0))
    return Witness(
        WitnessKind.SAME_DAYS,
        round_picodollars(unit * moved),
        actual,
        round_picodollars(Fraction(student_t_quantile(freedom, (1 + CONFIDENCE) / 2) * scatter * moved)),
    )


@dataclass(frozen=True)
class _Side:
    """Work of one day on one side."""

    calls: int
    cost_usd: Decimal


def _sides(work: Sequence[DailyWork], days: Sequence[dt.date], newest: str) -> Mapping[dt.date, tuple[_Side, _Side]]:
    sides = {}
    for day in days:
        own = [value for value in work if value.day == day]
        old, new = ([v for v in own if (v.phase == newest) is is_new] for is_new in (False, True))
        sides[day] = (_side(old), _side(new))
    return sides


def _side(work: Sequence[DailyWork]) -> _Side:
    cost = sum((value.cost_usd for value in work), Decimal(0))
    return _Side(sum(value.successful_calls for value in work), cost)


def _unit(sides: Sequence[_Side]) -> Fraction:
    return Fraction(sum((side.cost_usd for side in sides), Decimal(0))) / sum(side.calls for side in sides)


@dataclass(frozen=True)
class Testimony:
    """The witnesses of a saving, and what they were held against.

    Attributes:
        witnesses: in the order of their kinds.
        saving_usd: the avoided cost as claimed.
        half_width_usd: half of its interval without what the witnesses add to it; None without an interval.
    """

    witnesses: tuple[Witness, ...]
    saving_usd: Decimal
    half_width_usd: Decimal | None

    @property
    def volumes(self) -> Mapping[WitnessKind, MeasuredVolume]:
        """The models among them, and what they were asked."""
        return {each.kind: each.volume for each in self.witnesses if each.volume is not None}

    @property
    def difference_usd(self) -> Decimal:
        """How far regression or replay is off, whichever is further; those who stayed speak for themselves only."""
        others = [each for each in self.witnesses if each.kind is not WitnessKind.SAME_DAYS]
        return max((each.difference_usd(self.saving_usd) for each in others), default=Decimal(0))

    @property
    def disagreements(self) -> tuple[Disagreement, ...]:
        """The witnesses that do not agree; without an interval nothing can be told."""
        if self.half_width_usd is None:
            return ()
        return tuple(
            Disagreement(each.kind, each.difference_usd(self.saving_usd), self.half_width_usd)
            for each in self.witnesses
            if not self.agrees(each)
        )

    @property
    def has_agreeing_replay(self) -> bool:
        """Whether there is a replay, and it agrees."""
        return any(each.kind is WitnessKind.REPLAY and self.agrees(each) for each in self.witnesses)

    def agrees(self, witness: Witness) -> bool:
        """Whether a witness agrees within the half-width; those who stayed have their own beside it."""
        if self.half_width_usd is None:
            return False
        allowed = self.half_width_usd
        if witness.kind is WitnessKind.SAME_DAYS and witness.half_width_usd is not None:
            allowed = Decimal(math.hypot(float(allowed), float(witness.half_width_usd)))
        return witness.difference_usd(self.saving_usd) <= allowed


def together(by_function: Sequence[Testimony], actual_usd: Sequence[Decimal], width: HalfWidth | None) -> Testimony:
    """Return what the witnesses of several functions say of their sum.

    Args:
        by_function: one testimony per function.
        actual_usd: what each of them cost.
        width: the interval of the sum, without what the witnesses add to it.
    """
    added = [_added_up(by_function, actual_usd, kind) for kind in WitnessKind]
    return Testimony(
        witnesses=tuple(witness for witness in added if witness is not None),
        saving_usd=sum((each.saving_usd for each in by_function), Decimal(0)),
        half_width_usd=None if width is None else width.half_width_usd,
    )


def _added_up(by_function: Sequence[Testimony], actual_usd: Sequence[Decimal], kind: WitnessKind) -> Witness | None:
    """Return what a witness says of several functions together; one it does not know enters with its own saving."""
    known = [next((each for each in own.witnesses if each.kind is kind), None) for own in by_function]
    if not any(known):
        return None
    savings = [
        own.saving_usd if own else testimony.saving_usd for own, testimony in zip(known, by_function, strict=True)
    ]
    return Witness(
        kind=kind,
        saving_usd=sum(savings, Decimal(0)),
        actual_usd=sum(actual_usd, Decimal(0)),
        half_width_usd=_added_width([own for own in known if own is not None]),
    )


def _added_width(witnesses: Sequence[Witness]) -> Decimal | None:
    """Add residuals by day where there are models, because functions share their days; else squares."""
    volumes = [witness.volume for witness in witnesses if witness.volume is not None]
    if volumes:
        width = total_half_width(volumes)
        return None if width is None else width.half_width_usd
    widths = [float(witness.half_width_usd) for witness in witnesses if witness.half_width_usd is not None]
    return round_picodollars(Fraction(math.hypot(*widths))) if widths else None
