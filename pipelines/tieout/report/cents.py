"""Rounding to cents once, for people, from the total down, so that printed parts add up to printed totals."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from tieout.core.money import CENT, round_picodollars, to_cents


def to_cents_in_groups(groups: Sequence[Sequence[Decimal]], total: Decimal | None = None) -> list[list[Decimal]]:
    """Round the total, under it every group's sum, and under that the group's members.

    Args:
        groups: amounts in dollars; a group may be empty.
        total: the already rounded total; default: the sum of everything, rounded.
    """
    sums = to_cents([sum(group, Decimal(0)) for group in groups], total)
    return [to_cents(group, total=group_sum) for group, group_sum in zip(groups, sums, strict=True)]


def in_cents(amount: Decimal | None) -> Decimal | None:
    """Round an amount that nothing else is to add up with; None stays None."""
    return None if amount is None else to_cents([amount])[0]


def per_day(amount: Decimal, days: int) -> Decimal:
    """Return an amount per day in cents; days must be positive."""
    return round_picodollars(Fraction(amount) / days).quantize(CENT)
