"""The weekly report: what the warehouse says about one ISO week, as a frozen value, and that value as HTML and text.

What belongs here: reading the warehouse for the report (`weekly` and what it is assembled from), the report's contents,
their wording, writing the files from the templates in `reports/`, and the mail: composing it, keeping it in the outbox
and handing it to a server. What does not: arithmetic on savings (in `core`), tables (in `sql/`), and anything that
changes the warehouse.
"""
