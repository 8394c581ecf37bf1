import errno
from collections.abc import Callable

import pytest

from tieout.modal.client import Cause, ModalError, Session
from tieout.modal.pull import ignore_progress
from tieout.modal.retry_policy import RetryPolicy
from tieout.modal.tasks import Errand, Errands


def missing() -> None:
    raise ModalError(Cause.MISSING, "not found")


@pytest.mark.parametrize(
    ("names", "note"),
    [("a", "a"), ("edcba", "a; b; c; d; e"), ("gfedcba", "a; b; c; d; e; and 2 more")],
)
def test_all_that_modal_does_not_have_makes_one_line(names: str, note: str) -> None:
    errands = Errands(Session(RetryPolicy(at_once=1)), ignore_progress)
    errands.note("a day was corrected")
    errands.run([Errand(name, missing) for name in names])
    assert errands.notes == ["a day was corrected", f"not on Modal, or not any more: {note}"]
    assert not errands.failures


def failing(number: int) -> Callable[[], None]:
    def write() -> None:
        raise OSError(number, "no", "landing/calls.json")

    return write


def test_a_file_that_cannot_be_written_leaves_the_others_alone() -> None:
    errands, done = Errands(Session(RetryPolicy(at_once=1)), ignore_progress), list[str]()
    errands.run([Errand("long", failing(errno.ENAMETOOLONG)), Errand("short", lambda: done.append("short"))])
    [failure] = errands.failures
    assert (failure.cause, failure.message, done) == (Cause.NOT_WRITTEN, "landing/calls.json: no", ["short"])


def test_a_full_disk_ends_the_pull() -> None:
    session = Session(RetryPolicy(at_once=1))
    errands = Errands(session, ignore_progress)
    errands.run([Errand("calls", failing(errno.ENOSPC))])
    with pytest.raises(ModalError) as stopped:
        session.settings()
    assert (errands.failures[0].cause, stopped.value.cause) == (Cause.NO_ROOM, Cause.STOPPED)
