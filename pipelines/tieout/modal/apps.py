"""Which apps there are to ask about, and what was deployed when: `modal app list`, `modal app history`."""

import datetime as dt
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tieout.modal import plan
from tieout.modal.bill import Billed, add_billed
from tieout.modal.client import Cause, ModalError, understanding
from tieout.modal.snapshots import Range, Subject
from tieout.modal.tasks import Errand
from tieout.modal.visit import Visit
from tieout.sources.workspace_snapshot import DEPLOYED

_APP_ID = re.compile(r"ap-[a-zA-Z0-9]{22}")


@dataclass(frozen=True)
class ModalApp:
    """An app as Modal lists it; times are aware UTC.

    Attributes:
        environment: the Modal environment it lives in.
        app_id: Modal's id, one for each time that an app is made.
        name: several apps may bear one name, of which one at most is deployed.
        state: `deployed`, `stopped`, `ephemeral` …
        created_at: None when Modal does not say.
        stopped_at: None while it runs.
    """

    environment: str
    app_id: str
    name: str
    state: str
    created_at: dt.datetime | None
    stopped_at: dt.datetime | None

    @property
    def reference(self) -> str:
        """How a command names it: a deployed app by its name, any other by its id."""
        return self.name if self.state == DEPLOYED or not _APP_ID.fullmatch(self.app_id) else self.app_id

    def lived(self, in_range: Range) -> bool:
        """Whether it can have been called in a stretch of time."""
        return (self.created_at is None or self.created_at < in_range.end) and (
            self.stopped_at is None or self.stopped_at >= in_range.start
        )


def read_app_list(path: Path, environment: str) -> list[ModalApp]:
    """Read a landed `modal app list --json`.

    Raises:
        ModalError: it is not one.
    """
    with understanding("modal app list --json"):
        return [
            ModalApp(
                environment=environment,
                app_id=row["app_id"],
                name=row["description"],
                state=row["state"],
                created_at=_time(row["created_at"]),
                stopped_at=_time(row["stopped_at"]),
            )
            for row in json.loads(path.read_bytes())
        ]


def list_apps(visit: Visit) -> list[ModalApp]:
    """Land the app list of every environment that is catalogued or billed, and return the apps that matter.

    Left out are those that cannot have run in the range, and the many short-lived ones that were billed nothing.
    """
    billed: set[Billed] = set()
    visit.errands.run_one(Errand("what was billed", partial(add_billed, visit, billed)))
    environments = sorted({visit.programme.environment, *(each.environment for each in billed)})
    subjects = {each: visit.subject("app_list", each) for each in environments}
    visit.errands.run(
        [
            Errand(f"app list of {environment}", partial(_land_list, visit, subject, environment))
            for environment, subject in subjects.items()
            if visit.is_due(subject) or not plan.seen_today(visit.known(subject), visit.now)
        ]
    )
    listed: list[ModalApp] = []
    for environment, subject in subjects.items():
        newest = max(visit.known(subject), key=lambda snapshot: snapshot.fetched_at, default=None)
        if newest is not None:
            reading = partial(_read_list, newest.path, environment, listed)
            visit.errands.run_one(Errand(f"apps of {environment}", reading))
    ids, names = {each.object_id for each in billed}, _known_names(visit)
    if not listed and not billed and subjects:
        visit.errands.note("nothing was billed and no app is listed: the workspace is empty, or the token is another's")
    return [
        app
        for app in listed
        if app.lived(visit.call_range) and (app.state == DEPLOYED or app.app_id in ids or app.name in names)
    ]


def history_errands(visit: Visit, apps: Iterable[ModalApp]) -> list[Errand]:
    """List the deployment histories to read: one for each name, of the app that bears it now or did last."""
    bearers: dict[Subject, ModalApp] = {}
    for app in sorted(apps, key=lambda app: (app.state == DEPLOYED, app.created_at or visit.now)):
        bearers[visit.subject("app_history", app.environment, app.name)] = app
    return [
        Errand(
            f"history of {app.name}",
            partial(
                visit.command, subject, ["app", "history", "--env", app.environment, "--json", "--", app.reference]
            ),
        )
        for subject, app in bearers.items()
        if visit.is_due(subject)
    ]


def _land_list(visit: Visit, subject: Subject, environment: str) -> None:
    try:
        visit.command(subject, ["app", "list", "--env", environment, "--json"])
    except ModalError as error:
        if error.cause is not Cause.DENIED:
            raise
        told = f"the token may not list this environment, so its bill comes without calls ({error})"
        raise ModalError(Cause.DENIED, told) from None


def _read_list(path: Path, environment: str, listed: list[ModalApp]) -> None:
    listed += read_app_list(path, environment)


def _known_names(visit: Visit) -> set[str | None]:
    return {subject.app for subject in visit.subjects("function_calls")} | set(visit.programme.functions)


def _time(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text).astimezone(dt.UTC)
