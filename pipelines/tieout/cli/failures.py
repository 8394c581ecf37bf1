"""What the command line says when it cannot go on, and how it exits."""

from enum import IntEnum

from tieout.core.errors import TieoutError


class ExitCode(IntEnum):
    """What a command's exit says to a script."""

    OK = 0
    DATA = 1
    USAGE = 2
    STOPPED = 130


class CommandError(TieoutError):
    """A command that cannot go on, and how it exits."""

    def __init__(
        self, problem: str, *, place: object = None, remedy: str | None = None, code: ExitCode = ExitCode.USAGE
    ) -> None:
        """Keep the exit code beside what is said."""
        super().__init__(problem, place=place, remedy=remedy)
        self.code = code
