"""Dagster: the floors as assets, their expectations as checks, the jobs, and the one connection that a run works on.

What belongs here: declarations, metadata for people, and bodies that call one function of the floors below. What does
not: SQL, arithmetic, parsing, wording of reports; and nothing below imports this package or `dagster`.
"""
