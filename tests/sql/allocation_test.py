"""Properties of the allocation in `spend.attributed`, on random pools and claims."""

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.empty_warehouse import open_empty_warehouse
from tests.support.names import put_row
from tieout.core.money import from_picodollars
from tieout.warehouse.models import model_named

Claim = tuple[str, int, int, int]
"""Function, turn in which it is paid, claim in picodollars, container time that shares the remainder."""

HOUR = dt.datetime.fromisoformat("2026-11-02")
PERIOD = {"since": HOUR, "until": HOUR + dt.timedelta(days=1)}
FUNCTIONS = ("f", "g", "h", "k", "m")

BILLED = st.integers(-(10**21), 10**21)
CLAIMS = st.lists(
    st.tuples(
        st.sampled_from(FUNCTIONS), st.integers(1, 5), st.integers(0, 10**16), st.sampled_from([0, 0, 1, 1_800_000_000])
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda claim: claim[0],
)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_empty_warehouse() as con:
        con.execute(f"insert into spend.claimants by name {model_named('spend.claimants').sql}", PERIOD)
        yield con


def _allocate(con: duckdb.DuckDBPyConnection, billed_pd: int, claims: Sequence[Claim]) -> dict[str, Decimal]:
    """Attribute one pool, and return what every function got over all its components."""
    con.execute("delete from spend.pools")
    con.execute("delete from spend.function_claims")
    con.execute(
        "insert into spend.pools by name select 'main' as environment, 'ap-1' as object_id, 'a' as app, ? as hour, "
        "'h' as resolution, 'CPU' as resource, 'cpu' as kind, ?::decimal(38, 12) as billed_usd, 'settled' as status, "
        "1 as pool_number",
        [HOUR, from_picodollars(billed_pd)],
    )
    for function, payment_order, claim_pd, shared_us in claims:
        row = {
            "hour": HOUR,
            "pool_number": 1,
            "function": function,
            "phase": "baseline",
            "component": "execution",
            "evidence": "seen",
            "payment_order": payment_order,
            "claim_pd": claim_pd,
            "shared_us": shared_us,
            "container_us": 1,
        }
        put_row(con, "spend.function_claims", row, HOUR)
    rows = con.execute(
        f"select c.function, sum(a.amount_pd) from ({model_named('spend.attributed').sql}) as a "
        "left join spend.claimants as c using (claimant_key) group by all",
        PERIOD,
    ).fetchall()
    return {function: from_picodollars(picodollars) for function, picodollars in rows}


def _exact_shares(billed_pd: int, claims: Sequence[Claim]) -> dict[str, Fraction]:
    """The method's shares as fractions of a picodollar, before they are made whole; for a CPU pool."""
    sign, left = (-1 if billed_pd < 0 else 1), Fraction(abs(billed_pd))
    counted = [claim for claim in claims if claim[2] or claim[3]]
    shares = {function: Fraction(0) for function, *_ in counted}
    for turn in sorted({turn for _, turn, _, _ in counted}):
        of_turn = [(function, claim) for function, its_turn, claim, _ in counted if its_turn == turn]
        claimed = sum(claim for _, claim in of_turn)
        paid = min(left, Fraction(claimed))
        for function, claim in of_turn:
            shares[function] += paid * Fraction(claim, claimed or 1)
        left -= paid
    weights = {function: us for function, _, _, us in counted}
    if not any(weights.values()):
        weights, left = _without_time(counted, left)
    for function, weight in weights.items():
        shares[function] += left * Fraction(weight, sum(weights.values()) or 1)
    return {function: sign * share for function, share in shares.items()}


def _without_time(claims: Sequence[Claim], left: Fraction) -> tuple[dict[str, int], Fraction]:
    """Who takes what is left where every request is known: one alone all of it, several a tenth of their claims."""
    if len(claims) == 1:
        return {claims[0][0]: 1}, left
    return {function: claim for function, _, claim, _ in claims}, min(left, Fraction(sum(c[2] for c in claims) // 10))


CHEAP = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@CHEAP
@given(billed=BILLED, claims=CLAIMS)
def test_what_is_attributed_is_what_was_billed(
    con: duckdb.DuckDBPyConnection, billed: int, claims: list[Claim]
) -> None:
    assert sum(_allocate(con, billed, claims).values(), Decimal(0)) == from_picodollars(billed)


@CHEAP
@given(billed=BILLED, claims=CLAIMS.filter(lambda claims: any(claim or us for _, _, claim, us in claims)))
def test_no_function_is_a_whole_picodollar_away_from_its_exact_share(
    con: duckdb.DuckDBPyConnection, billed: int, claims: list[Claim]
) -> None:
    got = _allocate(con, billed, claims)
    for function, share in _exact_shares(billed, claims).items():
        assert abs(Fraction(got.get(function, Decimal(0))) * 10**12 - share) < 1


@CHEAP
@given(billed=BILLED, claims=CLAIMS, random=st.randoms(use_true_random=False))
def test_the_order_of_claims_and_the_sign_of_the_bill_change_nothing_else(
    con: duckdb.DuckDBPyConnection, billed: int, claims: list[Claim], random: object
) -> None:
    straight = _allocate(con, billed, claims)
    random.shuffle(claims)  # type: ignore[attr-defined]
    assert _allocate(con, -billed, claims) == {function: -amount for function, amount in straight.items()}
