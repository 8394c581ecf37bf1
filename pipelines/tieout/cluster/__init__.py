"""Counting container hours on many machines.

What belongs here: the functions over Arrow batches that a cluster runs (`logs.py`, `containers.py`), what the driver
has to know of all logs together (`knowledge.py`), how the result lands (`container_files.py`), and Apache Spark
(`spark.py`), which alone imports pyspark. What does not: how a log is read (`sources`) and what its hours cost
(`sql/`).
"""
