"""Soak: what takes too long for every change, in parts that resume.

`images` runs every step again on copies of a workspace that were taken while its files changed. `year` runs a year day
by day by a set clock, with a real mail server. `fuzz` mutates landed files by the ten thousand.

`make soak` stops after 90 minutes, keeps every result as it goes, and goes on where it was stopped.
"""
