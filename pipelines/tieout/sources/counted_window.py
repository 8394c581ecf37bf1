"""The window that Modal counted something in: a control total can be held against a day only if it is of one."""

import datetime as dt

from tieout.sources.fields import Record

ONE_DAY = "Export it for one UTC day: --since 2026-11-02T00:00:00Z --until 2026-11-03T00:00:00Z."


def window_within_a_day(record: Record, *, fix: str = ONE_DAY) -> tuple[dt.datetime, dt.datetime]:
    """Return since and until of an export, naive UTC.

    Raises:
        RejectionError: a window that ends before it begins, or that is not within one UTC day.
    """
    since, until = record.time("since"), record.time("until")
    if since >= until:
        record.refuse("until", f"is {until}, not after since, {since}", fix=fix)
    if (until - dt.timedelta(microseconds=1)).date() != since.date():
        record.refuse("until", f"is {until}, and since is {since}: counts of several days tell of none", fix=fix)
    return since, until
