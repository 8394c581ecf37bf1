"""Tieout: what serverless GPU functions on Modal really cost, and what an optimization really saved.

What belongs here: the packages of the floors (`core`, `sources`, `modal_pull`, `warehouse`, `report`, `simulator`,
`defs`) and the two entry points, `cli.py` and `definitions.py`. What does not: logic of its own, SQL (in `sql/`),
expectations (in `expectations/`) and templates (in `reports/`).
"""
