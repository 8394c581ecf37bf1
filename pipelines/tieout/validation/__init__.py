"""Validation: every table is checked against its suite, by Great Expectations alone.

What belongs here: suites and how they are read, the runner, results, the checks of raw tables, and the quarantine.
What does not: building tables (`warehouse`), and how a check is shown (`defs`, `report`).
"""
