"""What Modal observed of every function on a day: its series, `function metrics`, and its counts, `function stats`.

A day is asked for once it is over, by one request for all groups of series, and only if its app was billed on it.
"""

import datetime as dt
import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from tieout.core.periods import days_between
from tieout.modal import plan
from tieout.modal.bill import trusted_until
from tieout.modal.calls import CalledFunction
from tieout.modal.client import Cause, ModalError, understanding
from tieout.modal.corrections import interval_start, is_plain_json
from tieout.modal.snapshots import Range, Subject, rfc3339
from tieout.modal.tasks import Errand
from tieout.modal.visit import Visit

METRICS, STATS = "function_metrics", "function_stats"
GROUPS = ("containers", "cpu", "memory", "gpu", "calls")
BUCKET = "5m"
_REFUSALS = frozenset({Cause.DENIED, Cause.REFUSED})
_DAY = dt.timedelta(days=1)
BilledDays = Mapping[tuple[str, str], frozenset[dt.date]]


class _ForgottenError(Exception):
    """Modal no longer has what an earlier pull has landed."""


class _Offer:
    """What the workspace's plan lets a pull read, as far as it is known; a refusal is said once."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._lock = threading.Lock()
        self.groups: Sequence[str] = GROUPS
        self.has_stats = True

    def narrow_groups(self, tried: Sequence[str], function: CalledFunction, day: Range, error: ModalError) -> None:
        """Leave out the groups that are refused one by one; another thread may have done so meanwhile.

        Raises:
            ModalError: the given one, when no single group is refused.
        """
        with self._lock:
            if self.groups != tried:
                return
            refused = [group for group in tried if self._is_refused(function, day, group)]
            if not refused:
                raise error
            self.groups = tuple(group for group in tried if group not in refused)
            self._visit.errands.note(f"function metrics: Modal refuses {', '.join(refused)} ({error})")

    def _is_refused(self, function: CalledFunction, day: Range, group: str) -> bool:
        with self._visit.scratch_file() as file:
            try:
                self._visit.session.command(_metrics_command(function, day, [group]), file)
            except ModalError as error:
                if error.cause in _REFUSALS:
                    return True
                raise
        return False

    def drop_stats(self, error: ModalError) -> None:
        """Ask for no more counts."""
        with self._lock:
            if self.has_stats:
                self.has_stats = False
                self._visit.errands.note(f"function stats: Modal refuses them ({error})")


def observation_errands(visit: Visit, functions: Iterable[Sequence[CalledFunction]]) -> list[Errand]:
    """List the days of every function whose series or counts are missing or may still change."""
    if not visit.is_wanted(METRICS, STATS):
        return []
    offer, billed = _Offer(visit), _billed_days(visit)
    errands: list[Errand] = []
    for namesakes in functions:
        for source, land in ((METRICS, _land_metrics), (STATS, _land_stats)):
            if not visit.is_wanted(source):
                continue
            pairs = _open_days(visit, source, namesakes, billed)
            if pairs:
                run = partial(_land_days, visit, source, pairs, partial(land, visit, offer))
                errands.append(Errand(f"{source.replace('_', ' ')} of {namesakes[0]}", run))
    return errands


def _billed_days(visit: Visit) -> BilledDays:
    """Read from all that has landed of the bill on which days each app was billed, by environment and name."""
    days: defaultdict[tuple[str, str], set[dt.date]] = defaultdict(set)
    for snapshot in visit.known(Subject("billing_report")):
        if is_plain_json(snapshot) and snapshot.range and snapshot.range.overlaps(visit.call_range):
            with understanding(str(snapshot.path)):
                for row in json.loads(snapshot.path.read_bytes()):
                    days[row["environment"], row["description"]].add(interval_start(row).date())
    return {app: frozenset(found) for app, found in days.items()}


def _open_days(
    visit: Visit, source: str, namesakes: Sequence[CalledFunction], billed: BilledDays
) -> list[tuple[CalledFunction, Range]]:
    """Return the days to ask for, each with the function that had the name on it."""
    app = namesakes[0].app
    trusted = Range(visit.call_range.start, trusted_until(visit))
    over = days_between(trusted.start.date(), visit.until.date())
    days = [day for day in over if day in billed.get((app.environment, app.name), ())]
    if not visit.wanted.is_forced:
        days = visit.unsettled(days, _subject(visit, source, namesakes[0]), trusted)
    ranges = [Range(plan.midnight(day), plan.midnight(day + _DAY)) for day in days]
    return [(one, day) for day in ranges for one in _known_as(namesakes, source, day)]


def _known_as(namesakes: Sequence[CalledFunction], source: str, day: Range) -> Sequence[CalledFunction]:
    """Return whom to ask about a day, if one answer can speak for it.

    Series are those of the deployed app. Counts of two apps of one name would have to be added up to be those of a log.
    """
    alive = [each for each in namesakes if each.app.lived(day)]
    if len(alive) > 1 and source == METRICS:
        alive = [each for each in alive if each.is_deployed]
    return alive if len(alive) == 1 else ()


def _land_days(visit: Visit, source: str, pairs: Sequence[tuple[CalledFunction, Range]], land: "partial[None]") -> None:
    for function, day in pairs:
        what = f"{source.replace('_', ' ')} of {function}, {day}"
        if visit.errands.run_one(Errand(what, partial(land, function, day))) is Cause.MISSING:
            return


def _land_metrics(visit: Visit, offer: _Offer, function: CalledFunction, day: Range) -> None:
    while groups := offer.groups:
        try:
            _land(visit, METRICS, function, day, _metrics_command(function, day, groups))
        except ModalError as error:
            if error.cause not in _REFUSALS:
                raise
            offer.narrow_groups(groups, function, day, error)
        else:
            return


def _land_stats(visit: Visit, offer: _Offer, function: CalledFunction, day: Range) -> None:
    if not offer.has_stats:
        return
    try:
        _land(visit, STATS, function, day, ["function", "stats", *_bounds(day), *_of(function)])
    except ModalError as error:
        if error.cause not in _REFUSALS:
            raise
        offer.drop_stats(error)


def _land(visit: Visit, source: str, function: CalledFunction, day: Range, command: Sequence[str]) -> None:
    """Land a day, unless Modal has nothing left of what was landed of it before."""
    subject = _subject(visit, source, function)
    earlier = [each.path for each in visit.known(subject) if each.range and each.range.overlaps(day)]

    def write(path: Path) -> None:
        visit.session.command(command, path)
        if not _has_observations(path) and any(_has_observations(each) for each in earlier):
            raise _ForgottenError

    try:
        visit.receive(
            subject,
            label=day.label,
            command=f"modal {' '.join(command)}",
            fetched_at=visit.clock(),
            covers=day,
            write=write,
        )
    except _ForgottenError:
        said = f"{source.replace('_', ' ')} of {function}, {day}"
        visit.errands.note(f"{said}: Modal has forgotten them; what was landed before stays")


def _has_observations(path: Path) -> bool:
    """Whether an export of series has a value, or one of counts a call or a container."""
    with understanding(str(path)):
        content = json.loads(path.read_bytes())
        if "series" in content:
            return any(point["value"] is not None for series in content["series"] for point in series["points"])
        return any(value for name, value in content.items() if name.startswith(("input_", "container_total")))


def _metrics_command(function: CalledFunction, day: Range, groups: Sequence[str]) -> list[str]:
    asked = [word for group in groups for word in ("--group", group)]
    return ["function", "metrics", *asked, "--bucket-size", BUCKET, *_bounds(day), *_of(function)]


def _bounds(day: Range) -> list[str]:
    return ["--since", rfc3339(day.start), "--until", rfc3339(day.end), "--all-variants"]


def _of(function: CalledFunction) -> list[str]:
    return ["--env", function.app.environment, "--json", "--", function.reference]


def _subject(visit: Visit, source: str, function: CalledFunction) -> Subject:
    return visit.subject(source, function.app.environment, function.app.name, function.name)
