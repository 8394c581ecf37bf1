"""From a simulated workspace to the report, held against the truth that only the simulator knows."""

from decimal import Decimal

import duckdb
import polars as pl
import pytest

from tests.conftest import FIRST_WEEK, LAST_WEEK
from tieout.core.home import Home

WORKERS = ("generate_code_modal", "evaluate_genome_modal", "get_evolution_progress_modal")


@pytest.fixture(scope="module")
def spend(built_workspace: Home) -> pl.DataFrame:
    with duckdb.connect(built_workspace.warehouse, read_only=True) as con:
        frame: pl.DataFrame = con.sql("select * from spend.hourly").pl()
    return frame


@pytest.fixture(scope="module")
def truth(built_workspace: Home) -> pl.DataFrame:
    return pl.read_parquet(built_workspace.root / "truth" / "cost_hourly.parquet")


def cost_by(frame: pl.DataFrame, *columns: str) -> dict[tuple[object, ...], Decimal]:
    totals = frame.group_by(*columns).agg(pl.col("amount_usd").sum()).rows()
    return {row[:-1]: row[-1] for row in totals}


def test_every_billed_cent_is_attributed_and_none_is_invented(spend: pl.DataFrame, truth: pl.DataFrame) -> None:
    assert cost_by(spend, "app", "hour") == {key: cost for key, cost in cost_by(truth, "app", "hour").items() if cost}


def test_the_functions_get_what_they_really_cost(spend: pl.DataFrame, truth: pl.DataFrame) -> None:
    attributed, real = cost_by(spend, "function"), cost_by(truth, "function")
    for function in WORKERS:
        assert abs(attributed[function,] - real[function,]) < real[function,] * Decimal("0.05")


def test_the_volume_is_attributed_to_itself(spend: pl.DataFrame, truth: pl.DataFrame) -> None:
    assert cost_by(spend, "function")["__volume__",] == cost_by(truth, "function")["__volume__",]


def test_there_is_a_report_for_each_week(built_workspace: Home) -> None:
    assert sorted(path.name for path in built_workspace.reports.iterdir()) == [FIRST_WEEK, LAST_WEEK, "index.html"]
    for week in (FIRST_WEEK, LAST_WEEK):
        text = (built_workspace.reports / week / "report.txt").read_text()
        assert week in text
        proof = (built_workspace.reports / week / "tie-out.html").read_text()
        assert '<dt>Difference</dt><dd class="passed">$0.000000000000</dd>' in proof
        assert (built_workspace.reports / week / "index.html").read_text().startswith("<!doctype html>")
