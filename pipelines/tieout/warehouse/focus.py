"""The bill as FOCUS files, which any FinOps tool loads: a CSV and a Parquet file for every billing month.

They come from finance's file, so that a run that writes the warehouse is never in the way. A month is one file because
a month is on an invoice or is not. Every file is read back before it takes its place: what it says was charged is what
finance's tables say, digit for digit.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb

from tieout.core.files import written_whole
from tieout.core.money import format_usd
from tieout.core.sql import literal
from tieout.warehouse.connection import WarehouseError
from tieout.warehouse.models import Model, model_named

FOCUS_MODELS = {"1.2": "focus.cost_and_usage_1_2", "1.4": "focus.cost_and_usage_1_4"}
"""The versions of FOCUS that can be exported, and the table of each."""

_TIMES = ("BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd")

_EXPECTED = """
select
    count(*) as row_count,
    sum(f.BilledCost)::decimal(38, 12) as billed_usd,
    any_value(
        case when f.x_Interval = 'month' then m.billed_usd + coalesce(m.invoice_rounding_usd, 0) end
    ) as summary_usd,
    any_value(m.attributed_usd) as attributed_usd,
    sum(case when f.x_Function is not null then f.BilledCost else 0 end)::decimal(38, 12) as allocated_usd
from {table} as f
left join finance.reconciliation_monthly as m on f.BillingPeriodStart::date = m.month
where f.BillingPeriodStart::date = $month
"""


@dataclass(frozen=True)
class FocusFile:
    """A file as it was written and read back.

    Attributes:
        path: where it is.
        month: first day of the billing month.
        rows: charges in it.
        billed_usd: sum of BilledCost, exact.
        is_closed: it holds the lines of the monthly summary, so its sum is what Modal charges for the month,
            and on an invoice its total.
    """

    path: Path
    month: date
    rows: int
    billed_usd: Decimal
    is_closed: bool


@dataclass(frozen=True)
class _Month:
    month: date
    rows: int
    billed_usd: Decimal
    is_closed: bool


def export_focus(con: duckdb.DuckDBPyConnection, version: str, directory: Path) -> tuple[FocusFile, ...]:
    """Write every billing month as CSV and as Parquet; rows stand in the order of the model's key.

    Files of the same months are replaced, each when its successor is complete. See docs/focus.md.

    Args:
        con: finance's file, opened by `read_published`.
        version: of FOCUS, a key of `FOCUS_MODELS`.
        directory: gets the files; it is made if need be.

    Raises:
        WarehouseError: finance's file has no FOCUS tables, or a month does not come to what was billed.
    """
    model = model_named(FOCUS_MODELS[version])
    months = [_tied(con, model, month) for month in _months(con, model)]
    directory.mkdir(parents=True, exist_ok=True)
    return tuple(
        _write(con, model, month, directory / f"focus-{version}-{month.month:%Y-%m}.{form}")
        for month in months
        for form in ("csv", "parquet")
    )


def _months(con: duckdb.DuckDBPyConnection, model: Model) -> list[date]:
    select = f"select distinct BillingPeriodStart::date as month from {model.name} order by month"  # noqa: S608
    try:
        return [month for (month,) in con.execute(select).fetchall()]
    except duckdb.CatalogException:
        raise WarehouseError(
            f"finance.duckdb has no table {model.name}: an older version of Tieout published it",
            remedy="`tieout run` publishes it again.",
        ) from None


def _tied(con: duckdb.DuckDBPyConnection, model: Model, month: date) -> _Month:
    """Hold a month against finance's other tables: the bill as attributed, and with a summary what Modal charges.

    On an invoice in dollars, what Modal charges is rounded to the invoice's decimals.
    """
    [(rows, billed, summary, attributed, allocated)] = con.execute(
        _EXPECTED.format(table=model.name), {"month": month}
    ).fetchall()
    expected = attributed if summary is None else summary
    if allocated != attributed or billed != expected:
        raise WarehouseError(
            f"the charges come to {format_usd(billed, 12)} and the bill to {format_usd(expected, 12)}; "
            "nothing is written",
            place=f"{model.name}, {month:%Y-%m}",
            remedy="`tieout sql months` shows which step of the month is off.",
        )
    return _Month(month, rows, billed, summary is not None)


def _write(con: duckdb.DuckDBPyConnection, model: Model, month: _Month, path: Path) -> FocusFile:
    """Write a file beside its place, read it back, and move it there."""
    is_text = path.suffix == ".csv"
    options = "format csv, header true" if is_text else "format parquet, compression snappy"
    order = ", ".join(f"{column} nulls first" for column in model.key)
    with written_whole(path) as partial:
        con.execute(
            f"copy (select * replace ({', '.join(_time(name, is_text=is_text) for name in _TIMES)}) "  # noqa: S608
            f"from {model.name} where BillingPeriodStart::date = date '{month.month}' order by {order}) "
            f"to {literal(str(partial))} ({options})"
        )
        if _read_back(con, partial, is_text=is_text) != (month.rows, month.billed_usd):
            raise WarehouseError(
                "what was written reads back differently", place=path, remedy="Check the disk, then export again."
            )
    return FocusFile(path, month.month, month.rows, month.billed_usd, month.is_closed)


def _time(column: str, *, is_text: bool) -> str:
    """UTC in the form that FOCUS prescribes for text, and as an instant elsewhere."""
    if is_text:
        return f"strftime({column}, '%Y-%m-%dT%H:%M:%SZ') as {column}"
    return f"timezone('UTC', {column}) as {column}"


def _read_back(con: duckdb.DuckDBPyConnection, path: Path, *, is_text: bool) -> tuple[int, Decimal]:
    reader = "read_csv($path, header = true, all_varchar = true)" if is_text else "read_parquet($path)"
    [(rows, billed)] = con.execute(
        f"select count(*), sum(BilledCost::decimal(38, 12))::decimal(38, 12) from {reader}",  # noqa: S608
        {"path": str(path)},
    ).fetchall()
    return int(rows), billed
