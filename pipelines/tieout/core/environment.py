"""Where a workspace is, and whose programme it is: `$TIEOUT_HOME` and `$TIEOUT_CATALOG`."""

import os
from pathlib import Path

from tieout.core.home import Home
from tieout.core.resources import resource_path

HOME_VARIABLE = "TIEOUT_HOME"
CATALOG_VARIABLE = "TIEOUT_CATALOG"


def home_or_default(given: Path | None) -> Home:
    """Return the given home, else `$TIEOUT_HOME`, else `./data`."""
    return Home((given or Path(os.environ.get(HOME_VARIABLE) or "data")).absolute())


def named_catalog(given: Path | None) -> Path | None:
    """Return the given catalog, else `$TIEOUT_CATALOG`; None when nobody names one."""
    named = given or os.environ.get(CATALOG_VARIABLE)
    return Path(named).absolute() if named else None


def catalog_or_default(given: Path | None, home: Home) -> Path:
    """Return the named catalog, else `HOME/catalog`, else `./catalog` where there is one, else the built-in one."""
    beside = (home.catalog, Path("catalog").absolute())
    found = next((folder for folder in beside if folder.is_dir()), resource_path("catalog"))
    return named_catalog(given) or found
