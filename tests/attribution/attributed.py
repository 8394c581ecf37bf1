"""What came of a workspace whose truth is known: who pays, and who pays something else than the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

from tieout.validation.runner import Validator
from tieout.validation.suites import load_suite
from tieout.warehouse.build import Period

CENT = Decimal("0.01")

Owner = tuple[str, str]
"""App and function."""


@dataclass(frozen=True)
class Attributed:
    """What came of a workspace.

    Attributes:
        con: the warehouse.
        truth: dollars by app and function, to hold it against.
        period: the days that were built.
    """

    con: duckdb.DuckDBPyConnection
    truth: Mapping[Owner, Decimal]
    period: Period

    def costs(self) -> dict[Owner, Decimal]:
        """Attributed dollars by app and function, residuals included."""
        rows = self.con.execute("select app, function, sum(amount_usd) from spend.hourly group by all").fetchall()
        return {(app, function): amount for app, function, amount in rows}

    def components(self, function: str) -> dict[str, Decimal]:
        """Attributed dollars of a function by component, to the cent; what is below a cent is left out."""
        rows = self.con.execute(
            "select component, sum(amount_usd) from spend.hourly where function = ? group by all order by all",
            [function],
        ).fetchall()
        return {component: amount.quantize(CENT) for component, amount in rows if abs(amount) >= CENT}

    def broken_rules(self, *tables: str) -> set[str]:
        """Hold tables against their suites; returns `table: rule` of every rule that they break."""
        validator = Validator(self.con)
        days = (self.period.since, self.period.until)
        results = [validator.validate(load_suite(table), rows=f"select * from {table}", days=days) for table in tables]
        return {f"{one.suite.table}: {broken.expectation.name}" for one in results for broken in one.failures}

    def findings(self, sql: str) -> list[Any]:
        """Ask the warehouse."""
        return self.con.execute(sql).fetchall()

    def wrong(self, *, strangers: Sequence[str] = (), tolerance: Decimal = Decimal("0.02")) -> list[str]:
        """Say who pays something else than the truth; the money of `strangers` may only be a residual."""
        costs = self.costs()
        said = []
        for app, function in sorted({*self.truth, *costs}):
            true, got = self.truth.get((app, function), Decimal(0)), costs.get((app, function), Decimal(0))
            if function.startswith("__") and (app, function) not in self.truth:
                continue
            if function in strangers:
                true = Decimal(0)
            if abs(got - true) > max(CENT, tolerance * abs(true)):
                said.append(f"{app}/{function} caused ${true:.4f} and pays ${got:.4f}")
        billed, attributed = self.con.execute(
            "select (select sum(amount_usd) from staging.billing_items), (select sum(amount_usd) from spend.hourly)"
        ).fetchone() or (None, None)
        if billed != attributed:
            said.append(f"billed ${billed}, attributed ${attributed}")
        bounds = self.con.execute("select app, function, sum(low_usd), sum(high_usd) from spend.weekly group by all")
        said += [
            f"{app}/{function} caused ${self.truth[app, function]:.4f}, outside of ${low:.4f} to ${high:.4f}"
            for app, function, low, high in bounds.fetchall()
            if (app, function) in self.truth and not low - CENT <= self.truth[app, function] <= high + CENT
        ]
        return said
