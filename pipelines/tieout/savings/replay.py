"""Replay: the containers that arrivals would have had under a configuration (docs/reference/rules.md, "Witnesses").

A model of Modal's autoscaler, not of a bill: an input goes to the container that was used last and has a free slot,
else it waits for one that is free or ready first; where more inputs wait than the containers that start can take,
another container starts, up to `max_containers`. An idle container stops when its scaledown window has passed, but for
the floor (`min_containers`) and the buffer of a busy function. A single-use container stops with its input.

What the model does not know (containers that stop early, one container too many, preemptions) is why a replay is
calibrated on days whose cost is known before anything is said in dollars.

Pure: arrays in, arrays out; instants and lengths are whole microseconds, instants since 1970 UTC. The loop takes some
microseconds an input, so a million inputs take seconds.
"""

import heapq
from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

_NOT = -1


@dataclass(frozen=True)
class ContainerModel:
    """What a configuration asks for, as far as it decides how many containers live and for how long.

    Attributes:
        window_us: how long an idle container is kept.
        min_containers: containers that are kept with or without inputs.
        max_containers: upper bound on live containers; None for no bound.
        buffer_containers: idle containers that are kept in addition while the function is busy.
        concurrent_inputs: inputs that one container serves at the same time.
        single_use: a container serves one input and stops.
    """

    window_us: int
    min_containers: int = 0
    max_containers: int | None = None
    buffer_containers: int = 0
    concurrent_inputs: int = 1
    single_use: bool = False


@dataclass(frozen=True)
class Arrivals:
    """The inputs of a period, in order of arrival; all arrays have one entry an input.

    Attributes:
        enqueued_us: when each arrives, ascending.
        execution_us: how long each runs.
        startup_us: how long the container takes to come up that each would start.
    """

    enqueued_us: Integers
    execution_us: Integers
    startup_us: Integers

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together.

        Raises:
            ValueError: they differ in length, or the arrivals are out of order.
        """
        if not len(self.enqueued_us) == len(self.execution_us) == len(self.startup_us):
            raise ValueError("arrivals, execution and start-up times must have one entry for every input")
        if np.any(np.diff(self.enqueued_us) < 0):
            raise ValueError("arrivals must be in ascending order of time")


@dataclass(frozen=True)
class ContainerLives:
    """The containers of a replay, and when they were busy.

    Attributes:
        created_us: per container.
        ready_us: per container, when it could take an input.
        stopped_us: per container.
        has_served: per container, whether it ever took an input.
        busy_from_us: per stretch in which a container had at least one input; inputs at the same time are one stretch.
        busy_until_us: its end.
    """

    created_us: Integers
    ready_us: Integers
    stopped_us: Integers
    has_served: npt.NDArray[np.bool_]
    busy_from_us: Integers
    busy_until_us: Integers


def replay(arrivals: Arrivals, model: ContainerModel, *, start_us: int, end_us: int) -> ContainerLives:
    """Replay arrivals through a configuration.

    Args:
        arrivals: within the period.
        model: the configuration.
        start_us: when the period begins, with no container but the floor.
        end_us: when it ends, and with it every life.
    """
    pool = _Pool(arrivals, model, start_us)
    for call, enqueued in enumerate(arrivals.enqueued_us.tolist()):
        pool.advance(enqueued)
        pool.queue.append(call)
        pool.serve()
    return pool.finish(end_us)


class _Pool:
    """The containers at one moment. Lists with one entry a container are read by its number."""

    def __init__(self, arrivals: Arrivals, model: ContainerModel, start_us: int) -> None:
        self.execution = arrivals.execution_us.tolist()
        self.startup = arrivals.startup_us.tolist() or [0]
        self.model = model
        self.window = max(model.window_us, 1)
        self.slots = 1 if model.single_use else model.concurrent_inputs
        self.now = start_us
        self.most = model.max_containers or len(self.execution) + model.min_containers + model.buffer_containers + 1
        self.queue: deque[int] = deque()
        self.events: list[tuple[int, int]] = []
        self.idle: list[tuple[int, int]] = []
        self.free: list[int] = []
        self.created: list[int] = []
        self.ready: list[int] = []
        self.stopped: list[int] = []
        self.active: list[int] = []
        self.idle_since: list[int] = []
        self.busy_since: list[int] = []
        self.is_free: list[bool] = []
        self.has_served: list[bool] = []
        self.busy_from: list[int] = []
        self.busy_until: list[int] = []
        self.alive = self.starting = self.running = self.spare = self.buffers_starting = 0
        self.is_buffer: set[int] = set()
        for _ in range(model.min_containers):
            self._spawn(0)

    def advance(self, now: int) -> None:
        """Let everything happen that is due by an instant."""
        events = self.events
        while events and events[0][0] <= now:
            at, container = heapq.heappop(events)
            self._expire(at)
            self.now = at
            if self.ready[container] == _NOT:
                self._on_ready(container)
            else:
                self._on_finish(container)
            self.serve()
        self._expire(now)
        self.now = now

    def serve(self) -> None:
        """Give waiting inputs to free containers, and start containers for those that still wait."""
        queue, slots = self.queue, self.slots
        while queue and (container := self._free_container()) != _NOT:
            self._start(queue.popleft(), container)
        while len(queue) > self.starting * slots and self.alive < self.most:
            self._spawn(queue[self.starting * slots])
        if self.model.buffer_containers:
            self._keep_buffer()

    def finish(self, end_us: int) -> ContainerLives:
        """Let the period end, and return what was."""
        self.advance(end_us)
        for container, stopped in enumerate(self.stopped):
            if stopped == _NOT:
                if self.active[container]:
                    self._end_of_stretch(container, end_us)
                self.stopped[container] = end_us
            if self.ready[container] == _NOT:
                self.ready[container] = self.stopped[container]
        return ContainerLives(
            created_us=np.array(self.created, dtype=np.int64),
            ready_us=np.array(self.ready, dtype=np.int64),
            stopped_us=np.array(self.stopped, dtype=np.int64),
            has_served=np.array(self.has_served, dtype=np.bool_),
            busy_from_us=np.array(self.busy_from, dtype=np.int64),
            busy_until_us=np.array(self.busy_until, dtype=np.int64),
        )

    def _spawn(self, call: int, *, is_buffer: bool = False) -> None:
        """Start a container that takes as long to come up as the one that an input would start."""
        container = len(self.created)
        self.created.append(self.now)
        self.ready.append(_NOT)
        self.stopped.append(_NOT)
        self.active.append(0)
        self.idle_since.append(_NOT)
        self.busy_since.append(_NOT)
        self.is_free.append(False)
        self.has_served.append(False)
        self.alive += 1
        if is_buffer:
            self.is_buffer.add(container)
            self.buffers_starting += 1
        else:
            self.starting += 1
        heapq.heappush(self.events, (self.now + self.startup[call], container))

    def _on_ready(self, container: int) -> None:
        self.ready[container] = self.now
        if container in self.is_buffer:
            self.buffers_starting -= 1
        else:
            self.starting -= 1
        self._make_free(container)
        self._make_idle(container)

    def _on_finish(self, container: int) -> None:
        self.active[container] -= 1
        self.running -= 1
        if not self.active[container]:
            self._end_of_stretch(container, self.now)
            if self.model.single_use:
                self._stop(container, self.now)
                return
            self._make_idle(container)
        self._make_free(container)

    def _start(self, call: int, container: int) -> None:
        if not self.active[container]:
            self.busy_since[container] = self.now
            self.idle_since[container] = _NOT
            self.spare -= 1
        self.active[container] += 1
        self.running += 1
        self.has_served[container] = True
        if self.active[container] == self.slots:
            self.free.pop()
            self.is_free[container] = False
        heapq.heappush(self.events, (self.now + self.execution[call], container))

    def _free_container(self) -> int:
        """Return the container used last that has a free slot; what has stopped leaves the stack."""
        free = self.free
        while free and self.stopped[free[-1]] != _NOT:
            free.pop()
        return free[-1] if free else _NOT

    def _make_free(self, container: int) -> None:
        if not self.is_free[container]:
            self.is_free[container] = True
            self.free.append(container)

    def _make_idle(self, container: int) -> None:
        self.idle_since[container] = self.now
        self.spare += 1
        heapq.heappush(self.idle, (self.now, container))

    def _end_of_stretch(self, container: int, until_us: int) -> None:
        self.busy_from.append(self.busy_since[container])
        self.busy_until.append(until_us)

    def _expire(self, now: int) -> None:
        """Stop the containers whose window has passed by an instant; a kept one waits for another window."""
        idle, window = self.idle, self.window
        while idle and idle[0][0] + window <= now:
            since, container = heapq.heappop(idle)
            if self.idle_since[container] != since or self.stopped[container] != _NOT:
                continue
            if self._is_kept():
                # Nothing has happened since that could let it go, so whole windows pass at once.
                self.idle_since[container] = since + window * ((now - since) // window)
                heapq.heappush(idle, (self.idle_since[container], container))
            else:
                self.spare -= 1
                self._stop(container, since + window)

    def _is_kept(self) -> bool:
        if self.alive <= self.model.min_containers:
            return True
        return bool(self.running) and self.spare <= self.model.buffer_containers

    def _stop(self, container: int, at_us: int) -> None:
        self.stopped[container] = at_us
        self.alive -= 1

    def _keep_buffer(self) -> None:
        """Start what the buffer lacks while the function is busy."""
        while (
            self.running
            and self.spare + self.buffers_starting < self.model.buffer_containers
            and self.alive < self.most
        ):
            self._spawn(min(len(self.created), len(self.startup) - 1), is_buffer=True)
