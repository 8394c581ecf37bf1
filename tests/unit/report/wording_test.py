"""Words that several sections share."""

import pytest

from tieout.report.wording import against_usual


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (None, ""),
        (0.0, ""),
        (0.004, " (less than 1% of the usual)"),
        (0.12, " (12% of the usual)"),
        (0.994, " (99% of the usual)"),
        (0.996, " (1.0 times the usual)"),
        (2.34, " (2.3 times the usual)"),
    ],
)
def test_a_cost_is_held_against_the_usual_one(ratio: float | None, words: str) -> None:
    assert against_usual(ratio) == words
