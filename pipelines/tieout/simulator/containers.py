"""The life of containers: one function on one app, from its arrivals to a log of attempts and containers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tieout.simulator.configuration import DEFAULT_MEMORY_MIB, DEFAULT_MILLICORES, DeployedFunction
from tieout.simulator.demand import SECOND_US, Calls, Floats, Integers
from tieout.simulator.laws import Range
from tieout.simulator.outcomes import (
    INIT_FAILURE,
    NEVER,
    OOM_KILL,
    STATUSES,
    SUCCESS,
    TERMINATED,
    TIMEOUT,
)
from tieout.simulator.pool import Pool, Purpose, Version

__all__ = [
    "INIT_FAILURE",
    "NEVER",
    "OOM_KILL",
    "STATUSES",
    "SUCCESS",
    "TERMINATED",
    "TIMEOUT",
    "PoolLog",
    "Purpose",
    "Use",
    "Version",
    "container_use",
    "run_pool",
]

_MIDDLING = 0.5
_IDLE_MILLICORES = 60
_MIB_OF_DISK_PER_MIB = 20


@dataclass(frozen=True, slots=True)
class PoolLog:
    """Everything that happened to one function on one app.

    Attributes:
        function: the function's name.
        app: the app's name.
        versions: its versions on that app, in order.
        variant: which variant of the function, or None.
        requested_us: per container, a whole millisecond: the time that its id carries.
        created_us: per container, when it was placed on a machine: from then on it is billed.
        ready_us: per container; `NEVER` when it was stopped before.
        stopped_us: per container.
        version: per container, index into `versions`.
        trigger: per container, the call whose luck it has (index into the function's calls), or `NEVER`.
        purpose: per container, see `Purpose`.
        failed: per container, whether it died at init.
        gpu_choice: per container, which of the GPUs that its configuration lists it got.
        call: per attempt, index into the function's calls.
        container: per attempt, index of the container.
        started_us: per attempt; `NEVER` when its container died before it was ready.
        finished_us: per attempt.
        status: per attempt, index into `STATUSES`.
        first: per attempt, whether it was the first input of its container.
        visible_us: per attempt, when it first shows in a log: its arrival, or the end of the attempt before it.
    """

    function: str
    app: str
    variant: str | None
    versions: tuple[Version, ...]
    requested_us: Integers
    created_us: Integers
    ready_us: Integers
    stopped_us: Integers
    version: Integers
    trigger: Integers
    purpose: Integers
    failed: npt.NDArray[np.bool_]
    gpu_choice: Integers
    call: Integers
    container: Integers
    started_us: Integers
    finished_us: Integers
    status: Integers
    first: npt.NDArray[np.bool_]
    visible_us: Integers


def run_pool(
    calls: Calls,
    chosen: Integers,
    *,
    app: str,
    versions: Sequence[Version],
    end_us: int,
    variant: str | None = None,
) -> PoolLog | None:
    """Run the chosen calls of a function on one app.

    Args:
        calls: all calls of the function.
        chosen: which of them go to this app, ascending indices.
        app: the app's name.
        versions: the function's versions on that app, ascending by time.
        end_us: end of the period, for containers that are kept warm for ever.
        variant: which variant of the function, if it has any.

    Returns:
        The log, or None when no container ever lives there.
    """
    is_kept_warm = any(v.deployed.laws and v.deployed.configuration.min_containers for v in versions)
    if not len(chosen) and not is_kept_warm:
        return None
    pool = Pool(calls, chosen, versions, end_us)
    pool.run()
    return _log(pool, chosen, function=calls.function, app=app, variant=variant)


def _log(pool: Pool, chosen: Integers, *, function: str, app: str, variant: str | None) -> PoolLog:
    """Return what a pool did, its attempts in the order of their calls."""
    enqueued = np.array(pool.enqueued, dtype=np.int64)
    order = np.lexsort((np.arange(len(pool.call)), enqueued[_integers(pool.call)]))
    trigger, version = _integers(pool.trigger), _integers(pool.version)
    choices = [pool.outcomes[of].gpu_choice[call] for of, call in zip(pool.version, pool.trigger, strict=True)]
    return PoolLog(
        function=function,
        app=app,
        variant=variant,
        versions=tuple(pool.versions),
        requested_us=_integers(pool.requested),
        created_us=_integers(pool.created),
        ready_us=_integers(pool.ready),
        stopped_us=_billed_until(pool),
        version=version,
        trigger=np.append(chosen, NEVER)[trigger],
        purpose=_integers(pool.purpose),
        failed=np.array(pool.failed, dtype=np.bool_),
        gpu_choice=_integers(choices),
        call=chosen[_integers(pool.call)][order],
        container=_integers(pool.container)[order],
        started_us=_integers(pool.started)[order],
        finished_us=_integers(pool.finished)[order],
        status=_integers(pool.status)[order],
        first=np.array(pool.first, dtype=np.bool_)[order],
        visible_us=_integers(pool.visible)[order],
    )


def _integers(values: Sequence[int]) -> Integers:
    return np.array(values, dtype=np.int64)


def _billed_until(pool: Pool) -> Integers:
    """Return the stop of each container: rounded up to a whole second of life where that is what is billed."""
    created, stopped = _integers(pool.created), _integers(pool.stopped)
    in_seconds = [bool(laws and laws.billed_in_seconds) for laws in (v.deployed.laws for v in pool.versions)]
    rounds = np.array(in_seconds, dtype=np.bool_)[_integers(pool.version)]
    whole = created + -(-(stopped - created) // SECOND_US) * SECOND_US
    return np.where(rounds, whole, stopped)


@dataclass(frozen=True, slots=True)
class Use:
    """What each container of a pool uses, by state: billed quantities, the higher of request and use.

    Each array has the shape (3, containers): starting, executing, idle.
    """

    millicores: Integers
    memory_mib: Integers


def container_use(log: PoolLog, calls: Calls) -> Use:
    """Return the billed CPU and memory of every container of a pool."""
    millicores = np.zeros((3, len(log.created_us)), dtype=np.int64)
    memory_mib = np.zeros((3, len(log.created_us)), dtype=np.int64)
    for index, version in enumerate(log.versions):
        of_version = log.version == index
        cores, memory = _used(version.deployed, calls, log.trigger)
        configuration = version.deployed.configuration
        requested_mib = max(
            configuration.memory_mib or DEFAULT_MEMORY_MIB,
            (configuration.ephemeral_disk_mib or 0) // _MIB_OF_DISK_PER_MIB,
        )
        cores_billed = np.maximum(np.rint(cores), configuration.cpu_millicores or DEFAULT_MILLICORES)
        memory_billed = np.maximum(np.rint(memory), requested_mib)
        millicores[:, of_version] = cores_billed[:, of_version].astype(np.int64)
        memory_mib[:, of_version] = memory_billed[:, of_version].astype(np.int64)
    return Use(millicores, memory_mib)


def _used(deployed: DeployedFunction, calls: Calls, trigger: Integers) -> tuple[Floats, Floats]:
    """Return millicores and MiB in use by containers that were started by these calls: starting, executing, idle."""
    luck = _luck(calls.use, trigger)
    low, high = deployed.behaviour.millicores_executing
    # One number decides CPU, its reflection memory: a container is rarely greedy for both.
    cores = low + (high - low) * luck
    low, high = deployed.behaviour.memory_mib_used
    memory = low + (high - low) * (1 - luck)
    if deployed.laws is None:
        return (
            np.stack([0.8 * cores, cores, np.full_like(cores, _IDLE_MILLICORES)]),
            np.stack([0.5 * memory, memory, 0.9 * memory]),
        )
    law = deployed.laws.use
    starting, idle = (_luck(calls.luck(purpose), trigger) for purpose in ("use while starting", "use while idle"))
    return (
        np.stack([_drawn(law.starting_cpu_share, starting) * cores, cores, _drawn(law.idle_millicores, idle)]),
        np.stack(
            [
                _drawn(law.starting_memory_share, 1 - starting) * memory,
                memory,
                _drawn(law.idle_memory_share, 1 - idle) * memory,
            ]
        ),
    )


def _luck(column: Floats, trigger: Integers) -> Floats:
    """Return the luck of each container; one that no call started has a middling one."""
    return np.append(column, _MIDDLING)[trigger]


def _drawn(law: Range, luck: Floats) -> Floats:
    return law[0] + (law[1] - law[0]) * luck
