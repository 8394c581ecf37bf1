"""The same work in pandas and Polars: from calls to the cost of functions by hour, vectorised, against Tieout.

Both do what a careful analyst would write: inputs of a container laid over one another, lives cut into start-up, work,
gaps and the tail, all of it by function and hour, and every pool of the bill paid out, what is seen first. They do
so in floating point, for whole logs, and without configurations, learned factors, error bars or checks. Tieout
starts from the same calls: it sums up the hours of the containers and builds staging, usage and spend.
"""

import multiprocessing
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl

from benchmarks.attribution import WEEKS, bill_month, fill_month
from tieout.core.sql import transaction
from tieout.sources import container_hours
from tieout.warehouse.build import write_model
from tieout.warehouse.connection import open_warehouse
from tieout.warehouse.models import load_models

_HOUR_US = 3_600_000_000
_WINDOW_US = 60_000_000
# Dollars for an hour of a container: of its GPU, and of the memory that it gets without asking.
_PRICE = {"A100-40GB": 2.10, "Memory": 0.008 / 8}
_COMPONENTS = ["startup", "execution", "gap", "tail"]
_CALLS = """
select
    f.app, f.function, c.container_key as container,
    epoch_us(c.started_at) as began, epoch_us(c.started_at) + c.execution_us as ended,
    epoch_us(k.created_at) as created
from raw.function_calls as c
inner join raw.files as f using (file_id)
inner join raw.containers as k using (container_key)
"""
_BILL = """
select description as app, epoch_us(interval_start) // 3600000000 as hour, resource, cost_usd::double as billed
from raw.billing_report
"""
_EXECUTION = """
select function, epoch_us(hour) // 3600000000 as hour, sum(container_us)::bigint as execution
from usage.hourly where component = 'execution' group by all order by all
"""


@dataclass(frozen=True)
class FramesResult:
    """CPU seconds of each side, by its name; all found the same time with work for every function and hour."""

    calls: int
    seconds: dict[str, float]


def measure(calls: int) -> FramesResult:
    """Measure every side once, each in a process of its own, with a month of so many calls."""
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory:
        path = Path(directory) / "warehouse.duckdb"
        found = {}
        for name, side in (("fill", _fill), ("tieout", _tieout), ("pandas", _pandas), ("polars", _polars)):
            with ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn")) as pool:
                found[name] = pool.submit(side, path, calls).result()
    _, execution = found["tieout"]
    for name in ("pandas", "polars"):
        if not found[name][1].equals(execution):
            raise RuntimeError(f"{name} found other times with work than Tieout")
    return FramesResult(calls, {name: found[name][0] for name in ("tieout", "pandas", "polars")})


def _fill(path: Path, calls: int) -> tuple[float, pl.DataFrame]:
    with open_warehouse(path) as con:
        fill_month(con, calls)
        bill_month(con)
        con.execute("delete from raw.container_hours")
    return 0.0, pl.DataFrame()


def _tieout(path: Path, _: int) -> tuple[float, pl.DataFrame]:
    def build() -> pl.DataFrame:
        container_hours.fill_in(con)
        with transaction(con):
            for model in load_models():
                if model.schema in ("staging", "usage", "spend"):
                    write_model(con, model, WEEKS)
        execution: pl.DataFrame = con.sql(_EXECUTION).pl()
        return execution

    with open_warehouse(path) as con:
        return _timed(build)


def _pandas(path: Path, _: int) -> tuple[float, pl.DataFrame]:
    def work() -> pl.DataFrame:
        with duckdb.connect(path, read_only=True) as con:
            con.execute("set timezone = 'UTC'")
            calls, bill = con.sql(_CALLS).df(), con.sql(_BILL).df()
        hours = _pandas_hours(calls)
        _pandas_costs(hours, bill)
        found = hours.groupby(["function", "hour"], as_index=False)["execution"].sum()
        found = found[found["execution"] > 0].sort_values(["function", "hour"])
        return pl.DataFrame({name: found[name].to_list() for name in found.columns})

    return _timed(work)


def _pandas_hours(calls: pd.DataFrame) -> pd.DataFrame:
    """Return microseconds of start-up, execution, gaps and tail by app, function and hour."""
    calls = calls.sort_values(["container", "began"], ignore_index=True)
    until = calls.groupby("container")["ended"].cummax().groupby(calls["container"]).shift()
    began = calls["began"].where(until.isna(), np.maximum(calls["began"], until.fillna(0))).astype("int64")
    busy = calls.assign(began=began)[calls["ended"] > began]
    busy = _pandas_cut(busy[["container", "began", "ended"]])
    execution = busy.groupby(["container", "hour"])["us"].sum()
    lives = calls.groupby(["app", "function", "container"], as_index=False).agg(
        created=("created", "first"), first=("began", "min"), last=("ended", "max")
    )
    keys = ["app", "function", "container"]
    stretches = {
        "startup": ("created", "first"),
        "serving": ("first", "last"),
        "tail": ("last", "stopped"),
    }
    lives["stopped"] = lives["last"] + _WINDOW_US
    parts = [
        _pandas_cut(
            lives[[*keys, since, to]].rename(columns={since: "began", to: "ended"}).query("ended > began")
        ).rename(columns={"us": name})[[*keys, "hour", name]]
        for name, (since, to) in stretches.items()
    ]
    hours = pd.concat(parts).fillna(0).groupby([*keys, "hour"], as_index=False)[list(stretches)].sum()
    hours = hours.merge(execution.rename("execution").reset_index(), on=["container", "hour"], how="left")
    hours["execution"] = hours["execution"].fillna(0).astype("int64")
    hours["gap"] = hours["serving"] - hours["execution"]
    return hours.groupby(["app", "function", "hour"], as_index=False)[_COMPONENTS].sum()


def _pandas_cut(stretches: pd.DataFrame) -> pd.DataFrame:
    """Cut stretches where an hour ends."""
    count = (stretches["ended"] - 1) // _HOUR_US - stretches["began"] // _HOUR_US + 1
    pieces = stretches.loc[stretches.index.repeat(count)]
    place = pieces.groupby(level=0).cumcount()
    hour = pieces["began"] // _HOUR_US + place
    us = np.minimum(pieces["ended"], (hour + 1) * _HOUR_US) - np.maximum(pieces["began"], hour * _HOUR_US)
    return pieces.assign(hour=hour, us=us)


def _pandas_costs(hours: pd.DataFrame, bill: pd.DataFrame) -> pd.DataFrame:
    """Return what each function pays of each pool by component: what is seen first, then the tail."""
    claims = hours.melt(["app", "function", "hour"], _COMPONENTS, "component", "us")
    claims = claims[claims["us"] > 0].merge(bill, on=["app", "hour"])
    claims["claim"] = claims["us"] / _HOUR_US * claims["resource"].map(_PRICE)
    claims["turn"] = np.where(claims["component"] == "tail", 2, 1)
    pool = ["app", "hour", "resource"]
    claimed = claims.groupby([*pool, "turn"])["claim"].transform("sum")
    seen = claims["claim"].where(claims["turn"] == 1, 0).groupby([claims[name] for name in pool]).transform("sum")
    free = np.where(claims["turn"] == 1, claims["billed"], np.maximum(claims["billed"] - seen, 0))
    claims["paid"] = claims["claim"] * np.minimum(1, free / claimed)
    left = claims["billed"] - claims.groupby(pool)["paid"].transform("sum")
    everything = claims.groupby(pool)["claim"].transform("sum")
    claims["unexplained"] = np.minimum(left.clip(lower=0), everything * 0.1) * claims["claim"] / everything
    return claims.groupby(["app", "function", "hour", "resource", "component"], as_index=False)[
        ["paid", "unexplained"]
    ].sum()


def _polars(path: Path, _: int) -> tuple[float, pl.DataFrame]:
    def work() -> pl.DataFrame:
        with duckdb.connect(path, read_only=True) as con:
            con.execute("set timezone = 'UTC'")
            calls, bill = con.sql(_CALLS).pl(), con.sql(_BILL).pl()
        hours = _polars_hours(calls.lazy()).collect()
        _polars_costs(hours.lazy(), bill.lazy()).collect()
        return (
            hours.group_by("function", "hour")
            .agg(pl.col("execution").sum())
            .filter(pl.col("execution") > 0)
            .sort("function", "hour")
        )

    return _timed(work)


def _polars_hours(calls: pl.LazyFrame) -> pl.LazyFrame:
    """The same as in pandas."""
    until = pl.col("ended").cum_max().shift().over("container")
    calls = calls.sort("container", "began")
    busy = calls.with_columns(began=pl.max_horizontal("began", until)).filter(pl.col("ended") > pl.col("began"))
    execution = _polars_cut(busy, "execution", "container")
    keys = ["app", "function", "container"]
    lives = calls.group_by(keys).agg(
        created=pl.col("created").first(), first=pl.col("began").min(), last=pl.col("ended").max()
    )
    lives = lives.with_columns(stopped=pl.col("last") + _WINDOW_US)
    stretches = {"startup": ("created", "first"), "serving": ("first", "last"), "tail": ("last", "stopped")}
    parts = [
        _polars_cut(lives.select(*keys, began=since, ended=to).filter(pl.col("ended") > pl.col("began")), name, *keys)
        for name, (since, to) in stretches.items()
    ]
    hours = pl.concat(parts, how="diagonal").group_by(*keys, "hour").agg(pl.col(list(stretches)).sum())
    return (
        hours.join(execution, on=["container", "hour"], how="left")
        .with_columns(pl.col("execution").fill_null(0))
        .with_columns(gap=pl.col("serving") - pl.col("execution"))
        .group_by("app", "function", "hour")
        .agg(pl.col(_COMPONENTS).sum())
    )


def _polars_cut(stretches: pl.LazyFrame, name: str, *keys: str) -> pl.LazyFrame:
    first, last = pl.col("began") // _HOUR_US, (pl.col("ended") - 1) // _HOUR_US
    hour = pl.col("hour")
    us = pl.min_horizontal("ended", (hour + 1) * _HOUR_US) - pl.max_horizontal("began", hour * _HOUR_US)
    cut = stretches.with_columns(hour=pl.int_ranges(first, last + 1)).explode("hour")
    return cut.with_columns(us.alias(name)).group_by(*keys, "hour").agg(pl.col(name).sum())


def _polars_costs(hours: pl.LazyFrame, bill: pl.LazyFrame) -> pl.LazyFrame:
    """The same as in pandas."""
    pool, turn = ["app", "hour", "resource"], pl.when(pl.col("component") == "tail").then(2).otherwise(1)
    claim, is_seen = pl.col("claim"), pl.col("turn") == 1
    claims = (
        hours.unpivot(_COMPONENTS, index=["app", "function", "hour"], variable_name="component")
        .filter(pl.col("value") > 0)
        .join(bill, on=["app", "hour"])
        .with_columns(claim=pl.col("value") / _HOUR_US * pl.col("resource").replace_strict(_PRICE), turn=turn)
    )
    seen = pl.when(is_seen).then(claim).otherwise(0).sum().over(pool)
    free = pl.when(is_seen).then(pl.col("billed")).otherwise((pl.col("billed") - seen).clip(0))
    paid = claims.with_columns(paid=claim * (free / claim.sum().over(*pool, "turn")).clip(upper_bound=1))
    left = (pl.col("billed") - pl.col("paid").sum().over(pool)).clip(0)
    everything = claim.sum().over(pool)
    return (
        paid.with_columns(unexplained=pl.min_horizontal(left, everything * 0.1) * claim / everything)
        .group_by("app", "function", "hour", "resource", "component")
        .agg(pl.col("paid", "unexplained").sum())
    )


def _timed(work: Callable[[], pl.DataFrame]) -> tuple[float, pl.DataFrame]:
    started = time.process_time()
    found = work()
    return time.process_time() - started, found


def table(result: FramesResult) -> str:
    """The result as a Markdown table."""
    ours = result.seconds["tieout"]
    return "\n".join(
        [
            f"| {result.calls:,} calls | CPU | against Tieout |",
            "|---|---|---|",
            *(f"| {name} | {seconds:.1f} s | {seconds / ours:.2f}× |" for name, seconds in result.seconds.items()),
        ]
    )
