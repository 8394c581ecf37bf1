"""How Modal treats the containers of a function, beyond what its configuration asks for.

Each knob is a law of its own, so that a world can break one belief about containers at a time. The defaults are wide
and come from what Modal says in public, not from what the attribution assumes:

- idle time: the scaledown window is "the maximum duration that individual containers can remain idle"
  (modal.com/docs/guide/scale); containers may stop at any time before, and nothing says how that time is distributed;
- one container too many: "the autoscaler will spin up new containers when there is no capacity available", quickly and
  often (same page); an input that another container has taken meanwhile leaves one without any;
- CPU and memory: billed at the higher of request and use (modal.com/docs/guide/resources), use being what the program
  happens to do while it loads, works and waits;
- a GPU that is scarce: a list of choices is tried in order (modal.com/docs/guide/gpu), and a container waits for a
  machine after it was asked for, which its id dates;
- failing at init: a container may take up to the startup timeout (modal.com/docs/guide/timeouts) before it gives up.

A function without laws (None) follows the first scenarios: nine containers in ten live for the whole window.
"""

import datetime as dt
from dataclasses import dataclass

Range = tuple[float, float]
"""Low and high of a uniform law."""


@dataclass(frozen=True, slots=True)
class InitCrashes:
    """Containers that die before they are ready.

    Attributes:
        rate: share of the containers that are started.
        seconds: how long they live; at most the startup timeout.
        hours: hours of the day (UTC) in which they crash; empty for all.
        since: first instant of the trouble, None for always.
        until: end of the trouble, None for never.
    """

    rate: float
    seconds: Range = (5.0, 300.0)
    hours: tuple[int, ...] = ()
    since: dt.datetime | None = None
    until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class PlacementWait:
    """Time between the making of a container's id and its placement on a machine, during which nothing is billed.

    Attributes:
        share: of the containers that have to wait.
        seconds: median of the wait.
        spread: standard deviation of its logarithm.
    """

    share: float
    seconds: float = 180.0
    spread: float = 0.7


@dataclass(frozen=True, slots=True)
class UseLaw:
    """Use of CPU and memory while no input executes, one draw per container.

    Attributes:
        starting_cpu_share: CPU while the container starts, as a share of its use while executing.
        starting_memory_share: memory while it starts, likewise.
        idle_millicores: CPU while it waits.
        idle_memory_share: memory while it waits, as a share of its use while executing.
    """

    starting_cpu_share: Range = (0.3, 1.2)
    starting_memory_share: Range = (0.2, 0.9)
    idle_millicores: Range = (10.0, 300.0)
    idle_memory_share: Range = (0.6, 1.0)


@dataclass(frozen=True, slots=True)
class Laws:
    """What happens to the containers of one function.

    Attributes:
        idle_share: how long an idle container lives, as a share of the scaledown window; above 1 it stops late.
        surplus_rate: share of the containers that are started together with one too many, which never gets an input.
        waits_for_its_own: an input waits for the container that was started for it, though another is free sooner;
            otherwise a container may find its input taken, and is idle from the beginning.
        crashes: containers that fail at init, or None.
        wait: waits for a machine, or None.
        first_choice_share: of a list of GPUs, the share of containers that get the first one; the rest get a later one.
        scarce_for_hours: how many hours a GPU stays as scarce or plentiful as it is.
        use: CPU and memory when no input executes.
        billed_in_seconds: lives are billed in whole seconds, rounded up.
    """

    idle_share: Range = (0.1, 1.0)
    surplus_rate: float = 0.04
    waits_for_its_own: bool = False
    crashes: InitCrashes | None = None
    wait: PlacementWait | None = None
    first_choice_share: float = 0.6
    scarce_for_hours: int = 3
    use: UseLaw = UseLaw()
    billed_in_seconds: bool = False


AS_THE_RULES_SAY = Laws(
    idle_share=(1.0, 1.0),
    surplus_rate=0.0,
    waits_for_its_own=True,
    first_choice_share=1.0,
    use=UseLaw((1.0, 1.0), (1.0, 1.0), (0.0, 0.0), (1.0, 1.0)),
)
"""Every container gets an input and lives for exactly its window: what a reader of the documentation would compute."""


@dataclass(frozen=True, slots=True)
class LogHabits:
    """How the log of calls differs from what happened.

    Attributes:
        skew_seconds: how far the log's clock, ids included, is ahead of the bill's.
        lost_share: share of the rows that no export shows.
        lost_since: from when rows are lost, None for always.
        lost_until: end of that, None for never.
        has_halves: whether callers hand work over in two inputs, one after the other on the same container.
        halves_since: from when on, None for always.
        halves_until: end of that, None for never.
    """

    skew_seconds: float = 0.0
    lost_share: float = 0.0
    lost_since: dt.datetime | None = None
    lost_until: dt.datetime | None = None
    has_halves: bool = False
    halves_since: dt.datetime | None = None
    halves_until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class SeriesHabits:
    """How container series are sampled; each draw is made once per function.

    Attributes:
        sample_seconds: distance between two samples.
        null_share: share of the buckets without an observation.
        gap_hours: length of the hole that each week has.
        late_buckets: newest buckets of a day that its first export lacks.
        since: from when series are exported, None for always.
    """

    sample_seconds: tuple[int, int] = (15, 60)
    null_share: float = 0.02
    gap_hours: int = 3
    late_buckets: int = 6
    since: dt.datetime | None = None
