"""Apps that were billed before their first call: Modal has forgotten the calls, or there never were any."""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from tieout.modal import plan
from tieout.modal.client import understanding
from tieout.modal.corrections import interval_start, is_plain_json
from tieout.modal.snapshots import Subject, first_call_since
from tieout.modal.visit import Visit

_DAY = dt.timedelta(days=1)
_NAMED = 5
AppName = tuple[str, str]
"""The environment and the name."""


def note_days_without_calls(visit: Visit) -> None:
    """Note the apps that were billed on whole days of the range before the first call that has landed of them.

    Raises:
        ModalError: a landed file is no bill.
    """
    billed, called = _first_billed_days(visit), _first_calls(visit)
    silent = [
        f"{app} before {called[key] or visit.until:%Y-%m-%d} (billed on {billed[key]})"
        for key in sorted(called)
        if (app := key[1]) and key in billed and plan.midnight(billed[key] + _DAY) <= (called[key] or visit.until)
    ]
    if silent:
        named, more = silent[:_NAMED], len(silent) - _NAMED
        listed = ", ".join([*named, f"and {more} more"] if more > 0 else named)
        visit.errands.note(
            f"no calls came of {listed}: they are gone, as they are after {plan.KEPT_DAYS_STARTER} day on the Starter "
            "plan, or nothing was called"
        )


def _first_billed_days(visit: Visit) -> Mapping[AppName, dt.date]:
    """Find the first whole day of the range on which each app was billed more than nothing."""
    found: dict[AppName, dt.date] = {}
    for snapshot in visit.known(Subject("billing_report")):
        if not (is_plain_json(snapshot) and snapshot.range and snapshot.range.overlaps(visit.call_range)):
            continue
        with understanding(str(snapshot.path)):
            for row in json.loads(snapshot.path.read_bytes()):
                key, day = (row["environment"], row["description"]), interval_start(row).date()
                if plan.midnight(day) >= visit.call_range.start and Decimal(row["cost"]) > 0:
                    found[key] = min(day, found.get(key, day))
    return found


def _first_calls(visit: Visit) -> Mapping[AppName, dt.datetime | None]:
    """Find the first call in the range of each app of which a log has landed; None where there is none."""
    calls: defaultdict[AppName, list[dt.datetime]] = defaultdict(list)
    for subject in visit.subjects("function_calls"):
        if subject.app is not None:
            key = (subject.environment or visit.programme.environment, subject.app)
            calls[key] += [call for call in [_first_call(visit, subject)] if call is not None]
    return {key: min(found, default=None) for key, found in calls.items()}


def _first_call(visit: Visit, subject: Subject) -> dt.datetime | None:
    logs = [
        (each.range.start, each.path)
        for each in visit.known(subject)
        if each.range and each.range.overlaps(visit.call_range)
    ]
    found = (first_call_since(path, visit.call_range.start) for _, path in sorted(logs))
    return next((call for call in found if call is not None), None)
