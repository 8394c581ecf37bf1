from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.core.money import (
    MoneyError,
    format_usd,
    from_picodollars,
    is_booked_exactly,
    largest_remainder,
    parse_long_usd,
    parse_usd,
    to_cents,
    to_picodollars,
)

WEIGHTS = st.lists(st.integers(0, 10**15), min_size=1, max_size=12).filter(any)
AMOUNTS = st.decimals(-(10**6), 10**6, places=12, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("2.10312500", "2.103125"),
        ("1.25E-7", "0.000000125"),
        ("0E-8", "0"),
        ("-0E-8", "0"),
        ("-.5", "-0.5"),
        ("7.", "7"),
    ],
)
def test_amounts_are_read_exactly_as_modal_prints_them(text: str, amount: str) -> None:
    assert parse_usd(text) == Decimal(amount)
    assert not parse_usd(text).is_signed() or Decimal(amount) < 0


NOT_NUMBERS = ["", "NaN", "Infinity", "1,5", " 1", "0x10", "٣"]
NOT_KEPT = ["1e-13", "0.1234567890123", "1." + "0" * 80 + "1", "1" * 30, "1e12", "1e999"]


@pytest.mark.parametrize("text", NOT_NUMBERS + NOT_KEPT)
def test_what_the_warehouse_cannot_keep_exactly_is_refused(text: str) -> None:
    with pytest.raises(MoneyError):
        parse_usd(text)


@given(st.decimals(-(10**11), 10**11, places=38, allow_nan=False, allow_infinity=False))
def test_a_printed_cost_of_38_decimals_is_read_to_the_last(amount: Decimal) -> None:
    for text in (f"{amount:f}", f"{amount:e}", f"{amount:f}" + "0" * 3):
        assert parse_long_usd(text).compare(amount) == 0


@pytest.mark.parametrize(
    ("text", "is_exact"), [("0.123456789012", True), ("1E-12", True), ("0.1234567890123", False), ("1E-38", False)]
)
def test_a_cost_of_more_than_12_decimals_is_told_apart(text: str, is_exact: bool) -> None:
    assert is_booked_exactly(parse_long_usd(text)) == is_exact


@pytest.mark.parametrize("text", [*NOT_NUMBERS, "1e-39", "0." + "3" * 39, "1" * 13 + "." + "3" * 38, "1e999"])
def test_a_cost_beyond_38_decimals_is_refused(text: str) -> None:
    with pytest.raises(MoneyError):
        parse_long_usd(text)


@given(AMOUNTS)
def test_picodollars_and_text_round_trip(amount: Decimal) -> None:
    assert from_picodollars(to_picodollars(amount)) == amount
    assert parse_usd(str(amount)) == amount


def test_an_amount_with_more_decimals_has_no_picodollars() -> None:
    with pytest.raises(MoneyError):
        to_picodollars(Decimal("1e-13"))


def test_ten_cents_over_three_equal_claims() -> None:
    assert largest_remainder(100_000, [1, 1, 1]) == [33_334, 33_333, 33_333]


@given(st.integers(-(10**18), 10**18), WEIGHTS)
def test_shares_add_up_to_the_total(total: int, weights: list[int]) -> None:
    assert sum(largest_remainder(total, weights)) == total


@given(st.integers(0, 10**18), WEIGHTS)
def test_no_share_is_a_whole_unit_away_from_its_exact_value(total: int, weights: list[int]) -> None:
    for share, weight in zip(largest_remainder(total, weights), weights, strict=True):
        assert abs(share * sum(weights) - total * weight) < sum(weights)


@given(st.integers(-(10**18), 10**18), WEIGHTS)
def test_the_opposite_total_gives_the_opposite_shares(total: int, weights: list[int]) -> None:
    assert largest_remainder(-total, weights) == [-share for share in largest_remainder(total, weights)]


@given(st.integers(0, 10**9), st.lists(st.integers(1, 10**9), min_size=2, max_size=6, unique=True), st.randoms())
def test_shares_follow_their_weights_in_any_order(total: int, weights: list[int], random: object) -> None:
    order = list(range(len(weights)))
    random.shuffle(order)  # type: ignore[attr-defined]
    straight = largest_remainder(total, weights)
    shuffled = largest_remainder(total, [weights[i] for i in order])
    for place, i in enumerate(order):
        assert abs(shuffled[place] - straight[i]) <= 1


def test_nothing_can_be_shared_over_no_claims() -> None:
    with pytest.raises(ValueError, match="all zero"):
        largest_remainder(1, [0, 0])
    assert largest_remainder(0, [0, 0]) == [0, 0]
    with pytest.raises(ValueError, match="negative"):
        largest_remainder(1, [2, -1])


@given(st.lists(AMOUNTS, max_size=12))
def test_printed_parts_add_up_to_the_printed_total(amounts: list[Decimal]) -> None:
    cents = to_cents(amounts)
    assert sum(cents, Decimal(0)) == sum(amounts, Decimal(0)).quantize(Decimal("0.01"))
    assert all(abs(printed - exact) < Decimal("0.01") for printed, exact in zip(cents, amounts, strict=True))


def test_parts_cannot_be_printed_under_a_foreign_total() -> None:
    with pytest.raises(ValueError, match="cannot be printed"):
        to_cents([Decimal("1.00")], total=Decimal("1.02"))


def test_amounts_are_printed_for_people() -> None:
    assert format_usd(Decimal("1234.565")) == "$1,234.56"
    assert format_usd(Decimal("-0.10")) == "−$0.10"
    assert format_usd(Decimal("-0.001")) == "$0.00"
    assert format_usd(Decimal("17.93903620"), 8) == "$17.93903620"
