"""Demand of the simulated world: days that resemble the day before, and a lasting shift."""

import datetime as dt
from dataclasses import replace

import numpy as np

from tieout.simulator import SCENARIOS
from tieout.simulator.demand import workspace_levels
from tieout.simulator.scenario import DemandShift

CORAL_X = SCENARIOS["coral-x"]
DAYS = 7 * 300


def test_days_are_independent_unless_said_otherwise() -> None:
    logarithms = np.log(workspace_levels(CORAL_X, 1, DAYS))
    assert abs(np.corrcoef(logarithms[:-1], logarithms[1:])[0, 1]) < 0.1


def test_persistent_demand_resembles_the_day_before_and_keeps_its_spread() -> None:
    levels = workspace_levels(replace(CORAL_X, day_persistence=0.6), 1, DAYS)
    logarithms = np.log(levels)
    assert abs(np.corrcoef(logarithms[:-1], logarithms[1:])[0, 1] - 0.6) < 0.1
    assert abs(logarithms.std() - CORAL_X.workspace_day_spread) < 0.01
    assert abs(levels.mean() - 1) < 0.01


def test_a_demand_shift_holds_from_its_day_on_and_leaves_the_days_before_alone() -> None:
    shifted = replace(CORAL_X, demand_shift=DemandShift(0.5, CORAL_X.rollout_monday + dt.timedelta(days=2)))
    ratio = workspace_levels(shifted, 1, 28) / workspace_levels(CORAL_X, 1, 28)
    assert ratio.tolist() == [1.0] * 16 + [0.5] * 12
