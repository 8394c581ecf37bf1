"""A hint is a command as it must be typed: by its path where the shell does not find it, and with our options."""

import re
import shlex
import shutil
import sys
from contextvars import ContextVar
from functools import cache
from pathlib import Path

_HOME: ContextVar[Path | None] = ContextVar("home", default=None)
_CATALOG: ContextVar[Path | None] = ContextVar("catalog", default=None)

_QUOTED = re.compile(r"`[^`\n]*`")
_COMMAND = re.compile(r"\btieout (?P<name>[a-z][a-z-]*(?: (?:focus|xlsx)\b)?)(?P<rest>[^`;]*)")
# These make a workspace of their own.
_WITHOUT_HOME = frozenset({"demo", "simulate"})
_WITH_CATALOG = frozenset(
    {"alerts", "pull", "run", "report", "send", "audit", "freeze-baseline", "doctor", "ui", "export xlsx"},
)


def remember_options(*, home: Path | None, catalog: Path | None) -> None:
    """Keep the options that the command was given, as they were typed; None for one that was not."""
    _HOME.set(home)
    _CATALOG.set(catalog)


def remember_home(home: Path | None) -> None:
    """Keep how the workspace was named."""
    if home is not None:
        _HOME.set(home)


def remember_catalog(catalog: Path | None) -> None:
    """Keep how the catalog was named."""
    if catalog is not None:
        _CATALOG.set(catalog)


def as_typed(text: str) -> str:
    """Add these options to every command of ours that a text has in backticks, where they are missing."""
    return _QUOTED.sub(lambda quoted: _COMMAND.sub(_completed, quoted[0]), text)


def shown(path: Path) -> Path:
    """Return a path as somebody would type it here: relative when it is below the current folder."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _completed(command: re.Match[str]) -> str:
    name, rest = command["name"], command["rest"]
    options = []
    home, catalog = _HOME.get(), _CATALOG.get()
    if home is not None and name not in _WITHOUT_HOME and "--home" not in rest:
        options.append(f" --home {shlex.quote(str(home))}")
    if catalog is not None and name in _WITH_CATALOG and "--catalog" not in rest:
        options.append(f" --catalog {shlex.quote(str(catalog))}")
    return f"{_program()} {name}{rest.rstrip()}{''.join(options)}"


@cache
def _program() -> str:
    """`tieout` where the shell finds it, else the path by which it was started, like `.venv/bin/tieout`."""
    started = Path(sys.argv[0])
    if shutil.which("tieout") or started.name != "tieout" or not started.is_file():
        return "tieout"
    return shlex.quote(str(shown(started)))
