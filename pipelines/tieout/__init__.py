"""Tieout: what serverless GPU functions on Modal really cost, and what an optimization really saved.

What belongs here: the packages of the house (docs/architecture.md) and the two entry points, `cli` and `definitions`.
What does not: logic of its own, SQL (in `sql/`), expectations (in `expectations/`) and templates (in `reports/`).
"""
