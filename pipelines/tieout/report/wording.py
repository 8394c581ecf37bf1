"""How figures, days and percentages are put into words, the same in every part of the report."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tieout.core.money import format_usd

NAMED_FILES = 3
_RESIDUAL = re.compile(r"__([a-z_]+?)__(?!/)")
_SERVER = "__server__/"
_RESIDUALS: Mapping[str, str] = {
    "no_calls": "apps without calls",
    "sandbox": "sandboxes",
    "unexplained": "the apps' unexplained rest",
    "volume": "volumes",
}


@dataclass(frozen=True)
class Share:
    """A part of a whole, kept exact and printed as a percentage with one decimal.

    Attributes:
        part: of either sign, in the unit of the whole.
        whole: not zero.
    """

    part: Decimal
    whole: Decimal

    def __str__(self) -> str:
        """The percentage, `63.3%` or `−4.0%`; a share that only rounds to 0% or 100% says so."""
        permille = round(Fraction(self.part) / Fraction(self.whole) * 1000)
        if permille == 0 and self.part != 0:
            return "<0.1%" if (self.part > 0) == (self.whole > 0) else "−0.0%"
        if permille == 1000 and self.part != self.whole:
            return "<100.0%" if abs(self.part) < abs(self.whole) else ">100.0%"
        sign = "−" if permille < 0 else ""
        return f"{sign}{abs(permille) // 10:,}.{abs(permille) % 10}%"


def share_of(part: Decimal | int, whole: Decimal | int) -> Share | None:
    """Return a part of a whole; None when there is no whole."""
    return Share(Decimal(part), Decimal(whole)) if whole else None


def share_of_rate(rate: Fraction | None) -> Share | None:
    """Return an exact rate as a share; None stays None."""
    return None if rate is None else Share(Decimal(rate.numerator), Decimal(rate.denominator))


def usd(amount: Decimal) -> str:
    """Print an amount in running text: `$4,140` when it is whole dollars, else to the cent."""
    return format_usd(amount, 0 if amount == amount.to_integral_value() else 2)


def with_interval(amount: Decimal, half_width: Decimal | None) -> str:
    """`$74.62 ± $1.80`; without an interval the amount alone."""
    return format_usd(amount) if half_width is None else f"{format_usd(amount)} ± {format_usd(half_width)}"


def between(low: Decimal, high: Decimal, form: str) -> str:
    """Print a range, `100–107%` in the form `.0%`, or one figure where both ends are printed alike."""
    first, last = f"{low:{form}}", f"{high:{form}}"
    return last if first == last else f"{first.rstrip('%')}–{last}"


def day_name(day: dt.date) -> str:
    """`Mon 9 Nov 2026`."""
    return f"{day:%a} {day.day} {day:%b} {day.year}"


def span(start: dt.date, end: dt.date) -> str:
    """The days from start to the day before end: `Mon 9 Nov 2026 to Sun 15 Nov 2026`."""
    return f"{day_name(start)} to {day_name(end - dt.timedelta(days=1))}"


def dates(start: dt.date, end: dt.date, *, with_year: bool = True, is_short: bool = False) -> str:
    """The days from start to the day before end: `9–15 November 2026`, `28 September – 4 October 2026`.

    Args:
        start: the first day.
        end: the day after the last one.
        with_year: whether the year stands at the end; where the years differ both are named.
        is_short: whether months are of three letters: `28 Sep – 4 Oct 2026`.
    """
    month = "%b" if is_short else "%B"
    last = end - dt.timedelta(days=1)
    year = f" {last.year}" if with_year else ""
    if start.year != last.year:
        return f"{start.day} {start:{month}} {start.year} – {last.day} {last:{month}} {last.year}"
    if start.month != last.month:
        return f"{start.day} {start:{month}} – {last.day} {last:{month}}{year}"
    return f"{start.day}–{last.day} {last:{month}}{year}"


def spoken(function: str) -> str:
    """A function as people call it: `__server__/llm` as `server llm`, other costs of no function by their plural."""
    if function.startswith(_SERVER):
        return f"server {function.removeprefix(_SERVER)}"
    return _RESIDUAL.sub(lambda name: _RESIDUALS.get(name[1], name[1].replace("_", " ")), function)


def is_residual(function: str) -> bool:
    """Tell whether a name beside functions stands for what belongs to none, as `__volume__`."""
    return _RESIDUAL.fullmatch(function) is not None


def plain(text: str) -> str:
    """Take off the marks around code, where nothing prints it as such."""
    return text.replace("`", "")


def count(number: int, noun: str) -> str:
    """`1 day`, `1,234 days`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listing(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(parts) if len(parts) < 3 else ", ".join(parts[:-1]) + " and " + parts[-1]


def signed_usd(amount: Decimal) -> str:
    """Print a movement: `+$1.60`, `−$0.25`."""
    return format_usd(amount) if amount < 0 else f"+{format_usd(amount)}"


def movement(before: Decimal, after: Decimal) -> str:
    """Print what an amount was and is: `$1.00 is now $3.50 (+$2.50)`."""
    return f"{format_usd(before)} is now {format_usd(after)} ({signed_usd(after - before)})"


def against_usual(ratio: float | None) -> str:
    """How a cost compares: ` (2.3 times the usual)`, ` (12% of the usual)`; else empty."""
    if not ratio:
        return ""
    percent = round(ratio * 100)
    if percent >= 100:
        return f" ({ratio:.1f} times the usual)"
    return f" ({percent}% of the usual)" if percent else " (less than 1% of the usual)"


def causes_of(files: tuple[str, ...], causes: tuple[str, ...] = ()) -> str:
    """Word what moved an amount: `a.json, b.json, c.json and 4 more files`; other causes after them."""
    named = list(files[:NAMED_FILES])
    more = len(files) - len(named)
    if more:
        named.append(f"{more} more file{'s' if more > 1 else ''}")
    return listing([*named, *causes]) or "files of other weeks or a change of Tieout itself"
