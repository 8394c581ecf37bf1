"""Quantiles of distributions, from scipy, which is imported when the first one is asked for."""

import importlib
from functools import cache
from types import ModuleType

from tieout.core.imports import load_at_first_use

# scipy imports all of numpy with it; these take half the time, and nothing here uses them.
_UNUSED_OF_NUMPY = ("ctypeslib", "f2py", "testing")


def student_t_quantile(degrees_of_freedom: float, probability: float) -> float:
    """Return the quantile of Student's t distribution."""
    return float(_special().stdtrit(degrees_of_freedom, probability))


def beta_quantile(a: float, b: float, probability: float) -> float:
    """Return the quantile of the beta distribution with these two parameters."""
    return float(_special().betaincinv(a, b, probability))


@cache
def _special() -> ModuleType:
    for module in _UNUSED_OF_NUMPY:
        load_at_first_use("numpy", module)
    return importlib.import_module("scipy.special")
