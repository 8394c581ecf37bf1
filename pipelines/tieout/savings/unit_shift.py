"""How an input may have become other work (docs/reference/rules.md, "Unit of work")."""

from dataclasses import dataclass


@dataclass(frozen=True)
class UnitShift:
    """A function whose inputs moved while its work did not: inputs beyond demand, and time for each, after ÷ before."""

    function: str
    inputs: float
    seconds: float
