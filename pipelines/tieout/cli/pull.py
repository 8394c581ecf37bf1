"""`tieout pull`: everything that is missing or may still change, from Modal into the landing folder."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tieout.catalog.load import load_catalog
from tieout.cli.failures import CommandError, ExitCode
from tieout.cli.messages import say, warn
from tieout.cli.steps import show_steps
from tieout.cli.stopping import stoppable
from tieout.core.home import Home
from tieout.modal.client import Cause, ModalError
from tieout.modal.plan import BILL_MONTHS, earliest_bill_day, first_bill_day
from tieout.modal.pull import PullOutcome, pull
from tieout.modal.retry_policy import RetryPolicy
from tieout.modal.tasks import Failure
from tieout.modal.visit import PULLED_SOURCES, CatalogedFunctions, Wanted

_SHOWN_FAILURES = 20
_LASTING = frozenset({Cause.REFUSED, Cause.DENIED})
_TOKEN = "`modal token new` gets one; $MODAL_TOKEN_ID and $MODAL_TOKEN_SECRET name one for this shell."
_REMEDIES = {
    Cause.NO_TOKEN: _TOKEN,
    Cause.UNAUTHENTICATED: f"{_TOKEN} `modal profile list` shows which one is used.",
    Cause.DENIED: "Only owners and managers of the workspace may read its bill: ask one for a token, or for the role.",
    Cause.UNREACHABLE: "Check the network, a proxy or firewall, and $MODAL_SERVER_URL; then pull again.",
    Cause.UNDER_WAY: "Wait until it has ended.",
    Cause.REFUSED: "Its words say why, such as a plan without it. `tieout run` also reads files exported by hand.",
    Cause.NO_ROOM: "Make room, then `tieout pull` asks for the rest; what had arrived is landed.",
    Cause.CLOCK: "Set the clock if it is wrong. If it was, delete these files: they would count instead of what is "
    "pulled now.",
}
_PROBLEMS = {
    Cause.NO_TOKEN: "nothing can be asked of Modal",
    Cause.UNAUTHENTICATED: "Modal does not take the token",
    Cause.DENIED: "the token may not read this",
    Cause.UNREACHABLE: "Modal cannot be reached",
    Cause.UNDER_WAY: "nothing was pulled",
    Cause.REFUSED: "Modal refuses it",
    Cause.NO_ROOM: "the disk takes no more",
    Cause.CLOCK: "a clock was ahead",
}


def run_pull(
    home: Home, catalog_directory: Path, *, since: str | None, until: str | None, only: Iterable[str] | None
) -> None:
    """Pull into the workspace's landing folder, and say what came and what did not.

    Raises:
        CommandError: wrong use, Modal cannot be asked, or something did not arrive.
    """
    wanted = _wanted(since, until, only)
    _refuse_simulation(home)
    programme = CatalogedFunctions.of(load_catalog(catalog_directory))
    policy = RetryPolicy.from_environment()
    try:
        with stoppable("Stopped; what arrived is landed, `tieout pull` asks for the rest."), show_steps() as steps:
            steps.stage("Asking Modal")
            outcome = pull(home.landing, programme, wanted, policy=policy, clock=utc_now, progress=steps.share)
    except ModalError as error:
        raise modal_problem(error.cause, str(error)) from None
    _say_landed(outcome, home)
    _conclude(outcome)


def utc_now() -> dt.datetime:
    """The time, aware UTC."""
    return dt.datetime.now(dt.UTC)


def modal_problem(cause: Cause, message: str) -> CommandError:
    """Word a problem that asking again will not cure."""
    problem = f"{_PROBLEMS.get(cause, 'Modal cannot be asked')}: {message}"
    return CommandError(problem, remedy=_REMEDIES.get(cause, "Try again in some minutes."))


def _wanted(since: str | None, until: str | None, only: Iterable[str] | None) -> Wanted:
    start, end = _day("--since", since), _day("--until", until)
    if start is not None and end is not None and start >= end:
        raise CommandError(f"--since {start} is not before --until {end}")
    today = utc_now().date()
    if start is not None and start > today:
        raise CommandError(f"--since {start} has not come yet")
    if start is not None and start < (earliest := earliest_bill_day(today)):
        raise CommandError(
            f"--since {start} is more than {BILL_MONTHS} months ago", remedy=f"The earliest day is {earliest}."
        )
    if start is None and end is not None and end <= (first := first_bill_day(today)):
        raise CommandError(
            f"--until {end}: without --since a pull begins on {first}", remedy="Name the first day, too."
        )
    sources = frozenset(only or PULLED_SOURCES)
    if unknown := sorted(sources.difference(PULLED_SOURCES)):
        raise CommandError(f"--only: there is no {unknown[0]!r}; there are: {', '.join(PULLED_SOURCES)}")
    return Wanted(sources, start, end)


def _day(option: str, text: str | None) -> dt.date | None:
    try:
        return None if text is None else dt.date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{option}: {text!r} is not a day like 2026-11-02") from None


def _refuse_simulation(home: Home) -> None:
    if home.simulation.exists():
        raise CommandError(
            f"{home.root} holds a simulated workspace",
            remedy="Name another folder with --home, so that simulated and real exports are not mixed.",
        )


def _say_landed(outcome: PullOutcome, home: Home) -> None:
    files = Counter(file.source for file in outcome.landed)
    if files:
        found = ", ".join(f"{files[source]} {source}" for source in PULLED_SOURCES if files[source])
        calls = sum(file.rows or 0 for file in outcome.landed)
        say(f"Landed {len(outcome.landed)} files with {calls:,} calls in {outcome.seconds:.0f} s: {found}.")
        say(f"Where: {home.landing}")
    elif outcome.is_complete:
        say("Nothing is missing: all of it is settled, and what may still change was read today.")
    for note in outcome.notes:
        say(f"Note: {note}")


def _conclude(outcome: PullOutcome) -> None:
    if outcome.is_complete:
        if outcome.landed:
            say("Next: `tieout run` builds and reports what it changes.")
        return
    ended_by = outcome.ended_by
    lines = list(_not_pulled([each for each in outcome.failures if ended_by is None or not _alike(each, ended_by)]))
    for line in lines[:_SHOWN_FAILURES]:
        warn(line)
    if len(lines) > _SHOWN_FAILURES:
        warn(f"… and {len(lines) - _SHOWN_FAILURES} more")
    if ended_by is not None:
        raise modal_problem(ended_by.cause, f"{ended_by.message} ({ended_by.what})")
    missing = len(outcome.failures) + outcome.unasked
    raise CommandError(
        f"{missing} of the exports did not arrive; what arrived is landed",
        remedy=_remedy(outcome),
        code=ExitCode.DATA,
    )


def _not_pulled(failures: Iterable[Failure]) -> Iterator[str]:
    """Word what did not arrive, a line for each answer that will be the same the next time."""
    alike: dict[object, list[Failure]] = {}
    for failure in failures:
        key = (failure.cause, failure.message) if failure.cause in _LASTING else failure.what
        alike.setdefault(key, []).append(failure)
    for first, *others in alike.values():
        more = f" and {len(others)} more" if others else ""
        yield f"Not pulled: {first.what}{more}: {first.message}"


def _alike(one: Failure, other: Failure) -> bool:
    return (one.cause, one.is_of_bill) == (other.cause, other.is_of_bill)


def _remedy(outcome: PullOutcome) -> str:
    if not outcome.unasked and all(failure.cause in _LASTING for failure in outcome.failures):
        return "Asking again changes nothing until the plan or the permissions do; `tieout run` uses what is there."
    return "`tieout pull` again asks for what is missing."
