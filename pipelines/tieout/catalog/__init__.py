"""The catalog: a savings programme as text in git, read into frozen models.

What belongs here: the models of the YAML files, how they are read, and the settings of the mail.
What does not: the catalog as tables (`warehouse.catalog_tables`), and anything that is measured.
"""
