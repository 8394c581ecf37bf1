"""What would happen to each call, and to the container it starts, under one version of a function.

Computed for all calls at once, before the event loop decides which of it comes to pass. The last entry of each list is
the luck of a container that no call started (index `NEVER`).
"""

from dataclasses import dataclass

import numpy as np

from tieout.simulator.configuration import DeployedFunction
from tieout.simulator.demand import HOUR_US, SECOND_US, Calls, Floats, Integers
from tieout.simulator.laws import InitCrashes, Laws

SUCCESS, FAILURE, TIMEOUT, OOM_KILL, TERMINATED, INIT_FAILURE = range(6)
STATUSES = ("success", "failure", "timeout", "kernel oom kill", "terminated", "init failure")
NEVER = -1

_EARLY_STOP_SHARE = 0.1
_HANG_FACTOR = 1000.0
_MIDDLING = 0.5
_HOURS_A_DAY = 24


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What happens to each call under one version, were it to start there. Lists: the event loop reads singly."""

    duration_us: list[int]
    status: list[int]
    preempted_after_us: list[int]
    cold_start_us: list[int]
    fails_to_start: list[bool]
    crash_us: list[int]
    idle_us: list[int]
    wait_us: list[int]
    brings_surplus: list[bool]
    gpu_choice: list[int]


def microseconds(seconds: Floats) -> list[int]:
    """Return seconds as whole microseconds."""
    rounded: list[int] = np.rint(seconds * SECOND_US).astype(np.int64).tolist()
    return rounded


def outcomes(calls: Calls, chosen: Integers, deployed: DeployedFunction) -> Outcomes:
    """Return what happens to the chosen calls under a version."""
    behaviour, configuration, laws = deployed.behaviour, deployed.configuration, deployed.laws
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
    cold_start = low + (high - low) * _luck(calls.cold_start, chosen)
    fails_to_start, crash = _crashes(calls, chosen, deployed, cold_start)
    return Outcomes(
        duration_us=microseconds(seconds),
        status=status.astype(np.int64).tolist(),
        preempted_after_us=np.where(preempted, np.rint(seconds * moment * SECOND_US), NEVER).astype(np.int64).tolist(),
        cold_start_us=microseconds(cold_start),
        fails_to_start=fails_to_start.tolist(),
        crash_us=microseconds(crash),
        idle_us=microseconds(_idle_share(calls, chosen, laws) * configuration.scaledown_window_seconds),
        wait_us=_waits(calls, chosen, laws),
        brings_surplus=_surplus(calls, chosen, laws),
        gpu_choice=_gpu_choices(calls, chosen, deployed),
    )


def _luck(column: Floats, chosen: Integers) -> Floats:
    """Return the luck of the chosen calls, and that of a container that none of them started."""
    return np.append(column[chosen], _MIDDLING)


def _idle_share(calls: Calls, chosen: Integers, laws: Laws | None) -> Floats:
    luck = _luck(calls.scaledown, chosen)
    if laws is None:
        return np.where(luck < _EARLY_STOP_SHARE, 0.7 + 3.0 * luck, 1.0)
    low, high = laws.idle_share
    return low + (high - low) * luck


def _crashes(
    calls: Calls, chosen: Integers, deployed: DeployedFunction, cold_start: Floats
) -> tuple[np.ndarray[tuple[int], np.dtype[np.bool_]], Floats]:
    """Return which containers fail at init, and how long they live then."""
    luck = _luck(calls.init_failure, chosen)
    crashes = deployed.laws.crashes if deployed.laws else None
    if crashes is None:
        return luck < deployed.behaviour.init_failure_rate, cold_start
    low, high = crashes.seconds
    rate = np.where(_troubled(calls.enqueued_us[chosen], crashes), crashes.rate, deployed.behaviour.init_failure_rate)
    return luck < np.append(rate, 0.0), low + (high - low) * _luck(calls.luck("crash"), chosen)


def _troubled(enqueued_us: Integers, crashes: InitCrashes) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    troubled = np.ones(len(enqueued_us), dtype=np.bool_)
    if crashes.hours:
        troubled &= np.isin(enqueued_us // HOUR_US % _HOURS_A_DAY, crashes.hours)
    if crashes.since is not None:
        troubled &= enqueued_us >= int(crashes.since.timestamp()) * SECOND_US
    if crashes.until is not None:
        troubled &= enqueued_us < int(crashes.until.timestamp()) * SECOND_US
    return troubled


def _waits(calls: Calls, chosen: Integers, laws: Laws | None) -> list[int]:
    if laws is None or laws.wait is None:
        return [0] * (len(chosen) + 1)
    waits = _luck(calls.luck("has to wait"), chosen) < laws.wait.share
    # A logistic score is close to a normal one, and needs no other library.
    luck = np.clip(_luck(calls.luck("wait"), chosen), 1e-6, 1 - 1e-6)
    score = np.log(luck / (1 - luck)) / 1.702
    return microseconds(np.where(waits, laws.wait.seconds * np.exp(laws.wait.spread * score), 0.0))


def _surplus(calls: Calls, chosen: Integers, laws: Laws | None) -> list[bool]:
    if laws is None or not laws.surplus_rate:
        return [False] * (len(chosen) + 1)
    surplus: list[bool] = (calls.luck("surplus")[chosen] < laws.surplus_rate).tolist()
    return [*surplus, False]


def _gpu_choices(calls: Calls, chosen: Integers, deployed: DeployedFunction) -> list[int]:
    """Return which of its list of GPUs a container gets: the same for hours, because scarcity lasts."""
    choices = len(deployed.configuration.gpus)
    if deployed.laws is None or choices < 2:
        return [0] * (len(chosen) + 1)
    block = calls.enqueued_us[chosen] // (HOUR_US * deployed.laws.scarce_for_hours)
    by_call = calls.luck("gpu")[chosen]
    _, first, inverse = np.unique(block, return_index=True, return_inverse=True)
    of_block = by_call[first][inverse] if len(block) else by_call
    beyond = (of_block - deployed.laws.first_choice_share) / max(1e-9, 1 - deployed.laws.first_choice_share)
    later = 1 + np.minimum(choices - 2, np.floor(beyond * (choices - 1))).astype(np.int64)
    return [*np.where(of_block < deployed.laws.first_choice_share, 0, later).tolist(), 0]
