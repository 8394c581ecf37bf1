"""Findings: what the pipeline noticed, as typed values that the report, the checks and the CLI show alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters: `critical` blocks a week, `warning` is shown, `info` explains."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Finding:
    """One thing that a reader must know.

    Attributes:
        code: stable identifier in snake_case, listed in docs/reference/rules.md.
        severity: how much it matters.
        subject: what it is about (a function, a file, a month, a gate).
        message: one sentence for a person.
        data: the figures behind the sentence, as text.
    """

    code: str
    severity: Severity
    subject: str
    message: str
    data: Mapping[str, str] = field(default_factory=dict)
