"""How it is worded that earlier, issued weeks have moved."""

from decimal import Decimal

import pytest

from tieout.report.sections.restatements import RestatementLine, Restatements, UnissuedMove, moved_by_less


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


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ([], ("all functions, each by less than a cent", Decimal("77.70"), Decimal("77.71"))),
        ([("7.00", "7.01")], None),
        (
            [("7.00", "7.02")],
            ("all other functions, each by less than a cent", Decimal("70.70"), Decimal("70.69")),
        ),
    ],
)
def test_functions_without_a_line_have_what_the_lines_leave_of_the_printed_cost(
    listed: list[tuple[str, str]], said: tuple[str, Decimal, Decimal] | None
) -> None:
    costs = [(Decimal(before), Decimal(after)) for before, after in listed]
    assert moved_by_less(Decimal("77.7"), Decimal("77.708"), costs) == said
