"""How it is worded that earlier, issued weeks have moved."""

from decimal import Decimal

import pytest

from tieout.report.sections.restatements import RestatementLine, Restatements, UnissuedMove


def line(function: str, before: str, after: str) -> RestatementLine:
    return RestatementLine("2026-W42", function, Decimal(before), Decimal(after), Decimal(after) - Decimal(before))


@pytest.mark.parametrize(
    ("lines", "moved"),
    [
        ((line("embed", "7.00", "9.50"),), "by +$2.50"),
        ((line("embed", "7.00", "6.99"), line("caption", "1.00", "1.01")), "between functions"),
    ],
)
def test_a_cost_that_only_moves_between_functions_is_not_said_to_move_by_nothing(
    lines: tuple[RestatementLine, ...], moved: str
) -> None:
    total = sum((each.moved_usd for each in lines), Decimal(0))
    said = f"Since the report before this one, the cost of 2026-W42 has moved {moved}."
    assert Restatements(lines, total).sentence == said
    unissued = UnissuedMove("2026-W42", total, ())
    assert unissued.sentence.startswith(f"The cost of 2026-W42 has moved {moved} since it was issued")
