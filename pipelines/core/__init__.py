"""The pure floor: money, periods, identifiers, the catalog's models, savings arithmetic, findings.

What belongs here: definitions of docs/method.md as functions and frozen values, with no connection, clock or network.
The only files read are the catalog's YAML and the resources that ship with the package. What does not: SQL, DuckDB,
Dagster, anything that knows where data comes from.
"""
