"""Units: money, periods, figures, findings, identifiers, errors, files, transactions, and where a workspace lies.

What belongs here: values and functions that every other package may use, with no connection, clock or network.
What does not: the catalog, savings arithmetic, tables, DuckDB, Dagster, anything that knows where data comes from.
"""
