"""Simulated rollouts through the product: measured against a frozen baseline, with their truth beside."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from benchmarks.rollout_readings import RolloutReadings, known_rollouts, read_rollouts
from benchmarks.rows import Rows
from tieout.savings.counterfactual import fit_counterfactual
from tieout.savings.daily_work import WorkingDay
from tieout.savings.uncertainty import MeasuredVolume, total_half_width
from tieout.savings.week import WeekMeasurement
from tieout.simulator.rollout_setting import RolloutSetting


@dataclass(frozen=True)
class TrueFigure:
    """An avoided cost as measured, beside the truth; amounts in dollars, for one function or the total of a week.

    Attributes:
        name: the function; empty for the total.
        avoided_usd: None when nothing is claimed.
        half_width_usd: None without an interval.
        counterfactual_usd: what the old configuration would have cost by the method; None likewise.
        true_usd: what the twin cost more on the same days.
        twin_usd: what the twin cost on them.
        status: of the figure.
        reasons: the codes of its reasons, the weightiest first.
    """

    name: str
    avoided_usd: Decimal | None
    half_width_usd: Decimal | None
    counterfactual_usd: Decimal | None
    true_usd: Decimal
    twin_usd: Decimal
    status: str
    reasons: tuple[str, ...]

    @property
    def error_usd(self) -> Decimal | None:
        """Measured less true saving; None when nothing is claimed."""
        return None if self.avoided_usd is None else self.avoided_usd - self.true_usd

    @property
    def is_covered(self) -> bool:
        """Whether the interval contains the truth; a figure without an interval does not."""
        error = self.error_usd
        return error is not None and self.half_width_usd is not None and abs(error) <= self.half_width_usd


@dataclass(frozen=True)
class MeasuredRollout:
    """One week of a rollout, measured against a frozen baseline.

    Attributes:
        setting: what was simulated.
        baseline_days: how many days the frozen baseline has.
        week: which week after the deployment, the deployment's own is 1.
        total: of the programme.
        functions: those of the catalog.
        true_cost_half_width_usd: of the total, if the cost of every function and day were known: the scatter alone.
    """

    setting: RolloutSetting
    baseline_days: int
    week: int
    total: TrueFigure
    functions: tuple[TrueFigure, ...]
    true_cost_half_width_usd: Decimal


def measure(
    settings: Iterable[RolloutSetting], rows: Rows, *, baselines: Sequence[int] = (14,), processes: int | None = None
) -> Iterator[MeasuredRollout]:
    """Measure rollouts, every week after the deployment with every length of the baseline.

    Args:
        settings: what to simulate.
        rows: where readings are kept, and taken from where they are known.
        baselines: days of the frozen baseline, whole weeks.
        processes: how many at a time; all cores by default.
    """
    yield from map(measured, read_rollouts(settings, rows, baselines=baselines, processes=processes))


def known(
    settings: Iterable[RolloutSetting], rows: Rows, *, baselines: Sequence[int] = (14,)
) -> Iterator[MeasuredRollout]:
    """Measure the rollouts whose readings are already kept."""
    yield from map(measured, known_rollouts(settings, rows, baselines=baselines))


def measured(rollout: RolloutReadings) -> MeasuredRollout:
    """Measure one week."""
    measurement = rollout.readings.measurement()
    total, *functions = _figures(measurement, rollout.truth)
    width = _true_cost_half_width_usd(measurement, rollout.truth)
    return MeasuredRollout(rollout.setting, rollout.baseline_days, rollout.week, total, tuple(functions), width)


def _figures(measurement: WeekMeasurement, truth: pl.DataFrame) -> Iterator[TrueFigure]:
    counted = truth.filter(pl.col("day").is_in(list(measurement.days)))
    claiming = [function for function in measurement.functions if function.avoided is not None]
    width = measurement.half_width
    yield TrueFigure(
        name="",
        avoided_usd=measurement.avoided_usd,
        half_width_usd=None if width is None else width.half_width_usd,
        counterfactual_usd=sum((f.avoided.counterfactual_usd for f in claiming if f.avoided), Decimal(0)),
        true_usd=Decimal(counted["avoided_usd"].sum()),
        twin_usd=Decimal(counted["counterfactual_usd"].sum()),
        status=measurement.judgement.status.value,
        reasons=tuple(reason.code.value for reason in measurement.judgement.reasons),
    )
    for function in measurement.functions:
        own = counted.filter(pl.col("function") == function.function)
        yield TrueFigure(
            name=function.function,
            avoided_usd=function.avoided_usd,
            half_width_usd=None if function.half_width is None else function.half_width.half_width_usd,
            counterfactual_usd=None if function.avoided is None else function.avoided.counterfactual_usd,
            true_usd=Decimal(own["avoided_usd"].sum()),
            twin_usd=Decimal(own["counterfactual_usd"].sum()),
            status=function.judgement.status.value,
            reasons=tuple(reason.code.value for reason in function.judgement.reasons),
        )


def _true_cost_half_width_usd(measurement: WeekMeasurement, truth: pl.DataFrame) -> Decimal:
    days = pl.col("day").is_in
    volumes = []
    for function in measurement.functions:
        own = truth.filter(pl.col("function") == function.function)
        before = own.filter(days(list(measurement.baseline_days)))
        model = fit_counterfactual(WorkingDay(*row) for row in before.select("day", "successes", "cost_usd").rows())
        if model is not None:
            calls = own.filter(days(list(measurement.days)))["successes"].to_list()
            volumes.append(MeasuredVolume(model, tuple(calls)))
    width = total_half_width(volumes)
    return Decimal(0) if width is None else width.half_width_usd
