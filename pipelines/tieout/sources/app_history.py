"""`modal app history APP --json`: the deployments of an app. The rows do not name the app: the path does."""

import pyarrow as pa

from tieout.sources.fields import UTC_MICROSECONDS, ParsedFile, load_records, row_numbers
from tieout.sources.landing import LandingFile, RejectionError, Sidecar, path_keys


def parse(text: str, file: LandingFile, sidecar: Sidecar | None) -> ParsedFile:
    """Read one snapshot of an app's deployments.

    Times carry the offset of the machine that asked and are converted to UTC; `tag` is absent unless one was used.

    Raises:
        RejectionError: no app in the path, or a row that cannot be read.
    """
    if path_keys(file).app is None:
        raise RejectionError(
            "the path does not say which app this is",
            fix="Move it to app_history/app=<app>/<date>.json, with the name percent-encoded.",
        )
    records = load_records(text)
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
