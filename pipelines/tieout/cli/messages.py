"""Consoles, and how errors are worded."""

import sqlite3
import sys

from rich.console import Console
from rich.text import Text

from tieout.cli.failures import CommandError, ExitCode
from tieout.cli.hints import as_typed
from tieout.core.errors import TieoutError
from tieout.report.formats.text import printable

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def shown(text: str) -> str:
    """Return a text as it is printed: its commands as typed here, and nothing that moves a cursor or turns a line."""
    return "\n".join(printable(line) for line in as_typed(text).split("\n"))


def say(text: str, style: str = "") -> None:
    """Print a line of plain text; what stands in it is never read as markup."""
    out.print(Text(shown(text), style=style))


def warn(text: str) -> None:
    """Print a line to the error output."""
    err.print(Text(shown(text), style="yellow"))


def explain(error: Exception) -> ExitCode:
    """Print what went wrong and what to do next, and return the exit code.

    Raises:
        Exception: the error itself, when it is a defect of ours: nobody but a traceback explains it.
    """
    if isinstance(error, TieoutError):
        return _print(error.located, error.remedy, error.code if isinstance(error, CommandError) else ExitCode.USAGE)
    if isinstance(error, PermissionError | FileNotFoundError | NotADirectoryError | IsADirectoryError):
        return _print(f"{error.filename}: {error.strerror}", "Check the path and its permissions.", ExitCode.USAGE)
    if (storage := _storage_error(error)) is not None:
        if type(storage) is sqlite3.DatabaseError:
            said = f"Dagster's record of runs, in the folder dagster of the workspace, is damaged: {storage}"
            remedy = "Move that folder away: the next run makes another. Only the history of runs is lost."
            return _print(said, remedy, ExitCode.USAGE)
        said = f"Dagster's record of runs, in the folder dagster of the workspace, cannot be written: {storage}"
        return _print(said, "What was built before is as it was. Check the disk: `tieout doctor`.", ExitCode.USAGE)
    if isinstance(error, OSError):
        return _print(str(error), "Check the disk: `tieout doctor`.", ExitCode.USAGE)
    return _explain_duckdb(error)


def _storage_error(error: BaseException | None) -> BaseException | None:
    """Find what SQLite said among the causes of an error; Dagster keeps its record there."""
    while error is not None and not isinstance(error, sqlite3.DatabaseError):
        error = error.__cause__ or error.__context__
    return error


def _explain_duckdb(error: Exception) -> ExitCode:
    # Only a command that has opened a database can fail in it, so nothing new is imported here.
    if "duckdb" not in sys.modules:
        raise error
    import duckdb

    if isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException):
        return _print(
            str(error), "What was built before is as it was. Check the disk: `tieout doctor`.", ExitCode.USAGE
        )
    raise error


def _print(problem: str, remedy: str | None, code: ExitCode) -> ExitCode:
    err.print(Text.assemble(("Error: ", "bold red"), shown(problem)))
    if remedy:
        err.print(Text(shown(remedy)))
    return code
