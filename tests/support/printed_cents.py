"""The cents that are printed, of what a test has put into `spend.hourly` by hand."""

import duckdb

from tieout.core.periods import IsoWeek
from tieout.warehouse.build import Period, write_model
from tieout.warehouse.models import model_named


def allocate_cents(con: duckdb.DuckDBPyConnection) -> None:
    """Write the tables of printed cents for all weeks that cost something, as a build does after their spend."""
    [(first, last)] = con.execute("select min(hour)::date, max(hour)::date from spend.hourly").fetchall()
    if first is not None:
        for name in ("spend.weekly_cents", "spend.no_call_cents"):
            write_model(con, model_named(name), Period(IsoWeek.of(first).start, IsoWeek.of(last).end))
