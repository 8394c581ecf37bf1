"""The weekly report: what the warehouse says about one ISO week, as a frozen value, and that value as HTML and text.

What belongs here: reading the warehouse for the report (`weekly` and what it is assembled from), the report's contents,
their wording, and writing the files from the templates in `reports/`. What does not: arithmetic on savings (in `core`),
tables (in `sql/`), and anything that changes the warehouse.
"""
