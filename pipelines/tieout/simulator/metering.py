"""From container life to metered quantities: which resource, how much of it, in which hour, doing what.

Container life is metered, not calls: from creation (the time in the container's id) to the stop. Quantities are exact
integers: microseconds × (GPUs, millicores or MiB) × the price multiplier in quarters.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tieout.simulator.containers import NEVER, PoolLog, Purpose, Use
from tieout.simulator.demand import HOUR_US, SECOND_US, Integers

CPU, MEMORY = "CPU", "Memory"
# A sandbox has prices of its own; the bill calls both CPU and Memory.
SANDBOX_CPU, SANDBOX_MEMORY = "Sandbox CPU", "Sandbox memory"
COMPONENTS = ("startup", "execution", "idle", "warm", "failed", "direct")
_STARTUP, _EXECUTION, _IDLE, _WARM, _FAILED = range(5)
_QUARTERS = 4
_NONPREEMPTIBLE = 3


@dataclass(frozen=True, slots=True)
class Stretches:
    """Time that containers spent in one state: container index, start, end and component, all of one length."""

    container: Integers
    start_us: Integers
    end_us: Integers
    component: Integers


def container_stretches(log: PoolLog) -> Stretches:
    """Split the life of every container into startup, execution (the union of its inputs) and idle."""
    containers = np.arange(len(log.created_us))
    serving_from = np.where(log.ready_us == NEVER, log.stopped_us, log.ready_us)
    busy = _busy_stretches(log)
    # An idle stretch lies before every busy one, and one after the last: walk the busy ones by container and time.
    first = np.ones(len(busy.container), dtype=np.bool_)
    first[1:] = busy.container[1:] != busy.container[:-1]
    previous_end = np.empty_like(busy.start_us)
    previous_end[1:] = busy.end_us[:-1]
    previous_end[first] = serving_from[busy.container[first]]
    last_end = serving_from.copy()
    np.maximum.at(last_end, busy.container, busy.end_us)
    container = np.concatenate([containers, busy.container, busy.container, containers])
    start = np.concatenate([log.created_us, busy.start_us, previous_end, last_end])
    end = np.concatenate([serving_from, busy.end_us, busy.start_us, log.stopped_us])
    component = np.repeat([_STARTUP, _EXECUTION, _IDLE, _IDLE], [len(containers), *[len(first)] * 2, len(containers)])
    kept = end > start
    return Stretches(container[kept], start[kept], end[kept], component[kept])


def stretches_by_cause(log: PoolLog) -> Stretches:
    """Split the life of every container like `container_stretches`, and name what settings and crashes cause.

    Where the function has laws, a container that dies at init is `failed`. One that was started for a floor or a buffer
    is `warm` until its first input, and one that a floor or a buffer keeps after its last input is warm from the end of
    its scaledown window on. A gap between two inputs is idle, however long it is.
    """
    plain = container_stretches(log)
    has_laws = np.array([v.deployed.laws is not None for v in log.versions])[log.version]
    if not has_laws.any():
        return plain
    component = np.where(
        (plain.component == _STARTUP) & (log.failed & has_laws)[plain.container], _FAILED, plain.component
    )
    configurations = [v.deployed.configuration for v in log.versions]
    keeps = np.array([bool(c.min_containers or c.buffer_containers) for c in configurations])[log.version] & has_laws
    window = np.array([c.scaledown_window_seconds for c in configurations], dtype=np.int64)[log.version] * SECOND_US
    unasked = np.isin(log.purpose, [Purpose.FLOOR, Purpose.BUFFER])
    before_first = unasked[plain.container] & (plain.start_us == log.ready_us[plain.container])
    allowed = np.where(before_first, 0, window[plain.container])
    is_gap = ~before_first & (plain.end_us < log.stopped_us[plain.container])
    splits = (component == _IDLE) & keeps[plain.container] & ~is_gap & (plain.end_us > plain.start_us + allowed)
    warm_from = np.minimum(plain.start_us + allowed, plain.end_us)
    end = np.where(splits, warm_from, plain.end_us)
    kept = end > plain.start_us
    return Stretches(
        np.concatenate([plain.container[kept], plain.container[splits]]),
        np.concatenate([plain.start_us[kept], warm_from[splits]]),
        np.concatenate([end[kept], plain.end_us[splits]]),
        np.concatenate([component[kept], np.full(int(splits.sum()), _WARM)]),
    )


def _busy_stretches(log: PoolLog) -> Stretches:
    """Return the union of each container's inputs, ordered by container and time."""
    ran = (log.started_us != NEVER) & (log.finished_us > log.started_us)
    container, start = log.container[ran], log.started_us[ran]
    end = np.minimum(log.finished_us[ran], log.stopped_us[container])
    order = np.lexsort((start, container))
    container, start, end = container[order], start[order], end[order]
    if not len(container):
        return Stretches(container, start, end, container)
    # A running maximum of ends that starts anew with each container: shift each container beyond the one before.
    origin = start.min()
    shift = container * (end.max() - origin + 1)
    furthest = np.maximum.accumulate(end - origin + shift)
    opens = np.ones(len(container), dtype=np.bool_)
    opens[1:] = start[1:] - origin + shift[1:] > furthest[:-1]
    closes = np.append(opens[1:], True)
    merged_end = (furthest - shift + origin)[closes]
    return Stretches(container[opens], start[opens], merged_end, np.full(int(opens.sum()), _EXECUTION))


def by_hour(stretches: Stretches, start_us: int, end_us: int) -> tuple[Integers, Integers, Integers]:
    """Cut stretches at full hours and at the period's bounds.

    Returns:
        Per piece: the index of its stretch, the hour since the period's start, and its microseconds.
    """
    begin = np.clip(stretches.start_us, start_us, end_us) - start_us
    finish = np.clip(stretches.end_us, start_us, end_us) - start_us
    first_hour = begin // HOUR_US
    pieces = np.where(finish > begin, (finish - 1) // HOUR_US - first_hour + 1, 0)
    index = np.repeat(np.arange(len(begin)), pieces)
    offset = np.arange(len(index)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    hour = first_hour[index] + offset
    piece_us = np.minimum(finish[index], (hour + 1) * HOUR_US) - np.maximum(begin[index], hour * HOUR_US)
    return index, hour, piece_us


def meter(log: PoolLog, use: Use, *, start_us: int, end_us: int) -> Mapping[str, Integers]:
    """Meter a pool.

    Returns:
        For each resource (Modal's GPU name, `CPU`, `Memory`) an array of the shape (hours, components) with
        microseconds × quantity × price multiplier in quarters.
    """
    stretches = stretches_by_cause(log)
    index, hour, piece_us = by_hour(stretches, start_us, end_us)
    component, container = stretches.component[index], stretches.container[index]
    state = np.array([_STARTUP, _EXECUTION, _IDLE, _IDLE, _STARTUP])[component]
    version = log.version[container]
    shape = ((end_us - start_us) // HOUR_US, len(COMPONENTS))
    metered: dict[str, Integers] = {}

    def add(resource: str, chosen: npt.NDArray[np.bool_], quantity: Integers | int) -> None:
        total = metered.setdefault(resource, np.zeros(shape, dtype=np.int64))
        np.add.at(total, (hour[chosen], component[chosen]), piece_us[chosen] * quantity)

    for position, entry in enumerate(log.versions):
        of_version = version == position
        configuration = entry.deployed.configuration
        region = int(configuration.region_multiplier * _QUARTERS) * configuration.cluster_size
        weight = region * (_NONPREEMPTIBLE if configuration.nonpreemptible else 1)
        held = (state[of_version], container[of_version])
        add(CPU, of_version, use.millicores[held] * weight)
        add(MEMORY, of_version, use.memory_mib[held] * weight)
        for choice, (gpu_type, gpu_count) in enumerate(configuration.gpus):
            add(gpu_type, of_version & (log.gpu_choice[container] == choice), gpu_count * region)
    return metered
