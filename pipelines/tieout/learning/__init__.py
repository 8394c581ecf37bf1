"""What a bill says of the time and use that nothing shows: pure statistics, values in, values out.

What belongs here: the regression of billed pools on container time, its factors and their errors.
What does not: DuckDB, files, wording; where a factor is followed is a matter of `sql/spend`.
"""
