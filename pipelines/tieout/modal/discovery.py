"""A first look at a workspace: whether it can be reached, what the token may read, what is billed and deployed."""

import datetime as dt
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tieout.modal.apps import ModalApp, read_app_list
from tieout.modal.bill import Billed, Row, billed_objects, read_items
from tieout.modal.calls import CalledFunction, read_functions
from tieout.modal.client import Cause, ModalError, Session, Settings
from tieout.modal.plan import first_bill_day, floor
from tieout.modal.retry_policy import RetryPolicy
from tieout.modal.snapshots import Range
from tieout.sources.workspace_snapshot import DEPLOYED, Deployed, DiscoveredFunction, busiest

_LOOK_BACK = dt.timedelta(days=7)
_LOOK_AHEAD = dt.timedelta(days=1)
_HOUR = dt.timedelta(hours=1)
_DEFAULT_PROGRAMME = "modal"


@dataclass(frozen=True)
class Access:
    """What the configured token gives access to.

    Attributes:
        settings: of the client.
        workspace: its name; None when it was not reached, or Modal does not say.
        refusal: why the workspace was not reached, or its bill not read; None when both were.
        is_reached: whether Modal answered and took the token.
        billed: what was billed lately.
        newest_hour: the last hour that Modal has billed, aware UTC; ahead of the clock when the clock is slow.
    """

    settings: Settings
    workspace: str | None
    refusal: ModalError | None
    is_reached: bool
    billed: frozenset[Billed]
    newest_hour: dt.datetime | None


def look_at_access(policy: RetryPolicy, now: dt.datetime) -> Access:
    """Find out what a pull would find out first.

    Raises:
        ModalError: the client's own configuration cannot be read.
    """
    with Session(policy) as session:
        settings = session.settings()
        access = partial(Access, settings=settings)
        try:
            settings.require_token()
            workspace = session.workspace(settings.server)
        except ModalError as error:
            return access(workspace=None, refusal=error, is_reached=False, billed=frozenset(), newest_hour=None)
        try:
            items = _bill(session, now)
        except ModalError as error:
            return access(workspace=workspace, refusal=error, is_reached=True, billed=frozenset(), newest_hour=None)
    hours = [dt.datetime.fromisoformat(item["interval_start"]).replace(tzinfo=dt.UTC) for item in items]
    return access(
        workspace=workspace,
        refusal=None,
        is_reached=True,
        billed=billed_objects(items),
        newest_hour=max(hours, default=None),
    )


def look_at_deployed(policy: RetryPolicy, now: dt.datetime) -> Deployed:
    """Ask Modal what is deployed, with which resources, and at which prices.

    The environment is the one that the client is set to, else the one with most billed objects, else `main`.

    Raises:
        ModalError: Modal cannot be asked, or refuses anything but the bill and the rates.
    """
    with Session(policy) as session, tempfile.TemporaryDirectory(prefix="tieout-") as scratch:
        settings = session.settings()
        settings.require_token()
        workspace = session.workspace(settings.server)
        billed = _billed_if_allowed(session, now)
        environment = settings.environment or busiest(each.environment for each in billed or ())
        asked = _Asked(session, Path(scratch), environment)
        rates, deployed = asked.rates(), [app for app in asked.apps() if app.state == DEPLOYED]
        listed = session.side_by_side([partial(asked.functions, app) for app in deployed])
        found = [function for functions in listed for function in functions]
        configured = session.side_by_side([partial(asked.configuration, function) for function in found])
        functions = sorted(configured, key=lambda each: (each.app, each.name))
    known = {function.app.name for function in found}
    today = now.date()
    costing = {each.description for each in billed or () if each.is_app and each.environment == environment}
    return Deployed(
        workspace=workspace or _DEFAULT_PROGRAMME,
        environment=environment,
        functions=tuple(functions),
        unlisted=tuple(sorted(costing - known)),
        elsewhere=tuple(sorted({each.environment for each in billed or ()} - {environment})),
        rates=rates,
        is_billed=billed is not None,
        seen_on=today,
        rates_seen_on=today,
        billed_from=first_bill_day(today),
    )


class _Asked:
    """Questions about one environment, each answered by a command."""

    def __init__(self, session: Session, scratch: Path, environment: str) -> None:
        self._session = session
        self._scratch = scratch
        self._environment = environment

    def rates(self) -> Mapping[str, str]:
        """Read the rates; none when the token may not see them."""
        try:
            with self._answer("billing", "rates", "--json") as file:
                rates: dict[str, str] = json.loads(file.read_bytes())
        except ModalError as error:
            if error.cause is Cause.DENIED:
                return {}
            raise
        return rates

    def apps(self) -> list[ModalApp]:
        with self._answer("app", "list", "--env", self._environment, "--json") as file:
            return read_app_list(file, self._environment)

    def functions(self, app: ModalApp) -> list[CalledFunction]:
        with self._answer("app", "info", "--env", self._environment, "--json", "--", app.reference) as file:
            return read_functions(file, app)

    def configuration(self, function: CalledFunction) -> DiscoveredFunction:
        with self._answer("function", "info", "--env", self._environment, "--json", "--", function.reference) as file:
            return DiscoveredFunction(function.app.name, function.name, json.loads(file.read_bytes()))

    @contextmanager
    def _answer(self, *command: str) -> Iterator[Path]:
        with tempfile.NamedTemporaryFile(dir=self._scratch) as file:
            self._session.command(command, Path(file.name))
            yield Path(file.name)


def _bill(session: Session, now: dt.datetime) -> list[Row]:
    """Read the bill of the last days; it is asked for beyond now, which a slow clock takes for the future."""
    start, end = (floor(instant, _HOUR) for instant in (now - _LOOK_BACK, now + _LOOK_AHEAD))
    with tempfile.NamedTemporaryFile(prefix="tieout-") as file:
        session.report(Range(start, end), "h", Path(file.name))
        return read_items(Path(file.name))


def _billed_if_allowed(session: Session, now: dt.datetime) -> frozenset[Billed] | None:
    try:
        return billed_objects(_bill(session, now))
    except ModalError as error:
        if error.cause is Cause.DENIED:
            return None
        raise
