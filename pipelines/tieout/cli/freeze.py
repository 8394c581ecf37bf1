"""`tieout freeze-baseline`: the baseline as it is now becomes what savings are measured against."""

from pathlib import Path

from tieout.cli.failures import CommandError, ExitCode
from tieout.cli.messages import say
from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.measure.baseline import BaselineError, freeze_baseline, write_lock
from tieout.savings.baseline_lock import LOCK_NAME
from tieout.workspace import Workspace


def freeze(home: Home, catalog_directory: Path, *, force: bool) -> None:
    """Write `baseline.lock` beside the catalog's files, and say what was frozen.

    Raises:
        CommandError: the catalog is the built-in one, a baseline is frozen already, or there is none to freeze.
    """
    _require_own_catalog(catalog_directory)
    if not catalog_directory.is_dir():
        raise CommandError(
            f"{home.root} has no catalog, and only a catalog says which change ends the baseline",
            remedy="`tieout init` writes one; add the first phase to its rollout.yaml, then freeze.",
        )
    workspace = Workspace(home, catalog_directory)
    catalog = workspace.catalog
    if not catalog.rollout.phases:
        raise CommandError(
            f"{catalog_directory / 'rollout.yaml'} names no phase, so nothing tells where the baseline ends",
            remedy="Add the first phase with the time of its deployment, then freeze again.",
        )
    path = catalog_directory / LOCK_NAME
    if path.exists() and not force:
        raise CommandError(
            f"{path}: a baseline is frozen already",
            remedy="It holds until someone decides otherwise: `tieout freeze-baseline --force` freezes anew.",
        )
    with workspace, workspace.reading() as con:
        try:
            lock = freeze_baseline(con, catalog)
        except BaselineError as error:
            raise CommandError(error.problem, remedy=error.remedy, code=ExitCode.DATA) from None
    write_lock(lock, catalog_directory)
    functions = len({value.function for value in lock.series})
    say(
        f"Frozen: {lock.baseline.days} days from {lock.baseline.start} on, before {lock.baseline.end}, "
        f"of {functions} functions."
    )
    say(f"Written: {path} (SHA-256 {lock.sha256[:12]}…)")
    say("Next: commit the file, then `tieout run` measures and reports every week against it.")


def _require_own_catalog(directory: Path) -> None:
    if directory.resolve() != resource_path("catalog").resolve() or directory == Path("catalog").absolute():
        return
    raise CommandError(
        f"{directory} is the built-in programme, which belongs to the installation and keeps no baseline",
        remedy="Copy the folder and name the copy with --catalog or $TIEOUT_CATALOG, "
        "or change to the folder that holds ./catalog.",
    )
