"""Who bears witness to a saving, and who does not agree with it (docs/reference/rules.md, "Witnesses")."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class WitnessKind(StrEnum):
    """How a witness comes to its saving."""

    REGRESSION = "regression"
    REPLAY = "replay"
    SAME_DAYS = "same days"


@dataclass(frozen=True)
class Disagreement:
    """A witness that does not agree, by how much, and the half-width that it was held against; in dollars."""

    kind: WitnessKind
    difference_usd: Decimal
    half_width_usd: Decimal
