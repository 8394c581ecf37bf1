"""Modal's vocabulary: the kinds of object that it bills, and the statuses that a call can have.

SQL reads both as `catalog.object_kinds` and `catalog.call_statuses`. A prefix or a status that is missing here is kept
under its own name wherever it appears, and a warning names it.
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
    prefix, hyphen, _ = object_id.partition("-")
    kind = _BY_PREFIX.get(prefix + hyphen)
    return kind is not None and kind.has_functions
