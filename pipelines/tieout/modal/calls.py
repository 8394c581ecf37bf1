"""The functions, how they are deployed and what was called: `modal app info`, `function info`, `function calls`.

Modal forgets calls, after a day or after thirty. A later read of the same range counts instead of an earlier one, so
what Modal has forgotten must not be read again as if nothing had been called: such a read is cut to what it still has.
"""

import datetime as dt
import json
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tieout.modal import plan
from tieout.modal.apps import ModalApp
from tieout.modal.bill import trusted_until
from tieout.modal.client import Cause, ModalError, understanding
from tieout.modal.snapshots import FetchedContent, Range, Subject, first_call_since, rfc3339
from tieout.modal.tasks import Errand
from tieout.modal.visit import Visit
from tieout.sources.workspace_snapshot import DEPLOYED

# They are found in what `modal app info` says.
_OF_SERVERS = ("server_info", "server_metrics", "server_stats")
_FUNCTION_ID = re.compile(r"fu-[0-9a-zA-Z]+")
_DAY, _SECOND = dt.timedelta(days=1), dt.timedelta(seconds=1)
# The latest files of a function tell how many calls it has now.
_JUDGED_BY = 10


@dataclass(frozen=True)
class CalledFunction:
    """A function of an app, how a command names it, and whether it is deployed now."""

    app: ModalApp
    name: str
    reference: str
    is_deployed: bool

    def __str__(self) -> str:
        """Word it for people."""
        return f"{self.app.name}/{self.name}"


class _ForgottenError(Exception):
    """Modal no longer has calls that an earlier pull has landed."""


def read_functions(path: Path, app: ModalApp) -> list[CalledFunction]:
    """Read `modal app info --json`: the functions that an app is deployed with.

    Raises:
        ModalError: it is not that.
    """
    with understanding("modal app info --json"):
        functions: Mapping[str, Mapping[str, str]] = json.loads(path.read_bytes())["functions"]
        return [named(app, name, entry["id"]) for name, entry in functions.items()]


def named(app: ModalApp, name: str, function_id: str | None = None) -> CalledFunction:
    """Return a function with the reference that reaches it.

    `APP/FUNCTION` finds what is deployed, and ends the app's name at the first slash; the id reaches everything else.
    """
    has_id = function_id is not None and _FUNCTION_ID.fullmatch(function_id)
    by_name = app.state == DEPLOYED and "/" not in app.name
    reference = function_id if function_id and has_id and not by_name else f"{app.name}/{name}"
    return CalledFunction(app, name, reference, is_deployed=app.state == DEPLOYED)


def find_functions(visit: Visit, apps: Sequence[ModalApp]) -> list[list[CalledFunction]]:
    """Ask each app for its functions, and add those that it had not long ago.

    Returns:
        The functions, those of one name on apps of one name together: they are one to everybody but Modal.
    """
    listed: dict[ModalApp, list[CalledFunction]] = {}
    visit.errands.run(
        [Errand(f"functions of {app.name}", partial(_ask_for_functions, visit, app, listed)) for app in apps]
    )
    found: list[CalledFunction] = []
    for app in apps:
        if app in listed:
            found += [*listed[app], *_retired(visit, app, {function.name for function in listed[app]})]
        else:
            names = _landed_names(visit, app) | visit.programme.functions.get(app.name, frozenset())
            found += [named(app, name) for name in names]
    together: defaultdict[Subject, list[CalledFunction]] = defaultdict(list)
    for function in sorted(found, key=lambda function: (function.app.name, function.name, function.app.app_id)):
        together[_subject(visit, "function_calls", function)].append(function)
    return list(together.values())


def function_errands(visit: Visit, functions: Iterable[Sequence[CalledFunction]]) -> list[Errand]:
    """List the configurations to read, of what is deployed, and the calls."""
    errands: list[Errand] = []
    trusted = Range(visit.call_range.start, trusted_until(visit))
    for namesakes in functions:
        deployed = next((each for each in namesakes if each.is_deployed), None)
        if deployed is not None and visit.is_due(_subject(visit, "function_info", deployed)):
            errands.append(Errand(f"configuration of {deployed}", partial(_land_configuration, visit, deployed)))
        if visit.is_wanted("function_calls") and (pages := _open_pages(visit, namesakes, trusted)):
            errands.append(Errand(f"calls of {namesakes[0]}", partial(_land_all_calls, visit, namesakes, pages)))
    return errands


def _ask_for_functions(visit: Visit, app: ModalApp, listed: dict[ModalApp, list[CalledFunction]]) -> None:
    command = ["app", "info", "--env", app.environment, "--json", "--", app.reference]
    subject = visit.subject("app_info", app.environment, app.name)
    with visit.scratch_file() as file:
        try:
            visit.session.command(command, file)
        except ModalError as error:
            if error.cause is Cause.MISSING:
                listed[app] = []
            raise
        listed[app] = read_functions(file, app)
        is_due = visit.is_due(subject) or (
            visit.is_wanted(*_OF_SERVERS) and not plan.seen_today(visit.known(subject), visit.now)
        )
        if app.state == DEPLOYED and is_due:
            visit.receive(
                subject,
                label=f"{visit.now:%Y-%m-%d}",
                command=f"modal {' '.join(command)}",
                fetched_at=visit.clock(),
                covers=None,
                write=partial(shutil.copyfile, file),
            )


def _landed_names(visit: Visit, app: ModalApp) -> set[str]:
    folder = visit.subject("function_info", app.environment, app.name)
    known = visit.subjects("function_info")
    return {
        each.function
        for each in known
        if each.function and (each.environment, each.app) == (folder.environment, app.name)
    }


def _retired(visit: Visit, app: ModalApp, listed: set[str]) -> list[CalledFunction]:
    """Return what an app no longer has, but had while Modal may still keep its calls; only its id reaches it."""
    earliest = visit.now - plan.KEPT_DAYS_TEAM * _DAY
    found: list[CalledFunction] = []
    for name in _landed_names(visit, app) - listed:
        looks = visit.known(visit.subject("function_info", app.environment, app.name, name))
        newest = max(looks, key=lambda snapshot: snapshot.fetched_at)
        with understanding("modal function info --json"):
            configuration = json.loads(newest.path.read_bytes())
            if newest.fetched_at >= earliest and configuration["app_id"] == app.app_id:
                found.append(CalledFunction(app, name, configuration["object_id"], is_deployed=False))
    return found


def _subject(visit: Visit, source: str, function: CalledFunction) -> Subject:
    return visit.subject(source, function.app.environment, function.app.name, function.name)


def _land_configuration(visit: Visit, function: CalledFunction) -> None:
    command = ["function", "info", "--env", function.app.environment, "--json", "--", function.reference]
    visit.command(_subject(visit, "function_info", function), command)


def _open_pages(visit: Visit, namesakes: Sequence[CalledFunction], trusted: Range) -> list[Range]:
    created = [each.app.created_at for each in namesakes if each.app.created_at is not None]
    first = trusted.start
    if len(created) == len(namesakes):
        first = max(first, plan.midnight(min(created).date()))
    pages = visit.open_pages(_subject(visit, "function_calls", namesakes[0]), Range(first, trusted.end), _SECOND)
    return [page for page in pages if any(each.app.lived(page) for each in namesakes)]


def _land_all_calls(visit: Visit, namesakes: Sequence[CalledFunction], pages: Iterable[Range]) -> None:
    """Land one function's calls page by page; a page that fails leaves the others alone."""
    for page in pages:
        errand = Errand(f"calls of {namesakes[0]}, {page}", partial(_land_page, visit, namesakes, page))
        if visit.errands.run_one(errand) is Cause.MISSING:
            return


def _land_page(visit: Visit, namesakes: Sequence[CalledFunction], page: Range) -> None:
    """Land a page in parts that memory can hold, each as long as those before it allow; what lived then is asked."""
    subject, reached = _subject(visit, "function_calls", namesakes[0]), page.start
    while reached < page.end:
        part = Range(reached, min(page.end, reached + _handy_length(visit, subject)))
        if alive := [each for each in namesakes if each.app.lived(part)]:
            plan.by_halves(part, _SECOND, partial(_land_calls, visit, alive))
        reached = part.end


def _handy_length(visit: Visit, subject: Subject) -> dt.timedelta:
    newest = sorted(visit.known(subject), key=lambda snapshot: snapshot.fetched_at)[-_JUDGED_BY:]
    return plan.handy_length((each.range, each.path.stat().st_size) for each in newest if each.range is not None)


def _land_calls(visit: Visit, namesakes: Sequence[CalledFunction], page: Range) -> None:
    """Land a page, or the part of it that Modal still has where it has forgotten what was landed before."""
    kept_since = [plan.kept_since(visit.now, days) for days in (plan.KEPT_DAYS_TEAM, plan.KEPT_DAYS_STARTER)]
    for start in dict.fromkeys([page.start, *(max(page.start, kept) for kept in kept_since)]):
        if start >= page.end:
            break
        try:
            _fetch_calls(visit, namesakes, Range(start, page.end))
        except _ForgottenError:
            continue
        return
    visit.errands.note(f"calls of {namesakes[0]}, {page}: Modal has forgotten them; what was landed before stays")


def _fetch_calls(visit: Visit, namesakes: Sequence[CalledFunction], page: Range) -> None:
    subject = _subject(visit, "function_calls", namesakes[0])
    bounds = ["--since", rfc3339(page.start), "--until", rfc3339(page.end), "--all-variants"]
    commands = [
        ["function", "calls", *bounds, "--env", each.app.environment, "--json", "--", each.reference]
        for each in namesakes
    ]
    visit.receive(
        subject,
        label=page.label,
        command="; ".join(f"modal {' '.join(command)}" for command in commands),
        fetched_at=visit.clock(),
        covers=page,
        write=partial(_write_calls, visit, commands),
        check=partial(_check_nothing_forgotten, _earlier_call(visit, subject, page)),
    )


def _write_calls(visit: Visit, commands: Sequence[Sequence[str]], path: Path) -> None:
    """Write what the commands print; the lists of namesakes become one, as the CLI would lay it out."""
    visit.session.command(commands[0], path)
    for command in commands[1:]:
        with visit.scratch_file() as file:
            visit.session.command(command, file)
            lists = [
                each.read_text(encoding="utf-8").strip().removeprefix("[").removesuffix("]") for each in (path, file)
            ]
        rows = ",".join(rows.rstrip() for rows in lists if rows.strip())
        path.write_text(f"[{rows}\n]\n" if rows else "[]\n", encoding="utf-8", newline="\n")


def _earlier_call(visit: Visit, subject: Subject, page: Range) -> dt.datetime | None:
    """Return the first call that was landed of a range; None when the range is too young for Modal to forget it."""
    if page.start >= visit.now - plan.KEPT_DAYS_STARTER * _DAY:
        return None
    overlapping = [
        snapshot.path for snapshot in visit.known(subject) if snapshot.range and snapshot.range.overlaps(page)
    ]
    found = [first_call_since(path, page.start) for path in overlapping]
    return min((call for call in found if call is not None and call < page.end), default=None)


def _check_nothing_forgotten(earlier: dt.datetime | None, content: FetchedContent) -> None:
    if earlier is not None and (content.first_call is None or content.first_call > earlier):
        raise _ForgottenError
