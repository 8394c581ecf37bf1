"""The saving of a week as it is printed: whole cents that add up from the lines of the ledger to the week."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from tieout.core.money import in_cents, to_cents
from tieout.savings.bridge import Amount
from tieout.savings.week import WeekMeasurement

_ZERO = Decimal(0)


@dataclass(frozen=True)
class PrintedSaving:
    """A week's saving in cents.

    Attributes:
        avoided_usd: by function; only those that claim something.
        actual_usd: what these cost on the measured days.
        ledger_usd: by function and phases; they add up to the function's avoided cost.
    """

    avoided_usd: Mapping[str, Decimal]
    actual_usd: Mapping[str, Decimal]
    ledger_usd: Mapping[tuple[str, tuple[str, ...]], Decimal]

    @property
    def total_avoided_usd(self) -> Decimal | None:
        """Over all functions; None when none claims anything."""
        return sum(self.avoided_usd.values(), _ZERO) if self.avoided_usd else None

    @property
    def total_actual_usd(self) -> Decimal | None:
        """Likewise."""
        return sum(self.actual_usd.values(), _ZERO) if self.actual_usd else None

    @property
    def total_counterfactual_usd(self) -> Decimal | None:
        """Avoided plus actual, as both are printed."""
        avoided, actual = self.total_avoided_usd, self.total_actual_usd
        return None if avoided is None or actual is None else avoided + actual


def printed_saving(measurement: WeekMeasurement, costs: Mapping[str, Amount]) -> PrintedSaving:
    """Round a week's saving to cents: the week once, and functions and phases so that they add up to it.

    Args:
        measurement: the week.
        costs: what the week's functions cost in it, exact and as printed. A function whose measured days are all of
            its week is printed with the same cents.
    """
    claims = {each.function: each.avoided for each in measurement.functions if each.avoided is not None}
    shares = to_cents([claim.avoided_usd for claim in claims.values()]) if claims else []
    avoided = dict(zip(claims, shares, strict=True))
    ledger: dict[tuple[str, tuple[str, ...]], Decimal] = {}
    for function, total in avoided.items():
        own = [line for line in measurement.ledger if line.function == function and line.avoided_usd is not None]
        cents = to_cents([line.avoided_usd or _ZERO for line in own], total) if own else []
        ledger |= {(function, line.phases): amount for line, amount in zip(own, cents, strict=True)}
    actual = {name: as_printed(claim.actual_usd, costs.get(name)) for name, claim in claims.items()}
    return PrintedSaving(avoided, actual, ledger)


def as_printed(amount_usd: Decimal, known: Amount | None) -> Decimal:
    """Print an amount with the cents that are printed of the same amount elsewhere; rounded where it is another."""
    return known.printed_usd if known is not None and known.exact_usd == amount_usd else in_cents(amount_usd)
