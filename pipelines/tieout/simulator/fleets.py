"""Containers that serve no call: Modal Servers, sandboxes, and the containers of a `modal run`.

A server has requests, no calls, so no call log ever shows it. A sandbox has a price of its own; whether it is billed
under its app's id or under one of its own is not public, so a fleet says which. A `modal run` of a deployed app's name
is billed under an ephemeral id of the same name.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tieout.simulator.configuration import DEFAULT_MEMORY_MIB, DEFAULT_MILLICORES
from tieout.simulator.demand import HOUR_US, SECOND_US, Floats, Integers, stream
from tieout.simulator.ids import object_id
from tieout.simulator.metering import COMPONENTS, CPU, MEMORY, SANDBOX_CPU, SANDBOX_MEMORY, Stretches, by_hour
from tieout.simulator.scenario import App, Fleet, FleetKind, shown_name

_QUARTERS = 4
_DIRECT = COMPONENTS.index("direct")
_PREFIX = {FleetKind.SERVER: "ap", FleetKind.SANDBOX: "sb", FleetKind.RUN: "ap"}


@dataclass(frozen=True, slots=True)
class FleetLog:
    """The containers of a fleet, one entry per container; quantities are what is billed."""

    fleet: Fleet
    created_us: Integers
    stopped_us: Integers
    millicores: Integers
    memory_mib: Integers


def owner(fleet: Fleet) -> str:
    """Return the name under which the truth knows a fleet, in place of a function."""
    if fleet.kind == FleetKind.SERVER:
        return f"__server__/{fleet.name}"
    return "__sandboxes__" if fleet.kind == FleetKind.SANDBOX else "__run__"


def run_fleet(fleet: Fleet, seed: int, *, start_us: int, end_us: int) -> FleetLog:
    """Let the containers of a fleet live through a period."""
    rng = stream(seed, "fleet", fleet.app, fleet.name)
    hours = (end_us - start_us) // HOUR_US
    weights = np.array(fleet.hour_weights) / np.mean(fleet.hour_weights)
    starts = rng.poisson(fleet.starts_per_hour * weights[np.arange(hours) % 24])
    begun = (np.repeat(np.arange(hours), starts) + rng.random(int(starts.sum()))) * HOUR_US
    lives = fleet.median_seconds * SECOND_US * np.exp(fleet.spread * rng.standard_normal(len(begun)))
    always = fleet.configuration.min_containers
    created = start_us + np.concatenate([np.zeros(always), begun]).astype(np.int64)
    stopped = np.minimum(np.concatenate([np.full(always, end_us), created[always:] + lives]), end_us).astype(np.int64)
    luck = rng.random((2, len(created)))
    configuration, behaviour = fleet.configuration, fleet.behaviour
    return FleetLog(
        fleet=fleet,
        created_us=created,
        stopped_us=stopped,
        millicores=_billed(behaviour.millicores_executing, luck[0], configuration.cpu_millicores or DEFAULT_MILLICORES),
        memory_mib=_billed(behaviour.memory_mib_used, luck[1], configuration.memory_mib or DEFAULT_MEMORY_MIB),
    )


def _billed(used: tuple[int, int], luck: Floats, requested: int) -> Integers:
    return np.maximum(np.rint(used[0] + (used[1] - used[0]) * luck), requested).astype(np.int64)


def own_objects(log: FleetLog, app: App) -> tuple[App, ...]:
    """Return what is billed under an id of its own for each container; empty when the app's id bears it."""
    if not log.fleet.is_apart:
        return ()
    title = log.fleet.name if log.fleet.kind == FleetKind.SANDBOX else shown_name(app.name)
    names = [f"{title}@{log.fleet.name}/{number}" for number in range(len(log.created_us))]
    prefix = _PREFIX[log.fleet.kind]
    return tuple(
        App(name, object_id(prefix, f"{app.app_id}/{name}"), (), environment=app.environment) for name in names
    )


def meter_fleet(
    log: FleetLog, objects: Sequence[App], *, start_us: int, end_us: int
) -> Mapping[tuple[str, str], Mapping[str, Integers]]:
    """Meter a fleet: (app, owner) → resource → array of the shape (hours, components), as `metering.meter` does."""
    count = len(log.created_us)
    lives = Stretches(np.arange(count), log.created_us, log.stopped_us, np.full(count, _DIRECT))
    index, hour, piece_us = by_hour(lives, start_us, end_us)
    of_object = np.arange(count) if objects else np.zeros(count, dtype=np.int64)
    names = [app.name for app in objects] or [log.fleet.app]
    is_sandbox = log.fleet.kind == FleetKind.SANDBOX
    cpu, memory = (SANDBOX_CPU, SANDBOX_MEMORY) if is_sandbox else (CPU, MEMORY)
    quantities = {cpu: log.millicores[index] * _QUARTERS, memory: log.memory_mib[index] * _QUARTERS}
    for gpu_type, gpu_count in log.fleet.configuration.gpus[:1]:
        quantities[gpu_type] = np.full(len(index), gpu_count * _QUARTERS)
    shape = ((end_us - start_us) // HOUR_US, len(COMPONENTS))
    metered: dict[tuple[str, str], dict[str, Integers]] = defaultdict(dict)
    for position, name in enumerate(names):
        chosen = of_object[index] == position
        for resource, quantity in quantities.items():
            total = np.zeros(shape, dtype=np.int64)
            np.add.at(total, (hour[chosen], _DIRECT), piece_us[chosen] * quantity[chosen])
            metered[name, owner(log.fleet)][resource] = total
    return metered
