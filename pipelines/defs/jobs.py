"""What is run as a whole: `load` brings in what was landed, `week` does that and makes everything up to the report."""

import dagster as dg

from pipelines.defs.checks import table_key
from pipelines.defs.raw import PROGRAMME, RAW_TABLES

load = dg.define_asset_job(
    "load",
    selection=dg.AssetSelection.assets(PROGRAMME, *(table_key(f"raw.{table.name}") for table in RAW_TABLES)),
    description="Load what is new in the landing folder.",
)

week = dg.define_asset_job(
    "week",
    selection=dg.AssetSelection.all().materializable(),
    description="Load what is new, build every table for the chosen weeks, and write their reports.",
)
