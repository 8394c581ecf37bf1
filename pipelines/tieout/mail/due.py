"""Which weeks are to be mailed by themselves: on Mondays at eight, and whatever was missed or made anew since.

The first time it is the newest finished week, never the whole past. From then on every week counts, each as often as
its report is made anew: a week that was not final, was held back, or has got a new revision is looked at again.
"""

import datetime as dt
import zoneinfo
from collections.abc import Mapping

import duckdb

from tieout.core.periods import IsoWeek, day_start
from tieout.core.sql import relations

MAIL_HOUR = 8

_MADE = "select week, input_hash from meta.report_inputs"


def reports_made(con: duckdb.DuckDBPyConnection) -> dict[IsoWeek, str]:
    """Return every week whose report was made, and the hash of what it was made of."""
    if "meta.report_inputs" not in relations(con):
        return {}
    return {IsoWeek.parse(week): digest for week, digest in con.execute(_MADE).fetchall()}


def due_at(week: IsoWeek, timezone: str) -> dt.datetime:
    """Return when a week's mail is due (UTC): on the Monday after it at eight, but not before it has ended in UTC."""
    monday = dt.datetime.combine(week.end, dt.time(MAIL_HOUR), zoneinfo.ZoneInfo(timezone))
    return max(monday.astimezone(dt.UTC), day_start(week.end).replace(tzinfo=dt.UTC))


def due_weeks(
    made: Mapping[IsoWeek, str],
    looked_at: Mapping[IsoWeek, str],
    *,
    timezone: str,
    now: dt.datetime,
) -> tuple[IsoWeek, ...]:
    """Return the weeks to look at, oldest first.

    Args:
        made: every week whose report was made, with the hash of what it was made of.
        looked_at: the weeks that were looked at so far, with the hash of then.
        timezone: of the hour, an IANA name.
        now: UTC.
    """
    due = [week for week in sorted(made) if due_at(week, timezone) <= now]
    first = min(looked_at, default=due[-1] if due else None)
    return tuple(week for week in due if first is not None and week >= first and looked_at.get(week) != made[week])
