"""A validator for tests that compare what is built as a whole: validating it would take longer than building it."""

from tieout.validation.results import ValidationResult
from tieout.validation.runner import Validator
from tieout.validation.suites import Suite


class Trusting(Validator):
    """Finds nothing wrong."""

    def __init__(self) -> None: ...

    def validate(self, suite: Suite, **_: object) -> ValidationResult:
        return ValidationResult(suite=suite, checked_rows=0, outcomes=())
