import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest

from tieout.warehouse.closed_week import (
    ClosedAmount,
    ClosedSaving,
    Closing,
    ClosingError,
    Figures,
    causes_between,
    format_closing,
    have_same_inputs,
    is_moved,
    moved_days,
    moved_functions,
    parse_closing,
)

MONDAY, TUESDAY = dt.date(2026, 11, 9), dt.date(2026, 11, 10)
CODE, GENOME = ("main", "generate_code_modal"), ("main", "evaluate_genome_modal")


def amount(usd: str, function: tuple[str, str] = CODE, day: dt.date = MONDAY, component: str = "idle") -> ClosedAmount:
    environment, name = function
    return ClosedAmount(
        day=day,
        environment=environment,
        app="coral-x",
        function=name,
        phase="phase-1",
        component=component,
        amount_usd=Decimal(usd),
    )


def figures(*amounts: ClosedAmount, **others: Any) -> Figures:
    said: dict[str, Any] = {
        "as_of": dt.datetime(2026, 11, 17, 2),  # noqa: DTZ001 - naive UTC, as everywhere
        "input_sha256": "i" * 64,
        "catalog_sha256": "c" * 64,
        "baseline_sha256": None,
        "code_sha256": "q" * 64,
        "method_version": "1",
        "status": "verified",
        "avoided_usd": Decimal("58.50"),
        "half_width_usd": Decimal("6.42"),
        "savings": (
            ClosedSaving(
                function=CODE[1], avoided_usd=Decimal("58.50"), half_width_usd=Decimal("6.42"), status="verified"
            ),
        ),
        "deliveries": (),
        "contents": (),
    }
    return Figures(amounts=amounts, **said | others)


def closing(*amounts: ClosedAmount) -> Closing:
    closed_at = dt.datetime(2026, 11, 17, 3, 15, 0, 1)  # noqa: DTZ001 - naive UTC, as everywhere
    return Closing(week="2026-W46", revision=1, closed_at=closed_at, figures=figures(*amounts))


def test_a_closing_comes_back_digit_for_digit() -> None:
    written = closing(amount("90.000000000001"), amount("-0.000000000001", GENOME))
    read = parse_closing(format_closing(written), name="figures.json")
    assert read == written
    assert read.figures.cost_usd == Decimal("90.000000000000")
    assert '"90.000000000001"' in format_closing(written), "amounts are texts"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("90.0", "91.0"),
        lambda text: text[: len(text) // 2],
        lambda text: json.dumps(json.loads(text)["closing"]),
        lambda text: text.replace('"revision": 1', '"revision": 1, "note": "x"'),
        lambda _: "[]",
    ],
)
def test_a_closing_that_was_edited_or_cut_off_is_not_believed(spoil: Any) -> None:
    document = format_closing(closing(amount("90.0")))
    with pytest.raises(ClosingError, match=r"reports/2026-W46.*cut off or edited"):
        parse_closing(spoil(document), name="reports/2026-W46/revision-1/figures.json")


def test_what_does_not_show_in_cents_is_no_movement() -> None:
    before = figures(amount("10.001"), amount("5"))
    assert not is_moved(before, figures(amount("10.002"), amount("5")))
    assert not is_moved(before, figures(amount("10.001"), amount("5"), input_sha256="j" * 64, deliveries=()))


@pytest.mark.parametrize(
    "after",
    [
        figures(amount("10.01")),
        figures(amount("10"), amount("0.01", GENOME)),
        figures(amount("6", component="execution"), amount("4")),
        figures(),
        figures(amount("10"), avoided_usd=Decimal("58.51")),
        figures(amount("10"), half_width_usd=None),
        figures(amount("10"), status="provisional"),
        figures(amount("10"), savings=()),
    ],
)
def test_any_printed_figure_that_differs_is_a_movement(after: Figures) -> None:
    assert is_moved(figures(amount("10")), after)
    assert is_moved(after, figures(amount("10")))


def test_a_day_may_move_within_the_week_without_a_movement_of_the_week() -> None:
    before, after = figures(amount("10")), figures(amount("4"), amount("6", day=TUESDAY))
    assert not is_moved(before, after)
    assert moved_days(before, after, CODE) == {("coral-x", MONDAY), ("coral-x", TUESDAY)}


def test_only_the_functions_and_days_that_moved_are_named() -> None:
    before = figures(amount("10"), amount("3", GENOME), amount("3", GENOME, TUESDAY))
    after = figures(amount("10"), amount("3", GENOME), amount("3.50", GENOME, TUESDAY))
    assert moved_functions(before, after) == [GENOME]
    assert moved_days(before, after, GENOME) == {("coral-x", TUESDAY)}
    assert moved_days(before, after, CODE) == set()


def test_a_function_that_has_vanished_has_moved() -> None:
    assert moved_functions(figures(amount("10"), amount("3", GENOME)), figures(amount("10"))) == [GENOME]


def test_moves_add_up_to_what_the_week_moved_by_to_the_last_digit() -> None:
    before = figures(amount("10"), amount("3", GENOME))
    after = figures(amount("9.9997"), amount("3.5003", GENOME))
    assert moved_functions(before, after) == [GENOME, CODE]


def test_functions_that_move_by_less_than_a_cent_have_moved_where_their_sum_has() -> None:
    before = figures(amount("10"), amount("3.001", GENOME), amount("2.001"))
    after = figures(amount("10"), amount("3.004", GENOME), amount("2.004"))
    assert moved_functions(before, after) == [GENOME, CODE]
    assert moved_functions(before, figures(amount("10"), amount("3.003", GENOME), amount("2.001"))) == []


def test_causes_other_than_files_are_named() -> None:
    before = figures()
    assert causes_between(before, figures(input_sha256="j" * 64)) == ()
    after = figures(catalog_sha256="d" * 64, baseline_sha256="b" * 64, method_version="2", code_sha256="r" * 64)
    assert causes_between(before, after) == (
        "the edited catalog",
        "the frozen baseline",
        "a new version of the method",
        "a new version of the SQL",
    )


def test_hashes_of_two_versions_are_not_compared_but_what_the_issues_record() -> None:
    issued, now = figures(input_sha256="i" * 64), figures(input_sha256="j" * 64, input_version=2)
    assert have_same_inputs(issued, now), "an upgrade is no change of the data"
    assert not have_same_inputs(issued, figures(input_sha256="j" * 64))
    assert not have_same_inputs(issued, figures(input_version=2, contents=("k" * 64,)))
    assert not have_same_inputs(issued, figures(input_version=2, catalog_sha256="z" * 64))
    assert not is_moved(issued, now)
