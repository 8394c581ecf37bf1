"""The vocabulary: the kinds of object that Modal bills, the statuses of a call, and the components of a cost.

SQL reads them as `catalog.object_kinds`, `catalog.call_statuses` and `catalog.components`. A prefix or a status that is
missing here is kept under its own name wherever it appears, and a warning names it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class ObjectKind:
    """A kind of object on the bill, known by how its ids begin.

    Attributes:
        prefix: how its ids begin, up to and with the first hyphen.
        kind: its name.
        residual: the function that stands for what of its cost belongs to no function.
        has_functions: whether functions run in it, and have call logs.
        label: its name on invoices and in FOCUS.
        service: FOCUS ServiceName.
        service_category: FOCUS ServiceCategory.
        service_subcategory: FOCUS ServiceSubcategory.
    """

    prefix: str
    kind: str
    residual: str
    has_functions: bool
    label: str
    service: str
    service_category: str
    service_subcategory: str


class CallOutcome(StrEnum):
    """How a call went, in the groups that rates are made of."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCESS = "success"
    ERROR = "error"
    TIMEOUT = "timeout"
    OOM_KILL = "oom_kill"
    TERMINATED = "terminated"


@dataclass(frozen=True)
class CallStatus:
    """A status as Modal writes it, and how a call with it went."""

    status: str
    outcome: CallOutcome

    @property
    def is_final(self) -> bool:
        """Whether a later pull will show the same status."""
        return self.outcome not in {CallOutcome.WAITING, CallOutcome.RUNNING}


class ComponentGroup(StrEnum):
    """What a component of a cost is for; figures and questions add up these groups."""

    WORK = "work"
    OVERHEAD = "overhead"
    NO_CALL = "no call"
    DIRECT = "direct"


@dataclass(frozen=True)
class Component:
    """A component of attributed cost.

    Attributes:
        name: as in `spend.hourly`.
        group: what it is for.
        has_function: whether its cost is always a function's, so that other tools may allocate it.
        words: what the money is paid for.
        colours: in charts, on a light page and on a dark one.
    """

    name: str
    group: ComponentGroup
    has_function: bool
    words: str
    colours: tuple[str, str]


# In the order of every table and chart.
COMPONENTS: tuple[Component, ...] = (
    Component(
        "execution",
        ComponentGroup.WORK,
        has_function=True,
        words="serving calls",
        colours=("#117733", "#44aa66"),
    ),
    Component(
        "startup",
        ComponentGroup.OVERHEAD,
        has_function=True,
        words="starting up before the first call",
        colours=("#66c2a5", "#7fd0b8"),
    ),
    Component(
        "idle",
        ComponentGroup.OVERHEAD,
        has_function=True,
        words="waiting between calls and after the last one",
        colours=("#e69f00", "#e6a01a"),
    ),
    Component(
        "warm",
        ComponentGroup.NO_CALL,
        has_function=True,
        words="kept alive without a call, by settings",
        colours=("#b8860b", "#c99a2e"),
    ),
    Component(
        "failed",
        ComponentGroup.NO_CALL,
        has_function=True,
        words="failed at start-up, before any call",
        colours=("#6a3d9a", "#a583c9"),
    ),
    Component(
        "unexplained",
        ComponentGroup.NO_CALL,
        has_function=True,
        words="beyond what the containers explain",
        colours=("#cc79a7", "#d184b0"),
    ),
    Component(
        "unlogged",
        ComponentGroup.NO_CALL,
        has_function=True,
        words="only this function can have caused it",
        colours=("#f0e442", "#f0e450"),
    ),
    Component(
        "residual",
        ComponentGroup.NO_CALL,
        has_function=False,
        words="the app's, of no function that is known",
        colours=("#882255", "#c2639a"),
    ),
    Component(
        "direct",
        ComponentGroup.DIRECT,
        has_function=False,
        words="a server, a sandbox, a volume or another object",
        colours=("#8a8f94", "#7d858b"),
    ),
)


def components_of(group: ComponentGroup) -> tuple[str, ...]:
    """The names of a group's components, in their order."""
    return tuple(component.name for component in COMPONENTS if component.group is group)


OBJECT_KINDS: tuple[ObjectKind, ...] = (
    ObjectKind(
        prefix="ap-",
        kind="app",
        residual="__no_calls__",
        has_functions=True,
        label="App",
        service="Modal Apps",
        service_category="Compute",
        service_subcategory="Serverless Compute",
    ),
    ObjectKind(
        prefix="vo-",
        kind="volume",
        residual="__volume__",
        has_functions=False,
        label="Volume",
        service="Modal Volumes",
        service_category="Storage",
        service_subcategory="File Storage",
    ),
    ObjectKind(
        prefix="sb-",
        kind="sandbox",
        residual="__sandbox__",
        has_functions=False,
        label="Sandbox",
        service="Modal Sandboxes",
        service_category="Compute",
        service_subcategory="Serverless Compute",
    ),
)
CALL_STATUSES: tuple[CallStatus, ...] = (
    CallStatus("pending", CallOutcome.WAITING),
    CallStatus("running", CallOutcome.RUNNING),
    CallStatus("success", CallOutcome.SUCCESS),
    CallStatus("failure", CallOutcome.ERROR),
    CallStatus("init failure", CallOutcome.ERROR),
    CallStatus("internal failure", CallOutcome.ERROR),
    CallStatus("timeout", CallOutcome.TIMEOUT),
    CallStatus("idle timeout", CallOutcome.TIMEOUT),
    CallStatus("kernel oom kill", CallOutcome.OOM_KILL),
    CallStatus("memory manager eviction", CallOutcome.OOM_KILL),
    CallStatus("memory thrashing eviction", CallOutcome.OOM_KILL),
    CallStatus("terminated", CallOutcome.TERMINATED),
)
_BY_PREFIX: Mapping[str, ObjectKind] = {kind.prefix: kind for kind in OBJECT_KINDS}


def has_functions(object_id: str) -> bool:
    """Whether functions run in an object, by its id."""
    kind = _kind_of(object_id)
    return kind is not None and kind.has_functions


def is_known(object_id: str) -> bool:
    """Whether an object is of one of the kinds above, by its id."""
    return _kind_of(object_id) is not None


def _kind_of(object_id: str) -> ObjectKind | None:
    prefix, hyphen, _ = object_id.partition("-")
    return _BY_PREFIX.get(prefix + hyphen)
