"""Bringing a workspace up to date, once and in order: load, check, build, report, publish.

There is one such pass, whoever asks for it: Python, the command line, or Dagster. Whoever wants to know what it does
hands in a listener, which hears of every step once it is done for good, and of nothing that was not done.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tieout.core.periods import IsoWeek
from tieout.warehouse.build import Build, Period
from tieout.warehouse.connection import WarehouseError
from tieout.warehouse.models import Model, all_models, reported_models
from tieout.warehouse.weeks import consecutive

if TYPE_CHECKING:
    from pathlib import Path

    from tieout.report.contents import WeeklyReport
    from tieout.report.formats.charts import Chart
    from tieout.sources import LoadResult
    from tieout.validation.results import ValidationResult
    from tieout.warehouse.publish import PublishedFile
    from tieout.workspace.facade import Workspace


@dataclass(frozen=True)
class BrokenRule:
    """A critical expectation that the data break."""

    table: str
    summary: str


class GateError(WarehouseError):
    """The data break a critical rule; nothing was built from them, and the rows are in `quarantine.rows`.

    Attributes:
        broken: the rules, in the order in which their tables were checked.
    """

    def __init__(self, broken: Sequence[BrokenRule]) -> None:
        """Name every rule."""
        rules = "; ".join(rule.summary for rule in broken)
        super().__init__(f"the data fail a gate; nothing was built from them: {rules}")
        self.broken = tuple(broken)


class UnknownWeekError(WarehouseError):
    """No landed file speaks of a week."""

    def __init__(self, week: IsoWeek, known: Sequence[IsoWeek]) -> None:
        """Name the weeks that there are."""
        landed = f"{known[0].label} to {known[-1].label}" if known else "none"
        super().__init__(f"nothing is landed for {week.label}; landed weeks: {landed}")


@dataclass(frozen=True)
class Work:
    """What is out of date.

    Attributes:
        known: the weeks that landed files speak of.
        build: the weeks whose tables have to be built.
        report: the weeks whose reports have to be made, those that are built included.
        only: the one week that was asked for, if any; reports of other weeks are left as they are then.
        reasons: why each of the weeks is built.
    """

    known: tuple[IsoWeek, ...]
    build: tuple[IsoWeek, ...]
    report: tuple[IsoWeek, ...]
    only: IsoWeek | None = None
    reasons: Mapping[IsoWeek, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Issue:
    """A week's report as it was written, its charts, and its files, HTML first."""

    report: "WeeklyReport"
    charts: "tuple[Chart, ...]"
    files: "tuple[Path, ...]"


@dataclass(frozen=True)
class Update:
    """What bringing a workspace up to date came to: the weeks it built and reported, and the newest report of them."""

    work: Work
    newest: "WeeklyReport | None"


class Listener:
    """Hears what was done, after each transaction; this one keeps it to itself."""

    def loaded(self, result: "LoadResult", validations: "Mapping[str, ValidationResult]") -> None:
        """Hear what was loaded, and how it stood up to its suites, by table."""

    def found(self, work: Work) -> None:
        """Hear what is out of date."""

    def built(self, build: Build, period: Period) -> None:
        """Hear what was built for a period, or refused."""

    def reported(self, issue: Issue) -> None:
        """Hear of a report that was written."""

    def published(self, file: "PublishedFile") -> None:
        """Hear of finance's file."""


def bring_up_to_date(
    workspace: "Workspace", only: IsoWeek | None = None, *, all_weeks: bool = False, listener: Listener
) -> Update:
    """Load what is new, build the tables that are out of date, write their reports, and publish.

    Args:
        workspace: the workspace, which stays open.
        only: the one week to build; by default whatever is out of date.
        all_weeks: build every week anew, changed or not.
        listener: hears what is done.

    Raises:
        GateError: the data break a critical rule.
        UnknownWeekError: no landed file speaks of the week.
        WarehouseError: the warehouse cannot be written.
    """
    if not workspace.is_loaded():
        _load(workspace, listener)
    work = workspace.work(only, all_weeks=all_weeks)
    if only is not None and only not in work.known:
        raise UnknownWeekError(only, work.known)
    listener.found(work)
    newest: WeeklyReport | None = None
    for first, last in consecutive(work.build):
        newest = _build(workspace, all_models(), first, last, listener, verb="Building")
    # Reports of other weeks show something of those that were built: the baseline, the month.
    others = workspace.stale_reports() if only is None else ()
    for first, last in consecutive(others):
        made = _build(workspace, reported_models(), first, last, listener, verb="Reporting")
        newest = made if newest is None or made.week > newest.week else newest
    if newest is not None or not workspace.is_published():
        workspace.begin_stage("Publishing finance's file")
        listener.published(workspace.publish())
    return Update(replace(work, report=tuple(sorted({*work.build, *others}))), newest)


def _load(workspace: "Workspace", listener: Listener) -> None:
    workspace.begin_stage("Loading landed files")
    result = workspace.load()
    validations = workspace.check_raw()
    listener.loaded(result, validations)
    require_passed(validations.values())


def _build(
    workspace: "Workspace", models: Sequence[Model], first: IsoWeek, last: IsoWeek, listener: Listener, *, verb: str
) -> "WeeklyReport":
    """Build tables for consecutive weeks, write the reports of these, and return the newest one."""
    period = Period(first.start, last.end)
    workspace.begin_stage(f"{verb} {first.label} to {last.label}", len(models) + len(period.weeks()))
    build = workspace.build_models(models, period)
    listener.built(build, period)
    require_passed(build.validations)
    for week in period.weeks():
        issue = Issue(*workspace.issue(week))
        listener.reported(issue)
    workspace.record_reports(period)
    return issue.report


def require_passed(validations: "Iterable[ValidationResult]") -> None:
    """Refuse data that break a critical rule.

    Raises:
        GateError: naming every one.
    """
    broken = [
        BrokenRule(validation.suite.table, outcome.summary)
        for validation in validations
        for outcome in validation.blocking
    ]
    if broken:
        raise GateError(broken)
