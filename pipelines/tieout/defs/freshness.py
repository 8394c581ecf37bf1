"""How old the landed bill, the spend, the report and the mail may be before Dagster says so."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import dagster as dg

from tieout.core.home import Home
from tieout.defs.checks import table_key
from tieout.defs.landing import landing_key
from tieout.defs.mail import WEEKLY_MAIL
from tieout.defs.reports import WEEKLY_REPORT

# The pull of every day keeps them fresh; a mail goes out every week, a day or two later when its week is final late.
_DAILY = dg.FreshnessPolicy.time_window(fail_window=dt.timedelta(hours=50), warn_window=dt.timedelta(hours=26))
_WEEKLY = dg.FreshnessPolicy.time_window(fail_window=dt.timedelta(days=10), warn_window=dt.timedelta(days=8))
_POLICIES = {
    landing_key("billing_report"): _DAILY,
    table_key("spend.hourly"): _DAILY,
    WEEKLY_REPORT: _DAILY,
    WEEKLY_MAIL: _WEEKLY,
}


def with_freshness(home: Home, assets: Iterable[dg.AssetsDefinition | dg.AssetSpec]) -> list[Any]:
    """Say how old an asset may be; a simulated workspace does not age."""
    if home.simulation.exists():
        return list(assets)

    def ageing(spec: dg.AssetSpec) -> dg.AssetSpec:
        return spec.replace_attributes(freshness_policy=_POLICIES[spec.key]) if spec.key in _POLICIES else spec

    return list(dg.map_asset_specs(ageing, assets))
