"""Measurements, each a function that returns what it measured: `make bench` runs them and writes `results.md`.

What belongs here: comparisons of two sides in one run, and of attributed cost with the simulator's truth. What does
not: anything that a test can decide in seconds (`tests/`).
"""
