"""`modal app history APP --json`: the deployments of an app. The rows do not name the app: the path does."""

import pyarrow as pa

from tieout.sources.dialects import APP_HISTORY
from tieout.sources.fields import UTC_MICROSECONDS, ParsedFile, load_records, row_numbers
from tieout.sources.landing import LandingFile, Sidecar
from tieout.sources.tables import FILE_ID, ROW_NUMBER, Column, Table

TABLE = Table(
    "app_history",
    "One row per deployment of an app as a snapshot saw it; the app is in raw.files.",
    (
        FILE_ID,
        ROW_NUMBER,
        Column("version", "VARCHAR", "Deployment version, like v3"),
        Column("deployed_at", "TIMESTAMP", "When it was deployed"),
        Column("client_version", "VARCHAR", "Version of the modal client that deployed it"),
        Column("deployed_by", "VARCHAR", "Who deployed it"),
        Column("commit_hash", "VARCHAR", "Short commit; * marks uncommitted changes"),
        Column("tag", "VARCHAR", "Deployment tag, if any"),
    ),
)


def parse(text: str, file: LandingFile, sidecar: Sidecar | None) -> ParsedFile:
    """Read one snapshot of an app's deployments.

    Times carry the offset of the machine that asked and are converted to UTC; `tag` is absent unless one was used.

    Raises:
        RejectionError: a row that cannot be read.
    """
    records = load_records(text, APP_HISTORY)
    rows = pa.table(
        {
            "row_number": row_numbers(len(records)),
            "version": pa.array([record.text("version") for record in records], pa.string()),
            "deployed_at": pa.array([record.optional_time("time_deployed") for record in records], UTC_MICROSECONDS),
            "client_version": pa.array([record.optional_text("client") for record in records], pa.string()),
            "deployed_by": pa.array([record.optional_text("deployed_by") for record in records], pa.string()),
            "commit_hash": pa.array([record.optional_text("commit") for record in records], pa.string()),
            "tag": pa.array([record.optional_text("tag") for record in records], pa.string()),
        }
    )
    return ParsedFile(rows)
