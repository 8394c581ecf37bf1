"""`modal billing summary --for 2026-10 --json`: what a month was metered at, adjusted by and billed.

The JSON has no month: it comes from the sidecar's range, else from the file's name.
"""

import datetime as dt
from decimal import Decimal

import pyarrow as pa

from pipelines.sources.fields import USD, ParsedFile, Record, as_record, load_record, row_numbers
from pipelines.sources.landing import LandingFile, RejectionError, Sidecar


def parse(text: str, file: LandingFile, sidecar: Sidecar | None) -> ParsedFile:
    """Read one month's summary: columns month, kind, name, amount_usd.

    Raises:
        RejectionError: no month, a missing part, or an amount that is not exact.
    """
    month = _month(file, sidecar)
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


def _month(file: LandingFile, sidecar: Sidecar | None) -> dt.date:
    if sidecar is not None and sidecar.range_start is not None:
        return sidecar.range_start.date().replace(day=1)
    if file.month_in_name is None:
        raise RejectionError(
            "neither the file's name nor a sidecar says which month it is about",
            fix="Name it after its month: billing_summary/2026-10.json.",
        )
    return file.month_in_name


def _amounts(summary: Record) -> list[tuple[str, str, Decimal]]:
    amounts = [
        ("metered", "metered_cost", summary.usd("metered_cost")),
        ("billed", "billed_cost", summary.usd("billed_cost")),
    ]
    for kind, part in (("adjustment", "adjustments"), ("breakdown", "metered_cost_breakdown")):
        named = as_record(part, summary.value(part))
        amounts += [(kind, name, named.usd(name)) for name in named.fields]
    return amounts
