"""`modal app info APP --json`: the functions and the servers that an app is deployed with.

A server answers requests, not calls: no call log ever shows one.
"""

import pyarrow as pa

from tieout.sources.fields import ParsedFile, Record, as_record, load_record, row_numbers
from tieout.sources.landing import LandingFile, Sidecar
from tieout.sources.tables import FILE_ID, ROW_NUMBER, Column, Table

TABLE = Table(
    "app_info",
    "One row per function or server that an app was deployed with as a snapshot saw it; the app is in raw.files.",
    (
        FILE_ID,
        ROW_NUMBER,
        Column("app_id", "VARCHAR", "Modal's id of the app"),
        Column("state", "VARCHAR", "deployed, stopped and so on"),
        Column("kind", "VARCHAR", "function or server"),
        Column("name", "VARCHAR", "Name of the function or server"),
        Column("object_id", "VARCHAR", "Modal's id of it"),
    ),
)


def parse(text: str, file: LandingFile, sidecar: Sidecar | None) -> ParsedFile:
    """Read what one app was deployed with, functions before servers.

    A client that does not know servers yet prints none.

    Raises:
        RejectionError: a field that cannot be read.
    """
    info = load_record(text)
    app_id, state = info.text("app_id"), as_record("lifecycle", info.value("lifecycle")).text("state")
    entries = [*_entries(info, "function"), *_entries(info, "server")]
    rows = pa.table(
        {
            "row_number": row_numbers(len(entries)),
            "app_id": pa.array([app_id] * len(entries), pa.string()),
            "state": pa.array([state] * len(entries), pa.string()),
            "kind": pa.array([kind for kind, _, _ in entries], pa.string()),
            "name": pa.array([name for _, name, _ in entries], pa.string()),
            "object_id": pa.array([object_id for _, _, object_id in entries], pa.string()),
        }
    )
    return ParsedFile(rows)


def _entries(info: Record, kind: str) -> list[tuple[str, str, str]]:
    listed = f"{kind}s"
    if kind == "server" and listed not in info.fields:
        return []
    named = as_record(listed, info.value(listed))
    return [(kind, name, as_record(f"{kind} {name}", named.value(name)).text("id")) for name in named.names()]
