"""The bill, the summaries of its months, and the rates: what the SDK returns of the bill lands as the CLI prints it.

The SDK gives an object's cost and its breakdown together; the CLI prints one or the other. Both forms land: the plain
one is the control total, because `--show-resources` drops an object whose breakdown is empty.
"""

import contextlib
import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from tieout.catalog.vocabulary import has_functions, is_known
from tieout.core.indented_json import indented
from tieout.core.money import format_usd
from tieout.core.periods import days_between
from tieout.modal import plan
from tieout.modal.client import understanding
from tieout.modal.corrections import billed_by_day, changed_days, interval_start, is_plain_json, landed_by_day
from tieout.modal.snapshots import PLAIN, RESOURCES, Range, Subject, naive_iso
from tieout.modal.tasks import Errand
from tieout.modal.visit import Visit

_REPORT, _SUMMARY, _RATES = Subject("billing_report"), Subject("billing_summary"), Subject("billing_rates")
_FLAGS = {RESOURCES: "--show-resources --json", PLAIN: "--json"}
_NAMED = 5
_DAY, _HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Billed:
    """An object that something was billed for."""

    environment: str
    object_id: str
    description: str

    @property
    def is_app(self) -> bool:
        """Whether it is an app, which has functions, and no volume or sandbox."""
        return has_functions(self.object_id)


def bill_errands(visit: Visit) -> list[Errand]:
    """List what is to be read of the bill."""
    errands: list[Errand] = []
    today = visit.now.date()
    first = plan.first_bill_day(today) if visit.wanted.is_forced else plan.resumed_bill_day(today, visit.known(_REPORT))
    if visit.is_wanted("billing_report"):
        ask = partial(_land_report, visit)
        errands += [
            Errand(f"bill of {page}", partial(plan.by_halves, page, _HOUR, ask), reads_bill=True)
            for page in visit.open_pages(_REPORT, Range(plan.midnight(first), trusted_until(visit)), _HOUR)
        ]
    if visit.is_wanted("billing_summary"):
        known = [] if visit.wanted.is_forced else visit.known(_SUMMARY)
        months = plan.open_months(visit.wanted.since or first, visit.last_day, known)
        errands += [
            Errand(f"summary of {month:%Y-%m}", partial(_land_summary, visit, month, _due_days(visit, month)), True)
            for month in months
        ]
    if visit.is_due(_RATES):
        errands.append(Errand("rates", partial(visit.command, _RATES, ["billing", "rates", "--json"]), reads_bill=True))
    return errands


def add_billed(visit: Visit, billed: set[Billed]) -> None:
    """Add what the bill names in the time from which calls are wanted: all that has landed of it, by whichever pull.

    Raises:
        ModalError: a landed file is no bill.
    """
    for snapshot in visit.known(_REPORT):
        if is_plain_json(snapshot) and snapshot.range and snapshot.range.overlaps(visit.call_range):
            with understanding(str(snapshot.path)):
                billed |= billed_objects(json.loads(snapshot.path.read_bytes()))


def trusted_until(visit: Visit) -> dt.datetime:
    """Return until when landed files are believed: a day after the last hour that was billed, if bills claim more.

    They do when this machine's clock is ahead: Modal cannot have billed or logged what has not happened yet.
    """
    bills = [(each.range.end, each.path) for each in visit.known(_REPORT) if is_plain_json(each) and each.range]
    billed_until: dt.datetime | None = None
    for end, path in sorted(bills, reverse=True):
        if billed_until is not None and end <= billed_until:
            break
        hours = [] if billed_until is None else [billed_until]
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # what is no bill is refused when loaded
            hours += [interval_start(row) + _HOUR for row in json.loads(path.read_bytes())]
        billed_until = max(hours, default=None)
    if billed_until is None or max(bills)[0] <= billed_until + _DAY:
        return plan.FOREVER
    return billed_until + _DAY


def _land_report(visit: Visit, page: Range) -> None:
    fetched_at = visit.clock()
    with visit.scratch_file() as file:
        visit.session.report(page, "h", file)
        given = [(page.start <= interval_start(item) < page.end, item) for item in read_items(file)]
    items = [item for is_inside, item in given if is_inside]
    for note in oddities(items, outside=[item for is_inside, item in given if not is_inside]):
        visit.errands.note(f"bill of {page}: {note}")
    # The plain report, by which later pulls know what is there, comes last.
    for kind in (RESOURCES, PLAIN):
        visit.receive(
            _REPORT,
            label=f"{page.label}.{kind}",
            command=f"modal.Workspace.billing.report(start={naive_iso(page.start)}, end={naive_iso(page.end)}, "
            f"resolution='h', tag_names=['*']), as `modal billing report {_FLAGS[kind]}` prints it",
            fetched_at=fetched_at,
            covers=page,
            write=partial(_write, printed(items, kind)),
        )


def oddities(items: Sequence[Row], outside: Sequence[Row]) -> Iterator[str]:
    """Word what a bill should not have, a line for each kind of it.

    Args:
        items: its rows.
        outside: rows that Modal gave of other hours than it was asked for, which do not land.
    """
    if outside:
        first, last = (f"{bound(map(interval_start, outside)):%Y-%m-%d %H:%M}" for bound in (min, max))
        yield f"{_rows(outside)} of other hours ({first} to {last} UTC), left out; the pull of those hours brings them"
    if nameless := [item for item in items if not item["object_id"]]:
        yield f"{_rows(nameless)} without an object id, kept; spend shows the cost without a function"
    unknown = [item for item in items if item["object_id"] and not is_known(item["object_id"])]
    if unknown:
        named = ", ".join(sorted({item["object_id"] for item in unknown})[:_NAMED])
        yield f"{_rows(unknown)} of an unknown kind of object ({named}), kept; spend shows the cost under its prefix"


def _rows(items: Sequence[Row]) -> str:
    cost = sum((Decimal(item["cost"]) for item in items), Decimal(0))
    return f"{len(items)} row{'' if len(items) == 1 else 's'} ({format_usd(cost, 8)})"


def _due_days(visit: Visit, month: dt.date) -> Sequence[dt.date]:
    """Return the settled days of a month that are to be compared with the bill of now: once a UTC day."""
    covers = plan.month_range(month)
    if visit.wanted.is_forced or not visit.is_wanted("billing_report"):
        return []
    if plan.seen_today([each for each in visit.known(_SUMMARY) if each.range == covers], visit.now):
        return []
    days = days_between(month, min(covers.end, visit.until).date())
    return sorted({*days}.difference(visit.unsettled(days, _REPORT, covers)))


def _read_corrected_days(visit: Visit, days: Sequence[dt.date]) -> None:
    """Land the bill of those days again that Modal has corrected after they had settled."""
    covers = Range(plan.midnight(days[0]), plan.midnight(days[-1] + _DAY))
    items: list[Row] = []
    plan.by_halves(covers, _DAY, partial(_read_days, visit, items))
    overlapping = [each for each in visit.known(_REPORT) if each.range and each.range.overlaps(covers)]
    with understanding("a landed bill"):
        corrected = changed_days(days, landed_by_day(overlapping), billed_by_day(items))
    for page in plan.pages(corrected, Range(covers.start, visit.until)):
        plan.by_halves(page, _HOUR, partial(_land_report, visit))
        visit.errands.note(f"bill of {page}: corrected by Modal after it had settled, and read again")


def _read_days(visit: Visit, items: list[Row], covers: Range) -> None:
    with visit.scratch_file() as file:
        visit.session.report(covers, "d", file)
        items += read_items(file)


def _land_summary(visit: Visit, month: dt.date, due: Sequence[dt.date]) -> None:
    """Land the summary of a month, after its days: by the summary later pulls know that they were compared."""
    if due:
        _read_corrected_days(visit, due)
    label = f"{month:%Y-%m}"
    command = ["billing", "summary", "--for", label, "--json"]
    visit.command(_SUMMARY, command, label=label, covers=plan.month_range(month))


def read_items(path: Path) -> list[Row]:
    """Read what the worker wrote: an item of the bill a line."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def billed_objects(items: Iterable[Row]) -> frozenset[Billed]:
    """Return what a bill names, whatever the amount."""
    return frozenset(Billed(item["environment"], item["object_id"], item["description"]) for item in items)


def printed(items: Iterable[Row], kind: str) -> str:
    """Return a report as `modal billing report -r h -t '*' --json` prints it, plain or with `--show-resources`."""
    rows = {PLAIN: _plain, RESOURCES: _resources}[kind](items)
    return indented(rows) + "\n"


def _plain(items: Iterable[Row]) -> list[Row]:
    return [{**_base(item), "cost": item["cost"], "tags": json.dumps(item["tags"])} for item in items]


def _resources(items: Iterable[Row]) -> list[Row]:
    return [
        {**_base(item), "resource": resource, "cost": cost, "tags": json.dumps(item["tags"])}
        for item in items
        for resource, cost in item["cost_by_resource"].items()
    ]


def _base(item: Row) -> Row:
    return {name: item[name] for name in ("object_id", "description", "environment", "interval_start")}


def _write(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
