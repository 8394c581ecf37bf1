"""What is run as a whole: `load` brings in what was landed, `week` does that and makes everything up to the report."""

import dagster as dg

from tieout.defs.checks import PROGRAMME, table_key
from tieout.defs.mail import WEEKLY_MAIL
from tieout.defs.pull import PULLED
from tieout.defs.raw import RAW_TABLES

load = dg.define_asset_job(
    "load",
    selection=dg.AssetSelection.assets(PROGRAMME, *(table_key(f"raw.{table.name}") for table in RAW_TABLES)),
    description="Load what is new in the landing folder.",
)

pull = dg.define_asset_job(
    "pull",
    selection=dg.AssetSelection.assets(PULLED),
    description="Bring from Modal what is missing or may still change.",
)

week = dg.define_asset_job(
    "week",
    selection=dg.AssetSelection.all().materializable() - dg.AssetSelection.assets(WEEKLY_MAIL, PULLED),
    description="Load what is new, build every table for the chosen weeks, and write their reports.",
)
