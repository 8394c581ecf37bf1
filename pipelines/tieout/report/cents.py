"""Cents of figures that are no part of a week's allocation, and of those that repeat one that is."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction

from tieout.core.money import CENT, in_cents, round_picodollars
from tieout.savings.bridge import Amount


def bounds_in_cents(low_usd: Decimal, high_usd: Decimal, cost: Amount) -> tuple[Decimal, Decimal]:
    """Round the bounds of a cost outwards, so that its cents lie between them; a bound that it reaches is its cents."""
    low = cost.printed_usd if low_usd == cost.exact_usd else low_usd.quantize(CENT, ROUND_FLOOR)
    high = cost.printed_usd if high_usd == cost.exact_usd else high_usd.quantize(CENT, ROUND_CEILING)
    return low, high


def per_day(amount: Decimal, days: int) -> Decimal:
    """Return an amount per day in cents; days must be positive."""
    return in_cents(round_picodollars(Fraction(amount) / days))
