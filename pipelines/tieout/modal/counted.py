"""What Modal's counts tell to ask for: the cost of sandboxes where there were any, variants of what has them."""

import json
from collections.abc import Iterable, Sequence
from functools import partial

from tieout.modal.client import understanding
from tieout.modal.observations import APP, FUNCTION, Observed, billed_days, called, land_days, open_days
from tieout.modal.snapshots import Range, Snapshot, rfc3339
from tieout.modal.tasks import Errand
from tieout.modal.visit import Visit

SANDBOXES, VARIANTS = "sandbox_stats", "function_variants"


def sandbox_errands(visit: Visit, apps: Iterable[Sequence[Observed]]) -> list[Errand]:
    """List the days on which an app had sandboxes, by its landed counts, and of which their cost is not known yet."""
    if not visit.is_wanted(SANDBOXES):
        return []
    billed = billed_days(visit)
    errands: list[Errand] = []
    for namesakes in apps:
        counted = _newest(visit, namesakes[0], f"{APP}_stats")
        asked = [
            (one, day)
            for one, day in open_days(visit, SANDBOXES, namesakes, billed)
            # the SDK finds what is deployed
            if one.is_deployed and day in counted and _had_sandboxes(counted[day])
        ]
        if asked:
            run = partial(land_days, visit, SANDBOXES, asked, partial(_land_sandboxes, visit))
            errands.append(Errand(called(SANDBOXES, namesakes[0]), run))
    return errands


def variant_errands(visit: Visit, functions: Iterable[Sequence[Observed]]) -> list[Errand]:
    """List the deployed functions that have variants, by the last of their landed counts, to look at once a day."""
    errands: list[Errand] = []
    for namesakes in functions:
        for one in [each for each in namesakes if each.is_deployed]:
            subject = one.subject(visit, VARIANTS)
            counted = _newest(visit, one, f"{FUNCTION}_stats")
            if visit.is_due(subject) and counted and _has_variants(counted[max(counted, key=lambda day: day.end)]):
                command = ["function", "variants", "--limit", "0", *one.arguments]
                errands.append(Errand(called(VARIANTS, one), partial(visit.command, subject, command)))
    return errands


def _newest(visit: Visit, one: Observed, source: str) -> dict[Range, Snapshot]:
    """Return the last counts of every range."""
    known = sorted(visit.known(one.subject(visit, source)), key=lambda snapshot: snapshot.fetched_at)
    return {snapshot.range: snapshot for snapshot in known if snapshot.range is not None}


def _had_sandboxes(counted: Snapshot) -> bool:
    with understanding(str(counted.path)):
        return bool(json.loads(counted.path.read_bytes())["sandboxes"]["total"])


def _has_variants(counted: Snapshot) -> bool:
    with understanding(str(counted.path)):
        return bool(json.loads(counted.path.read_bytes())["variant_count"])


def _land_sandboxes(visit: Visit, one: Observed, day: Range) -> None:
    """No command tells what sandboxes cost, but the SDK does."""
    visit.receive(
        one.subject(visit, SANDBOXES),
        label=day.label,
        command=f"modal.App.lookup({one.app.name!r}).sandboxes.stats(since={rfc3339(day.start)}, "
        f"until={rfc3339(day.end)})",
        fetched_at=visit.clock(),
        covers=day,
        write=partial(visit.session.sandboxes, one.app.name, one.app.environment, day),
    )
