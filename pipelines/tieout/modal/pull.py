"""The pull: everything that is missing or may still change, from Modal into the landing folder (docs/live.md).

First the bill, because it tells which environments and apps cost anything; then the apps; then every function's calls.
What one request brings lands at once, and what fails leaves the others alone: the next pull asks for the rest.
"""

import contextlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tieout.core.home import PULL_LOCK_NAME
from tieout.core.locks import LockedError, only_process
from tieout.modal import plan
from tieout.modal.apps import history_errands, list_apps
from tieout.modal.bill import Billed, add_billed, bill_errands
from tieout.modal.calls import find_functions, function_errands
from tieout.modal.client import Cause, ModalError, Session
from tieout.modal.counted import sandbox_errands, variant_errands
from tieout.modal.expired_calls import note_days_without_calls
from tieout.modal.moments import (
    CONTAINERS,
    ENVIRONMENTS,
    SERVER_SOURCES,
    environment_errands,
    find_servers,
    observed_apps,
    server_errands,
)
from tieout.modal.observations import day_errands, observed_functions
from tieout.modal.retry_policy import RetryPolicy
from tieout.modal.snapshots import LandedFile, LandingFolder
from tieout.modal.tasks import ENDING, Errand, Errands, Failure, Progress
from tieout.modal.visit import CatalogedFunctions, Clock, Visit, Wanted

_CALLS = "function_calls"
_OF_FUNCTIONS = ("function_info", _CALLS, "function_metrics", "function_stats", "function_variants", "app_info")
_OF_APPS = ("app_list", "app_history", "app_stats", "sandbox_stats")


@dataclass(frozen=True)
class PullOutcome:
    """What a pull brought.

    Attributes:
        landed: the files, in the order in which they arrived.
        failures: what did not arrive.
        unasked: how many exports were not even asked for, because the pull was stopped.
        notes: what else a person should know.
        seconds: how long it took.
    """

    landed: tuple[LandedFile, ...]
    failures: tuple[Failure, ...]
    unasked: int
    notes: tuple[str, ...]
    seconds: float

    @property
    def ended_by(self) -> Failure | None:
        """The failure that asking again will not cure: no valid token, bill, connection, room or clock.

        What else the token may not read, such as another team's environment, leaves the rest of use.
        """
        ending = {*ENDING, Cause.CLOCK}
        return next((each for each in self.failures if each.cause in ending or each.is_denied_bill), None)

    @property
    def is_complete(self) -> bool:
        """Whether everything arrived."""
        return not self.failures and not self.unasked


def ignore_progress(_: str, __: float) -> None:
    """Show nothing."""


def pull(
    landing: Path,
    programme: CatalogedFunctions,
    wanted: Wanted,
    *,
    policy: RetryPolicy,
    clock: Clock,
    progress: Progress = ignore_progress,
) -> PullOutcome:
    """Bring from Modal what is wanted and not yet settled.

    Args:
        landing: the landing folder.
        programme: where to look beside what Modal lists.
        wanted: the exports and the range.
        policy: limits.
        clock: tells the time, aware UTC.
        progress: called with what has arrived, and the finished share (0 to 1) of the stage.

    Raises:
        ModalError: nothing was asked for, because there is no connection, no valid token, or another pull under way.
        OSError: the landing folder cannot be written.
    """
    started = time.monotonic()
    with Session(policy) as session, tempfile.TemporaryDirectory(prefix="tieout-") as scratch:
        settings = session.settings()
        settings.require_token()
        session.workspace(settings.server)
        errands = Errands(session, progress)
        with _alone(landing):
            visit = Visit(
                session,
                LandingFolder(landing, settings.client_version),
                errands,
                programme=programme,
                wanted=wanted,
                clock=clock,
                scratch=Path(scratch),
            )
            _bring(visit)
    return PullOutcome(
        landed=tuple(errands.landed),
        failures=tuple(errands.failures),
        unasked=errands.unasked,
        notes=tuple(errands.notes),
        seconds=time.monotonic() - started,
    )


@contextlib.contextmanager
def _alone(landing: Path) -> Iterator[None]:
    """Keep other pulls out of the landing folder: they would ask for the same, and take half a file for a leftover."""
    landing.mkdir(parents=True, exist_ok=True)
    try:
        with only_process(landing / PULL_LOCK_NAME):
            yield
    except LockedError:
        raise ModalError(Cause.UNDER_WAY, f"another pull into {landing} is under way") from None


def _bring(visit: Visit) -> None:
    """Work through the stages; each needs what the one before has brought."""
    if visit.is_wanted(_CALLS):
        logs = [snapshot for subject in visit.subjects(_CALLS) for snapshot in visit.known(subject)]
        if risk := plan.retention_risk(logs, visit.now):
            visit.errands.note(risk.sentence)
    visit.errands.run(bill_errands(visit))
    _bring_environments(visit)
    if visit.is_wanted(*_OF_APPS, *_OF_FUNCTIONS, *SERVER_SOURCES):
        apps = list_apps(visit)
        visit.errands.run(history_errands(visit, apps))
        visit.errands.run(day_errands(visit, observed_apps(apps)))
        visit.errands.run(sandbox_errands(visit, observed_apps(apps)))
        if visit.is_wanted(*_OF_FUNCTIONS, *SERVER_SOURCES):
            functions = find_functions(visit, apps)
            observed = [observed_functions(namesakes) for namesakes in functions]
            visit.errands.run([*function_errands(visit, functions), *day_errands(visit, observed)])
            visit.errands.run(variant_errands(visit, observed))
            servers = find_servers(visit, apps)
            visit.errands.run([*server_errands(visit, servers), *day_errands(visit, servers)])
        if visit.is_wanted(_CALLS):
            visit.errands.run_one(Errand("days without calls", partial(note_days_without_calls, visit)))


def _bring_environments(visit: Visit) -> None:
    """Ask about every environment in which something was billed."""
    if visit.is_wanted(CONTAINERS, ENVIRONMENTS):
        billed: set[Billed] = set()
        visit.errands.run_one(Errand("what was billed", partial(add_billed, visit, billed)))
        environments = sorted({visit.programme.environment, *(each.environment for each in billed)})
        visit.errands.run(environment_errands(visit, environments, plan.first_bill_day(visit.now.date())))
