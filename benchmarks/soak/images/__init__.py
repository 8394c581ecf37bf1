"""Disk images: a workspace is copied at moments at which its files change, and the step is run again on every copy.

An image is what the disk would hold had the process been killed at that moment: it is stopped while its files are
copied. It takes every file that any library writes, of DuckDB and SQLite, too. The clock is set and is the same in all
runs, so what a rerun comes to has to be the same to the last byte: tables, reports, closings and manifests.
"""
