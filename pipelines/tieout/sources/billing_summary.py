"""`modal billing summary --for 2026-10 --json`: what a month was metered at, adjusted by and billed.

The JSON has no month: it comes from the sidecar's range, else from the file's name.
"""

from decimal import Decimal

import pyarrow as pa

from tieout.sources.fields import USD, ParsedFile, Record, as_record, load_record, row_numbers
from tieout.sources.landing import LandingFile, Sidecar, month_of
from tieout.sources.tables import FILE_ID, ROW_NUMBER, Column, Table

TABLE = Table(
    "billing_summary",
    "One row per amount in a month's billing summary.",
    (
        FILE_ID,
        ROW_NUMBER,
        Column("month", "DATE", "First day of the UTC month"),
        Column("kind", "VARCHAR", "metered, billed, adjustment or breakdown"),
        Column("name", "VARCHAR", "Name of the amount as Modal writes it"),
        Column("amount_usd", "DECIMAL(38, 12)", "The amount, exactly as printed"),
    ),
)


def parse(text: str, file: LandingFile, sidecar: Sidecar | None) -> ParsedFile:
    """Read one month's summary: columns month, kind, name, amount_usd.

    Raises:
        RejectionError: no month, a missing part, or an amount that is not exact.
    """
    month = month_of(file, sidecar)
    amounts = _amounts(load_record(text))
    rows = pa.table(
        {
            "row_number": row_numbers(len(amounts)),
            "month": pa.array([month] * len(amounts), pa.date32()),
            "kind": pa.array([kind for kind, _, _ in amounts], pa.string()),
            "name": pa.array([name for _, name, _ in amounts], pa.string()),
            "amount_usd": pa.array([amount for _, _, amount in amounts], USD),
        }
    )
    return ParsedFile(rows, month=month)


def _amounts(summary: Record) -> list[tuple[str, str, Decimal]]:
    amounts = [
        ("metered", "metered_cost", summary.usd("metered_cost")),
        ("billed", "billed_cost", summary.usd("billed_cost")),
    ]
    for kind, part in (("adjustment", "adjustments"), ("breakdown", "metered_cost_breakdown")):
        named = as_record(part, summary.value(part))
        amounts += [(kind, name, named.usd(name)) for name in named.names()]
    return amounts
