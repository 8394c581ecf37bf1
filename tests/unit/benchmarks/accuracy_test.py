"""The accuracy benchmark tells misplaced money from money in a residual, and bars that cover from bars that do not."""

import datetime as dt
from decimal import Decimal

import duckdb
import polars as pl
import pytest

from benchmarks.accuracy import Accuracy, Case, cases, compare, table
from benchmarks.worlds import WORLDS

HOUR = dt.datetime.fromisoformat("2026-10-13T09:00:00")
DOLLAR = pl.Decimal(38, 12)


def costs(*rows: tuple[str, str, int]) -> pl.DataFrame:
    return pl.DataFrame(
        [("main", "studio", function, HOUR, component, Decimal(usd)) for function, component, usd in rows],
        schema={
            "environment": pl.String,
            "app": pl.String,
            "function": pl.String,
            "hour": pl.Datetime("us"),
            "component": pl.String,
            "amount_usd": DOLLAR,
        },
        orient="row",
    )


def compared(truth: pl.DataFrame, attributed: pl.DataFrame, *bars: tuple[str, int, int, int]) -> Accuracy:
    with duckdb.connect() as con:
        con.execute("create schema spend")
        con.register("attributed", attributed.to_arrow())
        con.execute("create table spend.hourly as select * from attributed")
        if bars:
            con.execute(
                "create table spend.weekly (week varchar, app varchar, function varchar, "
                "amount_usd decimal(38, 12), low_usd decimal(38, 12), high_usd decimal(38, 12))"
            )
            con.executemany(
                "insert into spend.weekly values ('2026-W42', 'studio', $1, $2, $3, $4)", [list(bar) for bar in bars]
            )
        return compare(con, truth)


TRUTH = costs(("embed", "execution", 60), ("rank", "execution", 30), ("__server__/llm", "direct", 10))


def test_what_is_right_is_neither_misplaced_nor_wrong() -> None:
    result = compared(TRUTH, TRUTH)
    assert (result.median_error, result.misplaced_share, result.share_error) == (0, 0, 0)
    assert Decimal(result.difference_usd) == 0
    assert result.covered is None


def test_money_with_a_neighbour_is_misplaced_once() -> None:
    said = costs(("embed", "execution", 50), ("rank", "execution", 40), ("__server__/llm", "direct", 10))
    result = compared(TRUTH, said)
    assert result.misplaced_share == pytest.approx(0.10)
    assert result.worst_error == pytest.approx(1 / 3)
    assert result.worst.startswith("rank")


def test_a_server_in_the_residual_of_its_app_is_not_misplaced() -> None:
    said = costs(("embed", "execution", 60), ("rank", "execution", 30), ("__unexplained__", "residual", 10))
    result = compared(TRUTH, said)
    assert result.misplaced_share == 0
    assert result.residual_share == pytest.approx(0.10)


def test_money_of_a_function_in_a_residual_is_misplaced() -> None:
    said = costs(("embed", "execution", 60), ("rank", "execution", 20), ("__unexplained__", "residual", 20))
    assert compared(TRUTH, said).misplaced_share == pytest.approx(0.10)


def test_a_share_of_a_component_is_compared_in_percentage_points() -> None:
    said = costs(
        ("embed", "execution", 45), ("embed", "idle", 15), ("rank", "execution", 30), ("__no_calls__", "residual", 10)
    )
    assert compared(TRUTH, said).share_error == pytest.approx(25)


def test_a_bar_covers_the_truth_or_not_and_a_missing_one_does_not() -> None:
    result = compared(TRUTH, TRUTH, ("embed", 60, 57, 63))
    assert result.covered == 1
    assert sorted(result.half_widths) == pytest.approx([0.05, 1.0])
    assert compared(TRUTH, TRUTH, ("embed", 60, 61, 63), ("rank", 30, 30, 30)).covered == 1


def test_the_table_has_a_line_for_each_world_over_its_seeds() -> None:
    result = compared(TRUTH, TRUTH)
    lines = table({Case("surplus", 1): result, Case("surplus", 2): result, Case("buffer", 1): result}).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| surplus", "| buffer", "| **all**"]
    assert {line.count("|") for line in lines} == {lines[0].count("|")}


def test_every_world_and_scenario_is_measured_with_every_seed() -> None:
    wanted = {(name, seed) for name in (*WORLDS, "field", "coral-x", "as-deployed") for seed in (1, 2, 3)}
    assert {(case.world, case.seed) for case in cases()} == wanted
    assert len(WORLDS) >= 20
