"""The audit of a projection: what a claim says, computed again from its own figures.

What belongs here: the claim with its sums, the entries of an audit and their arithmetic, all pure.
What does not: figures that were measured (`measure`), and how an entry is printed (`report`, `cli`).
"""
