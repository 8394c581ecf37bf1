"""Properties of the allocation in `spend.hourly`, on random pools and claims."""

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.empty_warehouse import open_empty_warehouse
from tieout.core.money import from_picodollars
from tieout.warehouse.models import model_named

Claim = tuple[str, int, int]
"""Function, claim in picodollars, container time that shares the remainder."""

HOUR = dt.datetime.fromisoformat("2026-11-02")
PERIOD = {"since": HOUR, "until": HOUR + dt.timedelta(days=1)}
FUNCTIONS = ("f", "g", "h", "k", "m")

BILLED = st.integers(-(10**21), 10**21)
CLAIMS = st.lists(
    st.tuples(st.sampled_from(FUNCTIONS), st.integers(0, 10**16), st.sampled_from([0, 0, 1, 1_800_000_000])),
    min_size=1,
    max_size=5,
    unique_by=lambda claim: claim[0],
)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_empty_warehouse() as con:
        yield con


def _allocate(con: duckdb.DuckDBPyConnection, billed_pd: int, claims: Sequence[Claim]) -> dict[str, Decimal]:
    """Attribute one pool, and return what every function got over all its components."""
    con.execute("delete from spend.pools")
    con.execute("delete from spend.claims")
    con.execute(
        "insert into spend.pools by name select 'main' as environment, 'ap-1' as object_id, 'a' as app, ? as hour, "
        "'h' as resolution, 'CPU' as resource, 'cpu' as kind, ?::decimal(38, 12) as billed_usd, 'settled' as status",
        [HOUR, from_picodollars(billed_pd)],
    )
    for function, claim_pd, shared_us in claims:
        con.execute(
            "insert into spend.claims by name select 'main' as environment, 'ap-1' as object_id, 'a' as app, "
            "? as hour, "
            "'h' as resolution, 'CPU' as resource, ? as function, 'baseline' as phase, 'execution' as component, "
            "?::hugeint as claim_pd, ?::hugeint as shared_us",
            [HOUR, function, claim_pd, shared_us],
        )
    rows = con.execute(
        f"select function, sum(amount_usd) from ({model_named('spend.hourly').sql}) group by function", PERIOD
    ).fetchall()
    return dict(rows)


def _exact_shares(billed_pd: int, claims: Sequence[Claim]) -> dict[str, Fraction]:
    """The method's shares as fractions of a picodollar, before they are made whole."""
    sign, billed = (-1 if billed_pd < 0 else 1), abs(billed_pd)
    claimed = sum(claim for _, claim, _ in claims)
    time = sum(us for _, _, us in claims)
    shares = {}
    for function, claim, us in claims:
        if claimed > billed:
            share = Fraction(billed * claim, claimed)
        elif time:
            share = claim + Fraction((billed - claimed) * us, time)
        elif claimed:
            share = claim + Fraction((billed - claimed) * claim, claimed)
        else:
            share = Fraction(0)
        shares[function] = sign * share
    return shares


CHEAP = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@CHEAP
@given(billed=BILLED, claims=CLAIMS)
def test_what_is_attributed_is_what_was_billed(
    con: duckdb.DuckDBPyConnection, billed: int, claims: list[Claim]
) -> None:
    assert sum(_allocate(con, billed, claims).values(), Decimal(0)) == from_picodollars(billed)


@CHEAP
@given(billed=BILLED, claims=CLAIMS.filter(lambda claims: any(claim or us for _, claim, us in claims)))
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
