"""Doing many things at once and writing down what became of each: what fails leaves the others alone."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from tieout.modal.client import NO_ROOM, PASSING, Cause, ModalError, Session
from tieout.modal.snapshots import LandedFile

ENDING = frozenset({Cause.NO_TOKEN, Cause.UNAUTHENTICATED, Cause.UNREACHABLE, Cause.NO_ROOM})
# That many in a row, each tried several times: Modal is down, and asking on only adds to it.
_GIVE_UP_AFTER = 5
_NAMED = 5

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Errand:
    """One thing to bring: its name for people, how, and whether it reads the bill, which not every token may."""

    what: str
    run: Callable[[], None]
    reads_bill: bool = False


@dataclass(frozen=True)
class Failure:
    """Something that did not arrive, why, what Modal said, and whether it was the bill."""

    what: str
    cause: Cause
    message: str
    is_of_bill: bool = False

    @property
    def is_denied_bill(self) -> bool:
        """Whether the token may not read the bill, without which nothing can be tied out."""
        return self.is_of_bill and self.cause is Cause.DENIED


class Errands:
    """The errands of one pull, run on several threads, and what came of them."""

    def __init__(self, session: Session, progress: Progress) -> None:
        """Nothing is done yet."""
        self.landed: list[LandedFile] = []
        self.failures: list[Failure] = []
        self.missing: list[str] = []
        self.unasked = 0
        self._notes: list[str] = []
        self._session = session
        self._progress = progress
        self._lock = threading.Lock()
        self._failed_in_a_row = 0

    @property
    def notes(self) -> list[str]:
        """What a person should know, and need not act on: all that Modal does not have makes one line of it."""
        if not self.missing:
            return list(self._notes)
        named, more = sorted(self.missing)[:_NAMED], len(self.missing) - _NAMED
        listed = "; ".join([*named, f"and {more} more"] if more > 0 else named)
        return [*self._notes, f"not on Modal, or not any more: {listed}"]

    def run(self, errands: Sequence[Errand]) -> None:
        """Run errands side by side until the last one has ended, well or not."""
        ended = self._session.side_by_side([partial(self._run_named, errand) for errand in errands])
        for done, what in enumerate(ended, start=1):
            self._progress(what, done / len(errands))

    def run_one(self, errand: Errand) -> Cause | None:
        """Run one errand, and if Modal or the disk makes it fail, write down why, and return the cause."""
        try:
            errand.run()
        except (ModalError, OSError) as error:
            failure = error if isinstance(error, ModalError) else _disk_failure(error)
            with self._lock:
                self._write_down(errand, failure)
            return failure.cause
        with self._lock:
            self._failed_in_a_row = 0
        return None

    def arrived(self, file: LandedFile) -> None:
        """Write down a file that has landed."""
        with self._lock:
            self.landed.append(file)

    def note(self, text: str) -> None:
        """Write down what a person should know, and need not act on."""
        with self._lock:
            self._notes.append(text)

    def _run_named(self, errand: Errand) -> str:
        self.run_one(errand)
        return errand.what

    def _write_down(self, errand: Errand, error: ModalError) -> None:
        if error.cause is Cause.STOPPED:
            self.unasked += 1
            return
        if error.cause is Cause.MISSING:
            self.missing.append(errand.what)
            return
        self.failures.append(Failure(errand.what, error.cause, str(error), errand.reads_bill))
        self._failed_in_a_row += error.cause in PASSING
        if error.cause in ENDING or self._failed_in_a_row >= _GIVE_UP_AFTER:
            self._session.stop()


def _disk_failure(error: OSError) -> ModalError:
    cause = Cause.NO_ROOM if error.errno in NO_ROOM else Cause.NOT_WRITTEN
    return ModalError(cause, f"{error.filename}: {error.strerror}" if error.filename else str(error))
