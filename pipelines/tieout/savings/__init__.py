"""Savings arithmetic: definitions of docs/reference/rules.md as pure functions and frozen values.

What belongs here: the week, baseline, counterfactual, uncertainty, guardrails, status, bridge, anomalies.
What does not: DuckDB, files, wording; values come in, values go out.
"""
