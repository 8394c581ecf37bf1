"""The sections of the weekly report, one module each; `report.contents` lists them.

What belongs here: of each section its frozen model with its sentences, its reader, and the rows of its sheet in the
workbook. What does not: layout. A section's page and text are `reports/sections/<name>.html.j2` and `.txt.j2`.
"""
