"""A rollout is measured as the product would, and the tables of coverage, false verification and power add up."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from benchmarks import coverage, false_verification, first_savings, power, rollouts
from benchmarks.first_savings import FirstFigure
from benchmarks.rollouts import MeasuredRollout, TrueFigure
from benchmarks.rows import Rows
from tieout.simulator.rollout_setting import SAVES_NOTHING, RolloutKind, RolloutSetting

SETTING = RolloutSetting(RolloutKind.SAVING, seed=1, weeks_before=2, weeks_after=1, calls_per_day=60)


def figure(avoided: str = "10", *, status: str = "verified", reasons: Sequence[str] = ()) -> TrueFigure:
    """A figure whose truth is $10 of $100, with an interval of ± $2."""
    return TrueFigure(
        name="",
        avoided_usd=Decimal(avoided),
        half_width_usd=Decimal(2),
        counterfactual_usd=Decimal(100),
        true_usd=Decimal(10),
        twin_usd=Decimal(100),
        status=status,
        reasons=tuple(reasons),
    )


def measured(total: TrueFigure, setting: RolloutSetting = SETTING, *, week: int = 1) -> MeasuredRollout:
    return MeasuredRollout(setting, 14, week, total, (total,), Decimal(1))


@pytest.mark.parametrize(("avoided", "is_covered"), [("8", True), ("12.01", False)])
def test_an_interval_covers_what_lies_within_it(avoided: str, is_covered: bool) -> None:
    assert figure(avoided).is_covered == is_covered
    assert not replace(figure(avoided), half_width_usd=None).is_covered


def test_a_rollout_is_measured_once_and_then_known(tmp_path: Path) -> None:
    rows = Rows("some", tmp_path)
    assert list(rollouts.known([SETTING], rows)) == []
    [week] = rollouts.measure([SETTING], rows, processes=1)
    assert (week.baseline_days, week.week, [f.name for f in week.functions]) == (14, 1, ["infer", "generate"])
    assert week.total.avoided_usd == sum(f.avoided_usd or Decimal(0) for f in week.functions)
    assert 0.3 < week.total.true_usd / week.total.twin_usd < 0.7
    assert list(rollouts.known([SETTING], Rows("some", tmp_path))) == [week]


def test_coverage_counts_misses_and_bias_by_cell() -> None:
    text = coverage.table([measured(figure("11")), measured(figure("15"))])
    line = "| no | 14 days | ρ = 0.0 | ×1.0 | 2 | 50.0% | 1 | 50.0% | +3.00% | 2.00% | 2.00× |"
    assert line in text.splitlines()
    settings = coverage.settings(2)
    assert len(settings) == 2 * 16
    assert len({setting.seed for setting in settings}) == 2


def test_coverage_names_the_targets_that_it_misses() -> None:
    assert list(coverage.missed([measured(figure("11"))] * 9)) == []
    assert list(coverage.missed([*[measured(figure("10"))] * 91, *[measured(figure("6"))] * 9])) == [
        "coverage of (False, 14, 0.0, 1.0): 9 misses of 100"
    ]
    assert list(coverage.missed([measured(figure("12.01"))])) == [
        "coverage of totals: 0.0%",
        "coverage of functions: 0.0%",
        "bias of (False, 14, 0.0, 1.0): +2.01%",
        "bias at ×1.0: +2.01%",
    ]
    grown = replace(SETTING, demand_factor=1.3)
    assert list(coverage.missed([measured(figure("11.6"), grown)])) == ["bias at ×1.3: +1.60%"]


def test_half_widths_stand_against_those_of_the_first_version() -> None:
    with_series = replace(SETTING, has_series=True)
    rollouts_of_both = [replace(measured(figure(), setting), baseline_days=28) for setting in (SETTING, with_series)]
    short = measured(figure())
    [unknown] = [replace(measured(figure(), replace(SETTING, seed=2)), baseline_days=28)]
    first = [FirstFigure(SETTING, "10", "11.5", "1.25", "verified")]
    widths = coverage.against_first([*rollouts_of_both, short, unknown], first)
    assert {key: (each.ratios, each.covered, each.first_covered) for key, each in widths.items()} == {
        (1.0, False): ((1.6,), 1, 0),
        (1.0, True): ((1.6,), 1, 0),
    }
    assert "| ×1.0 | no | 1 | 1.60× | ≤ 1.3× | 0 | 1 |" in coverage.table_of_widths(widths).splitlines()
    assert list(coverage.too_wide(widths)) == ["half-width at ×1.0: 1.60× of the first version's"]


def test_false_verification_counts_what_bears_a_figure() -> None:
    settings = false_verification.settings(1)
    assert [setting.kind for setting in settings] == list(SAVES_NOTHING)
    assert all(setting.weeks_before * 7 >= 14 for setting in settings)
    statuses = ("verified", "provisional", "not determinable", "reversed")
    text = false_verification.table(
        [measured(figure(status=status, reasons=("x",)), settings[0]) for status in statuses]
    )
    assert "| volume up by 30% | 4 | 1 | 1 (25%) | 1, 1 | `x` 4× |" in text.splitlines()


def test_the_first_version_stands_beside_with_the_truth() -> None:
    setting = false_verification.settings(1)[0]
    figures = [
        FirstFigure(setting, "-0.00", "39.647", "1.882", "verified"),
        FirstFigure(setting, "0", None, None, "no claim"),
    ]
    lines = first_savings.table(figures).splitlines()
    assert "| volume up by 30% | **verified**, 39.65 ± 1.88 of 0.00; no claim, of 0.00 |" in lines


def test_power_counts_a_rollout_that_one_of_two_weeks_verifies() -> None:
    late = [measured(figure(status="provisional"), week=1), measured(figure(), week=2)]
    never = [measured(figure(status="provisional", reasons=("wide_interval",)), replace(SETTING, seed=2), week=1)]
    text = power.table([*late, *never])
    assert "| no | ≥ 10% | 2 | 0% | 50% | `wide_interval` 1× |" in text.splitlines()
    assert "≥ 15%" not in text
