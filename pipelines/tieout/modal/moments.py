"""Pictures of the moment beside apps and functions: servers, what runs now, and what environments were metered at."""

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from functools import partial

from tieout.modal import plan
from tieout.modal.apps import ModalApp
from tieout.modal.calls import named
from tieout.modal.client import Cause, ModalError, understanding
from tieout.modal.observations import APP, SERVER, Observed
from tieout.modal.offer import REFUSALS
from tieout.modal.snapshots import Subject
from tieout.modal.tasks import Errand
from tieout.modal.visit import Visit
from tieout.sources.workspace_snapshot import DEPLOYED

SERVER_SOURCES = ("server_info", "server_metrics", "server_stats")
CONTAINERS, ENVIRONMENTS = "container_list", "environment_billing"


def observed_apps(apps: Iterable[ModalApp]) -> list[list[Observed]]:
    """Take apps for what Modal observes, those of one name together."""
    together: dict[tuple[str, str], list[Observed]] = {}
    for app in apps:
        one = Observed(APP, app, app.name, app.reference, app.state == DEPLOYED)
        together.setdefault((app.environment, app.name), []).append(one)
    return list(together.values())


def find_servers(visit: Visit, apps: Iterable[ModalApp]) -> list[list[Observed]]:
    """Read from the newest landed app info which servers each deployed app has."""
    found: list[list[Observed]] = []
    for app in apps:
        looks = visit.known(visit.subject("app_info", app.environment, app.name))
        if app.state != DEPLOYED or not looks:
            continue
        path = max(looks, key=lambda snapshot: snapshot.fetched_at).path
        with understanding(str(path)):
            servers = json.loads(path.read_bytes()).get("servers", {})
            each = {name: named(app, name, entry["id"]).reference for name, entry in servers.items()}
        found += [[Observed(SERVER, app, name, reference, True)] for name, reference in each.items()]
    return found


def server_errands(visit: Visit, servers: Iterable[Sequence[Observed]]) -> list[Errand]:
    """List the servers whose configuration is to be read."""
    return [
        Errand(f"configuration of {one}", partial(visit.command, subject, ["server", "info", *one.arguments]))
        for [one] in servers
        if visit.is_due(subject := one.subject(visit, "server_info"))
    ]


def environment_errands(visit: Visit, environments: Iterable[str], first: dt.date) -> list[Errand]:
    """List what is to be read of every environment: what runs in it now, and what its open months were metered at."""
    errands: list[Errand] = []
    for environment in environments:
        subject = visit.subject(CONTAINERS, environment)
        if visit.is_due(subject):
            command = ["container", "list", "--env", environment, "--json"]
            errands.append(Errand(f"containers of {environment}", partial(visit.command, subject, command)))
        if visit.is_wanted(ENVIRONMENTS):
            billed = Subject(ENVIRONMENTS, environment)
            known = [] if visit.wanted.is_forced else visit.known(billed)
            months = plan.open_months(visit.wanted.since or first, visit.last_day, known)
            errands += [
                Errand(f"{environment} in {month:%Y-%m}", partial(_land_month, visit, billed, environment, month))
                for month in months
            ]
    return errands


def _land_month(visit: Visit, subject: Subject, environment: str, month: dt.date) -> None:
    """Land a month of an environment; a token that may not see it leaves a note, because nothing else needs it."""
    label = f"{month:%Y-%m}"
    command = ["environment", "billing", "summary", "--for", label, "--json", "--", environment]
    try:
        visit.command(subject, command, label=label, covers=plan.month_range(month))
    except ModalError as error:
        if error.cause not in {*REFUSALS, Cause.MISSING}:
            raise
        visit.errands.note(f"billing summary of the environment {environment}, {label}: Modal refuses it ({error})")
