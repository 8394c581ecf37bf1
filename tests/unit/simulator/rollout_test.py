"""The truth of simulated rollouts: only one kind saves."""

from decimal import Decimal
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from tieout.catalog.load import load_catalog
from tieout.simulator.laws import AS_THE_RULES_SAY
from tieout.simulator.programme import write_programme
from tieout.simulator.rollout import INFER, RolloutWorld, run_rollout
from tieout.simulator.rollout_setting import SAVES_NOTHING, Change, RolloutKind, RolloutSetting


@cache
def rolled_out(kind: RolloutKind) -> RolloutWorld:
    return run_rollout(RolloutSetting(kind, seed=1, weeks_before=2, weeks_after=1, calls_per_day=60))


def total(frame: pl.DataFrame, column: str) -> Decimal:
    return sum(frame[column].to_list(), Decimal(0))


def after(rollout: RolloutWorld) -> pl.DataFrame:
    return rollout.daily().filter(pl.col("day") > rollout.setting.deployed_at.date())


@pytest.mark.parametrize("kind", SAVES_NOTHING)
def test_what_only_looks_like_a_saving_saves_nothing(kind: RolloutKind) -> None:
    rollout = rolled_out(kind)
    later = after(rollout)
    if kind == RolloutKind.ROLLBACK:
        later = later.filter(pl.col("day") > rollout.setting.deployed_at.date() + pl.duration(days=2))
    assert total(later, "avoided_usd") <= total(later, "counterfactual_usd") * Decimal("0.001")


# Where another function takes work over, it is called more often than its twin, and has other luck.
@pytest.mark.parametrize("kind", sorted(set(RolloutKind) - {RolloutKind.MOVED_WITHIN}))
def test_before_the_rollout_nothing_differs_from_the_twin(kind: RolloutKind) -> None:
    before = rolled_out(kind).daily().filter(pl.col("day") < rolled_out(kind).setting.deployed_at.date())
    assert set(before["avoided_usd"].to_list()) == {Decimal(0)}
    assert total(before, "cost_usd") > 10


def test_a_real_saving_is_the_difference_to_the_twin() -> None:
    rollout = rolled_out(RolloutKind.SAVING)
    later = after(rollout)
    assert rollout.avoided_usd() == total(later, "counterfactual_usd") - total(later, "cost_usd")
    assert 0.3 < rollout.avoided_usd() / total(later, "counterfactual_usd") < 0.6


def test_the_size_of_a_saving_is_a_setting() -> None:
    change = Change(seconds_factor=0.5)
    setting = RolloutSetting(
        RolloutKind.SAVING, 1, 2, 1, calls_per_day=60, change=change, laws=AS_THE_RULES_SAY, persistence=0.6
    )
    smaller = run_rollout(setting)
    assert 0 < smaller.avoided_usd() < rolled_out(RolloutKind.SAVING).avoided_usd()


def test_moved_work_stays_with_the_function_that_it_came_from() -> None:
    for kind in (RolloutKind.RENAME, RolloutKind.SPLIT):
        assert set(rolled_out(kind).daily()["function"]) == {"infer", "generate", "write", "preview"}
    by_function = dict(
        after(rolled_out(RolloutKind.RENAME)).group_by("function").agg(pl.col("avoided_usd").sum()).rows()
    )
    assert abs(by_function[INFER]) < Decimal("0.1")


def test_demand_follows_the_kind_and_the_setting() -> None:
    per_day = {}
    for kind in (RolloutKind.VOLUME_TRIPLED, RolloutKind.VOLUME_DOWN):
        daily = rolled_out(kind).daily()
        day = rolled_out(kind).setting.deployed_at.date()
        means = (daily.filter(side)["successes"].mean() for side in (pl.col("day") < day, pl.col("day") >= day))
        before, later = (float(mean) for mean in means if isinstance(mean, float))
        per_day[kind] = later / before
    assert per_day[RolloutKind.VOLUME_TRIPLED] == pytest.approx(3, rel=0.25)
    assert per_day[RolloutKind.VOLUME_DOWN] == pytest.approx(0.7, rel=0.25)


def test_the_catalog_names_the_phase_and_not_what_was_split_off(tmp_path: Path) -> None:
    write_programme(rolled_out(RolloutKind.SPLIT).world.scenario.catalog, tmp_path)
    catalog = load_catalog(tmp_path)
    (phase,) = catalog.rollout.phases
    assert f"{phase.deployed_at:%Y-%m-%d %H:%M}" == "2026-09-14 10:00"
    assert phase.functions == ("infer", "generate")
    assert {function.name for function in catalog.functions.functions} == {"infer", "generate"}
