"""How many examples Hypothesis makes of what takes long: few in every run, and more where somebody asks for them."""

import os

_TIMES = int(os.environ.get("EXAMPLES_TIMES", "1"))


def examples(number: int) -> int:
    """So many examples; ten times as many with `EXAMPLES_TIMES=10 make test`."""
    return number * _TIMES
