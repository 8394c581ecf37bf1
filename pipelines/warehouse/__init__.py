"""The warehouse: one DuckDB file, built from SQL models, validated before it is committed.

What belongs here: the connection, the catalog's tables, reading and building SQL models, running expectations on
uncommitted rows, and what the rest of the house asks the warehouse. What does not: parsing files (`sources`),
arithmetic that is not SQL (`core`), wording and layout (`report`), Dagster (`defs`).
"""
