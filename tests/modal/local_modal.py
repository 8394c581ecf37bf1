"""Modal on this machine: a gRPC server on 127.0.0.1 that the real SDK and the real CLI take for Modal."""

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Self

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpclib import GRPCError, Status
from grpclib.const import Cardinality, Handler
from grpclib.server import Server, Stream
from modal_proto import api_pb2

from tests.modal.faults import CutConnection, Fault, Faults, Refusal, Request, Silence, any_request
from tests.modal.simulated_workspace import SimulatedWorkspace
from tieout.simulator import World

_SERVICE = api_pb2.DESCRIPTOR.services_by_name["ModalClient"]
_STARTED_WITHIN_SECONDS = 10


class LocalModal:
    """Serves a simulated workspace for as long as the `with` block lasts, on a thread and an event loop of its own.

    Attributes:
        workspace: what is served; it may be changed at any time.
        requests: every RPC received, in order.
        token: the id and the secret that the server accepts.
    """

    def __init__(self, world: World) -> None:
        self.workspace = SimulatedWorkspace(world)
        self.requests: list[Request] = []
        self.token = ("ak-local0000000000000000", "as-local1111111111111111")
        self._faults = Faults()
        self._socket = socket.create_server(("127.0.0.1", 0))
        # asyncio does this for sockets of its own making; else every answer waits 40 ms for an acknowledgement.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop = asyncio.new_event_loop()
        self._started, self._stop = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="local Modal", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._started.wait(_STARTED_WITHIN_SECONDS):
            raise TimeoutError("the local Modal server did not start")
        return self

    def __exit__(self, *_raised: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = Server([self])
        await server.start(sock=self._socket)
        self._started.set()
        await self._stop.wait()
        # Not waited for: from Python 3.12 on that lasts until the last client has hung up, who may outlive the server.
        server.close()

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a process that takes this server for Modal, and knows of no other."""
        token_id, token_secret = self.token
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MODAL_")}
        return inherited | {
            "MODAL_SERVER_URL": f"http://127.0.0.1:{self._socket.getsockname()[1]}",
            "MODAL_TOKEN_ID": token_id,
            "MODAL_TOKEN_SECRET": token_secret,
            "MODAL_CONFIG_PATH": "nonexistent.toml",
            "MODAL_DISABLE_API_PROXY": "1",
            "TZ": "UTC",
        }

    def fail(
        self,
        rpcs: str | Sequence[str],
        fault: Fault,
        *,
        first: int = 1,
        times: int | None = 1,
        where: Callable[[Request], bool] = any_request,
    ) -> None:
        """Let requests of an RPC, or of several, meet a fault.

        Args:
            rpcs: names of RPCs.
            fault: what goes wrong.
            first: the first of the matching requests that meets it, counted from 1.
            times: how many meet it from then on; None for all.
            where: which requests match.
        """
        names = [rpcs] if isinstance(rpcs, str) else rpcs
        self._faults.set(names, fault, first=first, times=times, where=where)

    def heal(self) -> None:
        """Let nothing go wrong from now on."""
        self._faults.clear()

    def received(self, *rpcs: str) -> list[Request]:
        """Return the requests of these RPCs, in order."""
        return [request for request in self.requests if request.rpc in rpcs]

    # gRPC

    def __mapping__(self) -> Mapping[str, Handler]:
        return {
            f"/{_SERVICE.full_name}/{name}": self._handler(name, answer)
            for name, answer in self.workspace.answers().items()
        }

    def _handler(self, name: str, answer: Callable[[Any], Any]) -> Handler:
        method = _SERVICE.methods_by_name[name]

        async def handle(stream: Stream[Any, Any]) -> None:
            await self._handle(name, answer, stream)

        return Handler(
            handle,
            Cardinality.UNARY_STREAM if method.server_streaming else Cardinality.UNARY_UNARY,
            GetMessageClass(method.input_type),
            GetMessageClass(method.output_type),
        )

    async def _handle(self, name: str, answer: Callable[[Any], Any], stream: Stream[Any, Any]) -> None:
        message = await stream.recv_message()
        request = _request(name, message, self.workspace)
        self.requests.append(request)
        self._require_token(stream.metadata)
        fault = self._faults.strike(request)
        if isinstance(fault, Silence):
            await asyncio.Event().wait()
            return
        for reply in _replies(answer, message, fault):
            await stream.send_message(reply)
        if isinstance(fault, Refusal):
            raise GRPCError(fault.status, fault.message)
        if isinstance(fault, CutConnection):
            # The handler is cancelled as the connection goes.
            stream._stream.connection.close()
            await asyncio.Event().wait()

    def _require_token(self, metadata: Any) -> None:
        token = (metadata.get("x-modal-token-id"), metadata.get("x-modal-token-secret"))
        if token != self.token:
            raise GRPCError(Status.UNAUTHENTICATED, f"Token validation failed for {token[0]}.")


def _replies(
    answer: Callable[[Any], Any], message: Message, fault: Refusal | CutConnection | None
) -> Iterator[Message]:
    """Return what is sent before the fault; an answer that fails at once is not worked out."""
    if fault is not None and fault.after_items == 0:
        return iter(())
    reply = answer(message)
    replies = iter((reply,)) if isinstance(reply, Message) else reply
    return islice(replies, None if fault is None else fault.after_items)


def _request(name: str, message: Any, workspace: SimulatedWorkspace) -> Request:
    app, function = workspace.subject(message)
    bounds = message.range if name == "FunctionCallFetch" else message
    fields = bounds.DESCRIPTOR.fields_by_name
    since, until = (
        next((getattr(bounds, field).seconds for field in names if field in fields), None)
        for names in (("since", "start_timestamp"), ("until", "end_timestamp"))
    )
    return Request(name, app, function, since, until)
