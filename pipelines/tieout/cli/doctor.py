"""`tieout doctor`: what stands in the way, and what to do about it."""

import datetime as dt
import importlib.metadata
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from tieout.catalog.load import load_catalog
from tieout.catalog.models import CatalogError
from tieout.cli.demo import is_simulated
from tieout.cli.diagnosis import Diagnosis
from tieout.cli.doctor_state import kept_issues, state_files
from tieout.cli.messages import out, shown
from tieout.cli.nothing_landed import what_to_do
from tieout.core.home import Home
from tieout.report.wording import count

if TYPE_CHECKING:
    import duckdb
    from packaging.requirements import Requirement

    from tieout.core.periods import IsoWeek
    from tieout.modal.discovery import Access

_OLDEST_PYTHON = (3, 11)
_LEAST_FREE_BYTES = 2 << 30
_CLOCK_TOLERANCE = dt.timedelta(minutes=5)
_NAMED_FILES = 3
_COMPRESSED = ".gz"

_DELIVERED = """
select distinct d.path, f.source, f.bytes
from raw.deliveries as d
inner join raw.files as f on d.file_id = f.file_id
"""


def examine(home: Home, catalog_directory: Path, *, needs_modal: bool) -> bool:
    """Print what was found, line by line, and return whether all is well.

    Args:
        home: the workspace.
        catalog_directory: the programme.
        needs_modal: whether it is a problem that no Modal token is configured; exported files do without.
    """
    checks: tuple[Callable[[], Iterator[Diagnosis]], ...] = (
        _python,
        _packages,
        lambda: _folder(home),
        lambda: _disk(home),
        lambda: _catalog(catalog_directory),
        lambda: _landing(home),
        lambda: _warehouse(home, catalog_directory),
        lambda: state_files(home),
        lambda: _modal(home, catalog_directory, needs_modal=needs_modal),
    )
    is_well = True
    for check in checks:
        for finding in check():
            is_well &= not finding.is_problem
            _print(finding)
    return is_well


def _print(finding: Diagnosis) -> None:
    mark = ("ok       ", "green")
    if finding.is_problem:
        mark = ("problem  ", "bold red")
    elif finding.is_notable:
        mark = ("finding  ", "yellow")
    out.print(Text.assemble(mark, (f"{finding.subject:<10} ", "bold"), shown(finding.found)))
    if finding.remedy:
        out.print(Text(f"{'':<20} → {shown(finding.remedy)}"))


def _python() -> Iterator[Diagnosis]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    is_new_enough = sys.version_info[:2] >= _OLDEST_PYTHON
    yield Diagnosis("python", version, None if is_new_enough else "Install Python 3.11 or newer, then tieout again.")


def _packages() -> Iterator[Diagnosis]:
    try:
        required = importlib.metadata.requires("tieout") or []
    except importlib.metadata.PackageNotFoundError:
        yield Diagnosis("packages", "tieout is not installed", "Install it: pip install . (or `make demo` in a clone)")
        return
    from packaging.requirements import Requirement

    wanted = [requirement for requirement in map(Requirement, required) if not requirement.marker]
    wrong = [problem for requirement in wanted if (problem := _package_problem(requirement))]
    if wrong:
        yield Diagnosis("packages", "; ".join(wrong), "Install tieout again; it brings the versions it needs.")
    else:
        yield Diagnosis(
            "packages", f"tieout {importlib.metadata.version('tieout')} and {len(wanted)} packages it needs"
        )


def _package_problem(requirement: "Requirement") -> str | None:
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return f"{requirement.name} is missing"
    if version in requirement.specifier:
        return None
    return f"{requirement.name} is {version}, not {requirement.specifier}"


def _folder(home: Home) -> Iterator[Diagnosis]:
    if home.root.is_dir():
        is_writable = os.access(home.root, os.W_OK | os.X_OK)
        remedy = None if is_writable else "Give yourself the right to write there, or name another --home."
        yield Diagnosis("home", f"{home.root}{'' if is_writable else ' cannot be written'}", remedy)
        return
    above = next(folder for folder in home.root.parents if folder.exists())
    is_creatable = above.is_dir() and os.access(above, os.W_OK | os.X_OK)
    remedy = None if is_creatable else f"{above} cannot be written: name another --home."
    yield Diagnosis("home", f"{home.root} is not there yet; it is made when needed", remedy)


def _disk(home: Home) -> Iterator[Diagnosis]:
    above = next(folder for folder in (home.root, *home.root.parents) if folder.exists())
    free = shutil.disk_usage(above).free
    remedy = None if free >= _LEAST_FREE_BYTES else f"Free some; building wants {_LEAST_FREE_BYTES >> 30} GiB to spare."
    yield Diagnosis("disk", f"{free / (1 << 30):,.1f} GiB free", remedy)


def _catalog(directory: Path) -> Iterator[Diagnosis]:
    if not directory.exists():
        yield Diagnosis("catalog", "none: spend only, no claim. `tieout init` writes a first one")
        return
    try:
        catalog = load_catalog(directory)
    except CatalogError as error:
        yield Diagnosis("catalog", error.located, error.remedy)
        return
    functions = count(len(catalog.functions.functions), "function")
    phases = count(len(catalog.rollout.phases), "phase")
    yield Diagnosis("catalog", f"{directory}: {catalog.rollout.programme}, {functions} in {phases}")
    yield _baseline(directory, has_phases=bool(catalog.rollout.phases))


def _baseline(catalog_directory: Path, *, has_phases: bool) -> Diagnosis:
    from tieout.measure.daily_work import read_lock
    from tieout.savings.baseline_lock_parser import LockError

    try:
        lock = read_lock(catalog_directory)
    except LockError as error:
        return Diagnosis("baseline", error.located, error.remedy)
    if lock is None and not has_phases:
        return Diagnosis("baseline", "none yet: rollout.yaml names no phase, so there is no change to measure")
    if lock is None:
        return Diagnosis("baseline", "not frozen; `tieout freeze-baseline` freezes it")
    return Diagnosis("baseline", f"frozen: {lock.baseline.start} to {lock.baseline.end}, end exclusive")


def _landing(home: Home) -> Iterator[Diagnosis]:
    from tieout.sources.landing import scan
    from tieout.sources.registry import SOURCES

    files = Counter(file.source for file in scan(home.landing)) if home.landing.is_dir() else Counter[str]()
    if not files:
        yield Diagnosis("landing", f"no files in {home.landing}", what_to_do(home))
        return
    if not os.access(home.landing, os.W_OK | os.X_OK):
        yield Diagnosis(
            "landing", f"{home.landing} cannot be written", "Give yourself the right to; no pull can land else."
        )
    found = ", ".join(f"{files[source]} {source}" for source in SOURCES if files[source])
    needed = [source.name for source in SOURCES.values() if source.is_needed and not files[source.name]]
    if "billing_report" in needed:
        yield Diagnosis("landing", found, f"Nothing can be attributed without {' and '.join(needed)}.")
    else:
        calls = "; without function_calls the bill is spent by no function" if needed else ""
        yield Diagnosis("landing", f"{found}{calls}", is_notable=bool(needed))


def _warehouse(home: Home, catalog_directory: Path) -> Iterator[Diagnosis]:
    if not home.warehouse.exists():
        yield Diagnosis("warehouse", f"{home.warehouse} is not there yet; `tieout run` builds it")
        return
    from tieout.warehouse.connection import WarehouseBusyError, WarehouseError, read_every_block, read_warehouse
    from tieout.warehouse.weeks import built_weeks

    try:
        with read_warehouse(home.warehouse) as con:
            weeks = built_weeks(con)
            refused = con.execute("select path, reason, fix from raw.rejected_files order by path").fetchall()
            newest = con.execute("select max(fetched_at) from raw.deliveries").fetchone()
            delivered = con.execute(_DELIVERED).fetchall()
            uncovered = _uncovered(con, weeks[-1], catalog_directory) if weeks else []
            issues = list(kept_issues(con, home))
            read_every_block(con)
    except WarehouseBusyError:
        yield Diagnosis("warehouse", f"{home.warehouse}: a run is writing it; ask again when it has ended")
        return
    except WarehouseError as error:
        yield Diagnosis("warehouse", error.located, error.remedy or "See above.")
        return
    built = f"weeks {weeks[0].label} to {weeks[-1].label} are built" if weeks else "no week is built yet"
    yield Diagnosis("warehouse", f"{home.warehouse}: {built}")
    yield from uncovered
    yield from issues
    for path, reason, fix in refused:
        yield Diagnosis("refused", f"landing/{path}: {reason}", fix)
    yield from _deleted(home, delivered)
    yield _clock(newest[0] if newest else None, is_simulated=is_simulated(home))


def _uncovered(con: "duckdb.DuckDBPyConnection", week: "IsoWeek", catalog_directory: Path) -> list[Diagnosis]:
    """Say what the newest week's bill and the catalog do not share, as its report does."""
    from tieout.report.sections.catalog_coverage import read_catalog_coverage

    try:
        catalog = load_catalog(catalog_directory)
    except CatalogError:
        return []  # said above
    findings = read_catalog_coverage(con, week, catalog)
    return [
        Diagnosis("catalog", f"{week.label}: {finding.message} ({finding.code})", is_notable=True)
        for finding in findings
    ]


def _deleted(home: Home, delivered: Collection[tuple[str, str, int]]) -> Iterator[Diagnosis]:
    """Name the files that were loaded and are gone from landing.

    One that was compressed is not gone, and neither is one that was renamed: a file of its source and size is there
    that brought nothing new.
    """
    from tieout.sources.landing import scan

    loaded = {path for path, _, _ in delivered}
    files = list(scan(home.landing)) if home.landing.is_dir() else []
    present = {file.name.removesuffix(_COMPRESSED) for file in files}
    copies = {(file.source, file.fingerprint.bytes) for file in files if file.name not in loaded}
    gone = sorted(
        {
            path
            for path, source, size in delivered
            if path.removesuffix(_COMPRESSED) not in present and (source, size) not in copies
        }
    )
    if not gone:
        return
    more = f" and {len(gone) - _NAMED_FILES:,} more" if len(gone) > _NAMED_FILES else ""
    yield Diagnosis(
        "deleted",
        f"loaded, but no longer in landing: {', '.join(gone[:_NAMED_FILES])}{more}. Their figures stay until the "
        "warehouse is built anew",
        "Put them back. To withdraw a wrong file, write what is right for the same days over it; do not delete it.",
    )


def _modal(home: Home, catalog_directory: Path, *, needs_modal: bool) -> Iterator[Diagnosis]:
    """Look at what a pull would meet: the token, the connection, the right to read the bill, and what is at risk."""
    from tieout.cli.pull import modal_problem, utc_now
    from tieout.modal.client import Cause, ModalError
    from tieout.modal.discovery import look_at_access
    from tieout.modal.retry_policy import RetryPolicy
    from tieout.modal.worker import mask

    now = utc_now()
    try:
        access = look_at_access(RetryPolicy.from_environment(), now)
    except ModalError as error:
        yield Diagnosis("modal", str(error), "Correct Modal's configuration: `modal config show` reads it, too.")
        return
    if not access.settings.has_token and not needs_modal:
        yield Diagnosis("modal", f"{access.refusal}; so nothing is pulled, and exported files need none")
        return
    if access.is_reached:
        client = f"{mask(access.settings.server)}, client {access.settings.client_version}"
        yield Diagnosis("modal", f"workspace {access.workspace} at {client}")
    if access.refusal is not None:
        problem = modal_problem(access.refusal.cause, str(access.refusal))
        what = "bill" if access.refusal.cause is Cause.DENIED else "modal"
        yield Diagnosis(what, problem.problem, problem.remedy)
    else:
        yield from _bill(access, catalog_directory)
    if access.is_reached:
        yield from _retention(home, now)
    if access.newest_hour is not None and access.newest_hour > now:
        found = f"Modal has billed the hour {access.newest_hour:%Y-%m-%d %H:%M} UTC, which this machine says is to come"
        yield Diagnosis("clock", found, "Set this machine's clock; what is settled is decided by it.")


def _bill(access: "Access", catalog_directory: Path) -> Iterator[Diagnosis]:
    newest = f", the last hour is {access.newest_hour:%Y-%m-%d %H:%M} UTC" if access.newest_hour else ""
    yield Diagnosis(
        "bill", f"the token may read it; {len(access.billed)} objects were billed in the last 7 days{newest}"
    )
    try:
        catalog = load_catalog(catalog_directory)
    except CatalogError:
        return  # said above
    known = {each.app for function in catalog.functions.functions for each in function.configurations}
    unknown = sorted({each.description for each in access.billed if each.is_app} - known)
    if unknown:
        yield Diagnosis("bill", f"billed, and not in the catalog: {', '.join(unknown)}", is_notable=True)


def _retention(home: Home, now: dt.datetime) -> Iterator[Diagnosis]:
    from tieout.modal.plan import KEPT_DAYS_STARTER, KEPT_DAYS_TEAM, retention_risk
    from tieout.modal.snapshots import read_snapshots

    logs = [snapshot for snapshot in read_snapshots(home.landing) if snapshot.subject.source == "function_calls"]
    risk = retention_risk(logs, now)
    kept = f"Modal keeps calls for {KEPT_DAYS_STARTER} day on the Starter plan and {KEPT_DAYS_TEAM} days on Team"
    if risk is not None and not home.simulation.exists():
        yield Diagnosis(
            "calls", risk.sentence, "Pull now, and every day: `tieout pull` from cron, or the schedule in `tieout ui`."
        )
    else:
        yield Diagnosis("calls", kept if logs else f"{kept}; none was pulled yet")


def _clock(newest: dt.datetime | None, *, is_simulated: bool) -> Diagnosis:
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    found = f"{now:%Y-%m-%d %H:%M} UTC"
    if newest is None or is_simulated or newest <= now + _CLOCK_TOLERANCE:
        return Diagnosis("clock", found)
    return Diagnosis(
        "clock",
        f"{found}, but a file was fetched at {newest:%Y-%m-%d %H:%M}",
        "Set this machine's clock, or that of the machine that pulls, and delete what it fetched with the wrong one.",
    )
