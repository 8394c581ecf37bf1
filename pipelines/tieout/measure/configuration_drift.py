"""What was deployed against what the catalog says: the settings that differ, by function, app and phase."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from tieout.catalog.models import BASELINE, Catalog, Configuration
from tieout.core.periods import day_start
from tieout.warehouse.parsed import answers

GPU = "gpu"

# The last look at each deployment that was live in the period; for the baseline, at any time before the period's end.
_DEPLOYED = """
select function, app, phase, gpu, gpu_count, cpu_request_millicores, memory_request_mib, valid_from
from staging.configurations
where
    environment = $environment and source = 'function info' and is_catalogued
    and valid_from < $until and (phase = $baseline or valid_to > $since)
qualify row_number() over (partition by app, function, phase order by valid_from desc) = 1
order by function, app, phase
"""


@dataclass(frozen=True)
class Difference:
    """One setting that the catalog and the deployment do not agree on, both in words."""

    catalog: str
    deployed: str


@dataclass(frozen=True)
class Deviation:
    """A deployment that is not what the catalog says.

    Attributes:
        function: its name.
        app: where it was deployed.
        phase: what the deployment belongs to, by the catalog.
        seen_from: since when it was deployed, UTC.
        differences: the settings that differ: `gpu`, `cpu`, `memory`.
    """

    function: str
    app: str
    phase: str
    seen_from: dt.datetime
    differences: Mapping[str, Difference]

    @property
    def contradicts_premise(self) -> bool:
        """Whether a saving starts from a GPU that was not there, or from another one."""
        return self.phase == BASELINE and GPU in self.differences


def read_deviations(
    con: duckdb.DuckDBPyConnection, catalog: Catalog, *, since: dt.date, until: dt.date
) -> list[Deviation]:
    """List the catalogued deployments, live in a period as `function info` shows them, that differ from the catalog.

    A deployment of the baseline counts whenever it was made before the period's end.
    """
    parameters = {
        "environment": catalog.functions.environment,
        "since": day_start(since),
        "until": day_start(until),
        "baseline": BASELINE,
    }
    found = []
    for function, app, phase, gpu, gpu_count, millicores, memory_mib, seen_from in answers(con, _DEPLOYED, parameters):
        expected = _configuration(catalog, function, app, phase)
        if expected is None:
            continue
        deployed = _settings(gpu, gpu_count, millicores, memory_mib)
        differences = {
            setting: Difference(said, deployed[setting])
            for setting, said in _catalogued_settings(expected).items()
            if said != deployed[setting]
        }
        if differences:
            found.append(Deviation(function, app, phase, seen_from, differences))
    return found


def contradictions(con: duckdb.DuckDBPyConnection, catalog: Catalog) -> Mapping[str, Mapping[str, str]]:
    """Return by function the GPU that the catalog says its saving starts from, where another or none was deployed.

    Looks at what was deployed before the first phase; a function that nobody looked at then contradicts nothing.
    """
    first = min((phase.deployed_at.date() for phase in catalog.rollout.phases), default=None)
    if first is None:
        return {}
    owners = catalog.owners()
    return {
        owners.get((deviation.app, deviation.function), deviation.function): {
            GPU: f"catalog {deviation.differences[GPU].catalog}, deployed {deviation.differences[GPU].deployed}"
        }
        for deviation in read_deviations(con, catalog, since=first, until=first + dt.timedelta(days=1))
        if deviation.contradicts_premise
    }


def _configuration(catalog: Catalog, function: str, app: str, phase: str) -> Configuration | None:
    return next(
        (
            configuration
            for known in catalog.functions.functions
            if function in (known.name, *known.replaces)
            for configuration in known.configurations
            if (configuration.app, configuration.phase) == (app, phase)
        ),
        None,
    )


def _catalogued_settings(configuration: Configuration) -> dict[str, str]:
    millicores = None if configuration.cpu_cores is None else int(configuration.cpu_cores * 1000)
    return _settings(configuration.gpu, configuration.gpu_count, millicores, configuration.memory_mib)


def _settings(gpu: str | None, gpu_count: int, millicores: int | None, memory_mib: int | None) -> dict[str, str]:
    return {
        GPU: "no GPU" if gpu is None else gpu if gpu_count == 1 else f"{gpu_count} × {gpu}",
        "cpu": "default CPU" if millicores is None else in_cores(millicores),
        "memory": "default memory" if memory_mib is None else f"{memory_mib:,} MiB",
    }


def in_cores(millicores: int) -> str:
    """`1 core`, `0.25 cores`."""
    return "1 core" if millicores == 1000 else f"{(Decimal(millicores) / 1000).normalize():f} cores"
