import pytest

from pipelines.modal_pull.errands import Errand, Errands
from pipelines.modal_pull.patience import Patience
from pipelines.modal_pull.pull import ignore_progress
from pipelines.modal_pull.session import Cause, ModalError, Session


def missing() -> None:
    raise ModalError(Cause.MISSING, "not found")


@pytest.mark.parametrize(
    ("names", "note"),
    [("a", "a"), ("edcba", "a, b, c, d, e"), ("gfedcba", "a, b, c, d, e, and 2 more")],
)
def test_all_that_modal_does_not_have_makes_one_line(names: str, note: str) -> None:
    errands = Errands(Session(Patience(at_once=1)), ignore_progress)
    errands.note("a day was corrected")
    errands.run([Errand(name, missing) for name in names])
    assert errands.notes == ["a day was corrected", f"not on Modal, or not any more: {note}"]
    assert not errands.failures
