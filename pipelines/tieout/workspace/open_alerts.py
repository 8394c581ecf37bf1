"""What a workspace itself shows that a person should know: calls at risk, unusual days, mail that was not delivered."""

import datetime as dt
from collections.abc import Iterator

from tieout.catalog.models import Catalog
from tieout.catalog.settings import AlertKind
from tieout.core.home import Home
from tieout.core.money import format_usd
from tieout.mail.alerts import Alert
from tieout.mail.deliver import ALERTS
from tieout.mail.messages import RecipientState
from tieout.mail.outbox import read_outbox
from tieout.warehouse.connection import WarehouseError, read_warehouse
from tieout.warehouse.weeks import built_weeks

_RECENT = dt.timedelta(days=14)


def alerts_of_workspace(home: Home, catalog: Catalog, *, now: dt.datetime) -> tuple[Alert, ...]:
    """Return what is open in a workspace, read from its files; while a run writes the warehouse, without its days."""
    return (*_calls(home, now), *_unusual_days(home, catalog, now), *_mail(home))


def blocked_weeks(home: Home, *, now: dt.datetime) -> tuple[str, ...]:
    """Name the recent weeks that a gate blocks, a sentence each, for the digest: their notice is a mail of its own."""
    from tieout.report.blocked import blocking_gates

    if not home.warehouse.exists():
        return ()
    try:
        with read_warehouse(home.warehouse) as con:
            weeks = [week for week in built_weeks(con) if now.date() - week.end < _RECENT]
            return tuple(
                f"{week.label} is held back by {gate.code}: {gate.sentence}"
                for week in weeks
                for gate in blocking_gates(con, week)
            )
    except WarehouseError:
        return ()


def _calls(home: Home, now: dt.datetime) -> Iterator[Alert]:
    """Say which calls are at risk; the same until a pull has brought later ones."""
    if home.simulation.exists():
        return
    from tieout.modal.plan import retention_risk
    from tieout.modal.snapshots import read_snapshots

    logs = [snapshot for snapshot in read_snapshots(home.landing) if snapshot.subject.source == "function_calls"]
    risk = retention_risk(logs, now)
    if risk is not None:
        yield Alert(
            AlertKind.CALLS,
            f"{risk.since.isoformat()} {'gone' if risk.are_gone else 'at risk'}",
            "calls are about to be lost",
            f"{risk.sentence[:1].upper()}{risk.sentence[1:]}.",
            "`tieout pull` now; `tieout doctor --modal` says why the daily pull does not bring them.",
        )


def _unusual_days(home: Home, catalog: Catalog, now: dt.datetime) -> Iterator[Alert]:
    if not home.warehouse.exists():
        return
    from tieout.measure.anomalies import read_anomalies

    try:
        with read_warehouse(home.warehouse) as con:
            weeks = [week for week in built_weeks(con) if now.date() - week.end < _RECENT]
            found = [anomaly for week in weeks for anomaly in read_anomalies(con, week, catalog)]
    except WarehouseError:
        return  # the next look is soon
    for each in found:
        if now.date() - each.day < _RECENT:
            yield Alert(
                AlertKind.UNUSUAL_DAY,
                f"{each.app}/{each.function} {each.day}",
                f"an unusual day of {each.function}",
                f"{each.function} of {each.app} cost {format_usd(each.actual_usd)} on {each.day} (UTC), and usually "
                f"costs about {format_usd(each.expected_usd)}.",
                "`tieout sql spend_by_day` shows the days; the week's report says what else has changed.",
            )


def _mail(home: Home) -> Iterator[Alert]:
    """Say who does not have a mail about a week, where only a person can help."""
    with read_outbox(home.outbox) as outbox:
        messages = outbox.messages()
    for message in messages:
        if message.audience == ALERTS:
            continue
        for recipient in message.recipients:
            is_stuck = recipient.state is RecipientState.WAITING and recipient.attempts
            if is_stuck or recipient.state in (RecipientState.REFUSED, RecipientState.IN_DOUBT):
                state = "waits" if is_stuck else f"is {recipient.state}"
                yield Alert(
                    AlertKind.SEND,
                    f"{message.message_id} {recipient.address} {recipient.state}",
                    f"a mail of {message.week.label} was not delivered",
                    f"{recipient.address} {state}: {recipient.reply}",
                    f"`tieout outbox --week {message.week.label}` says what to do.",
                )
