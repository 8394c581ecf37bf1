"""Work that one function of the catalog may have taken over from another (docs/reference/rules.md, "Boundary").

A function that hands its work to another one becomes cheaper, and the other is credited with more calls at the cost
that they had there: together they claim a saving that nobody has made. From outside this looks like a function whose
volume grew on its own. So calls beyond the growth of the other functions are suspect, and so is a saving made of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

APART = Fraction(21, 20)


@dataclass(frozen=True)
class WorkVolume:
    """What a function did on a mean measured day, and on a mean day of the baseline with the same weekdays.

    Attributes:
        function: its name.
        before: successful calls; of a function for which nothing is claimed, dollars.
        after: the same on a measured day.
        usd_each: what the counterfactual of the claim holds for one more of them; a dollar for a dollar.
        usd_before: its cost on a baseline day, its weight among the others.
    """

    function: str
    before: Fraction
    after: Fraction
    usd_each: Fraction
    usd_before: Fraction

    @property
    def growth(self) -> Fraction:
        """After ÷ before, which is not nothing."""
        return self.after / self.before


def taken_over_usd_per_day(volumes: Sequence[WorkVolume]) -> dict[str, Fraction]:
    """Return by function the dollars a day that its growth beyond that of all others stands for.

    Only growth by over a twentieth more than the others' counts, and others that shrank count as constant. Without
    work in the baseline all of a function's work is growth. One function alone has nobody to take over from.

    Args:
        volumes: one per function of the catalog, those without work on either side left out.
    """
    taken: dict[str, Fraction] = {}
    for own in volumes:
        others = [other for other in volumes if other is not own and other.usd_before > 0]
        weight = sum((other.usd_before for other in others), Fraction(0))
        if not weight:
            continue
        if not own.before:
            taken[own.function] = own.after * own.usd_each
            continue
        growth = sum((other.growth * other.usd_before for other in others), Fraction(0)) / weight
        beyond = own.after - own.before * max(growth, Fraction(1))
        if own.growth > growth * APART and beyond > 0:
            taken[own.function] = beyond * own.usd_each
    return taken
