"""A report's printed figures, with the exact cost behind them and what they were computed from."""

import duckdb

from tieout.report.contents import WeeklyReport
from tieout.warehouse.closed_week import ClosedSaving, Figures
from tieout.warehouse.closings import closed_amounts, code_sha256
from tieout.warehouse.week_inputs import INPUT_VERSION, contents_for, deliveries_for


def read_figures(con: duckdb.DuckDBPyConnection, report: WeeklyReport) -> Figures:
    """Take a report's figures, with the exact cost behind them and what they were computed from."""
    headline, inputs = report.headline, report.inputs
    return Figures(
        as_of=inputs.as_of,
        input_sha256=inputs.sha256,
        input_version=INPUT_VERSION,
        catalog_sha256=inputs.catalog_sha256,
        baseline_sha256=inputs.baseline_sha256,
        code_sha256=code_sha256(),
        method_version=report.method_version,
        status=headline.standing.state,
        avoided_usd=headline.avoided_usd,
        half_width_usd=headline.half_width_usd,
        amounts=closed_amounts(con, report.week),
        savings=tuple(
            ClosedSaving(
                function=line.function,
                avoided_usd=line.avoided_usd,
                half_width_usd=line.half_width_usd,
                status=line.standing.state,
            )
            for group in report.savings.groups
            for line in group.lines
        ),
        deliveries=tuple(dict.fromkeys(delivery.identity for delivery in deliveries_for(con, report.week))),
        contents=tuple(dict.fromkeys(sha256 for _, sha256, _ in contents_for(con, report.week))),
    )
