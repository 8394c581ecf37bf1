"""What to do in a workspace without files: often they are there, one folder away from where they are looked for."""

import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tieout.cli.hints import shown
from tieout.core.home import Home

_EXPORTS = (".json", ".csv", ".gz")
_HOW_TO_GET = (
    "`tieout pull` brings Modal's exports, or put them there yourself as docs/guides/exports.md says; `tieout demo` "
    "shows a simulated workspace."
)


def what_to_do(home: Home) -> str:
    """Return the remedy: the workspace that is near, the exports that lie one folder too high, or how to get some."""
    for workspace in _near(home):
        return f"There are some in {workspace.landing}: `tieout run --home {shlex.quote(str(shown(workspace.root)))}`."
    if _holds_exports(home.root):
        return f"Files lie in {home.root} itself: move the exports to {home.landing}, each into the folder of its kind."
    return _HOW_TO_GET


def _near(home: Home) -> Iterator[Home]:
    """Yield other workspaces with landed files: this folder, the ones around it, and those in it."""
    from tieout.sources.landing import holds_files

    here = Path.cwd()
    with suppress(OSError):
        for folder in (here, *here.parents[:2], *sorted(each for each in here.iterdir() if each.is_dir())):
            if folder != home.root and holds_files(Home(folder).landing):
                yield Home(folder)


def _holds_exports(folder: Path) -> bool:
    with suppress(OSError):
        return any(each.suffix.lower() in _EXPORTS for each in folder.iterdir())
    return False
