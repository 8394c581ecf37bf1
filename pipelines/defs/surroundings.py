"""Where a workspace is, as the environment says: `$TIEOUT_HOME` and `$TIEOUT_CATALOG`."""

import os
from pathlib import Path

from pipelines.core.home import Home
from pipelines.core.resources import resource_path

HOME_VARIABLE = "TIEOUT_HOME"
CATALOG_VARIABLE = "TIEOUT_CATALOG"


def home_or_default(given: Path | None) -> Home:
    """Return the given home, else `$TIEOUT_HOME`, else `./data`."""
    return Home((given or Path(os.environ.get(HOME_VARIABLE) or "data")).absolute())


def catalog_or_default(given: Path | None) -> Path:
    """Return the given catalog, else `$TIEOUT_CATALOG`, else `./catalog` where there is one, else the built-in one."""
    named = given or os.environ.get(CATALOG_VARIABLE)
    if named:
        return Path(named).absolute()
    beside = Path("catalog").absolute()
    return beside if beside.is_dir() else resource_path("catalog")
