"""What validation found: the outcome of every expectation of a suite, readable after a rollback."""

from collections.abc import Mapping
from dataclasses import dataclass

from tieout.core.errors import TieoutError
from tieout.core.findings import Severity
from tieout.validation.suites import Expectation, Suite

# Offending rows that are shown with a broken expectation.
SAMPLE_ROWS = 10
# Offending rows that are read, and kept, of each broken expectation.
KEPT_ROWS = 200
Row = Mapping[str, str | None]


class ValidationError(TieoutError):
    """An expectation could not be evaluated: a defect of the suite or of the table's SQL, never bad data."""


@dataclass(frozen=True)
class ExpectationOutcome:
    """How the rows stood up to one expectation.

    Attributes:
        expectation: what was expected.
        success: whether it holds.
        checked_rows: rows that were looked at.
        unexpected_rows: rows that break it; 0 when it speaks about the table as a whole.
        observed: what was found instead, when it speaks about the table as a whole; else None.
        offending_rows: at most KEPT_ROWS of the rows that break it, values as text (None for null).
    """

    expectation: Expectation
    success: bool
    checked_rows: int
    unexpected_rows: int = 0
    observed: str | None = None
    offending_rows: tuple[Row, ...] = ()

    @property
    def sample(self) -> tuple[Row, ...]:
        """The first offending rows, few enough to print."""
        return self.offending_rows[:SAMPLE_ROWS]

    @property
    def summary(self) -> str:
        """One line for a log or a check."""
        if self.success:
            return f"{self.expectation.name}: holds ({self.checked_rows:,} rows checked)"
        if self.observed is not None:
            return f"{self.expectation.name}: broken, found {self.observed}"
        return f"{self.expectation.name}: broken {times(self.unexpected_rows)} ({self.checked_rows:,} rows checked)"


@dataclass(frozen=True)
class ValidationResult:
    """The outcomes of one suite, in the order of its file; it stays readable after a rollback."""

    suite: Suite
    checked_rows: int
    outcomes: tuple[ExpectationOutcome, ...]

    @property
    def failures(self) -> tuple[ExpectationOutcome, ...]:
        """Every broken expectation."""
        return tuple(outcome for outcome in self.outcomes if not outcome.success)

    @property
    def blocking(self) -> tuple[ExpectationOutcome, ...]:
        """The broken expectations that forbid a commit."""
        return tuple(o for o in self.failures if o.expectation.severity is Severity.CRITICAL)

    @property
    def success(self) -> bool:
        """Whether the rows may be committed; broken warnings do not forbid it."""
        return not self.blocking


def times(number: int) -> str:
    """`once`, `2 times`."""
    return "once" if number == 1 else f"{number:,} times"
