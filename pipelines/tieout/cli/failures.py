"""What the command line says when it cannot go on, and how it exits."""

from enum import IntEnum

NOTHING_LANDED = (
    "`tieout pull` brings Modal's exports, or put them there yourself; `tieout demo` shows a simulated workspace."
)


class ExitCode(IntEnum):
    """What a command's exit says to a script."""

    OK = 0
    DATA = 1
    USAGE = 2
    STOPPED = 130


class CommandError(Exception):
    """A command that cannot go on: what is wrong and where, what to do next, and how to exit."""

    def __init__(self, problem: str, *, remedy: str = "", code: ExitCode = ExitCode.USAGE) -> None:
        """Keep the sentences apart; they are printed below each other."""
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.code = code
