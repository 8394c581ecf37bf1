"""A clock that is set: what Tieout and Dagster take for now."""

import datetime as dt
import importlib
import types
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from unittest.mock import patch

from benchmarks.rows import ROOT

_PIPELINES = ROOT / "pipelines"
_ASKS = ".datetime.now("


@dataclass
class Clock:
    """The time, aware UTC."""

    now: dt.datetime


@contextmanager
def telling(clock: Clock) -> Iterator[None]:
    """Have every module that asks for the time told that of a clock; SQLite's own time stays the machine's."""
    told = types.SimpleNamespace(**{**vars(dt), "datetime": _asking(clock)})
    seconds = types.SimpleNamespace(time=lambda: clock.now.timestamp())
    with ExitStack() as patches:
        for module in _modules():
            patches.enter_context(patch.object(module, "dt", told))
        patches.enter_context(patch("tieout.defs.storage.time", seconds))
        patches.enter_context(patch("dagster._time._mockable_get_current_datetime", lambda: clock.now))
        patches.enter_context(patch("dagster._time._mockable_get_current_timestamp", lambda: clock.now.timestamp()))
        yield


def _modules() -> Iterator[types.ModuleType]:
    """The modules that ask for the time, but for the command line and Spark."""
    for path in sorted((_PIPELINES / "tieout").rglob("*.py")):
        parts = path.relative_to(_PIPELINES).with_suffix("").parts
        if _ASKS in path.read_text(encoding="utf-8") and parts[1] not in ("cli", "cluster"):
            yield importlib.import_module(".".join(parts))


def _asking(clock: Clock) -> type[dt.datetime]:
    """A `datetime` whose now is the clock's; what it makes are real ones, and real ones are instances of it."""

    class _Kind(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, dt.datetime)

    class _Told(dt.datetime, metaclass=_Kind):
        def __new__(cls, *given: int, **named: object) -> "_Told":
            return dt.datetime(*given, **named)  # type: ignore[arg-type, return-value]  # noqa: DTZ001 - theirs to give

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
            return clock.now.astimezone(tz)

    return _Told
