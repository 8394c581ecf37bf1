"""A session on a Spark cluster of this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def spark_session(master: str) -> Iterator[Any]:
    """Start one, and stop it with its executors.

    Args:
        master: as Spark names it, `local-cluster[2,1,1024]` for two executors with a core and a GiB each.
    """
    from pyspark.sql import SparkSession  # only `make spark-test` and `make bench ARGS=spark` have it

    session = (
        SparkSession.builder.master(master)
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "4")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    try:
        yield session
    finally:
        session.stop()
