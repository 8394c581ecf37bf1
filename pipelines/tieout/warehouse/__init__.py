"""The warehouse: one DuckDB file, built from SQL models in one transaction.

What belongs here: the connection, the catalog's tables, reading and building SQL models, closings, publishing, and
questions to the finished tables. What does not: parsing files (`sources`), judging rows (`validation`), arithmetic that
is not SQL (`savings`, `audit`), wording and layout (`report`), Dagster (`defs`).
"""
