"""A real HTTP server on 127.0.0.1 that takes what Apprise posts as JSON, and has the bad days that servers have."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.mail.mail_server import HOST

SECRET = "t0ps3cretpath"


@dataclass
class Hook:
    """What the server has taken, and what it answers next; without further ado it answers 200.

    Attributes:
        posted: bodies that were answered with success, or not answered.
        answers: the next statuses; 0 closes the connection without an answer.
        port: where it listens.
    """

    posted: list[dict[str, Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """As Apprise reads it; its path is a secret, as those of chats are."""
        return f"json://{HOST}:{self.port}/{SECRET}"


@contextmanager
def hooked() -> Iterator[Hook]:
    """Serve until the end of the block."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = hook.answers.pop(0) if hook.answers else 200
            if status in (0, 200) and self.path == f"/{SECRET}":
                hook.posted.append(body)
            if status:
                self.send_response(status)
                self.end_headers()
            else:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((HOST, 0), Handler)
    hook.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
