"""The weekly report: what the warehouse says about one ISO week, as a frozen value, in every format.

What belongs here: reading the warehouse for the report (`weekly` and its `sections`), the report's contents and their
wording, issuing a week (`issue`), and rendering (`formats`) with the templates in `reports/`. What does not: arithmetic
on savings (`savings`), tables (`sql/`), the mail (`mail`), and anything that changes the warehouse.
"""
