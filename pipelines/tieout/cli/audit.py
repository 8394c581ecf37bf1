"""`tieout audit`: what the projection says, computed anew, on the terminal."""

import json
import sys
import textwrap
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from tieout.audit.entries import AuditEntry, Detail
from tieout.audit.projection import audit_projection
from tieout.catalog.models import Catalog
from tieout.cli.messages import out, say
from tieout.cli.sql import exact, printable
from tieout.core.figures import Figure
from tieout.core.home import Home
from tieout.core.money import format_usd
from tieout.measure.audit import Audit, MeasuredLine, audit
from tieout.warehouse.weeks import built_weeks
from tieout.workspace import Workspace

_WIDTH = 80
_NO_FIGURE = "–"


def show_audit(home: Home, catalog_directory: Path, *, as_json: bool) -> None:
    """Print the audit; with a built warehouse, what was measured stands beside the claim.

    Raises:
        WarehouseError: the warehouse is being written, or cannot be read.
        LockError: the frozen baseline is damaged.
    """
    with Workspace(home, catalog_directory) as workspace:
        catalog, found = workspace.catalog, _audit(workspace)
        is_there = workspace.catalog_directory.is_dir()
    if as_json:
        sys.stdout.write(json.dumps(_record(catalog, found), ensure_ascii=False, indent=1) + "\n")
    elif not is_there:
        say("This workspace has no catalog, so no saving is claimed and there is nothing to audit.")
        say("`tieout init` writes a first catalog; its projection.yaml holds the claim.")
    else:
        out.file.write("\n".join(printable(line) for line in _lines(catalog, found)) + "\n")


def _audit(workspace: Workspace) -> Audit:
    lock = workspace.lock
    if workspace.home.warehouse.exists():
        with workspace.reading() as con:
            if built_weeks(con):
                return audit(con, workspace.catalog, lock=lock)
    return Audit(tuple(audit_projection(workspace.catalog)))


# For people


def _lines(catalog: Catalog, found: Audit) -> Iterator[str]:
    contradictions = sum(entry.severity != "info" for entry in found.entries)
    yield f"{catalog.projection.title} ({catalog.rollout.programme})"
    if not found.entries:
        yield "The catalog has no projection, so there is nothing to audit."
        return
    yield f"{len(found.entries)} statements, {contradictions} of them about a contradiction (marked !)"
    for entry in found.entries:
        yield ""
        yield from _entry(entry)
    if found.measurement is not None and found.lines:
        yield ""
        yield f"The claim beside what was measured up to {found.measurement.week.label}"
        yield from _measured(found.lines)


def _entry(entry: AuditEntry) -> Iterator[str]:
    mark = " " if entry.severity == "info" else "!"
    yield from _wrapped(entry.statement, first=f"{mark} ", then="  ")
    yield from _wrapped(entry.arithmetic, first="    ", then="      ")
    for detail in entry.details:
        yield from _wrapped(_detail(entry, detail), first="    - ", then="      ")


def _detail(entry: AuditEntry, detail: Detail) -> str:
    subject = "" if detail.subject == entry.subject else f"{detail.subject}, "
    if " = " in detail.arithmetic:
        return f"{subject}{detail.label}: {detail.arithmetic}"
    return f"{subject}{detail.label} {detail.computed.text} ({detail.arithmetic})"


def _wrapped(text: str, *, first: str, then: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=then, break_on_hyphens=False, break_long_words=True
    )


def _measured(lines: Sequence[MeasuredLine]) -> Iterator[str]:
    yield f"{'':<36}{'a day':>21}{'seconds':>10}"
    yield f"{'function':<36}{'published':>11}{'restated':>10}{'per call':>10}"
    for line in lines:
        seconds = _NO_FIGURE if line.seconds_per_call is None else f"{line.seconds_per_call:,.2f}"
        yield (
            f"{_short(line.function):<36}{format_usd(line.published_usd_per_day):>11}"
            f"{_usd(line.restated_usd_per_day):>10}{seconds:>10}"
        )
    yield ""
    yield f"{'':<36}{'before, an hour':>20}{'after, an hour':>20}"
    yield f"{'function':<36}{'claimed':>10}{'measured':>10}{'claimed':>10}{'measured':>10}"
    for line in lines:
        yield (
            f"{_short(line.function):<36}{_usd(line.claimed_before_usd):>10}{_usd(line.measured_before_usd):>10}"
            f"{_usd(line.claimed_after_usd):>10}{_usd(line.measured_after_usd):>10}"
        )


def _short(name: str) -> str:
    return name if len(name) < 36 else f"{name[:34]}…"


def _usd(amount: Decimal | None) -> str:
    return _NO_FIGURE if amount is None else format_usd(amount)


# For programs


def _record(catalog: Catalog, found: Audit) -> dict[str, Any]:
    record: dict[str, Any] = {
        "programme": catalog.rollout.programme,
        "projection": catalog.projection.title,
        "catalog_sha256": catalog.sha256,
        "entries": [_entry_record(entry) for entry in found.entries],
    }
    if found.measurement is not None:
        record["week"] = found.measurement.week.label
        record["measured"] = [_measured_record(line) for line in found.lines]
    return record


def _entry_record(entry: AuditEntry) -> dict[str, Any]:
    return {
        "code": entry.code.value,
        "severity": entry.severity.value,
        "subject": entry.subject,
        "statement": entry.statement,
        "arithmetic": entry.arithmetic,
        "published": _figure_record(entry.published),
        "computed": _figure_record(entry.computed),
        "details": [
            {
                "subject": detail.subject,
                "label": detail.label,
                "arithmetic": detail.arithmetic,
                "published": _figure_record(detail.published),
                "computed": _figure_record(detail.computed),
            }
            for detail in entry.details
        ],
    }


def _figure_record(figure: Figure | None) -> dict[str, str] | None:
    if figure is None:
        return None
    return {"text": figure.text, "low": exact(figure.low), "high": exact(figure.high), "unit": figure.unit.value}


def _measured_record(line: MeasuredLine) -> dict[str, str | None]:
    return {
        name: value if value is None or isinstance(value, str) else exact(value) for name, value in vars(line).items()
    }
