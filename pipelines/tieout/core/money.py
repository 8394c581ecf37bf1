"""Exact money: parsing, printing and sharing amounts without a float in sight.

Amounts are `Decimal` US dollars with at most 12 decimals (a picodollar, 1e-12 $), the scale of the warehouse's
DECIMAL(38, 12). A line of a bill may have up to 38: it is read exactly, and rounded where it is booked, because there
the rest is kept as a row. Any other amount is compared or multiplied at zero tolerance and may not be rounded, so one
with more than 12 is refused. Sharing is done in integers by largest remainder (docs/reference/rules.md, "Allocation").
"""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

from tieout.core.errors import TieoutError

SCALE = 12
LONGEST_SCALE = 38
PICODOLLARS_PER_USD = 10**SCALE
LARGEST_USD = Decimal(10) ** 12
CENT = Decimal("0.01")
LONGEST_NUMBER = 64

# Wide enough for any sum of DECIMAL(38, 12) values; nothing in this module ever rounds by accident.
_EXACT = Context(prec=76, rounding=ROUND_HALF_EVEN)
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d{1,3})?|[+-]?\.\d+([eE][+-]?\d{1,3})?", re.ASCII)


class MoneyError(TieoutError, ValueError):
    """A text that is not an amount the warehouse can keep exactly."""


def parse_usd(text: str) -> Decimal:
    """Read an amount as Modal prints it (`"2.10312500"`, `"1.25E-7"`, `"-0E-8"`), exactly.

    Raises:
        MoneyError: not a finite decimal number, longer than 64 characters, more than 12 decimals, or a trillion
            dollars and more.
    """
    value = _number(text)
    kept = _with_decimals(value, SCALE)
    if kept is None:
        raise MoneyError(
            f"{text[:60]!r} has more than {SCALE} decimals. Only a line of a billing report may, because the rest of "
            "it is kept as a row; here rounding would change a comparison",
            remedy=f"Write it with {SCALE} decimals. Where amounts of the file add up to it, let them still add up.",
        )
    return kept


def parse_long_usd(text: str) -> Decimal:
    """Read a printed cost exactly: with 12 decimals where they hold it, else with as many as it needs, up to 38.

    Raises:
        MoneyError: not a finite decimal number, longer than 64 characters, more than 38 decimals, or a trillion
            dollars and more.
    """
    value = _number(text)
    kept = _with_decimals(value, SCALE)
    if kept is not None:
        return kept
    kept = _with_decimals(value, LONGEST_SCALE)
    if kept is None:
        raise MoneyError(
            f"{text[:60]!r} has more than {LONGEST_SCALE} decimals, which nothing here can keep",
            remedy="No client of Modal prints that. Look at what wrote the file.",
        )
    return kept.normalize(_EXACT)


def is_booked_exactly(amount: Decimal) -> bool:
    """Tell whether an amount has at most 12 decimals, so that the warehouse keeps it as it is."""
    return _with_decimals(amount, SCALE) is not None


def _number(text: str) -> Decimal:
    if len(text) > LONGEST_NUMBER:
        raise MoneyError(f"{text[:20]!r}… has {len(text):,} characters, and no amount more than {LONGEST_NUMBER}")
    if not _NUMBER.fullmatch(text):
        raise MoneyError(f"{text[:60]!r} is not a decimal number")
    value = Decimal(text)
    # Not abs(value), which rounds to the context, and overflows on a million digits.
    if value.copy_abs() >= LARGEST_USD:
        raise MoneyError(f"{text[:60]!r} is a trillion dollars or more")
    return value


def _with_decimals(value: Decimal, decimals: int) -> Decimal | None:
    """Return a value with that many decimals, or None where that would round it; zero never carries a sign."""
    kept = value.quantize(Decimal(1).scaleb(-decimals), context=_EXACT)
    if kept.compare(value, context=_EXACT) != 0:
        return None
    return abs(kept) if kept == 0 else kept


def to_picodollars(amount: Decimal) -> int:
    """Return an amount as an integer number of picodollars (1e-12 $).

    Raises:
        MoneyError: the amount has more than 12 decimals.
    """
    scaled = amount.scaleb(SCALE, context=_EXACT)
    if scaled != scaled.to_integral_value(context=_EXACT):
        raise MoneyError(f"{amount} has more than {SCALE} decimals")
    return int(scaled)


def from_picodollars(picodollars: int) -> Decimal:
    """Return an integer number of picodollars as a Decimal in dollars with 12 decimals."""
    return Decimal(picodollars).scaleb(-SCALE, context=_EXACT)


def round_picodollars(amount: Fraction) -> Decimal:
    """Round an exact amount to 12 decimals, half-even."""
    return from_picodollars(round(amount * PICODOLLARS_PER_USD))


def format_usd(amount: Decimal, places: int = 2) -> str:
    """Print an amount for people: `$1,234.56`, `−$0.10`; zero never carries a sign."""
    rounded = amount.quantize(Decimal(1).scaleb(-places), context=_EXACT)
    sign = "−" if rounded < 0 else ""
    return f"{sign}${abs(rounded):,.{places}f}"


def largest_remainder(total: int, weights: Sequence[int]) -> list[int]:
    """Share an integer total in proportion to weights so that the shares add up to it exactly.

    Each share is within one unit of its exact value; a negative total gives the mirrored shares of the positive one.
    Ties go to the earlier weight, so the caller fixes the order by a stable key.

    Args:
        total: the integer to share, of either sign.
        weights: one non-negative integer per share, at least one of them positive (unless total is 0).

    Raises:
        ValueError: a negative weight, or nothing to share a non-zero total over.
    """
    if any(weight < 0 for weight in weights):
        raise ValueError("weights must not be negative")
    whole = sum(weights)
    if whole == 0:
        if total:
            raise ValueError(f"cannot share {total} over weights that are all zero")
        return [0] * len(weights)
    magnitude = abs(total)
    shares = [magnitude * weight // whole for weight in weights]
    remainders = [magnitude * weight % whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-remainders[i], i))
    for i in by_remainder[: magnitude - sum(shares)]:
        shares[i] += 1
    return shares if total >= 0 else [-share for share in shares]


def in_cents(amount: Decimal) -> Decimal:
    """Round an amount that nothing else is to add up with to cents, half-even."""
    return amount.quantize(CENT, context=_EXACT)


def to_cents(amounts: Sequence[Decimal], total: Decimal | None = None) -> list[Decimal]:
    """Round amounts to cents so that the printed parts add up to the printed total.

    The total is rounded half-even once; every part is floored to a cent and the missing cents go to the parts with the
    largest remainders, earlier parts first. No part moves by a cent or more.

    Args:
        amounts: parts in dollars, of either sign.
        total: the already rounded total to hit, when the parts belong under a printed figure; default: their sum.

    Raises:
        ValueError: the given total is further from the sum of the parts than rounding can explain.
    """
    exact_cents = [amount.scaleb(2, context=_EXACT) for amount in amounts]
    floors = [int(cents.to_integral_value(rounding="ROUND_FLOOR")) for cents in exact_cents]
    target = sum(exact_cents, Decimal(0)) if total is None else total.scaleb(2, context=_EXACT)
    missing = int(target.to_integral_value(rounding=ROUND_HALF_EVEN)) - sum(floors)
    if not 0 <= missing <= len(floors):
        raise ValueError(f"parts sum to {sum(amounts, Decimal(0))} and cannot be printed under a total of {total}")
    by_remainder = sorted(range(len(floors)), key=lambda i: (floors[i] - exact_cents[i], i))
    for i in by_remainder[:missing]:
        floors[i] += 1
    return [Decimal(cents).scaleb(-2, context=_EXACT) for cents in floors]
