"""The life of containers: one function on one app, from its arrivals to a log of attempts and containers.

An event loop over arrivals, containers that become ready, calls that finish or lose their container, idle containers
that reach their scaledown window, and deployments that drain what was there before. Times are integer microseconds
since 1970 UTC.
"""

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tieout.simulator.demand import SECOND_US, Calls, Floats, Integers
from tieout.simulator.scenario import DEFAULT_MEMORY_MIB, DEFAULT_MILLICORES, DeployedFunction

SUCCESS, FAILURE, TIMEOUT, OOM_KILL, TERMINATED, INIT_FAILURE = range(6)
STATUSES = ("success", "failure", "timeout", "kernel oom kill", "terminated", "init failure")
NEVER = -1

_READY, _FINISH, _PREEMPT, _EXPIRE, _DEPLOY = range(5)
_STARTING, _LIVE, _STOPPED = range(3)
_EARLY_STOP_SHARE = 0.1
_HANG_FACTOR = 1000.0
# A container that finds its input already served by another is surplus, and is soon taken away again.
_SURPLUS_US = 5 * SECOND_US
_IDLE_MILLICORES = 60


@dataclass(frozen=True, slots=True)
class Version:
    """What one deployment makes of one function: since when, and with what."""

    since_us: int
    deployed: DeployedFunction


@dataclass(frozen=True, slots=True)
class PoolLog:
    """Everything that happened to one function on one app.

    Attributes:
        function: the function's name.
        app: the app's name.
        versions: its versions on that app, in order.
        created_us: per container, a whole millisecond (its id carries it).
        ready_us: per container; `NEVER` when it was stopped before.
        stopped_us: per container.
        version: per container, index into `versions`.
        trigger: per container, the call whose luck it has (index into the function's calls).
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
    versions: tuple[Version, ...]
    created_us: Integers
    ready_us: Integers
    stopped_us: Integers
    version: Integers
    trigger: Integers
    call: Integers
    container: Integers
    started_us: Integers
    finished_us: Integers
    status: Integers
    first: npt.NDArray[np.bool_]
    visible_us: Integers


@dataclass(frozen=True, slots=True)
class _Outcomes:
    """What happens to each call under one version, were it to start there. Lists: the event loop reads singly."""

    duration_us: list[int]
    status: list[int]
    preempted_after_us: list[int]
    cold_start_us: list[int]
    fails_to_start: list[bool]
    idle_us: list[int]


def _microseconds(seconds: Floats) -> list[int]:
    rounded: list[int] = np.rint(seconds * SECOND_US).astype(np.int64).tolist()
    return rounded


def _outcomes(calls: Calls, chosen: Integers, deployed: DeployedFunction) -> _Outcomes:
    behaviour, configuration = deployed.behaviour, deployed.configuration
    seconds = behaviour.median_seconds * np.exp(behaviour.spread * calls.service_score[chosen])
    fate, moment = calls.fate[chosen], calls.moment[chosen]
    oom_below = behaviour.failure_rate + behaviour.oom_rate
    fails, oom = fate < behaviour.failure_rate, (fate >= behaviour.failure_rate) & (fate < oom_below)
    hangs = (fate >= oom_below) & (fate < oom_below + behaviour.hang_rate)
    seconds = np.where(fails | oom, seconds * moment + 0.02, seconds)
    seconds = np.where(hangs, seconds + configuration.timeout_seconds * _HANG_FACTOR, seconds)
    times_out = seconds >= configuration.timeout_seconds
    seconds = np.minimum(seconds, float(configuration.timeout_seconds))
    status = np.select([times_out, fails, oom], [TIMEOUT, FAILURE, OOM_KILL], SUCCESS)

    hazard = 0.0 if configuration.nonpreemptible else behaviour.preemptions_per_hour
    preempted = calls.preemption[chosen] < -np.expm1(-hazard * seconds / 3600)
    low, high = behaviour.cold_start_seconds
    early = calls.scaledown[chosen]
    window = np.where(early < _EARLY_STOP_SHARE, 0.7 + 3.0 * early, 1.0) * configuration.scaledown_window_seconds
    return _Outcomes(
        duration_us=_microseconds(seconds),
        status=status.astype(np.int64).tolist(),
        preempted_after_us=np.where(preempted, np.rint(seconds * moment * SECOND_US), NEVER).astype(np.int64).tolist(),
        cold_start_us=_microseconds(low + (high - low) * calls.cold_start[chosen]),
        fails_to_start=(calls.init_failure[chosen] < behaviour.init_failure_rate).tolist(),
        idle_us=_microseconds(window),
    )


class _Pool:
    """The running state of one pool of containers. `run` is the whole life of it."""

    def __init__(self, calls: Calls, chosen: Integers, versions: Sequence[Version]) -> None:
        self.enqueued = calls.enqueued_us[chosen].tolist()
        self.dispatch = _microseconds(0.05 + 0.2 * calls.dispatch[chosen])
        self.versions = versions
        self.outcomes = [_outcomes(calls, chosen, version.deployed) for version in versions]
        self.events: list[tuple[int, int, int, int, int]] = []
        self.serial = 0
        self.queue: deque[int] = deque()
        self.current = NEVER
        self.now = 0
        # Per container.
        self.created: list[int] = []
        self.ready: list[int] = []
        self.stopped: list[int] = []
        self.version: list[int] = []
        self.trigger: list[int] = []
        self.state: list[int] = []
        self.draining: list[bool] = []
        self.expires: list[bool] = []
        self.last_used: list[int] = []
        self.active: list[list[int]] = []
        self.available: list[int] = []
        self.alive = 0
        self.starting = 0
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

    def run(self, end_us: int) -> None:
        """Serve every call; containers that are still alive when nothing happens any more live until `end_us`."""
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
        self.now = max(self.now, end_us)
        for container, state in enumerate(self.state):
            if state != _STOPPED:
                self._stop(container)

    def _push(self, at: int, kind: int, a: int, b: int) -> None:
        self.serial += 1
        heapq.heappush(self.events, (at, self.serial, kind, a, b))

    def _serve(self) -> None:
        """Give waiting inputs to free containers, and start containers for those still waiting."""
        while self.queue and self._find_available():
            self._start(self.queue.popleft(), self.available[-1])
        if not self.queue or self.current == NEVER:
            return
        configuration = self.versions[self.current].deployed.configuration
        most = configuration.max_containers or len(self.enqueued) + 1
        while len(self.queue) > self.starting * configuration.concurrent_inputs and self.alive < most:
            self._spawn(self.queue[min(self.starting * configuration.concurrent_inputs, len(self.queue) - 1)])

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

    def _spawn(self, trigger: int) -> None:
        container = len(self.created)
        outcomes = self.outcomes[self.current]
        created = -(-(self.now + self.dispatch[trigger]) // 1000) * 1000
        self.created.append(created)
        self.ready.append(NEVER)
        self.stopped.append(NEVER)
        self.version.append(self.current)
        self.trigger.append(trigger)
        self.state.append(_STARTING)
        self.draining.append(False)
        self.expires.append(False)
        self.last_used.append(created)
        self.active.append([])
        self.alive += 1
        self.starting += 1
        self._push(created + outcomes.cold_start_us[trigger], _READY, container, 0)

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
        self._push(started + duration, _FINISH if preempted_after == NEVER else _PREEMPT, container, attempt)

    def _stop(self, container: int) -> None:
        if self.state[container] == _STARTING:
            self.starting -= 1
        if not self.draining[container]:
            self.alive -= 1
        self.state[container] = _STOPPED
        self.stopped[container] = max(self.now, self.created[container])

    def _lose_inputs(self, container: int) -> None:
        """End every input on a container that goes away; each waits again, at the head of the queue."""
        for attempt in reversed(self.active[container]):
            self.finished[attempt] = max(self.now, self.started[attempt])
            self.status[attempt] = TERMINATED
            self.restarted[self.call[attempt]] = self.finished[attempt]
            self.queue.appendleft(self.call[attempt])
        self.active[container].clear()

    def _on_ready(self, container: int, _: int) -> None:
        if self.state[container] == _STOPPED:
            return
        if self.outcomes[self.version[container]].fails_to_start[self.trigger[container]]:
            self._stop(container)
            if self.queue:
                self._fail_to_start(self.queue.popleft(), container)
        else:
            self.state[container] = _LIVE
            self.starting -= 1
            self.ready[container] = self.now
            self.last_used[container] = self.now
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
        self.last_used[container] = self.now
        if self.status[attempt] == OOM_KILL:
            self._stop(container)
            self._lose_inputs(container)
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
        window = self.outcomes[self.version[container]].idle_us[self.trigger[container]]
        return window if container in self.served else min(window, _SURPLUS_US)

    def _on_expire(self, container: int, _: int) -> None:
        self.expires[container] = False
        if self.state[container] != _LIVE or self.active[container] or self.draining[container]:
            return
        if self.last_used[container] + self._kept_us(container) > self.now:
            self._watch_idle(container)
        elif self.alive > self.versions[self.version[container]].deployed.configuration.min_containers:
            self._stop(container)

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
            self._spawn(min(len(self.enqueued) - 1, len(self.created)))
        self._serve()


def run_pool(calls: Calls, chosen: Integers, *, app: str, versions: Sequence[Version], end_us: int) -> PoolLog | None:
    """Run the chosen calls of a function on one app.

    Args:
        calls: all calls of the function.
        chosen: which of them go to this app, ascending indices.
        app: the app's name.
        versions: the function's versions on that app, ascending by time.
        end_us: end of the period, for containers that are kept warm for ever.

    Returns:
        The log, or None when no call ever goes to this app.
    """
    if not len(chosen):
        return None
    pool = _Pool(calls, chosen, versions)
    pool.run(end_us)
    order = np.lexsort((np.arange(len(pool.call)), np.array(pool.enqueued)[pool.call]))
    return PoolLog(
        function=calls.function,
        app=app,
        versions=tuple(versions),
        created_us=np.array(pool.created, dtype=np.int64),
        ready_us=np.array(pool.ready, dtype=np.int64),
        stopped_us=np.array(pool.stopped, dtype=np.int64),
        version=np.array(pool.version, dtype=np.int64),
        trigger=chosen[np.array(pool.trigger, dtype=np.int64)],
        call=chosen[np.array(pool.call, dtype=np.int64)][order],
        container=np.array(pool.container, dtype=np.int64)[order],
        started_us=np.array(pool.started, dtype=np.int64)[order],
        finished_us=np.array(pool.finished, dtype=np.int64)[order],
        status=np.array(pool.status, dtype=np.int64)[order],
        first=np.array(pool.first, dtype=np.bool_)[order],
        visible_us=np.array(pool.visible, dtype=np.int64)[order],
    )


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
    luck = calls.use[log.trigger]
    for index, version in enumerate(log.versions):
        of_version = log.version == index
        configuration, behaviour = version.deployed.configuration, version.deployed.behaviour
        low, high = behaviour.millicores_executing
        # One number decides CPU, its reflection memory: a container is rarely greedy for both.
        cores = low + (high - low) * luck
        low, high = behaviour.memory_mib_used
        memory = low + (high - low) * (1 - luck)
        cores_used = np.stack([0.8 * cores, cores, np.full_like(cores, _IDLE_MILLICORES)])
        memory_used = np.stack([0.5 * memory, memory, 0.9 * memory])
        cores_billed = np.maximum(np.rint(cores_used), configuration.cpu_millicores or DEFAULT_MILLICORES)
        memory_billed = np.maximum(np.rint(memory_used), configuration.memory_mib or DEFAULT_MEMORY_MIB)
        millicores[:, of_version] = cores_billed[:, of_version].astype(np.int64)
        memory_mib[:, of_version] = memory_billed[:, of_version].astype(np.int64)
    return Use(millicores, memory_mib)
