"""How Modal's clients have printed the same rows: the spelling of the names, the container, and what stands around it.

A client before 1.5.0 heads its JSON like its tables ("Object ID"), a later one writes `object_id`, a row of the SDK
says `environment_name`. FORCE_COLOR puts escape codes into what is printed, and a warning may stand above it. All of it
is read; only a table in boxes is refused, because it cuts values. docs/reference/dialects.md is written from here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tieout.core.bounded import UnboundedFileError, require_regular
from tieout.sources.landing import RejectionError

_HEADING, _SDK = "Title Case", "SDK"


@dataclass(frozen=True)
class Dialect:
    """One form of a printed export.

    Attributes:
        spelling: how its fields are named.
        container: JSON, CSV, or a table in boxes.
        printed_by: what prints it, in Markdown.
        is_coloured: it is full of escape codes.
        is_read: whether it is loaded; else it is refused by name.
    """

    spelling: str
    container: str
    printed_by: str
    is_coloured: bool = False
    is_read: bool = True


DIALECTS = (
    Dialect("snake_case", "JSON", printed_by="`--json`, clients from 1.5.0"),
    Dialect("snake_case", "JSON", printed_by="the same under `FORCE_COLOR=1`", is_coloured=True),
    Dialect(_HEADING, "JSON", printed_by="`--json`, clients before 1.5.0"),
    Dialect(_HEADING, "JSON", printed_by="the same under `FORCE_COLOR=1`", is_coloured=True),
    Dialect(_HEADING, "CSV", printed_by="`modal billing report --csv`, every client"),
    Dialect(_HEADING, "CSV", printed_by="the same under `FORCE_COLOR=1`", is_coloured=True),
    Dialect(_SDK, "JSON", printed_by="`json.dumps(rows, default=str)` of the SDK's billing rows"),
    Dialect(_HEADING, "table in boxes", printed_by="neither `--json` nor `--csv`", is_read=False),
)
"""The table of docs/reference/dialects.md: every form of which a sample was captured, and the coloured CSV."""


@dataclass(frozen=True)
class Export:
    """What the clients print of one kind of row: the command, and each field's other names by the name here."""

    command: str
    spellings: Mapping[str, Mapping[str, str]]

    @property
    def names(self) -> dict[str, str]:
        """The name here of every other name."""
        return {printed: name for names in self.spellings.values() for printed, name in names.items()}

    @property
    def fix(self) -> str:
        """What to do about a file that cannot be read."""
        return f"Export it again with --json: {self.command} --json > FILE.json"


BILLING_REPORT = Export(
    "modal billing report --for yesterday -r h",
    {
        _HEADING: {
            "Object ID": "object_id",
            "Description": "description",
            "Environment": "environment",
            "Interval Start": "interval_start",
            "Resource": "resource",
            "Cost": "cost",
            "Tags": "tags",
        },
        _SDK: {"environment_name": "environment"},
    },
)
APP_LIST = Export(
    "modal app list",
    {
        _HEADING: {
            "App ID": "app_id",
            "Description": "description",
            "State": "state",
            "Tasks": "tasks",
            "Created at": "created_at",
            "Stopped at": "stopped_at",
        },
    },
)
APP_HISTORY = Export(
    "modal app history APP",
    {
        _HEADING: {
            "Version": "version",
            "Time deployed": "time_deployed",
            "Client": "client",
            "Deployed by": "deployed_by",
            "Commit": "commit",
            "Tag": "tag",
        },
    },
)
CONTAINER_LIST = Export(
    "modal container list",
    {
        _HEADING: {
            "Container ID": "container_id",
            "App ID": "app_id",
            "App Name": "app_name",
            "Start Time": "start_time",
        },
    },
)
CSV_COLUMNS = BILLING_REPORT.spellings[_HEADING]
EXPORTS: Mapping[str, Export] = {
    "billing_report": BILLING_REPORT,
    "app_list": APP_LIST,
    "app_history": APP_HISTORY,
    "container_list": CONTAINER_LIST,
}

_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
_BOXED = re.compile(r"^\s*[┏┌].*\n\s*[┃│]", re.MULTILINE)
# JSON of rows begins a line with a bracket and what may follow one; "[WARNING]" and "[12:00]" do not look like that.
_JSON_BEGINS = re.compile(r"""[\[{]\s*(?:$|[\[{"\]}])""")
# What a piece of JSON would leave in a line: then it is no warning, and cutting it off would lose rows.
_PIECE_OF_JSON = re.compile(r"""^["\]},]|":|"}|}]|"]""")
_PIECE_OF_CSV = re.compile(r"(?:[^,]*,){3}")
_PEEKED_BYTES = 4096


def without_colour(text: str) -> str:
    """Take the escape codes out of what was printed for a terminal; JSON and Modal's CSV have none of their own."""
    return _ESCAPE.sub("", text) if "\x1b" in text else text


def bare_json(text: str) -> str:
    """Return the JSON in what a client printed; lines above it become empty, so that lines keep their numbers."""
    text = without_colour(text)
    if _JSON_BEGINS.match(text.lstrip().partition("\n")[0]):
        return text
    lines = text.split("\n")
    start = next((number for number, line in enumerate(lines) if _JSON_BEGINS.match(line)), 0)
    if any(_PIECE_OF_JSON.search(line.strip()) for line in lines[:start]):
        return text
    return "\n" * start + "\n".join(lines[start:])


def bare_csv(text: str, header: str) -> tuple[int, str]:
    """Return how many lines stand above the header of a CSV, and the text without them; `header` is how it begins."""
    lines = text.split("\n")
    start = next((number for number, line in enumerate(lines) if line.startswith(header)), 0)
    if any(_PIECE_OF_CSV.match(line) for line in lines[:start]):
        return 0, text
    return start, "\n".join(lines[start:])


def is_boxed(text: str) -> bool:
    """Tell whether a text is a table in boxes, as the clients print it for a terminal."""
    return _BOXED.search(text) is not None


def printed_head(path: Path) -> str:
    """Return how a file begins, without colours; empty when it cannot be read."""
    try:
        require_regular(path)
        with path.open("rb") as file:
            return without_colour(file.read(_PEEKED_BYTES).decode("utf-8-sig", errors="replace"))
    except (UnboundedFileError, OSError):
        return ""


def boxed(fix: str) -> RejectionError:
    """Word the refusal of a table in boxes."""
    return RejectionError(
        "a table in boxes, as the modal client prints it without --json",
        detail="Its values are cut off at the width of the terminal: ids, names and amounts are lost.",
        fix=fix,
    )
