"""The trial of the counterfactual's shapes adds up."""

from benchmarks import shapes
from benchmarks.shapes import Setting, Trial


def test_bias_is_the_mean_of_all_and_of_the_law_that_is_furthest_off() -> None:
    trials = [
        (Setting("one", 2.0, 0.0, 1), Trial(14, {"headline": 0.01, "regression": 0.04, "replay": -0.01}, 0.02, 0.03)),
        (Setting("two", 2.0, 0.0, 1), Trial(14, {"headline": -0.03, "regression": 0.02, "replay": 0.01}, 0.02, 0.03)),
    ]
    line = "| ×2.0 | 2 | -1.00% (-3.00%) | +3.00% (+4.00%) | +0.00% (-1.00%) | 3.00% | 2.00% | 50% | 50% |"
    assert line in shapes.table(trials).splitlines()


def test_every_law_meets_every_demand() -> None:
    assert len(shapes.settings()) == 152
    assert len(set(shapes.settings())) == 152
