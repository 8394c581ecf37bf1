"""What a workspace runs, as its landed files tell it: the start of a first catalog, without a token.

Only small files are read. Of a call log the path is enough: it says that a function is there.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from tieout.catalog.vocabulary import has_functions
from tieout.sources.landing import LandingFile, PathKeys, RejectionError, path_keys, scan
from tieout.sources.reading import Refused, read_file
from tieout.sources.registry import SOURCES

DEPLOYED = "deployed"
DEFAULT_ENVIRONMENT = "main"
_READ = ("app_list", "function_info", "app_history", "billing_rates", "billing_report")
_NAMED_BY_PATH = ("function_calls", "function_info")

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class DiscoveredFunction:
    """A function as it is deployed.

    Attributes:
        app: the name of its app.
        name: its own.
        info: what `modal function info --json` says; empty where nobody asked.
    """

    app: str
    name: str
    info: Mapping[str, Any]


@dataclass(frozen=True)
class ConfigurationChange:
    """Settings of a function that differ between two looks at it.

    Attributes:
        function: the function, as it is after the change.
        settings: the names of those that differ.
        seen_before: when it was last seen as it was, naive UTC.
        seen_after: when it was first seen as it is, naive UTC.
        deployed_at: the last deployment of its app between the two, naive UTC; None when none is known.
    """

    function: DiscoveredFunction
    settings: tuple[str, ...]
    seen_before: dt.datetime
    seen_after: dt.datetime
    deployed_at: dt.datetime | None


@dataclass(frozen=True)
class Deployed:
    """What a workspace runs.

    Attributes:
        workspace: its name.
        environment: the Modal environment that was looked at.
        functions: what is deployed in it, by app and name.
        unlisted: apps that were billed lately and of which no function is known.
        elsewhere: other environments in which something was billed lately.
        rates: Modal's prices, by rate name, digit for digit; none when nobody could read them.
        is_billed: whether the bill could be read.
        seen_on: the UTC day of the look, of several the first.
        rates_seen_on: the UTC day on which the prices were read.
        billed_from: the first UTC day that these prices are for.
        changes: configurations that changed from one look to the next.
        refused: landed files that could not be read.
    """

    workspace: str
    environment: str
    functions: tuple[DiscoveredFunction, ...]
    unlisted: tuple[str, ...]
    elsewhere: tuple[str, ...]
    rates: Mapping[str, str]
    is_billed: bool
    seen_on: dt.date
    rates_seen_on: dt.date
    billed_from: dt.date
    changes: tuple[ConfigurationChange, ...] = ()
    refused: tuple[str, ...] = ()


def deployed_by_files(landing: Path, workspace: str, now: dt.datetime) -> Deployed:
    """Find out from landed files what is deployed.

    The environment is the one with most billed objects, else `main`. Files that name no environment are of it.

    Args:
        landing: the folder of the files.
        workspace: what to call the workspace.
        now: the time of this machine, naive UTC.
    """
    files = _Files.read(landing, now)
    environment = files.environment()
    functions = files.functions(environment)
    known = {function.app for function in functions}
    billed = {(row["environment"], row["description"]) for row in files.bill if has_functions(row["object_id"])}
    listed = {app for app in files.apps(environment) if app not in known}
    seen = [snapshot.seen for source in _READ for snapshot in files.by_source[source]]
    rates = min(files.by_source["billing_rates"], key=lambda each: each.seen, default=None)
    first_hour = min((row["interval_start"] for row in files.bill), default=min(seen, default=now))
    return Deployed(
        workspace=workspace,
        environment=environment,
        functions=functions,
        unlisted=tuple(sorted(({app for place, app in billed if place == environment} | listed) - known)),
        elsewhere=tuple(sorted({row["environment"] for row in files.bill} - {environment})),
        rates={} if rates is None else {row["rate_name"]: f"{row['usd_per_hour']:f}" for row in rates.rows},
        is_billed=bool(files.bill),
        seen_on=min(seen, default=now).date(),
        rates_seen_on=(rates.seen if rates else now).date(),
        billed_from=first_hour.date(),
        changes=tuple(files.changes(environment)),
        refused=tuple(files.refused),
    )


def busiest(environments: Iterable[str]) -> str:
    """Return the environment that is named most often, else `main`."""
    found = Counter(environments)
    return max(sorted(found), key=lambda environment: found[environment], default=DEFAULT_ENVIRONMENT)


@dataclass(frozen=True)
class _Snapshot:
    """A file that was read: what its path names, when it was fetched, and its rows."""

    keys: PathKeys
    seen: dt.datetime
    rows: Rows


@dataclass(frozen=True)
class _Files:
    """The landed files that say what is deployed."""

    by_source: Mapping[str, list[_Snapshot]]
    named: frozenset[PathKeys]
    refused: list[str]
    bill: Rows = field(default_factory=list)

    @classmethod
    def read(cls, landing: Path, now: dt.datetime) -> "_Files":
        by_source: defaultdict[str, list[_Snapshot]] = defaultdict(list)
        named, refused = set[PathKeys](), list[str]()
        for file in scan(landing) if landing.is_dir() else ():
            if file.source in _NAMED_BY_PATH and (keys := _keys(file)) is not None:
                named.add(keys)
            if file.source in _READ:
                snapshot = _snapshot(file, now)
                if snapshot is None:
                    refused.append(file.name)
                else:
                    by_source[file.source].append(snapshot)
        bill = [row for snapshot in by_source["billing_report"] for row in snapshot.rows]
        return cls(by_source, frozenset(named), refused, bill)

    def environment(self) -> str:
        """The busiest billed environment, but for those that folders name while other folders name none."""
        places = [keys.environment for keys in self.named]
        elsewhere = {place for place in places if place is not None} if None in places else set[str]()
        objects = {(row["environment"], row["object_id"]) for row in self.bill}
        billed = [place for place, _ in objects if place not in elsewhere]
        return busiest(billed or [place for place in places if place is not None and place not in elsewhere])

    def functions(self, environment: str) -> tuple[DiscoveredFunction, ...]:
        """Every function that a log or a configuration is landed of, as it was seen first: its baseline."""
        found = {(keys.app or "", keys.function or "") for keys in self.named if _is_in(keys, environment)}
        first = {pair: looks[0].rows[0] for pair, looks in self._looks(environment).items()}
        return tuple(DiscoveredFunction(*pair, _info(first[pair]) if pair in first else {}) for pair in sorted(found))

    def apps(self, environment: str) -> set[str]:
        """The apps that the newest list says are deployed."""
        lists = [each for each in self.by_source["app_list"] if _is_in(each.keys, environment)]
        newest = max(lists, key=lambda each: each.seen, default=None)
        return {row["description"] for row in newest.rows if row["state"] == DEPLOYED} if newest else set()

    def changes(self, environment: str) -> Iterator[ConfigurationChange]:
        for (app, name), looks in sorted(self._looks(environment).items()):
            for before, after in pairwise(looks):
                old, new = _info(before.rows[0]), _info(after.rows[0])
                settings = tuple(setting for setting in new if old[setting] != new[setting])
                if settings:
                    function = DiscoveredFunction(app, name, new)
                    deployed_at = self._deployed_between(environment, app, before.seen, after.seen)
                    yield ConfigurationChange(function, settings, before.seen, after.seen, deployed_at)

    def _looks(self, environment: str) -> dict[tuple[str, str], list[_Snapshot]]:
        looks: defaultdict[tuple[str, str], list[_Snapshot]] = defaultdict(list)
        for snapshot in sorted(self.by_source["function_info"], key=lambda each: each.seen):
            if _is_in(snapshot.keys, environment):
                looks[snapshot.keys.app or "", snapshot.keys.function or ""].append(snapshot)
        return dict(looks)

    def _deployed_between(self, environment: str, app: str, start: dt.datetime, end: dt.datetime) -> dt.datetime | None:
        histories = [
            each for each in self.by_source["app_history"] if each.keys.app == app and _is_in(each.keys, environment)
        ]
        times = {row["deployed_at"] for history in histories for row in history.rows if row["deployed_at"]}
        # A look that only its day is known of is taken for the end of that day.
        return max((each for each in times if start < each <= end + dt.timedelta(days=1)), default=None)


def _is_in(keys: PathKeys, environment: str) -> bool:
    return keys.environment in (None, environment)


def _keys(file: LandingFile) -> PathKeys | None:
    try:
        keys = path_keys(file)
    except RejectionError:
        return None
    return keys if all(getattr(keys, name) for name in SOURCES[file.source].path_keys) else None


def _snapshot(file: LandingFile, now: dt.datetime) -> _Snapshot | None:
    """Read a file; None when a run would refuse it."""
    found = read_file(file, now)
    if isinstance(found, Refused) or found.rows is None:
        return None
    if found.sidecar is not None:
        seen = found.sidecar.fetched_at
    elif file.date_in_name is not None:
        seen = dt.datetime.combine(file.date_in_name, dt.time())
    else:
        seen = file.mtime
    return _Snapshot(path_keys(file), seen, found.rows.to_pylist())


def _info(row: Mapping[str, Any]) -> dict[str, Any]:
    """Say a configuration as `modal function info --json` does."""
    millicores = row["cpu_request_millicores"]
    return {
        "gpus": [[each["gpu_type"], each["gpu_count"]] for each in row["gpus"]],
        "cpu": None if millicores is None else millicores / 1000,
        "memory_mib": row["memory_request_mib"],
        "timeout": row["timeout_seconds"],
        "scaledown_window": row["scaledown_window_seconds"],
    }
