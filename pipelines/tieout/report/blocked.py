"""What blocks a week: the gates that are not passed, and what to do about each of them."""

from dataclasses import dataclass

import duckdb

from tieout.core.periods import IsoWeek
from tieout.report.sections.gates import judge_week
from tieout.report.sections.tie_out import Gate, GateOutcome


@dataclass(frozen=True)
class GateRemedy:
    """What to do about a gate that is not passed.

    Attributes:
        advice: what to do, as a clause.
        query: the canned question that shows what is off.
    """

    advice: str
    query: str


_REMEDIES = {
    "G1": GateRemedy(
        "the attribution is off, which no data can explain; keep the landing folder and report it", "tie_out"
    ),
    "G2": GateRemedy(
        "land the plain report and its breakdown of these days anew, from the same read of Modal", "gates"
    ),
    "G3": GateRemedy("land the month's billing summary, and the reports of the days that are missing", "months"),
    "G4": GateRemedy("land the month's billing summary anew; its adjustments do not explain what was billed", "months"),
    "G5": GateRemedy(
        "compare the invoice with the month's billing summary, and land the one that is out of date", "months"
    ),
    "G6": GateRemedy("land the week's bill anew: functions ran, so it cannot be without any cost", "gates"),
}
_OTHER = GateRemedy("`tieout doctor` looks at everything that was landed", "gates")


def remedy_of(gate: Gate) -> GateRemedy:
    """Return what to do about a gate that is not passed."""
    return _REMEDIES.get(gate.code, _OTHER)


def blocking_gates(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> tuple[Gate, ...]:
    """Return the gates that block a built week, as its report judges them."""
    _, gates = judge_week(con, week)
    return tuple(gate for gate in gates if gate.outcome is GateOutcome.BLOCKED)
