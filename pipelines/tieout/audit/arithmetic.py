"""The arithmetic of an audit entry as text."""

from decimal import Decimal
from fractions import Fraction

from tieout.audit.claim import line_saving
from tieout.audit.entries import Detail
from tieout.catalog.models import ProjectionLine
from tieout.core.figures import Unit, figure, number
from tieout.core.periods import HOURS_PER_DAY


def saving_detail(line: ProjectionLine) -> Detail:
    """The projected saving of one line, with its arithmetic."""
    return Detail(line.function, "saving", None, figure(line_saving(line), Unit.USD_PER_DAY), line_arithmetic(line))


def line_arithmetic(line: ProjectionLine) -> str:
    """The saving of a line: (price before − price after) × calls × 24."""
    prices = f"({number(line.before_usd_per_hour)} − {number(line.after_usd_per_hour)})"
    return f"{prices} × {line.calls_per_hour} × {HOURS_PER_DAY} = {number(line_saving(line))}"


def daily(per_hour: Fraction) -> str:
    """An hourly amount times 24."""
    return f"{number(per_hour)} × {HOURS_PER_DAY} = {number(per_hour * HOURS_PER_DAY)}"


def share(part: Decimal | Fraction, whole: Decimal | Fraction) -> str:
    """A part as a percentage of a whole."""
    percent = figure(100 * Fraction(part) / Fraction(whole), Unit.PERCENT)
    return f"{number(part)} ÷ {number(whole)} = {percent.text}"
