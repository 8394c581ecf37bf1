"""Where SQL, expectations, templates and the catalog lie: beside the package in a clone, inside it in a wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def resource_path(name: str) -> Path:
    """Return the folder or file `name` (`sql`, `expectations`, `reports`, `catalog`, `dagster.yaml`).

    Raises:
        FileNotFoundError: the installation is incomplete.
    """
    for root in (_PACKAGE / "_resources", _PACKAGE.parent.parent):
        if (root / name).exists():
            return root / name
    raise FileNotFoundError(f"{name!r} is missing from the installation; install tieout again")
