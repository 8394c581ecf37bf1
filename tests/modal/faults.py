"""What can go wrong between a client and Modal, and with which of its requests it does."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from grpclib import Status

BILLING = ("WorkspaceBillingReport", "WorkspaceBillingSummary", "WorkspaceBillingRates")


@dataclass(frozen=True)
class Request:
    """An RPC as the server received it.

    Attributes:
        rpc: its name.
        app: the app that it is about, where it is about one.
        function: the function, likewise.
        since: start of the range, as whole seconds since 1970 UTC, where it has one.
        until: end of the range, likewise.
    """

    rpc: str
    app: str | None = None
    function: str | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True)
class Refusal:
    """The server answers with an error: at once, or after that many items of a stream."""

    status: Status
    message: str
    after_items: int = 0


@dataclass(frozen=True)
class Silence:
    """The server takes the request and never answers."""


@dataclass(frozen=True)
class CutConnection:
    """The connection is closed: at once, or after that many items of a stream."""

    after_items: int = 0


Fault = Refusal | Silence | CutConnection


def unavailable(after_items: int = 0) -> Refusal:
    return Refusal(Status.UNAVAILABLE, "upstream connect error", after_items)


def rate_limited() -> Refusal:
    return Refusal(Status.RESOURCE_EXHAUSTED, "Rate limit exceeded. Please try again later.")


def permission_denied() -> Refusal:
    return Refusal(Status.PERMISSION_DENIED, "You do not have permission to view billing data for this workspace.")


def not_found() -> Refusal:
    return Refusal(Status.NOT_FOUND, "App not found")


def any_request(_request: Request) -> bool:
    return True


@dataclass
class _Rule:
    """From the `first` matching request on, `times` of them meet the fault; None for all that follow."""

    fault: Fault
    applies: Callable[[Request], bool]
    first: int
    times: int | None
    met: int = field(default=0)

    def strikes(self, request: Request) -> bool:
        if not self.applies(request):
            return False
        self.met += 1
        return self.met >= self.first and (self.times is None or self.met < self.first + self.times)


class Faults:
    """The faults that are set, and the count of requests that decides whom they strike."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()

    def set(
        self,
        rpcs: Sequence[str],
        fault: Fault,
        *,
        first: int = 1,
        times: int | None = 1,
        where: Callable[[Request], bool] = any_request,
    ) -> None:
        """Let requests of these RPCs meet a fault: `times` of those with `where`, beginning with the `first`."""
        with self._lock:
            self._rules.append(_Rule(fault, lambda r: r.rpc in rpcs and where(r), first, times))

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def strike(self, request: Request) -> Fault | None:
        """Count a request, and return the fault that it meets."""
        with self._lock:
            struck = [rule.fault for rule in self._rules if rule.strikes(request)]
        return struck[0] if struck else None
