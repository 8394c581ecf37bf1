"""Counting container hours on Apache Spark: the only importer of pyspark.

Four passes, each a function of `logs` or `containers` over Arrow batches: logs that are new are read and summed up,
which is kept; containers are found whose logs have to be laid over one another; the logs that name them are read anew;
and their calls are laid over one another by day. No task holds more than one log, or one day of some containers.
"""

import datetime as dt
import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pyarrow as pa

from tieout.catalog.models import Catalog
from tieout.cluster import container_files, containers, logs
from tieout.cluster.container_files import Landed
from tieout.cluster.found import find, folder_of_logs, is_counted
from tieout.cluster.knowledge import Knowledge, know
from tieout.cluster.state import Log, State
from tieout.core.errors import TieoutError
from tieout.core.home import Home
from tieout.sources.landing import SIDECAR_SUFFIX

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_JAVA = 17
_ROWS_OF_A_GROUP = 200_000
_FILES_BY_THE_DRIVER = 10_000
_FILES = "binaryFile"
_WHERE = "`call_logs` in settings.yaml says where they are; without it, landing/function_calls."
_INSTALL = 'Install it: pip install "tieout[spark]"; or set `usage_engine: duckdb` in settings.yaml.'


class ClusterError(TieoutError):
    """Spark cannot be used, or the logs cannot be listed."""


def count_on_spark(home: Home, catalog: Catalog, *, now: dt.datetime) -> Landed | None:
    """Count container hours of all call logs, and land what has changed.

    Args:
        home: the workspace; what is known of earlier logs is kept in it, beside the landing folder.
        catalog: says where the logs are, and which environment a path without one means.
        now: the time to record, naive UTC.

    Returns:
        What was landed; None when no log is new, changed or gone.

    Raises:
        ClusterError: pyspark or Java is missing, or the logs cannot be read.
    """
    folder = folder_of_logs(home, catalog)
    found = None if folder is None else find(folder)
    if found is not None and is_counted(home, catalog, found):
        return None
    if found is not None and not found:
        raise ClusterError(f"there are no call logs in {folder}", remedy=_WHERE)
    with _session() as spark:
        if found is None:
            found = _find_remote(spark, str(catalog.settings.call_logs))
            if is_counted(home, catalog, found):
                return None
        _require_small(found)
        return _Job(spark, home, catalog).count(found, now)


@contextmanager
def _session() -> "Iterator[SparkSession]":
    _require_java()
    try:
        from pyspark.sql import SparkSession
    except ModuleNotFoundError:
        raise ClusterError("`usage_engine: spark` needs pyspark, which is not installed", remedy=_INSTALL) from None
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    running = SparkSession.getActiveSession()
    spark = running or SparkSession.builder.appName("tieout").getOrCreate()
    try:
        yield spark
    finally:
        if running is None:
            spark.stop()


def _require_java() -> None:
    java = Path(os.environ["JAVA_HOME"]) / "bin" / "java" if "JAVA_HOME" in os.environ else shutil.which("java")
    remedy = f"Install Java {_JAVA} or newer, or let $JAVA_HOME name the folder of one."
    if java is None or not Path(java).exists():
        raise ClusterError("`usage_engine: spark` needs Java, and there is none", remedy=remedy)
    said = subprocess.run([str(java), "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < _JAVA:
        found = version[1] if version else "of no known version"
        raise ClusterError(f"`usage_engine: spark` needs Java {_JAVA}, and {java} is {found}", remedy=remedy)


def _find_remote(spark: "SparkSession", logs_at: str) -> dict[str, Log]:
    """List the logs that only Spark can read, by name, each with its sidecar.

    Raises:
        ClusterError: there are none.
    """
    from pyspark.errors import AnalysisException

    reader = spark.read.format(_FILES).option("recursiveFileLookup", "true")
    try:
        files = reader.load(logs_at).selectExpr("path", "length", "unix_micros(modificationTime) as us").collect()
        said = reader.option("pathGlobFilter", f"*{SIDECAR_SUFFIX}").load(logs_at).select("path", "content").collect()
    except AnalysisException as error:
        problem = f"there are no call logs at {logs_at}: {str(error).splitlines()[0][:200]}"
        raise ClusterError(problem, remedy=_WHERE) from None
    sidecars = {row.path: bytes(row.content) for row in said}
    folder = urlsplit(logs_at).path.strip("/") + "/"
    found = {}
    for row in files:
        name = row.path.partition(folder)[2]
        is_hidden = any(part.startswith(".") for part in name.split("/"))
        if not is_hidden and not name.endswith((SIDECAR_SUFFIX, ".tmp")):
            found[name] = Log(row.path, row.length, row.us * 1000, sidecars.get(row.path + SIDECAR_SUFFIX))
    return found


def _require_small(found: Mapping[str, Log]) -> None:
    for name, log in found.items():
        if log.size > logs.LARGEST_LOG:
            raise ClusterError(
                f"the call log {name} has {log.size >> 20:,} MiB, and a task takes {logs.LARGEST_LOG >> 20} at most",
                remedy="Gzip it, or export it in files of fewer hours.",
            )


@dataclass(frozen=True)
class _Job:
    spark: "SparkSession"
    home: Home
    catalog: Catalog

    def count(self, found: Mapping[str, Log], now: dt.datetime) -> Landed:
        """Run the passes, and land what they give."""
        # Below so many the driver looks at files itself; else every one would be a task.
        self.spark.conf.set("spark.sql.sources.parallelPartitionDiscovery.threshold", str(_FILES_BY_THE_DRIVER))
        state = State.read(self.home, self.catalog)
        new = {name: log for name, log in found.items() if not state.knows(name, log)}
        if new:
            folder = state.new_folder()
            digests = self._per_file(logs.digests_of_logs, logs.DIGESTS, new, {})
            digests.write.mode("overwrite").parquet(state.path_of(folder))
            state = state.with_logs(new, folder)
        state = state.only(found)
        digests = self._digests(state)
        said = digests.where("log is not null").select("name", "log").toLocalIterator(prefetchPartitions=True)
        knowledge = know(((row.name, row.log) for row in said), self.catalog)
        hours = self._hours(digests, knowledge, found)
        packed = hours.groupBy("name").applyInArrow(container_files.packed_hours, _ddl(container_files.PACKED))
        result = container_files.land(
            self.home.landing, knowledge, ((row.name, bytes(row.hours)) for row in packed.toLocalIterator()), now=now
        )
        state.write()
        return result

    def _digests(self, state: State) -> "DataFrame":
        """Read what is kept of the logs as they stand."""
        from pyspark.sql import functions as f

        names, folders = list(state.known), [folder for _, folder in state.known.values()]
        current = self.spark.createDataFrame(pa.table({"name": names, "folder": pa.array(folders, pa.int32())}))
        parts = [
            self.spark.read.schema(_ddl(logs.DIGESTS))
            .parquet(state.path_of(folder))
            .withColumn("folder", f.lit(folder))
            for folder in sorted(set(folders))
        ]
        stored = functools.reduce(lambda one, other: one.unionByName(other), parts)
        return stored.join(f.broadcast(current), ["name", "folder"], "left_semi").drop("folder")

    def _hours(self, digests: "DataFrame", knowledge: Knowledge, found: Mapping[str, Log]) -> "DataFrame":
        from pyspark.sql import functions as f

        counting = [log for log in knowledge.logs if log.counts]
        facts = pa.table(
            {
                "name": pa.array([log.name for log in counting], pa.string()),
                "is_replaced": pa.array([log.is_replaced for log in counting], pa.bool_()),
            }
        )
        of_logs = digests.where("log is null").drop("log")
        hours = of_logs.join(f.broadcast(self.spark.createDataFrame(facts)), "name")
        groups = _groups(sum(log.content.row_count for log in counting))
        entangled = (
            hours.selectExpr(
                *("name", "container_id", "first_started_us", "last_ended_us"),
                "busy_us is null or is_replaced as is_unsettled",
                f"pmod(xxhash64(container_id), {groups}) as part",
            )
            .groupBy("part")
            .applyInArrow(_without_part(containers.entangled_containers), _ddl(containers.ENTANGLED))
            .persist()
        )
        named = {
            row.name for row in hours.join(entangled, "container_id", "left_semi").select("name").distinct().collect()
        }
        plain = hours.drop("is_replaced")
        if not named:
            return plain
        known = {log.name: log.known for log in counting if log.name in named}
        calls = self._per_file(logs.calls_of_logs, logs.CALLS, {name: found[name] for name in known}, known)
        settled = (
            calls.join(entangled, "container_id", "left_semi")
            .withColumn("part", f.expr(f"pmod(xxhash64(container_id), {groups})"))
            .groupBy("day_us", "part")
            .applyInArrow(_without_part(containers.settled_hours), _ddl(logs.HOURS))
        )
        return plain.join(entangled, "container_id", "left_anti").unionByName(settled)

    def _per_file(
        self,
        read: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]],
        schema: pa.Schema,
        wanted: Mapping[str, Log],
        known: Mapping[str, str],
    ) -> "DataFrame":
        """Give every log of these to a function, one at a time."""
        from pyspark.sql import functions as f

        names = list(wanted)
        facts = pa.table(
            {
                "path": pa.array([wanted[name].path for name in names], pa.string()),
                "name": pa.array(names, pa.string()),
                "mtime_ns": pa.array([wanted[name].mtime_ns for name in names], pa.int64()),
                "sidecar": pa.array([wanted[name].sidecar for name in names], pa.binary()),
                "known": pa.array([known.get(name) for name in names], pa.string()),
            }
        )
        # Names of files are no patterns.
        files = (
            self.spark.read.format(_FILES).option("__globPaths__", "false").load([log.path for log in wanted.values()])
        )
        joined = files.select("path", "content").join(f.broadcast(self.spark.createDataFrame(facts)), "path")
        return joined.select(*logs.FILES.names).mapInArrow(read, _ddl(schema))


def _groups(calls: int) -> int:
    """Into how many groups containers fall so that one holds some hundred thousand rows, if all have as many."""
    return max(1, calls // _ROWS_OF_A_GROUP)


def _without_part(apply: Callable[[pa.Table], pa.Table]) -> Callable[[pa.Table], pa.Table]:
    return lambda rows: apply(rows.drop_columns(["part"]))


_NAMES = {pa.string(): "string", pa.int32(): "int", pa.int64(): "bigint", pa.bool_(): "boolean", pa.binary(): "binary"}


def _ddl(schema: pa.Schema) -> str:
    """Name a schema as Spark does."""
    return ", ".join(f"{field.name} {_NAMES[field.type]}" for field in schema)
