"""One side of the attribution benchmark: usage and spend of a month, by the code in the current folder.

Run as a script in a folder that holds a version of Tieout, so that one from before this file can be measured, too. It
prints a line of JSON: CPU seconds of the bare group by, of each table and of the commit, by run, and the peak memory.
"""

import importlib
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb

from benchmarks import attribution

# The package of the first version.
_PACKAGE = "tieout" if Path("pipelines/tieout").is_dir() else "pipelines"
_build_module, _connection, _models = (
    importlib.import_module(f"{_PACKAGE}.warehouse.{name}") for name in ("build", "connection", "models")
)


def measure(calls: int, runs: int) -> dict[str, object]:
    """Fill a month with so many calls, and build it so many times, each in one transaction."""
    with (
        tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory,
        _connection.open_warehouse(Path(directory) / "warehouse.duckdb") as con,
    ):
        attribution.fill_month(con, calls)
        attribution._bill_month(con)
        bare = [_cpu_seconds(partial(con.execute, attribution._GROUP_BY)) for _ in range(runs)]
        built = [_build(con) for _ in range(runs)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"bare": bare, "built": built, "peak_bytes": peak}


def _build(con: duckdb.DuckDBPyConnection) -> dict[str, float]:
    costs = {}
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
    print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
