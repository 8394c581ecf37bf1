"""A workspace whose truth is known: container lives, the bill that they make, and what the call log tells of them.

Times are seconds since the workspace began. A life is billed to an app for the function that caused it; it may stand in
the call log, in part of it or nowhere. `attribute` lands all of it as Modal prints it, builds, and returns who pays.
"""

import datetime as dt
import hashlib
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.attribution.attributed import Attributed, Owner
from tests.support.empty_warehouse import empty_warehouse
from tests.support.loading import load_at
from tieout.catalog.load import load_catalog
from tieout.catalog.models import Catalog
from tieout.core.resources import resource_path
from tieout.warehouse.build import Period, write_models
from tieout.warehouse.catalog_tables import write_catalog
from tieout.warehouse.models import load_models

START = dt.datetime(2026, 11, 16, tzinfo=dt.UTC)
HOUR, DAY = 3600, 86400
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_FLOORS = ("staging", "usage", "spend")
_DEFAULT_CORES, _DEFAULT_MIB = Decimal("0.125"), 128


@dataclass(frozen=True)
class Held:
    """What a container holds while it lives: GPUs, cores, MiB of memory."""

    gpu: str | None = None
    gpus: int = 1
    cores: Decimal = _DEFAULT_CORES
    memory_mib: int = _DEFAULT_MIB

    def quantities(self) -> dict[str, Decimal]:
        """How much of every resource."""
        of_gpus = {self.gpu: Decimal(self.gpus)} if self.gpu else {}
        return of_gpus | {"CPU": self.cores, "Memory": Decimal(self.memory_mib) / 1024}


@dataclass
class Workspace:
    """Lives, logs and settings, until they are attributed.

    Attributes:
        days: how many days are billed and logged.
        resolution: of the bill, `h` or `d`.
        truth: dollars by app and function.
    """

    days: int = 1
    resolution: str = "h"
    truth: dict[Owner, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    _bill: dict[tuple[str, str, str, int, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    _logs: dict[tuple[str, str, str], list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    _infos: list[tuple[str, str, str, int, dict[str, Any]]] = field(default_factory=list)
    _apps: list[tuple[str, str, str, float, float | None, str]] = field(default_factory=list)
    _deployments: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    _series: dict[tuple[str, str, int], Sequence[float | None]] = field(default_factory=dict)
    _others: list[tuple[str, object, tuple[float, float] | None, float | None]] = field(default_factory=list)
    _ids: int = 0

    def app(
        self,
        name: str,
        *,
        environment: str = "main",
        created: float = -3 * DAY,
        stopped: float | None = None,
        state: str = "deployed",
    ) -> str:
        """List an app; returns its id."""
        identity = self.identity("ap", created)
        self._apps.append((identity, environment, name, created, stopped, "stopped" if stopped is not None else state))
        if state == "deployed":
            self.deploy(name, created, environment=environment)
        return identity

    def deploy(self, app: str, moment: float, *, environment: str = "main") -> None:
        """Deploy an app anew."""
        self._deployments[environment, app].append(moment)

    def function(self, app: str, name: str, *, environment: str = "main", seen: int = 0, **settings: Any) -> None:
        """Land the settings of a function as they were on a day."""
        self._infos.append((environment, app, name, seen, settings))
        self._logs[environment, app, name].extend([])

    def series(self, app: str, name: str, containers: Sequence[float | None], *, day: int = 0) -> None:
        """Land the mean number of containers of a function on a day, in buckets of five minutes."""
        self._series[app, name, day] = containers

    def land(
        self, place: str, content: object, *, span: tuple[float, float] | None = None, fetched: float | None = None
    ) -> None:
        """Land one more file, below the landing folder."""
        self._others.append((place, content, span, fetched))

    def app_id(self, name: str) -> str:
        """The id of the app that was listed first under a name."""
        return next(one for one, _, listed, *_ in self._apps if listed == name)

    def identity(self, prefix: str, moment: float) -> str:
        """An id of Modal's with its time in it."""
        self._ids += 1
        milliseconds = int((at(moment)).timestamp() * 1000)
        number = (milliseconds << 80) | self._ids
        return f"{prefix}-" + "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(26)))

    def bill(
        self,
        app: str,
        owner: str,
        since: float,
        until: float,
        held: Held,
        *,
        environment: str = "main",
        object_id: str | None = None,
    ) -> None:
        """Bill a life to an app, caused by `owner`."""
        identity = object_id or next(one for one, place, name, *_ in self._apps if (place, name) == (environment, app))
        moment = since
        while moment < until:
            end = min(until, (moment // HOUR + 1) * HOUR)
            for resource, quantity in held.quantities().items():
                cost = Decimal(str(end - moment)) * quantity * prices()[resource] / HOUR
                hour = int(moment // HOUR) if self.resolution == "h" else int(moment // DAY) * 24
                self._bill[identity, app, environment, hour, resource] += cost
                self.truth[app, owner] += cost
            moment = end

    def log(
        self,
        app: str,
        function: str,
        container: str,
        inputs: Iterable[tuple[float, float]],
        *,
        startup: float | None = None,
        environment: str = "main",
        call: str | None = None,
    ) -> None:
        """Log inputs of a container: start and end of each. The start-up time is the first one's."""
        for number, (begun, ended) in enumerate(inputs):
            self._logs[environment, app, function].append(
                {
                    "function_call_id": call or self.identity("fc", begun),
                    "service_method_name": None,
                    "enqueued_at": text(begun - (startup or 0 if number == 0 else 0.25)),
                    "started_at": text(begun),
                    "container_id": container,
                    "startup_time_seconds": startup if number == 0 else None,
                    "execution_time_seconds": round(ended - begun, 6),
                    "status": "success",
                }
            )

    def log_init_failure(self, app: str, function: str, created: float) -> str:
        """Log an input whose container failed to come up; returns the container's id."""
        container = self.identity("ta", created)
        self._logs["main", app, function].append(
            {
                "function_call_id": self.identity("fc", created),
                "service_method_name": None,
                "enqueued_at": text(created),
                "started_at": None,
                "container_id": container,
                "startup_time_seconds": None,
                "execution_time_seconds": None,
                "status": "init failure",
            }
        )
        return container

    def serve(
        self,
        app: str,
        function: str,
        created: float,
        seconds: float,
        *,
        held: Held,
        startup: float = 5,
        tail: float = 60,
        environment: str = "main",
        object_id: str | None = None,
    ) -> None:
        """A container that starts up, works through one input and waits for its tail: billed and logged."""
        begun = created + startup
        container = self.identity("ta", created)
        self.log(app, function, container, [(begun, begun + seconds)], startup=startup, environment=environment)
        end = begun + seconds + tail
        self.bill(app, function, created, end, held, environment=environment, object_id=object_id)

    def attribute(self, folder: Path, *, built_days: int | None = None) -> Attributed:
        """Land everything, build (all days, or the first ones), and return who pays what."""
        landing = folder / "landing"
        self._land(landing)
        con = empty_warehouse()
        rejected = load_at(con, landing, now=at(self.days * DAY + 9 * HOUR)).rejected
        assert not rejected, rejected
        write_catalog(con, _catalog())
        period = Period(START.date(), at((built_days or self.days) * DAY).date())
        write_models(con, (model for model in load_models() if model.schema in _FLOORS), period)
        return Attributed(con, dict(self.truth), period)

    def _land(self, landing: Path) -> None:
        for day in range(self.days):
            span = (day * DAY, (day + 1) * DAY)
            lines = [
                {
                    "object_id": identity,
                    "description": app,
                    "environment": environment,
                    "interval_start": f"{at(hour * HOUR):%Y-%m-%dT%H:%M:%S}",
                    "resource": resource,
                    "cost": format(cost.quantize(Decimal("1e-8")), "f"),
                    "tags": "{}",
                }
                for (identity, app, environment, hour, resource), cost in sorted(self._bill.items())
                if span[0] <= hour * HOUR < span[1]
            ]
            self._put(landing / f"billing_report/{day}.json", lines, span=span, resolution=self.resolution)
            for (environment, app, function), calls in self._logs.items():
                own = [call for call in calls if text(span[0]) <= call["enqueued_at"] < text(span[1])]
                place = _place("function_calls", environment, app, function)
                self._put(landing / place / f"{day}.json", own, span=span)
        for environment, app, function, seen, settings in self._infos:
            place = _place("function_info", environment, app, function)
            known = [one for one, where, name, *_ in self._apps if (where, name) == (environment, app)]
            info = _INFO | {"name": function, "app_id": known[0] if known else "ap-unknown"} | settings
            self._put(landing / place / f"{at(seen):%Y-%m-%dT%H%M%S}.json", info, fetched=seen)
        self._land_series(landing)
        for place, content, span_of, fetched in self._others:
            self._put(landing / place, content, span=span_of, fetched=fetched)
        for environment in {place for _, place, *_ in self._apps}:
            listed = [
                {
                    "app_id": identity,
                    "description": name,
                    "state": state,
                    "tasks": "0",
                    "created_at": str(at(created)),
                    "stopped_at": None if stopped is None else str(at(stopped)),
                }
                for identity, place, name, created, stopped, state in self._apps
                if place == environment
            ]
            self._put(landing / f"app_list/environment={environment}/list.json", listed)
        for (environment, app), moments in self._deployments.items():
            versions = [
                {"version": f"v{number}", "time_deployed": str(at(moment)), "client": "1.6.4", "deployed_by": "d"}
                | {"commit": "abc"}
                for number, moment in enumerate(sorted(moments), start=1)
            ]
            place = _place("app_history", environment, app)
            self._put(landing / place / "history.json", versions[::-1])

    def _land_series(self, landing: Path) -> None:
        for (app, function, day), containers in self._series.items():
            place = _place("function_metrics", "main", app, function)
            content = metrics(containers, day)
            self._put(landing / place / f"{day}.json", content, span=(day * DAY, (day + 1) * DAY))

    def _put(
        self,
        path: Path,
        content: object,
        *,
        span: tuple[float, float] | None = None,
        fetched: float | None = None,
        resolution: str | None = None,
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        written = json.dumps(content)
        path.write_text(written)
        said = {
            "command": "modal …",
            "range_start": span and text(span[0]),
            "range_end": span and text(span[1]),
            "fetched_at": text(self.days * DAY + 8 * HOUR if fetched is None else fetched),
            "client_version": "1.6.4",
            "sha256": hashlib.sha256(written.encode()).hexdigest(),
        } | ({"resolution": resolution} if resolution else {})
        path.with_name(path.name + ".meta.json").write_text(json.dumps(said))


@cache
def prices() -> Mapping[str, Decimal]:
    """List prices by resource, dollars an hour."""
    return {one.name: one.prices[0].usd_per_hour for one in load_catalog(resource_path("catalog")).prices.resources}


@cache
def _catalog() -> Catalog:
    """A programme without a function, on the built-in prices."""
    with tempfile.TemporaryDirectory(prefix="catalog-") as folder:
        return _without_functions(Path(folder))


def _without_functions(place: Path) -> Catalog:
    for name in ("prices", "billing", "mail", "projection", "adjustments", "rollout", "functions"):
        (place / f"{name}.yaml").write_text((resource_path("catalog") / f"{name}.yaml").read_text())
    margins = 'error_rate: "0.01", timeout_rate: "0.01", oom_rate: "0.01", p50_ratio: "1.25", p95_ratio: "1.25"'
    (place / "functions.yaml").write_text("environment: main\nfunctions: []\n")
    (place / "projection.yaml").write_text("title: none\nlines: []\n")
    (place / "adjustments.yaml").write_text("adjustments: []\n")
    (place / "rollout.yaml").write_text(f"programme: none\nguardrails: {{{margins}}}\nphases: []\n")
    return load_catalog(place)


def at(seconds: float) -> dt.datetime:
    """The moment so many seconds after the workspace began."""
    return START + dt.timedelta(seconds=seconds)


def text(seconds: float) -> str:
    """The same as Modal prints it."""
    return f"{at(seconds):%Y-%m-%dT%H:%M:%S.%fZ}"


def metrics(containers: Sequence[float | None], day: int) -> dict[str, object]:
    """What `modal function metrics` and `modal server metrics` print of containers."""
    points = [
        {"timestamp": at(day * DAY + 300 * number).isoformat(), "value": value}
        for number, value in enumerate(containers)
    ]
    one = {"name": "containers_running_avg", "unit": "containers", "description": "", "points": points}
    since, until = at(day * DAY), at((day + 1) * DAY)
    window = {"object_id": "fu-1", "since": since.isoformat(), "until": until.isoformat(), "bucket_secs": 300}
    return window | {"series": [one]}


def _place(source: str, environment: str, app: str, function: str | None = None) -> str:
    parts = [source, f"environment={environment}", f"app={quote(app, safe='')}"]
    return "/".join(parts + ([f"function={quote(function, safe='')}"] if function else []))


_INFO: dict[str, Any] = {
    "object_id": "fu-1",
    "cpu": None,
    "memory_mib": None,
    "gpus": None,
    "ephemeral_disk_mib": None,
    "startup_timeout": 300,
    "timeout": 3600,
    "nonpreemptible": False,
    "regions": None,
    "cluster_info": None,
    "concurrency_info": None,
    "single_use_containers": False,
    "min_containers": None,
    "max_containers": None,
    "scaledown_window": 60,
    "buffer_containers": None,
}
