"""Units: money, periods, figures, findings, identifiers, files, and where a workspace and its resources are.

What belongs here: values and functions that every other package may use, with no connection, clock or network.
What does not: the catalog, savings arithmetic, SQL, DuckDB, Dagster, anything that knows where data comes from.
"""
