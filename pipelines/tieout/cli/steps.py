"""Progress of what takes longer than a second: a bar on a terminal, elsewhere one line for each stage."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from tieout.cli.messages import err


class Steps:
    """A bar that moves from step to step."""

    def __init__(self, progress: Progress) -> None:
        """Show nothing yet."""
        self._progress = progress
        self._task = progress.add_task("starting", total=None)

    def stage(self, name: str, steps: int | None = None) -> None:
        """Begin a stage of a known number of steps, or of an unknown length."""
        if self._progress.disable:
            err.print(Text(f"{name} …"))
        self._progress.reset(self._task, total=steps, description=name)

    def step(self, name: str) -> None:
        """Begin a step; the one before it is done."""
        self._progress.update(self._task, description=name, advance=1)

    def share(self, name: str, share: float) -> None:
        """Show a step of which a share (0 to 1) is done."""
        self._progress.update(self._task, description=name, total=1.0, completed=share)


@contextmanager
def show_steps() -> Iterator[Steps]:
    """Show a bar while something is done."""
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        yield Steps(progress)
