"""What the workspace's plan lets a pull read: it is found out by asking, and a refusal is said once."""

import threading
from collections.abc import Callable, Sequence

from tieout.modal.client import Cause, ModalError
from tieout.modal.visit import Visit

GROUPS = ("containers", "cpu", "memory", "gpu", "calls")
REFUSALS = frozenset({Cause.DENIED, Cause.REFUSED})
_CALLS = "calls"


class Offer:
    """What of functions, of servers or of apps can be read, as far as it is known; threads may share it.

    Attributes:
        groups: of series that are not refused yet. Servers have no calls.
        has_stats: whether counts are not refused yet.
    """

    def __init__(self, visit: Visit, kind: str) -> None:
        """Nothing is refused yet."""
        self.groups: Sequence[str] = GROUPS if kind == "function" else tuple(g for g in GROUPS if g != _CALLS)
        self.has_stats = True
        self._kind = kind
        self._visit = visit
        self._lock = threading.Lock()

    def narrow_groups(self, tried: Sequence[str], command: Callable[[str], Sequence[str]], error: ModalError) -> None:
        """Leave out the groups that are refused one by one; another thread may have done so meanwhile.

        Args:
            tried: the groups that were refused together.
            command: asks for a single one.
            error: the refusal.

        Raises:
            ModalError: the given one, when no single group is refused.
        """
        with self._lock:
            if self.groups != tried:
                return
            refused = [group for group in tried if self._is_refused(command(group))]
            if not refused:
                raise error
            self.groups = tuple(group for group in tried if group not in refused)
            self._visit.errands.note(f"{self._kind} metrics: Modal refuses {', '.join(refused)} ({error})")

    def _is_refused(self, command: Sequence[str]) -> bool:
        with self._visit.scratch_file() as file:
            try:
                self._visit.session.command(command, file)
            except ModalError as error:
                if error.cause in REFUSALS:
                    return True
                raise
        return False

    def drop_stats(self, error: ModalError) -> None:
        """Ask for no more counts."""
        with self._lock:
            if self.has_stats:
                self.has_stats = False
                self._visit.errands.note(f"{self._kind} stats: Modal refuses them ({error})")
