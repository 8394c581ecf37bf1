"""Soak: what takes too long for every change. Landed files are mutated by the ten thousand.

`make soak` stops after 90 minutes, keeps every result as it goes, and goes on where it was stopped.
"""
