"""What Modal observed on a day: series and counts of functions and servers, counts and sandboxes of apps.

A day is asked for once it is over, by one request for all groups of series, and only if its app was billed on it.
"""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tieout.core.periods import days_between
from tieout.modal import plan
from tieout.modal.apps import ModalApp
from tieout.modal.bill import trusted_until
from tieout.modal.calls import CalledFunction
from tieout.modal.client import Cause, ModalError, understanding
from tieout.modal.corrections import interval_start, is_plain_json
from tieout.modal.offer import REFUSALS, Offer
from tieout.modal.snapshots import Range, Subject, rfc3339
from tieout.modal.tasks import Errand
from tieout.modal.visit import Visit

APP, FUNCTION, SERVER = "app", "function", "server"
_BUCKET = "5m"
_DAY = dt.timedelta(days=1)
BilledDays = Mapping[tuple[str, str], frozenset[dt.date]]


@dataclass(frozen=True)
class Observed:
    """Something that Modal observes: an app, or a function or a server of it, and how a command names it."""

    kind: str
    app: ModalApp
    name: str
    reference: str
    is_deployed: bool

    def __str__(self) -> str:
        """Word it for people."""
        return self.app.name if self.kind == APP else f"{self.app.name}/{self.name}"

    @property
    def arguments(self) -> list[str]:
        """The end of a command about it."""
        return ["--env", self.app.environment, "--json", "--", self.reference]

    def subject(self, visit: Visit, source: str) -> Subject:
        """Where an export about it lands."""
        named = {} if self.kind == APP else {self.kind: self.name}
        return visit.subject(source, self.app.environment, self.app.name, **named)


class _ForgottenError(Exception):
    """Modal no longer has what an earlier pull has landed."""


def observed_functions(namesakes: Sequence[CalledFunction]) -> list[Observed]:
    """Take functions for what Modal observes."""
    return [Observed(FUNCTION, each.app, each.name, each.reference, each.is_deployed) for each in namesakes]


def day_errands(visit: Visit, observed: Iterable[Sequence[Observed]]) -> list[Errand]:
    """List the days whose series or counts are missing or may still change.

    Args:
        visit: the pull.
        observed: what may have been there; those of one name together, which are one to everybody but Modal.
    """
    billed = billed_days(visit)
    offers = {kind: Offer(visit, kind) for kind in (APP, FUNCTION, SERVER)}
    errands: list[Errand] = []
    for namesakes in observed:
        kind = namesakes[0].kind
        for what, land in (("metrics", _land_metrics), ("stats", _land_stats)):
            source = f"{kind}_{what}"
            if (kind, what) != (APP, "metrics") and visit.is_wanted(source):
                asked = open_days(visit, source, namesakes, billed)
                run = partial(land_days, visit, source, asked, partial(land, visit, offers[kind]))
                errands += [Errand(called(source, namesakes[0]), run)] if asked else []
    return errands


def called(source: str, one: Observed) -> str:
    """Word an export of something for people."""
    return f"{source.replace('_', ' ')} of {one}"


def billed_days(visit: Visit) -> BilledDays:
    """Read from all that has landed of the bill on which days each app was billed, by environment and name."""
    days: defaultdict[tuple[str, str], set[dt.date]] = defaultdict(set)
    for snapshot in visit.known(Subject("billing_report")):
        if is_plain_json(snapshot) and snapshot.range and snapshot.range.overlaps(visit.call_range):
            with understanding(str(snapshot.path)):
                for row in json.loads(snapshot.path.read_bytes()):
                    days[row["environment"], row["description"]].add(interval_start(row).date())
    return {app: frozenset(found) for app, found in days.items()}


def open_days(
    visit: Visit, source: str, namesakes: Sequence[Observed], billed: BilledDays
) -> list[tuple[Observed, Range]]:
    """Return the days to ask for, each with what had the name on it."""
    first = namesakes[0]
    trusted = Range(visit.call_range.start, trusted_until(visit))
    over = days_between(trusted.start.date(), visit.until.date())
    days = [day for day in over if day in billed.get((first.app.environment, first.app.name), ())]
    if not visit.wanted.is_forced:
        days = visit.unsettled(days, first.subject(visit, source), trusted)
    ranges = [Range(plan.midnight(day), plan.midnight(day + _DAY)) for day in days]
    return [(one, day) for day in ranges for one in _known_as(namesakes, source, day)]


def _known_as(namesakes: Sequence[Observed], source: str, day: Range) -> Sequence[Observed]:
    """Return whom to ask about a day, if one answer can speak for it.

    Series are those of the deployed app. Counts of two apps of one name would have to be added up to be those of a log.
    """
    alive = [each for each in namesakes if each.app.lived(day)]
    if len(alive) > 1 and source.endswith("metrics"):
        alive = [each for each in alive if each.is_deployed]
    return alive if len(alive) == 1 else ()


def land_days(
    visit: Visit,
    source: str,
    asked: Sequence[tuple[Observed, Range]],
    land: Callable[[Observed, Range], None],
) -> None:
    """Land one thing day by day; a day that fails leaves the others alone."""
    for one, day in asked:
        errand = Errand(f"{called(source, one)}, {day}", partial(land, one, day))
        if visit.errands.run_one(errand) is Cause.MISSING:
            return


def _land_metrics(visit: Visit, offer: Offer, one: Observed, day: Range) -> None:
    while groups := offer.groups:
        try:
            _land(visit, f"{one.kind}_metrics", one, day, _metrics_command(one, day, groups))
        except ModalError as error:
            if error.cause not in REFUSALS:
                raise
            offer.narrow_groups(groups, lambda group: _metrics_command(one, day, [group]), error)
        else:
            return


def _land_stats(visit: Visit, offer: Offer, one: Observed, day: Range) -> None:
    if not offer.has_stats:
        return
    source = f"{one.kind}_stats"
    try:
        _land(visit, source, one, day, [one.kind, "stats", *_bounds(one, day), *one.arguments])
    except ModalError as error:
        if error.cause not in REFUSALS:
            raise
        offer.drop_stats(error)


def _land(visit: Visit, source: str, one: Observed, day: Range, command: Sequence[str]) -> None:
    """Land a day, unless Modal has nothing left of what was landed of it before."""
    subject = one.subject(visit, source)
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
        what = called(source, one)
        visit.errands.note(f"{what}, {day}: Modal has forgotten them; what was landed before stays")


def _has_observations(path: Path) -> bool:
    """Whether an export of series has a value, or one of counts anything that was counted."""
    with understanding(str(path)):
        content = json.loads(path.read_bytes())
        if "series" in content:
            return any(point["value"] is not None for series in content["series"] for point in series["points"])
        return any(_counts(content))


def _counts(content: object) -> Iterable[int]:
    """Every count in an export, however deep, but for the version of the app and its deployments."""
    if isinstance(content, dict):
        for name, value in content.items():
            if name not in ("lifecycle", "deployment_count", "variant_count"):
                yield from _counts(value)
    elif isinstance(content, int) and not isinstance(content, bool):
        yield content


def _metrics_command(one: Observed, day: Range, groups: Sequence[str]) -> list[str]:
    asked = [word for group in groups for word in ("--group", group)]
    return [one.kind, "metrics", *asked, "--bucket-size", _BUCKET, *_bounds(one, day), *one.arguments]


def _bounds(one: Observed, day: Range) -> list[str]:
    bounds = ["--since", rfc3339(day.start), "--until", rfc3339(day.end)]
    return [*bounds, "--all-variants"] if one.kind == FUNCTION else bounds
