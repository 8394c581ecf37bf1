"""`modal billing rates --json`: Modal's current list prices. There is no history, so every snapshot is kept."""

import pyarrow as pa

from tieout.sources.fields import USD, ParsedFile, load_record, row_numbers
from tieout.sources.landing import LandingFile, Sidecar
from tieout.sources.tables import FILE_ID, ROW_NUMBER, Column, Table

TABLE = Table(
    "billing_rates",
    "One row per list price in a snapshot of Modal's rates.",
    (
        FILE_ID,
        ROW_NUMBER,
        Column("rate_name", "VARCHAR", "Name of the rate as Modal writes it"),
        Column("usd_per_hour", "DECIMAL(38, 12)", "Price per hour (volumes: per GiB and month)"),
    ),
)


def parse(text: str, file: LandingFile, sidecar: Sidecar | None) -> ParsedFile:
    """Read one snapshot of prices: columns rate_name, usd_per_hour. What it is valid for, its delivery says.

    Raises:
        RejectionError: a price that is not exact.
    """
    rates = load_record(text)
    names = rates.names()
    rows = pa.table(
        {
            "row_number": row_numbers(len(names)),
            "rate_name": pa.array(names, pa.string()),
            "usd_per_hour": pa.array([rates.usd(name) for name in names], USD),
        }
    )
    return ParsedFile(rows)
