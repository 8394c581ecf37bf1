"""The event loop: one function on one app, from its arrivals to what its containers did.

Arrivals, containers that become ready, calls that finish or lose their container, idle containers that reach their
scaledown window, and deployments that drain what was there before. Where the function has laws, also containers that no
call asked for: warm floors, buffers and one too many. Times are integer microseconds since 1970 UTC.
"""

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from tieout.simulator.configuration import ContainerConfiguration, DeployedFunction
from tieout.simulator.demand import SECOND_US, Calls, Integers
from tieout.simulator.laws import Laws
from tieout.simulator.outcomes import INIT_FAILURE, NEVER, OOM_KILL, TERMINATED, microseconds, outcomes

_READY, _FINISH, _PREEMPT, _EXPIRE, _DEPLOY = range(5)
_STARTING, _LIVE, _STOPPED = range(3)
# A container that finds its input already served by another is surplus, and is soon taken away again.
_SURPLUS_US = 5 * SECOND_US
_MIDDLING = 0.5


class Purpose(IntEnum):
    """Why a container was started."""

    CALL = 0
    FLOOR = 1
    BUFFER = 2
    SURPLUS = 3


@dataclass(frozen=True, slots=True)
class Version:
    """What one deployment makes of one function: since when, and with what."""

    since_us: int
    deployed: DeployedFunction


class Pool:
    """The running state of one pool of containers. `run` is the whole life of it."""

    def __init__(self, calls: Calls, chosen: Integers, versions: Sequence[Version], end_us: int) -> None:
        """Start with no container; what is chosen of `calls` arrives until `end_us`."""
        self.enqueued = calls.enqueued_us[chosen].tolist()
        self.dispatch = microseconds(0.05 + 0.2 * np.append(calls.dispatch[chosen], _MIDDLING))
        self.versions = versions
        self.outcomes = [outcomes(calls, chosen, version.deployed) for version in versions]
        self.end_us = end_us
        self.events: list[tuple[int, int, int, int, int]] = []
        self.serial = 0
        self.queue: deque[int] = deque()
        self.current = NEVER
        self.now = 0
        # Per container.
        self.requested: list[int] = []
        self.created: list[int] = []
        self.ready: list[int] = []
        self.stopped: list[int] = []
        self.version: list[int] = []
        self.trigger: list[int] = []
        self.purpose: list[Purpose] = []
        self.failed: list[bool] = []
        self.state: list[int] = []
        self.draining: list[bool] = []
        self.expires: list[bool] = []
        self.last_used: list[int] = []
        self.active: list[list[int]] = []
        self.available: list[int] = []
        self.alive = 0
        self.starting = 0
        self.lively: set[int] = set()
        self.running = 0
        # Per attempt.
        self.call: list[int] = []
        self.container: list[int] = []
        self.started: list[int] = []
        self.finished: list[int] = []
        self.status: list[int] = []
        self.first: list[bool] = []
        self.visible: list[int] = []
        self.restarted: dict[int, int] = {}
        self.served: set[int] = set()

    def run(self) -> None:
        """Serve every call; containers that are still alive when nothing happens any more live until the end."""
        for index, version in enumerate(self.versions):
            self._push(version.since_us, _DEPLOY, index, 0)
        handlers = (self._on_ready, self._on_finish, self._on_preempt, self._on_expire, self._on_deploy)
        events, enqueued = self.events, self.enqueued
        position, count = 0, len(enqueued)
        while events or position < count:
            if events and (position >= count or events[0][0] <= enqueued[position]):
                self.now, _, kind, a, b = heapq.heappop(events)
                handlers[kind](a, b)
            else:
                self.now = enqueued[position]
                self.queue.append(position)
                position += 1
                self._serve()
        self.now = max(self.now, self.end_us)
        for container, state in enumerate(self.state):
            if state != _STOPPED:
                self._stop(container)

    def _push(self, at: int, kind: int, a: int, b: int) -> None:
        self.serial += 1
        heapq.heappush(self.events, (at, self.serial, kind, a, b))

    def _serve(self) -> None:
        """Give waiting inputs to free containers, and start containers for those still waiting."""
        while self.queue and self._may_serve() and self._find_available():
            self._start(self.queue.popleft(), self.available[-1])
        if self.current == NEVER:
            return
        configuration = self.versions[self.current].deployed.configuration
        most = configuration.max_containers or len(self.enqueued) + 1
        while len(self.queue) > self.starting * configuration.concurrent_inputs and self.alive < most:
            trigger = self.queue[min(self.starting * configuration.concurrent_inputs, len(self.queue) - 1)]
            self._spawn(trigger)
            if self.outcomes[self.current].brings_surplus[trigger]:
                self._spawn(trigger, Purpose.SURPLUS)
        if self._laws(self.current) is not None and self.now < self.end_us:
            self._keep_warm(configuration)

    def _may_serve(self) -> bool:
        """Tell whether the first waiting input may go to any container, or waits for one that is on its way."""
        laws = self._laws(self.current) if self.current != NEVER else None
        if laws is None or not laws.waits_for_its_own:
            return True
        return len(self.queue) > self.starting * self.versions[self.current].deployed.configuration.concurrent_inputs

    def _laws(self, version: int) -> Laws | None:
        return self.versions[version].deployed.laws

    def _keep_warm(self, configuration: ContainerConfiguration) -> None:
        """Start what the floor and the buffer lack."""
        most = configuration.max_containers or len(self.enqueued) + configuration.min_containers + 1
        while self.alive < configuration.min_containers:
            self._spawn(self._some_call(), Purpose.FLOOR)
        if self.running and configuration.buffer_containers:
            while self._spare() < configuration.buffer_containers and self.alive < most:
                self._spawn(self._some_call(), Purpose.BUFFER)

    def _some_call(self) -> int:
        """Return the call whose luck a container has that no call asked for."""
        return min(len(self.enqueued) - 1, len(self.created))

    def _spare(self) -> int:
        """Return how many containers are idle, or on their way with nothing to do when they arrive."""
        return sum(
            not self.active[container] and (self.state[container] == _LIVE or self.purpose[container] == Purpose.BUFFER)
            for container in self.lively
            if not self.draining[container] and self.purpose[container] != Purpose.SURPLUS
        )

    def _find_available(self) -> bool:
        """Drop containers that are full or gone from the top of the stack; the one then on top has a free slot."""
        while self.available:
            container = self.available[-1]
            slots = self.versions[self.version[container]].deployed.configuration.concurrent_inputs
            usable = self.state[container] == _LIVE and not self.draining[container]
            if usable and len(self.active[container]) < slots:
                return True
            self.available.pop()
        return False

    def _spawn(self, trigger: int, purpose: Purpose = Purpose.CALL) -> None:
        container = len(self.created)
        outcomes = self.outcomes[self.current]
        requested = -(-(self.now + self.dispatch[trigger]) // 1000) * 1000
        created = requested + outcomes.wait_us[trigger]
        self.requested.append(requested)
        self.created.append(created)
        self.ready.append(NEVER)
        self.stopped.append(NEVER)
        self.version.append(self.current)
        self.trigger.append(trigger)
        self.purpose.append(purpose)
        self.failed.append(False)
        self.state.append(_STARTING)
        self.draining.append(False)
        self.expires.append(False)
        self.last_used.append(created)
        self.active.append([])
        self.lively.add(container)
        if purpose != Purpose.SURPLUS:
            self.alive += 1
            self.starting += 1
        fails = outcomes.fails_to_start[trigger]
        self._push(created + (outcomes.crash_us if fails else outcomes.cold_start_us)[trigger], _READY, container, 0)

    def _start(self, call: int, container: int) -> None:
        attempt = len(self.call)
        outcomes = self.outcomes[self.version[container]]
        started = self.now + self.dispatch[call]
        preempted_after = NEVER if call in self.restarted else outcomes.preempted_after_us[call]
        duration = outcomes.duration_us[call] if preempted_after == NEVER else preempted_after
        self.call.append(call)
        self.container.append(container)
        self.started.append(started)
        self.finished.append(started + duration)
        self.status.append(outcomes.status[call] if preempted_after == NEVER else TERMINATED)
        self.first.append(container not in self.served)
        self.visible.append(self.restarted.get(call, self.enqueued[call]))
        self.served.add(container)
        self.active[container].append(attempt)
        self.running += 1
        self._push(started + duration, _FINISH if preempted_after == NEVER else _PREEMPT, container, attempt)

    def _stop(self, container: int) -> None:
        if self.purpose[container] != Purpose.SURPLUS:
            self.starting -= self.state[container] == _STARTING
            self.alive -= not self.draining[container]
        self.lively.discard(container)
        self.state[container] = _STOPPED
        self.stopped[container] = max(self.now, self.created[container])

    def _lose_inputs(self, container: int) -> None:
        """End every input on a container that goes away; each waits again, at the head of the queue."""
        for attempt in reversed(self.active[container]):
            self.finished[attempt] = max(self.now, self.started[attempt])
            self.status[attempt] = TERMINATED
            self.restarted[self.call[attempt]] = self.finished[attempt]
            self.queue.appendleft(self.call[attempt])
        self.running -= len(self.active[container])
        self.active[container].clear()

    def _on_ready(self, container: int, _: int) -> None:
        if self.state[container] == _STOPPED:
            return
        if self.outcomes[self.version[container]].fails_to_start[self.trigger[container]]:
            self._stop(container)
            self.failed[container] = True
            if self.queue and self.purpose[container] != Purpose.SURPLUS:
                self._fail_to_start(self.queue.popleft(), container)
        else:
            self.state[container] = _LIVE
            self.ready[container] = self.now
            self.last_used[container] = self.now
            if self.purpose[container] == Purpose.SURPLUS:
                self._watch_idle(container)
                return
            self.starting -= 1
            self.available.append(container)
            self._serve()
            self._watch_idle(container)
        self._serve()

    def _fail_to_start(self, call: int, container: int) -> None:
        self.call.append(call)
        self.container.append(container)
        self.started.append(NEVER)
        self.finished.append(self.now)
        self.status.append(INIT_FAILURE)
        self.first.append(False)
        self.visible.append(self.restarted.get(call, self.enqueued[call]))

    def _on_finish(self, container: int, attempt: int) -> None:
        if attempt not in self.active[container]:
            return
        self.active[container].remove(attempt)
        self.running -= 1
        self.last_used[container] = self.now
        if self.status[attempt] == OOM_KILL:
            self._stop(container)
            self._lose_inputs(container)
        elif self.versions[self.version[container]].deployed.configuration.single_use:
            self._stop(container)
        elif self.draining[container]:
            if not self.active[container]:
                self._stop(container)
        else:
            self.available.append(container)
            self._serve()
            self._watch_idle(container)
            return
        self._serve()

    def _on_preempt(self, container: int, attempt: int) -> None:
        if attempt not in self.active[container]:
            return
        self._stop(container)
        self._lose_inputs(container)
        self._serve()

    def _watch_idle(self, container: int) -> None:
        if not self.active[container] and not self.expires[container] and self.state[container] == _LIVE:
            self.expires[container] = True
            self._push(self.last_used[container] + self._kept_us(container), _EXPIRE, container, 0)

    def _kept_us(self, container: int) -> int:
        version = self.version[container]
        window = self.outcomes[version].idle_us[self.trigger[container]]
        return window if container in self.served or self._laws(version) is not None else min(window, _SURPLUS_US)

    def _on_expire(self, container: int, _: int) -> None:
        self.expires[container] = False
        if self.state[container] != _LIVE or self.active[container] or self.draining[container]:
            return
        if self.last_used[container] + self._kept_us(container) > self.now:
            self._watch_idle(container)
        elif self.purpose[container] == Purpose.SURPLUS:
            self._stop(container)
        elif self._is_buffer(container):
            self.last_used[container] = self.now
            self._watch_idle(container)
        elif self.alive > self.versions[self.version[container]].deployed.configuration.min_containers:
            self._stop(container)

    def _is_buffer(self, container: int) -> bool:
        """Tell whether a busy function keeps an idle container as part of its buffer."""
        configuration = self.versions[self.version[container]].deployed.configuration
        return bool(self.running) and 0 < self._spare() <= configuration.buffer_containers

    def _on_deploy(self, version: int, _: int) -> None:
        self.current = version
        for container, state in enumerate(self.state):
            if state == _STOPPED or self.draining[container]:
                continue
            if self.active[container]:
                self.draining[container] = True
                self.alive -= 1
            else:
                self._stop(container)
        for _ in range(self.versions[version].deployed.configuration.min_containers):
            self._spawn(self._some_call(), Purpose.FLOOR)
        self._serve()
