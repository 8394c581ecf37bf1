"""The benchmark of validation builds a month that passes."""

import pytest

from benchmarks import attribution, validation


def test_the_month_that_is_validated_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (attribution, validation):
        monkeypatch.setattr(module, "FUNCTIONS", 10)
    assert validation.measure(30_000, runs=1).expectations > 400
