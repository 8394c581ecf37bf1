"""Where a workspace is, and whose programme it is: `$TIEOUT_HOME` and `$TIEOUT_CATALOG`."""

import json
import os
import re
from pathlib import Path

from tieout.core.errors import TieoutError
from tieout.core.home import Home
from tieout.core.resources import resource_path

HOME_VARIABLE = "TIEOUT_HOME"
CATALOG_VARIABLE = "TIEOUT_CATALOG"

# What the built-in programme describes; other scenarios write a catalog of their own.
_BUILT_IN_SCENARIOS = frozenset({"coral-x", "as-deployed"})


# Dagster names its databases by URLs, where these mean something else.
_UNUSABLE = re.compile(r"\?|%[0-9A-Fa-f]{2}")


class HomeNameError(TieoutError):
    """A folder whose name Dagster's record cannot be found in."""

    usual_remedy = f"Name another folder with --home or ${HOME_VARIABLE}."


class NoSuchCatalogError(TieoutError):
    """A catalog was named that is no folder."""

    usual_remedy = f"--catalog DIR or ${CATALOG_VARIABLE} say where it is."


def home_or_default(given: Path | None) -> Home:
    """Return the given home, else `$TIEOUT_HOME`, else `./data`.

    Raises:
        HomeNameError: Dagster could not find its record in a folder of this name.
    """
    folder = (given or Path(os.environ.get(HOME_VARIABLE) or "data")).absolute()
    if (part := _UNUSABLE.search(str(folder))) is not None:
        raise HomeNameError(f"a workspace cannot have {part[0]!r} in its path", place=folder)
    return Home(folder)


def catalog_or_default(given: Path | None, home: Home) -> Path:
    """Return the folder of a workspace's catalog.

    It is the given one, else `$TIEOUT_CATALOG`, else `HOME/catalog`. A workspace that simulates the built-in programme
    has that; any other has `./catalog`, unless that is the built-in one. Else it is `HOME/catalog`, which is not there:
    `tieout.catalog.load` reads a folder that is not there as an empty programme.

    Raises:
        NoSuchCatalogError: the catalog that is named is no folder.
    """
    named = given or os.environ.get(CATALOG_VARIABLE)
    if named:
        folder = Path(named).absolute()
        if not folder.is_dir():
            raise NoSuchCatalogError("there is no such folder, and a catalog is one", place=folder)
        return folder
    if home.catalog.is_dir():
        return home.catalog
    if _scenario(home) in _BUILT_IN_SCENARIOS:
        return resource_path("catalog")
    beside = Path("catalog").absolute()
    return beside if beside.is_dir() and not _is_built_in(beside) else home.catalog


def _scenario(home: Home) -> str | None:
    """The scenario that a workspace was simulated with; None where it holds anything else."""
    try:
        mark = json.loads(home.simulation.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return mark.get("scenario") if isinstance(mark, dict) else None


def _is_built_in(directory: Path) -> bool:
    """Tell whether a folder is the built-in catalog, or that of a clone beside an installed package."""
    built_in = resource_path("catalog")
    return directory.resolve() == built_in.resolve() or (
        (directory / "rollout.yaml").is_file()
        and (directory / "rollout.yaml").read_bytes() == (built_in / "rollout.yaml").read_bytes()
    )
