"""The call logs on this machine that a cluster is to count, found without starting it."""

from pathlib import Path

from tieout.catalog.models import Catalog
from tieout.cluster import container_files
from tieout.cluster.state import Log, State, local_folder
from tieout.core.home import Home
from tieout.sources.landing import SIDECAR_SUFFIX, scan


def folder_of_logs(home: Home, catalog: Catalog) -> Path | None:
    """Return the folder of the call logs; None where only the cluster can read it."""
    logs_at = catalog.settings.call_logs
    return home.landing / "function_calls" if logs_at is None else local_folder(logs_at)


def find(folder: Path) -> dict[str, Log]:
    """List the logs below a folder by name, each with its sidecar."""
    if not folder.is_dir():
        return {}
    found = {}
    for file in scan(folder):
        path = file.location.absolute()
        has_sidecar = file.fingerprint.sidecar_bytes is not None
        sidecar = path.with_name(path.name + SIDECAR_SUFFIX).read_bytes() if has_sidecar else None
        found[file.name] = Log(f"file:{path}", file.fingerprint.bytes, file.fingerprint.mtime_ns, sidecar)
    return found


def is_counted(home: Home, catalog: Catalog, found: dict[str, Log]) -> bool:
    """Tell whether these logs, and no others, are counted as they stand, and what was counted is landed."""
    if not found and catalog.settings.call_logs is not None:
        return False
    return State.read(home, catalog).is_of(found) and container_files.are_there(home.landing, found)
