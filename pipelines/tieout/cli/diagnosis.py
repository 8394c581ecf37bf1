"""One line of `tieout doctor`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Diagnosis:
    """One line: what was looked at, what was found, and what to do when it is a problem.

    A notable one asks for nothing, but is not simply well.
    """

    subject: str
    found: str
    remedy: str | None = None
    is_notable: bool = False

    @property
    def is_problem(self) -> bool:
        """Whether something is to be done."""
        return self.remedy is not None
