"""The weekly report: what the warehouse says about one ISO week, as a frozen value, in every format.

What belongs here: the report and the list of its sections (`contents`), each section's model, reader and rows
(`sections`), issuing a week (`issue`), and rendering (`formats`) with the templates in `reports/`. What does not:
arithmetic on savings (`savings`), tables (`sql/`), the mail (`mail`), and anything that changes the warehouse.
"""
