"""Assembles the workspace's Dagster definitions; `dagster dev -m pipelines.definitions` loads them."""

from pathlib import Path

import dagster as dg

from pipelines.core.home import Home
from pipelines.defs.calendar import read_calendar
from pipelines.defs.jobs import load, week
from pipelines.defs.landing import landing_assets
from pipelines.defs.models import model_assets
from pipelines.defs.raw import programme, raw_tables
from pipelines.defs.reports import report_asset
from pipelines.defs.surroundings import catalog_or_default, home_or_default
from pipelines.defs.workspace import Workspace


def definitions_of(home: Home, catalog: Path) -> dg.Definitions:
    """Put together everything for one workspace."""
    calendar = read_calendar(home, catalog)
    return dg.Definitions(
        assets=[
            *landing_assets(calendar.daily),
            programme,
            raw_tables,
            *model_assets(calendar.weekly),
            report_asset(calendar.weekly),
        ],
        jobs=[load, week],
        resources={"workspace": Workspace(home=str(home.root), catalog=str(catalog))},
        executor=dg.in_process_executor,  # one process writes the warehouse
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The workspace that the environment names."""
    return definitions_of(home_or_default(None), catalog_or_default(None))
