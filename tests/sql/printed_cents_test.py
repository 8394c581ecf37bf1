"""The cents of a week: the warehouse allocates them, and an issue that is kept does so again, to the same cents."""

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.empty_warehouse import open_empty_warehouse
from tests.support.names import put_row
from tieout.core.money import from_picodollars, in_cents
from tieout.core.periods import day_start
from tieout.warehouse.closed_week import ClosedAmount, Figures
from tieout.warehouse.models import model_named

Cost = tuple[str, str, str, int]
"""Environment, function, phase and picodollars."""

MONDAY = dt.date(2026, 11, 2)
# Near cents and half cents, where rounding is decided, and of both signs.
PICODOLLARS = st.builds(
    lambda halves, beside: halves * 5_000_000_000 + beside, st.integers(-300, 300), st.sampled_from([0, 0, 1, -1, 3])
)
COSTS = st.lists(
    st.tuples(st.sampled_from("ms"), st.sampled_from("fgh"), st.sampled_from(["none", "phase-1"]), PICODOLLARS),
    min_size=1,
    max_size=9,
    unique_by=lambda cost: cost[:3],
)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_empty_warehouse() as con:
        yield con


def _allocated(con: duckdb.DuckDBPyConnection, costs: Sequence[Cost]) -> dict[tuple[str, str], Decimal]:
    con.execute("delete from spend.attributed")
    for environment, function, phase, picodollars in costs:
        row = {
            "hour": MONDAY,
            "environment": environment,
            "app": "a",
            "function": function,
            "phase": phase,
            "component": "execution",
            "amount_usd": from_picodollars(picodollars),
        }
        put_row(con, "spend.hourly", row, day_start(MONDAY))
    cents = f"select environment, function, sum(amount_usd) from ({model_named('spend.weekly_cents').sql}) group by all"
    week = {"since": MONDAY, "until": MONDAY + dt.timedelta(days=7)}
    return {(environment, function): amount for environment, function, amount in con.execute(cents, week).fetchall()}


def _kept(costs: Sequence[Cost]) -> Figures:
    amounts = tuple(
        ClosedAmount(
            day=MONDAY,
            environment=environment,
            app="a",
            function=function,
            phase=phase,
            component="execution",
            amount_usd=from_picodollars(picodollars),
        )
        for environment, function, phase, picodollars in costs
    )
    return Figures.model_construct(amounts=amounts)


@given(costs=COSTS)
@example(
    costs=[("m", "f", "none", 4_000_000_000), ("s", "f", "none", 4_000_000_000), ("m", "g", "none", 7_000_000_000)]
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_an_issue_that_is_kept_prints_the_cents_of_the_warehouse(
    con: duckdb.DuckDBPyConnection, costs: list[Cost]
) -> None:
    allocated, kept = _allocated(con, costs), _kept(costs)
    assert {name: cents for name, cents in kept.printed_costs.items() if name in allocated} == allocated
    assert not any(cents for name, cents in kept.printed_costs.items() if name not in allocated)
    assert sum(allocated.values(), Decimal(0)) == in_cents(kept.cost_usd)
