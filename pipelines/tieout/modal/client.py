"""Asking Modal: a few worker processes, deadlines, and policy with what passes by itself."""

import contextlib
import errno
import json
import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from tenacity import RetryCallState, Retrying
from tenacity.nap import sleep_using_event
from tenacity.retry import retry_if_exception
from tenacity.stop import stop_after_attempt, stop_before_delay, stop_when_event_set
from tenacity.wait import wait_exponential_jitter

from tieout.core.errors import TieoutError
from tieout.modal import worker
from tieout.modal.retry_policy import RetryPolicy
from tieout.modal.snapshots import Range, naive_iso

# A rate limit wants more policy than a cut connection.
_BUSY_FACTOR = 5
# What the disk says when it does not take an answer, which asking again does not cure.
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
_NOT_WRITTEN = NO_ROOM | {errno.EFBIG}

Answer = TypeVar("Answer")


class Cause(StrEnum):
    """Why Modal did not give what was asked for."""

    NO_TOKEN = "no token"
    UNAUTHENTICATED = "unauthenticated"
    DENIED = "denied"
    UNREACHABLE = "unreachable"
    MISSING = "missing"
    TOO_MUCH = "too much"
    BUSY = "busy"
    INTERRUPTED = "interrupted"
    TIMED_OUT = "timed out"
    STOPPED = "stopped"
    REFUSED = "refused"
    UNDER_WAY = "under way"
    CLOCK = "clock"
    NO_ROOM = "no room"
    NOT_WRITTEN = "not written"


class ModalError(TieoutError):
    """A request that Modal did not answer as asked; the message holds no credential."""

    def __init__(self, cause: Cause, message: str) -> None:
        """Keep the cause apart from what Modal said."""
        super().__init__(message)
        self.cause = cause


PASSING = frozenset({Cause.BUSY, Cause.INTERRUPTED, Cause.TIMED_OUT})
_MAY_HAVE_BROKEN = frozenset({Cause.INTERRUPTED, Cause.UNREACHABLE})
_CAUSES = {
    "AuthError": Cause.UNAUTHENTICATED,
    "PermissionDeniedError": Cause.DENIED,
    "NotFoundError": Cause.MISSING,
    "ResourceExhaustedError": Cause.BUSY,
    "LogsFetchError": Cause.TOO_MUCH,
    "InvalidError": Cause.REFUSED,
    "UnimplementedError": Cause.REFUSED,
    "VersionError": Cause.REFUSED,
    "ConflictError": Cause.REFUSED,
    "ClickException": Cause.REFUSED,
}
_MAY_BE_ANOTHER_SERVER = frozenset({Cause.INTERRUPTED, Cause.REFUSED})
_MAY_BE_TOO_MUCH = frozenset({Cause.BUSY, Cause.REFUSED})
_TOO_MUCH = re.compile(r"too many (?:inputs|rows|items)|cannot fetch more than|narrow|range|too large|\bdays\b", re.I)
_NOT_CONNECTED = re.compile(
    r"could not connect|name or service not known|no route to host|connection refused|received :status", re.I
)


def cause_of(errors: Sequence[str], message: str) -> Cause:
    """Tell from the type of an exception, with the types it is derived from, and its message why a request failed.

    What is not known to be lasting is taken for an interruption: asking again does no harm.
    """
    cause = next((_CAUSES[error] for error in errors if error in _CAUSES), Cause.INTERRUPTED)
    if cause in _MAY_BE_TOO_MUCH and _TOO_MUCH.search(message):
        return Cause.TOO_MUCH
    if cause in _MAY_BE_ANOTHER_SERVER and _NOT_CONNECTED.search(message):
        return Cause.UNREACHABLE
    return cause


@contextlib.contextmanager
def understanding(what: str) -> Iterator[None]:
    """Take it for a refusal when an answer is not laid out as this version of the client lays it out.

    Raises:
        ModalError: naming what was read.
    """
    try:
        yield
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        problem = f"{what} is not laid out as expected: {type(error).__name__} {error}"
        raise ModalError(Cause.REFUSED, worker.mask(problem)) from None


@dataclass(frozen=True)
class Settings:
    """What the client is configured with, by its own files and the environment.

    Attributes:
        has_token: whether there are credentials at all, right or wrong.
        profiles: the names of the profiles in its file.
        server: the address that it talks to.
        environment: the Modal environment that it is set to, if any.
        client_version: of the modal package.
    """

    has_token: bool
    profiles: Sequence[str]
    server: str
    environment: str | None
    client_version: str

    def require_token(self) -> None:
        """Go on only when there is something to ask with.

        Raises:
            ModalError: no token is configured, or no profile that holds one is active.
        """
        if self.has_token:
            return
        said = "no Modal token is configured"
        if len(self.profiles) > 1:
            said += f"; of the profiles {', '.join(self.profiles)} none is active: `modal profile activate NAME`"
        raise ModalError(Cause.NO_TOKEN, said)


class _Worker:
    """A process that serves one request at a time, started when the first one comes."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._is_killed = False

    def ask(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any] | None:
        """Send a request and wait for its answer; None when none came in time or the process ended."""
        process = self._process or self._start()
        assert process.stdin is not None and process.stdout is not None
        deadline = threading.Timer(seconds, process.kill)
        deadline.start()
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = ""
        finally:
            deadline.cancel()
        if not line.endswith("\n"):
            self.end()
            return None
        answer: dict[str, Any] = json.loads(line)
        return answer

    def kill(self) -> None:
        """End the process for good, while another thread waits for its answer or is about to: it gets none."""
        self._is_killed = True
        process = self._process
        if process is not None:
            process.kill()

    def end(self) -> None:
        """End the process, whatever it does, and forget it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()

    def _start(self) -> subprocess.Popen[str]:
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(worker.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        if self._is_killed:
            self._process.kill()
        return self._process


class Session:
    """Modal's command line and SDK for the length of one pull; threads may share it."""

    def __init__(self, policy: RetryPolicy) -> None:
        """Start nothing yet."""
        self.policy = policy
        self._stop = threading.Event()
        self._ends = time.monotonic() + policy.total_seconds
        self._workers = [_Worker() for _ in range(policy.at_once)]
        self._free: queue.LifoQueue[_Worker] = queue.LifoQueue()
        for each in self._workers:
            self._free.put(each)

    def __enter__(self) -> Self:
        """Serve until the block ends."""
        return self

    def __exit__(self, *_raised: object) -> None:
        """End every process."""
        self.abort()
        for _ in self._workers:
            self._free.get().end()

    def stop(self) -> None:
        """Let no further request begin, and no wait go on."""
        self._stop.set()

    def abort(self) -> None:
        """Stop, and end the requests that are under way."""
        self.stop()
        for each in self._workers:
            each.kill()

    def settings(self) -> Settings:
        """Read the client's own configuration; nothing is asked of Modal.

        Raises:
            ModalError: the configuration cannot be read.
        """
        return Settings(**self._once({"kind": "settings"}, self.policy.request_seconds))

    def workspace(self, server: str) -> str | None:
        """Return the workspace's name, and thereby find out whether Modal can be reached and takes the token.

        Args:
            server: the address that the client talks to, for the message when nothing answers there.

        Raises:
            ModalError: it cannot, or does not.
        """
        try:
            name: str | None = self._patiently(
                {"kind": "workspace"}, self.policy.reach_seconds, passing=frozenset({Cause.BUSY})
            )
        except ModalError as error:
            if error.cause in PASSING or error.cause is Cause.UNREACHABLE:
                raise ModalError(Cause.UNREACHABLE, f"{server}: {error}") from None
            raise
        return name

    def command(self, arguments: Sequence[str], output: Path) -> None:
        """Run a modal command, its output into a file, again while what stops it may pass.

        Raises:
            ModalError: it failed for good; the file holds nothing of use.
            OSError: the disk does not take it.
        """
        request = {"kind": "command", "arguments": list(arguments), "output": str(output)}
        self._patiently(request, self.policy.request_seconds)

    def report(self, covers: Range, resolution: Literal["h", "d"], output: Path) -> None:
        """Read the bill of a range, by hour or by day, into a file of JSON lines.

        Raises:
            ModalError: it failed for good; the file holds nothing of use.
            OSError: the disk does not take it.
        """
        bounds = {"start": naive_iso(covers.start), "end": naive_iso(covers.end)}
        request = {"kind": "report", **bounds, "resolution": resolution, "output": str(output)}
        self._patiently(request, self.policy.request_seconds)

    def sandboxes(self, app: str, environment: str, covers: Range, output: Path) -> None:
        """Read what the sandboxes of a deployed app cost in a range into a file, one JSON object.

        Raises:
            ModalError: it failed for good; the file holds nothing of use.
            OSError: the disk does not take it.
        """
        bounds = {"start": naive_iso(covers.start), "end": naive_iso(covers.end)}
        request = {"kind": "sandboxes", "app": app, "environment": environment, **bounds, "output": str(output)}
        self._patiently(request, self.policy.request_seconds)

    def side_by_side(self, works: Sequence[Callable[[], Answer]]) -> Iterator[Answer]:
        """Run things that ask on several threads, and yield what each returns as it ends.

        What one of them raises, and a Ctrl-C meanwhile, ends the requests of the others.
        """
        with ThreadPoolExecutor(self.policy.at_once, thread_name_prefix="pull") as threads:
            try:
                for done in as_completed([threads.submit(work) for work in works]):
                    yield done.result()
            except BaseException:
                self.abort()
                raise

    def _patiently(self, request: Mapping[str, Any], seconds: float, *, passing: frozenset[Cause] = PASSING) -> Any:
        attempts = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, ModalError) and error.cause in passing),
            stop=stop_after_attempt(self.policy.attempts)
            | stop_before_delay(max(0.0, self._remaining()))
            | stop_when_event_set(self._stop),
            wait=self._wait,
            sleep=sleep_using_event(self._stop),
            reraise=True,
        )
        return attempts(self._once, request, seconds)

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        is_busy = isinstance(error, ModalError) and error.cause is Cause.BUSY
        first = self.policy.first_wait_seconds * (_BUSY_FACTOR if is_busy else 1)
        wait = wait_exponential_jitter(multiplier=first, max=self.policy.longest_wait_seconds, jitter=first)
        return min(wait(state), self.policy.longest_wait_seconds)

    def _once(self, request: Mapping[str, Any], seconds: float) -> Any:
        with self._free_worker() as free:
            limit = min(seconds, self._remaining())
            if self._stop.is_set():
                raise ModalError(Cause.STOPPED, "the pull was stopped before this was asked for")
            if limit <= 0:
                self.stop()
                over = f"{self.policy.total_seconds:g} s, the time for the whole pull, were over before this came up"
                raise ModalError(Cause.TIMED_OUT, over)
            asked = time.monotonic()
            answer = free.ask(request, limit)
            if answer is None and time.monotonic() - asked < limit:
                raise ModalError(Cause.INTERRUPTED, "the process that asked has ended, as it does when memory runs out")
            if answer is None:
                raise ModalError(Cause.TIMED_OUT, f"no answer within {limit:.3g} s")
            if "errors" in answer:
                if answer["errno"] in _NOT_WRITTEN:
                    raise OSError(answer["errno"], os.strerror(answer["errno"]), request["output"])
                cause = cause_of(answer["errors"], answer["message"])
                if cause in _MAY_HAVE_BROKEN:
                    free.end()  # its connection is of no more use, perhaps
                raise ModalError(cause, worker.mask(answer["message"]) or answer["errors"][0])
            return answer["said"]

    @contextlib.contextmanager
    def _free_worker(self) -> Iterator[_Worker]:
        free = self._free.get()
        try:
            yield free
        finally:
            self._free.put(free)

    def _remaining(self) -> float:
        return self._ends - time.monotonic()
