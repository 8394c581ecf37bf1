"""How long a pull waits and how often it asks again; every figure can be set in the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

from tieout.core.errors import TieoutError

_PREFIX = "TIEOUT_PULL_"


class RetryPolicyError(TieoutError):
    """A setting in the environment that is no number; its place names it."""

    usual_remedy = "Correct it, or unset it."


@dataclass(frozen=True)
class RetryPolicy:
    """The limits of a pull. A field `attempts` is set by `$TIEOUT_PULL_ATTEMPTS`, and so on.

    Attributes:
        at_once: requests that run at the same time.
        attempts: how often one request is tried before it counts as failed.
        first_wait_seconds: before the second attempt, about; doubled for each one after.
        longest_wait_seconds: no wait between two attempts is longer.
        reach_seconds: for the first question, which shows whether Modal can be reached at all.
        request_seconds: for one request; what takes longer is ended and counts as a failed attempt.
        total_seconds: for the whole pull.
    """

    at_once: int = 4
    attempts: int = 5
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 60.0
    reach_seconds: float = 20.0
    request_seconds: float = 300.0
    total_seconds: float = 7200.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "RetryPolicy":
        """Read the settings that are given, and leave the others as they are.

        Raises:
            RetryPolicyError: a value that is no number above zero.
        """
        given = {}
        for field in fields(cls):
            name = _PREFIX + field.name.upper()
            if name in environment:
                given[field.name] = _number(name, environment[name], whole=field.type is int)
        return cls(**given)  # type: ignore[arg-type]


def _number(name: str, text: str, *, whole: bool) -> float:
    try:
        number = int(text) if whole else float(text)
    except ValueError:
        number = 0
    if not 0 < number < float("inf"):
        raise RetryPolicyError(f"{text!r} is no {'whole ' if whole else ''}number above zero", place=f"${name}")
    return number
