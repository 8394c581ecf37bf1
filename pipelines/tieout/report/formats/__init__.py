"""The formats of a report: page, text, workbook and charts, all from one frozen `WeeklyReport`.

What belongs here: rendering.
What does not: arithmetic, queries, and wording of sections (`report.sections`).
"""
