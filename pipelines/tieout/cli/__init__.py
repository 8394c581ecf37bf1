"""The command line: `tieout`.

What belongs here: commands, their options, what they print and the exit codes. What does not: anything that the
Dagster UI does as well; that is in the floors below. Dagster, Polars and Great Expectations take seconds to import, so
a command imports what it needs when it runs.
"""

from tieout.cli.app import run_command
from tieout.cli.process import main

__all__ = ["main", "run_command"]
