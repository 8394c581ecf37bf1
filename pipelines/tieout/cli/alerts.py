"""`tieout alerts`: what is open, and who was told of it."""

import datetime as dt
import os
from pathlib import Path

from tieout.catalog.load import load_catalog
from tieout.catalog.mail_settings import MAIL_FILE, WEBHOOKS_VARIABLE, load_mail_settings
from tieout.cli.failures import CommandError, ExitCode
from tieout.cli.messages import say
from tieout.cli.nothing_landed import what_to_do
from tieout.cli.send import mail_explained, require_delivered, say_recipients
from tieout.core.home import Home
from tieout.defs.alerts import open_alerts, tell_operators
from tieout.defs.instance import open_instance
from tieout.mail.deliver import ALERTS
from tieout.mail.messages import RecipientState
from tieout.mail.outbox import open_outbox
from tieout.workspace.open_alerts import blocked_weeks


def show_alerts(home: Home, catalog_directory: Path) -> None:
    """Print what is open; nothing is sent, and nobody counts as told.

    Raises:
        CommandError: there is no workspace.
    """
    _require_workspace(home)
    now = dt.datetime.now(dt.UTC)
    with mail_explained(), open_instance(home) as instance:
        found = open_alerts(instance, home, catalog_directory, now=now)
    for alert in found:
        say(f"{alert.kind}: {alert.title}", style="bold")
        say(f"  {' '.join(alert.problem.split())}\n  {alert.remedy}")
    blocked = blocked_weeks(home, now=now)
    for sentence in blocked:
        say(sentence)
    if not found and not blocked:
        say("Nothing is open.")


def send_alerts(
    home: Home, catalog_directory: Path, *, resend: tuple[str, ...] = (), confirm: tuple[str, ...] = ()
) -> None:
    """Tell operators of what they were not told of, deliver what waits, and say what became of it.

    Raises:
        CommandError: there is no workspace, somebody could not be told, or nobody would be.
    """
    load_catalog(catalog_directory)
    with mail_explained():
        if not load_mail_settings(catalog_directory, os.environ).told:
            raise CommandError(
                f"nobody is told: {MAIL_FILE} names no operators, and ${WEBHOOKS_VARIABLE} no webhook",
                remedy="Name one of them; `docs/guides/operations.md` shows both.",
            )
        _require_workspace(home)
        _decide(home, resend, confirm)
        with open_instance(home) as instance:
            posted = tell_operators(instance, home, catalog_directory, now=dt.datetime.now(dt.UTC))
    if not posted:
        say("Nothing is open that operators were not told of.")
    for each in posted:
        say(each.message.subject, style="bold")
        say_recipients(each.message)
    for each in posted:
        require_delivered(each.message)


def _require_workspace(home: Home) -> None:
    """Refuse a folder in which nothing was ever done: looking for what failed would make the record of its runs.

    Raises:
        CommandError: nothing was landed, run or sent there.
    """
    if any(path.exists() for path in (home.landing, home.warehouse, home.dagster, home.outbox)):
        return
    raise CommandError(
        f"there is no workspace in {home.root}",
        remedy=f"{what_to_do(home)} --home DIR or $TIEOUT_HOME say where the workspace is.",
    )


def _decide(home: Home, resend: tuple[str, ...], confirm: tuple[str, ...]) -> None:
    """Record what was decided about recipients of alerts in doubt, or refused.

    Raises:
        CommandError: no alert to that recipient waits for a decision.
    """
    if not resend and not confirm:
        return
    open_to = (RecipientState.IN_DOUBT, RecipientState.REFUSED)
    with open_outbox(home.outbox) as outbox:
        for given in (*resend, *confirm):
            undecided = [
                message
                for message in outbox.messages()
                if message.audience == ALERTS and given in {each.address for each in message.with_state(*open_to)}
            ]
            if not undecided:
                raise CommandError(
                    f"no alert to {given} is in doubt or refused, so there is nothing to decide",
                    remedy="`tieout outbox` shows who has what.",
                    code=ExitCode.DATA,
                )
            for message in undecided:
                (outbox.send_again if given in resend else outbox.confirm)(message, given)
