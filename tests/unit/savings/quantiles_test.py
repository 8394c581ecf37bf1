"""Quantiles: what tables of them say, and what their import leaves out."""

import subprocess
import sys

import pytest

from tieout.savings.quantiles import beta_quantile, student_t_quantile


@pytest.mark.parametrize(("degrees", "probability", "quantile"), [(1, 0.95, 6.314), (10, 0.95, 1.812), (30, 0.5, 0)])
def test_quantiles_of_student_are_those_of_printed_tables(degrees: int, probability: float, quantile: float) -> None:
    assert student_t_quantile(degrees, probability) == pytest.approx(quantile, abs=5e-4)


def test_a_beta_distribution_of_one_and_one_is_uniform() -> None:
    assert beta_quantile(1, 1, 0.25) == pytest.approx(0.25)


def test_what_scipy_imports_of_numpy_and_nobody_uses_is_loaded_when_it_is_used() -> None:
    code = """
import sys
from tieout.savings.quantiles import student_t_quantile
student_t_quantile(3, 0.9)
import numpy
print(sorted(name for name in sys.modules if name.startswith(("numpy.f2py.", "numpy.testing."))))
print(numpy.testing.assert_equal(1, 1), "numpy.testing._private.utils" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["[]", "None True"]
