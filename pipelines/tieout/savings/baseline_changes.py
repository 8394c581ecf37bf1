"""How today's data, catalog and method differ from the frozen baseline.

Every difference is a finding until the baseline is frozen again; the saving stays on the frozen figures.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from tieout.catalog.models import Catalog
from tieout.core.findings import Finding, Severity
from tieout.core.money import SCALE, format_usd, from_picodollars, to_picodollars
from tieout.savings.baseline_lock import LOCK_NAME, PROJECTION_FILE, BaselineLock, by_function_and_day
from tieout.savings.days import BaselinePeriod, FunctionDay

# A ledger: new rows are its purpose, so they are told but no warning.
LEDGER_FILE = "adjustments.yaml"


class LockFinding(StrEnum):
    """Codes of what differs from the frozen baseline."""

    BASELINE_RESTATED = "baseline_restated"
    BASELINE_DATES = "baseline_dates_differ"
    BASELINE_OVERLAPS = "baseline_overlaps_deployment"
    CATALOG_EDITED = "catalog_edited"
    PROJECTION_EDITED = "projection_edited"
    METHOD_CHANGED = "method_changed"


@dataclass(frozen=True)
class RestatedDay:
    """A function's day of the baseline whose data differ from the frozen ones."""

    function: str
    day: dt.date
    frozen_calls: int
    current_calls: int
    frozen_usd: Decimal
    current_usd: Decimal

    @property
    def moved_usd(self) -> Decimal:
        """Cost now less cost as frozen."""
        return from_picodollars(to_picodollars(self.current_usd) - to_picodollars(self.frozen_usd))


def compare(
    lock: BaselineLock,
    series: Iterable[FunctionDay],
    catalog: Catalog,
    *,
    method_version: str,
    baseline: BaselinePeriod | None = None,
) -> list[Finding]:
    """Say how today's data, catalog and method differ from the frozen ones; nothing to say gives an empty list.

    Args:
        lock: the frozen baseline.
        series: today's values per function and day; a missing day is a day without calls and cost.
        catalog: today's programme.
        method_version: today's version of docs/reference/rules.md.
        baseline: the days that would be frozen today; None when they are not known.

    Raises:
        ValueError: a function has two values for one day.
    """
    return [
        *_restatement_findings(restated_days(lock, series)),
        *_date_findings(lock, catalog, baseline),
        *_file_findings(lock, catalog),
        *_method_findings(lock, method_version),
    ]


def restated_days(lock: BaselineLock, series: Iterable[FunctionDay]) -> list[RestatedDay]:
    """List the baseline's days whose calls or cost differ from the frozen ones, by function and day.

    Raises:
        ValueError: a function has two values for one day.
    """
    current = by_function_and_day(series, lock.baseline)
    frozen = {(value.function, value.day): value for value in lock.series}
    days = []
    for function, day in sorted(frozen.keys() | current.keys()):
        nothing = FunctionDay(function, day, 0, from_picodollars(0))
        then, now = frozen.get((function, day), nothing), current.get((function, day), nothing)
        if (then.successful_calls, then.cost_usd) != (now.successful_calls, now.cost_usd):
            calls = then.successful_calls, now.successful_calls
            days.append(RestatedDay(function, day, *calls, then.cost_usd, now.cost_usd))
    return days


def _restatement_findings(days: Sequence[RestatedDay]) -> Iterator[Finding]:
    for function in dict.fromkeys(day.function for day in days):
        own = [day for day in days if day.function == function]
        moved = from_picodollars(sum(to_picodollars(day.moved_usd) for day in own))
        calls = sum(day.current_calls - day.frozen_calls for day in own)
        count = "1 baseline day has" if len(own) == 1 else f"{len(own)} baseline days have"
        yield Finding(
            LockFinding.BASELINE_RESTATED,
            Severity.WARNING,
            function,
            f"{count} changed since the baseline was frozen, by {_signed_usd(moved)} and {_signed(calls)} calls; the "
            "saving stays on the frozen figures.",
            {
                "moved_usd": str(moved),
                "moved_calls": str(calls),
                "days": str(len(own)),
                **{day.day.isoformat(): _movement(day) for day in own},
            },
        )


def _movement(day: RestatedDay) -> str:
    cost = f"{_usd(day.frozen_usd)} → {_usd(day.current_usd)} ({_signed_usd(day.moved_usd)})"
    return f"{cost}, {day.frozen_calls:,} → {day.current_calls:,} calls"


def _usd(amount: Decimal) -> str:
    """To the cent, or in full where rounding to the cent would hide the difference."""
    return format_usd(amount, 2 if amount == round(amount, 2) else SCALE)


def _signed_usd(amount: Decimal) -> str:
    return f"+{_usd(amount)}" if amount > 0 else _usd(amount)


def _signed(count: int) -> str:
    return f"{count:+,}".replace("-", "−") if count else "0"


def _date_findings(lock: BaselineLock, catalog: Catalog, baseline: BaselinePeriod | None) -> Iterator[Finding]:
    frozen = {"frozen_start": lock.baseline.start.isoformat(), "frozen_end": lock.baseline.end.isoformat()}
    if baseline is not None and baseline != lock.baseline:
        yield Finding(
            LockFinding.BASELINE_DATES,
            Severity.WARNING,
            LOCK_NAME,
            f"Today's data and rollout would give a baseline from {baseline.start} to {baseline.end}; frozen is "
            f"{lock.baseline.start} to {lock.baseline.end}, end exclusive.",
            {**frozen, "current_start": baseline.start.isoformat(), "current_end": baseline.end.isoformat()},
        )
    for phase in catalog.rollout.phases:
        if phase.deployed_at.date() < lock.baseline.end:
            yield Finding(
                LockFinding.BASELINE_OVERLAPS,
                Severity.WARNING,
                phase.id,
                f"The catalog says that {phase.id} was deployed on {phase.deployed_at.date()}, before the frozen "
                f"baseline ends on {lock.baseline.end}.",
                {**frozen, "deployed_at": phase.deployed_at.isoformat()},
            )


def _file_findings(lock: BaselineLock, catalog: Catalog) -> Iterator[Finding]:
    for name in sorted(lock.catalog_sha256.keys() | catalog.file_sha256.keys()):
        frozen, current = lock.catalog_sha256.get(name), catalog.file_sha256.get(name)
        if frozen == current:
            continue
        change = "is new" if frozen is None else "is gone" if current is None else "was edited"
        projection = name == PROJECTION_FILE
        also = " The claim is the yardstick and is never edited." if projection else ""
        yield Finding(
            LockFinding.PROJECTION_EDITED if projection else LockFinding.CATALOG_EDITED,
            Severity.INFO if name == LEDGER_FILE else Severity.WARNING,
            name,
            f"{name} {change} since the baseline was frozen.{also}",
            {"frozen_sha256": frozen or "none", "current_sha256": current or "none"},
        )


def _method_findings(lock: BaselineLock, method_version: str) -> Iterator[Finding]:
    if lock.method_version != method_version:
        yield Finding(
            LockFinding.METHOD_CHANGED,
            Severity.WARNING,
            LOCK_NAME,
            f"The baseline was frozen under method {lock.method_version}; the report follows method {method_version}.",
            {"frozen_version": lock.method_version, "current_version": method_version},
        )
