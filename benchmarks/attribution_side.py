"""One side of the attribution benchmark: usage and spend of a month, by the code in the current folder.

Run as a script in a folder that holds a version of Tieout, so that one from before this file can be measured, too:
first to fill a warehouse, then to build it. It prints a line of JSON: CPU seconds of the bare group by, of each table
and of the commit, by run, and the peak memory.
"""

import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb

from benchmarks import attribution

MEMORY_LIMIT = "3GB"

# The first version had another package.
_PACKAGE = "tieout" if Path("pipelines/tieout").is_dir() else "pipelines"
_build_module, _connection, _models = (
    importlib.import_module(f"{_PACKAGE}.warehouse.{name}") for name in ("build", "connection", "models")
)


def fill(path: Path, calls: int, functions: int) -> None:
    """Fill a new warehouse with a month of so many calls and its bill; the first version's has always 500 functions."""
    with _connection.open_warehouse(path) as con:
        if _PACKAGE == "tieout":
            attribution.fill_month(con, calls, functions)
            attribution.bill_month(con, functions)
        else:
            attribution.fill_month(con, calls)
            getattr(attribution, "_bill_month")(con)  # noqa: B009 - it is there in that version only


def measure(path: Path, runs: int) -> dict[str, object]:
    """Group the calls and build the month in turns, so often: a build is one transaction, and memory is limited."""
    bare, built = [], []
    with _connection.open_warehouse(path) as con:
        con.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        for _ in range(runs):
            bare.append(_cpu_seconds(partial(con.execute, attribution._GROUP_BY)))
            built.append(_build(con))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"bare": bare, "built": built, "peak_bytes": peak}


def _build(con: duckdb.DuckDBPyConnection) -> dict[str, float]:
    costs = {}
    if _PACKAGE == "tieout":  # else the second build would keep the containers of the first
        con.execute("delete from meta.container_inputs")
    con.execute("begin")
    for model in _models.load_models():
        if model.schema in ("staging", "usage", "spend"):
            cost = _cpu_seconds(partial(_build_module.write_model, con, model, attribution.MONTH))
            if model.schema != "staging":
                costs[model.name] = cost
    costs["commit"] = _cpu_seconds(partial(con.execute, "commit"))
    return costs


def _cpu_seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    step, warehouse, *numbers = sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:])
    if step == "fill":
        fill(warehouse, *numbers)
    else:
        print(json.dumps(measure(warehouse, *numbers)))
