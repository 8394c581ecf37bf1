"""The sections of the weekly report: one module reads and words each of them.

What belongs here: for each section its reader and its rows, from the warehouse and the measurement.
What does not: layout (`reports/`, `report.formats`).
"""
