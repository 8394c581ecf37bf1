"""`modal environment billing summary ENVIRONMENT --for 2026-10 --json`: what it was metered at in a month."""

from decimal import Decimal

import pyarrow as pa

from tieout.sources.fields import USD, ParsedFile, as_record, load_record, row_numbers
from tieout.sources.landing import LandingFile, Sidecar, month_of
from tieout.sources.tables import FILE_ID, ROW_NUMBER, Column, Table

TABLE = Table(
    "environment_billing",
    "One row per amount in the month's billing summary of an environment; the environment is in raw.files.",
    (
        FILE_ID,
        ROW_NUMBER,
        Column("month", "DATE", "First day of the UTC month"),
        Column("kind", "VARCHAR", "metered or breakdown"),
        Column("name", "VARCHAR", "Name of the amount as Modal writes it"),
        Column("amount_usd", "DECIMAL(38, 12)", "The amount, exactly as printed"),
    ),
)


def parse(text: str, file: LandingFile, sidecar: Sidecar | None) -> ParsedFile:
    """Read one month of an environment: columns month, kind, name, amount_usd.

    Raises:
        RejectionError: no month, a missing part, or an amount that is not exact.
    """
    month, summary = month_of(file, sidecar), load_record(text)
    breakdown = as_record("metered_cost_breakdown", summary.value("metered_cost_breakdown"))
    amounts: list[tuple[str, str, Decimal]] = [
        ("metered", "metered_cost", summary.usd("metered_cost")),
        *(("breakdown", name, breakdown.usd(name)) for name in breakdown.names()),
    ]
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
