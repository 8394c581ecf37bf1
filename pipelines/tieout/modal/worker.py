"""The process that talks to Modal: the real command line and the real SDK, one request after another.

`python worker.py` reads requests, one JSON object a line, from its standard input, and answers each with one line.
Importing the client takes a second, so that a process serves many requests; it can be killed at any moment, which is
how a request that hangs is ended, and it ends itself when whoever asks is gone. What Modal returns goes to the file
that the request names, never through the answer, and no answer holds a credential.
"""

import contextlib
import io
import json
import os
import queue
import re
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console

from tieout.core.indented_json import indented_parts

if TYPE_CHECKING:
    import datetime as dt

    from modal.types import BillingReportItem

MASK = "•••"
CREDENTIALS = ("token_id", "token_secret", "oauth_refresh_token", "oauth_client_secret", "oauth_jwt_key")
_LOGIN = re.compile(r"(?<=://)[^/\s@]+@")
_TOKEN = re.compile(r"\b(?:ak|as|wk|ws|oc|ov)-[A-Za-z0-9_]{4,}")
_LONGEST_MESSAGE = 600
_SHORTEST_CREDENTIAL = 4

Request = Mapping[str, Any]


def mask(text: str, secrets: Sequence[str] = ()) -> str:
    """Return a text without anything that is, or looks like, a part of a Modal token or a login in a URL."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return _LOGIN.sub(f"{MASK}@", _TOKEN.sub(MASK, text))


def main() -> None:
    """Serve until the input ends, whatever is under way."""
    answers, requests = sys.stdout, queue.SimpleQueue[str]()
    threading.Thread(target=_receive, args=(sys.stdin, requests), daemon=True).start()
    Console.print_json = print_json  # type: ignore[assignment]
    # Whatever the client prints on its own must not get between the answers.
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        sys.stdout = sys.stderr = nowhere
        while True:
            answers.write(json.dumps(_answer(json.loads(requests.get()))) + "\n")
            answers.flush()


def _receive(lines: Iterable[str], requests: queue.SimpleQueue[str]) -> None:
    for line in lines:
        requests.put(line)
    os._exit(0)


def _answer(request: Request) -> dict[str, Any]:
    try:
        said = _KINDS[request["kind"]](request)
    except BaseException as error:
        return {
            "errors": [kind.__name__ for kind in type(error).__mro__],
            "message": _message(error),
            "errno": error.errno if isinstance(error, OSError) else None,
        }
    return {"said": said}


def _message(error: BaseException) -> str:
    text = error.format_message() if hasattr(error, "format_message") else str(error)
    return mask(" ".join(text.split()), _secrets())[:_LONGEST_MESSAGE]


def _secrets() -> list[str]:
    # When the configuration cannot be read at all, what looks like a token is masked still.
    with contextlib.suppress(Exception):
        from modal.config import config

        values = [config.get(name) for name in CREDENTIALS]
        return [value for value in values if isinstance(value, str) and len(value) >= _SHORTEST_CREDENTIAL]
    return []


def _command(request: Request) -> None:
    """Run a modal command as a shell would, its output into a file."""
    from modal.cli.entry_point import entrypoint_cli
    from modal.output import enable_output

    with (
        _output(request) as output,
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(io.StringIO()),
        enable_output(),
    ):
        entrypoint_cli.main(args=list(request["arguments"]), prog_name="modal", standalone_mode=False)


def print_json(console: Console, text: str) -> None:
    """Print what rich's `Console.print_json` prints into a file, without working out the colours that no file gets.

    For 100,000 calls they cost 54 of 58 seconds, and 3.3 GB of memory.
    """
    console.file.writelines(indented_parts(json.loads(text)))
    console.file.write("\n")


def _report(request: Request) -> None:
    """Read the bill of a range by hour or day: cost, breakdown and tags of each object, one JSON object a line."""
    import datetime as dt

    import modal

    start, end = (dt.datetime.fromisoformat(request[bound]).replace(tzinfo=dt.UTC) for bound in ("start", "end"))
    billing = modal.Workspace.from_context().billing
    items = billing.report(start=start, end=end, resolution=request["resolution"], tag_names=["*"])
    with _output(request) as output:
        output.writelines(json.dumps(_item(item)) + "\n" for item in items)


def _item(item: "BillingReportItem") -> dict[str, Any]:
    return {
        "object_id": item.object_id,
        "description": item.description,
        "environment": item.environment_name,
        "interval_start": _naive_utc(item.interval_start),
        "cost": str(item.cost),
        "cost_by_resource": {resource: str(cost) for resource, cost in item.cost_by_resource.items()},
        "tags": dict(item.tags),
    }


def _naive_utc(instant: "dt.datetime") -> str:
    """Return an instant as `modal billing report` prints it: UTC, without saying so."""
    return instant.replace(tzinfo=None).isoformat()


def _sandboxes(request: Request) -> None:
    """Read what an app's sandboxes cost in a range: one JSON object, amounts as texts."""
    import datetime as dt

    import modal

    start, end = (dt.datetime.fromisoformat(request[bound]).replace(tzinfo=dt.UTC) for bound in ("start", "end"))
    app = modal.App.lookup(request["app"], environment_name=request["environment"])
    groups = [
        {
            "tags": group.tags,
            "cost": str(group.cost),
            "cost_by_resource": {resource: str(cost) for resource, cost in group.cost_by_resource.items()},
        }
        for group in app.sandboxes.stats(since=start, until=end)
    ]
    bounds = {"since": start.isoformat(), "until": end.isoformat()}
    with _output(request) as output:
        output.write(json.dumps({"app_id": app.app_id, **bounds, "groups": groups}, indent=2) + "\n")


def _workspace(request: Request) -> str | None:
    """Ask who we are: the cheapest question that needs a connection and a token."""
    import modal

    workspace = modal.Workspace.from_context()
    workspace.hydrate()
    return workspace.name


def _settings(request: Request) -> dict[str, Any]:
    """Tell what the client is configured with, without asking Modal, and without any credential itself."""
    import modal
    from modal.config import config, config_profiles

    return {
        "has_token": any(config.get(name) for name in CREDENTIALS),
        "profiles": list(config_profiles()),  # type: ignore[no-untyped-call]
        "server": config.get("server_url"),
        "environment": config.get("environment"),
        "client_version": modal.__version__,
    }


def _output(request: Request) -> TextIO:
    return Path(request["output"]).open("w", encoding="utf-8", newline="\n")


_KINDS: Mapping[str, Callable[[Request], Any]] = {
    "command": _command,
    "report": _report,
    "sandboxes": _sandboxes,
    "workspace": _workspace,
    "settings": _settings,
}

if __name__ == "__main__":
    main()
