"""Measurement: what the savings arithmetic needs, read from the warehouse, and its results as rows.

What belongs here: queries that feed `savings` and `audit`, and the relations that `sql/savings/` selects from.
What does not: the arithmetic itself (`savings`, `audit`), and sentences about it (`report`).
"""
