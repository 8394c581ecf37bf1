"""Assembles the workspace's Dagster definitions, which `tieout ui` loads and serves behind its guard."""

from pathlib import Path

import dagster as dg

from tieout.core.environment import catalog_or_default, home_or_default
from tieout.core.home import Home
from tieout.defs.alerts import alert_schedule, alerts
from tieout.defs.calendar import read_calendar
from tieout.defs.columns import with_columns
from tieout.defs.daily import daily_schedule, run_after_pull
from tieout.defs.finance import published_file
from tieout.defs.freshness import with_freshness
from tieout.defs.jobs import load, pull, week
from tieout.defs.landing import landing_assets
from tieout.defs.mail import mail, mail_asset
from tieout.defs.models import model_assets
from tieout.defs.pull import pulled
from tieout.defs.raw import programme, raw_tables
from tieout.defs.reports import report_asset
from tieout.defs.runs import run
from tieout.defs.schedules import mail_schedules
from tieout.defs.workspace import named_workspace, open_workspace


def definitions_of(home: Home, catalog: Path) -> dg.Definitions:
    """Put together everything for one workspace."""
    calendar = read_calendar(home, catalog)
    assets: list[dg.AssetsDefinition | dg.AssetSpec] = [
        pulled,
        *landing_assets(calendar.daily),
        programme,
        raw_tables,
        model_assets(),
        published_file,
        report_asset(),
        mail_asset(),
    ]
    return dg.Definitions(
        assets=with_columns(home, with_freshness(home, assets)),
        jobs=[run, pull, load, week, mail, alerts],
        schedules=[daily_schedule(home), *mail_schedules(home, catalog), alert_schedule(home, catalog)],
        sensors=[run_after_pull],
        resources={
            "modal": named_workspace(home, catalog),
            "workspace": open_workspace(home, catalog),
            "mailroom": named_workspace(home, catalog),
        },
        executor=dg.in_process_executor,  # one process writes the warehouse
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The workspace that the environment names."""
    home = home_or_default(None)
    return definitions_of(home, catalog_or_default(None, home))
