"""The archive: an index of all weekly reports, and the links from each page to the weeks beside it.

Every week's folder holds a `summary.json` with its line of the index, so that the index is written without any report
being built again. A page written earlier gets the link to a newer week in place: only what stands between two marks of
it is replaced.
"""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tieout.core.files import write_whole
from tieout.core.money import format_usd, in_cents, to_cents
from tieout.core.periods import IsoWeek
from tieout.report.contents import WeeklyReport
from tieout.report.file_names import CHART_PREFIX, PAGE_NAME, SUMMARY_NAME
from tieout.report.formats.charts.chart import PagePicture
from tieout.report.formats.templates import html_templates, page_script
from tieout.report.wording import dates, day_name

_BEGIN, _END = "<!-- weeks -->", "<!-- end of weeks -->"
_TREND = ("bill", "cumulative")
_ORDINALS = ("1st", "2nd", "3rd", "4th")
_LINKS = re.compile(f"{_BEGIN}.*?{_END}", re.DOTALL)


class DaySummary(BaseModel):
    """A UTC day: what it cost, exact, and its cents of what the week avoided; None where it does not count."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: dt.date
    cost_usd: Decimal
    avoided_usd: Decimal | None


class WeekSummary(BaseModel):
    """A week in one line, in the words of its report. `–` stands for what there is none of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    programme: str
    state: str
    avoided: str
    half_width: str
    per_day: str
    cost: str
    tie_out: str
    tie_out_outcome: str
    days: str
    revision: str
    running: str = "–"
    daily: tuple[DaySummary, ...] = ()

    @classmethod
    def of(cls, report: WeeklyReport) -> "WeekSummary":
        """Take the line of a report."""
        headline = report.headline
        avoided, half_width, per_day = headline.avoided_usd, headline.half_width_usd, headline.avoided_usd_per_day
        return cls(
            programme=report.programme,
            state=headline.standing.state if avoided is not None else "no claim",
            avoided="–" if avoided is None else format_usd(avoided),
            half_width="–" if half_width is None else format_usd(half_width),
            per_day="–" if per_day is None else format_usd(per_day),
            cost=format_usd(report.spend.total_usd),
            tie_out=report.tie_verdict.word,
            tie_out_outcome=report.tie_verdict.outcome,
            days="final" if report.is_final else "not final",
            revision="not issued" if report.revision.issued_at is None else str(report.revision.number),
            running="–" if report.cumulative is None else report.cumulative.figure,
            daily=tuple(_days(report)),
        )


def _days(report: WeeklyReport) -> Iterator[DaySummary]:
    """The days of a week that cost or avoided something; what they avoided adds up to the week's cents."""
    costs: dict[dt.date, Decimal] = defaultdict(Decimal)
    for line in report.daily:
        costs[line.day] += line.exact_usd
    points = report.cumulative.points if report.cumulative else ()
    own = set(report.week.days())
    exact = {point.day: point.avoided_usd for point in points if point.avoided_usd is not None and point.day in own}
    avoided = dict(zip(exact, to_cents(list(exact.values())), strict=True))
    for day in report.week.days():
        if day in costs or day in avoided:
            yield DaySummary(day=day, cost_usd=costs.get(day, Decimal(0)), avoided_usd=avoided.get(day))


@dataclass(frozen=True)
class ArchivedWeek:
    """A week of the archive; its summary is None when the file is missing or cannot be read."""

    week: IsoWeek
    summary: WeekSummary | None

    @property
    def first_day(self) -> str:
        """`Mon 9 Nov 2026`."""
        return day_name(self.week.start)

    @property
    def dates(self) -> str:
        """`9–15 Nov 2026`."""
        return dates(self.week.start, self.week.end, is_short=True)


@dataclass(frozen=True)
class PeriodTotal:
    """A month or a quarter of the archive: what its days cost and avoided.

    Attributes:
        label: `November 2026`, `4th quarter of 2026`.
        days: days of it that the archive knows.
        cost_usd: of these days, in cents.
        avoided_usd: of those of them that count, in cents; None without any.
    """

    label: str
    days: int
    cost_usd: Decimal
    avoided_usd: Decimal | None

    @property
    def cost(self) -> str:
        """As printed."""
        return format_usd(self.cost_usd)

    @property
    def avoided(self) -> str:
        """As printed; `–` without any."""
        return "–" if self.avoided_usd is None else format_usd(self.avoided_usd)


@dataclass(frozen=True)
class Neighbours:
    """The weeks before and after one, of those that have a page; weeks in between may be missing."""

    previous: IsoWeek | None = None
    next: IsoWeek | None = None


def archived_weeks(directory: Path) -> tuple[ArchivedWeek, ...]:
    """Return the weeks that have a page in a folder of reports, newest first."""
    return tuple(ArchivedWeek(week, _read_summary(directory, week)) for week in reversed(_weeks_with_a_page(directory)))


def neighbours_of(week: IsoWeek, directory: Path) -> Neighbours:
    """Find the weeks beside one, whether it has a page yet or not."""
    others = _weeks_with_a_page(directory)
    earlier, later = [other for other in others if other < week], [other for other in others if other > week]
    return Neighbours(previous=earlier[-1] if earlier else None, next=later[0] if later else None)


def render_links(neighbours: Neighbours) -> str:
    """Return the links between weeks as they stand in a page, with the marks around them."""
    return _marked(html_templates().get_template("weeks.html.j2").render(neighbours=neighbours))


def kept_page(page: str) -> str:
    """Return a page as it is kept in a folder below its week's: its links lead out of there, the rest stays."""
    links = _marked(html_templates().get_template("kept.html.j2").render())
    # Nothing but the page's own markup can hold this text: quotes in names are escaped.
    return _with_links(page, links).replace('href="revision-', 'href="../revision-')


def render_summary(report: WeeklyReport) -> str:
    """Return what a week's folder holds of it for the index."""
    return WeekSummary.of(report).model_dump_json(indent=2) + "\n"


def render_archive(weeks: Sequence[ArchivedWeek], pictures: Sequence[PagePicture] = ()) -> str:
    """Return the index of all weeks as an HTML page, with the trend up to the newest one."""
    template = html_templates().get_template("archive.html.j2")
    return template.render(weeks=weeks, periods=periods_of(weeks), pictures=pictures, script=page_script())


def periods_of(weeks: Sequence[ArchivedWeek]) -> tuple[PeriodTotal, ...]:
    """Add up the days of all weeks by month and the months by quarter, the newest first, a quarter above its months.

    A month's cost is rounded once, as an invoice is, and a quarter is what its months are printed with.
    """
    by_month: dict[tuple[int, int], list[DaySummary]] = defaultdict(list)
    for week in weeks:
        for day in week.summary.daily if week.summary else ():
            by_month[day.day.year, day.day.month].append(day)
    totals: list[PeriodTotal] = []
    for year, quarter in sorted({(year, (month + 2) // 3) for year, month in by_month}, reverse=True):
        keys = sorted((key for key in by_month if (key[0], (key[1] + 2) // 3) == (year, quarter)), reverse=True)
        months = [_month(f"{dt.date(*key, 1):%B %Y}", by_month[key]) for key in keys]
        totals += [_quarter(f"{_ORDINALS[quarter - 1]} quarter of {year}", months), *months]
    return tuple(totals)


def _month(label: str, days: Sequence[DaySummary]) -> PeriodTotal:
    cost = in_cents(sum((day.cost_usd for day in days), Decimal(0)))
    avoided = [day.avoided_usd for day in days if day.avoided_usd is not None]
    return PeriodTotal(label, len(days), cost, sum(avoided, Decimal(0)) if avoided else None)


def _quarter(label: str, months: Sequence[PeriodTotal]) -> PeriodTotal:
    avoided = [month.avoided_usd for month in months if month.avoided_usd is not None]
    return PeriodTotal(
        label,
        sum(month.days for month in months),
        sum((month.cost_usd for month in months), Decimal(0)),
        sum(avoided, Decimal(0)) if avoided else None,
    )


def trend_of(directory: Path) -> tuple[PagePicture, ...]:
    """The pictures that lie beside the newest week: the bill of every week, and what was avoided so far."""
    weeks = _weeks_with_a_page(directory)
    if not weeks:
        return ()
    folder = directory / weeks[-1].label
    return tuple(
        PagePicture.of_file(path.read_text(encoding="utf-8"), f"{weeks[-1].label}/{path.stem}")
        for name in _TREND
        if (path := folder / f"{CHART_PREFIX}{name}.svg").exists()
    )


def link_week(week: IsoWeek, directory: Path) -> Path:
    """Link a week that has just been written: on the pages beside it, and in the index.

    Returns:
        The index.
    """
    beside = neighbours_of(week, directory)
    for other in (beside.previous, beside.next):
        if other is not None:
            _relink(other, directory)
    return write_whole(directory / PAGE_NAME, render_archive(archived_weeks(directory), trend_of(directory)))


def _relink(week: IsoWeek, directory: Path) -> None:
    path = directory / week.label / PAGE_NAME
    page = path.read_text(encoding="utf-8")
    links = render_links(neighbours_of(week, directory))
    linked = _with_links(page, links)
    if linked != page:
        write_whole(path, linked)


def _marked(links: str) -> str:
    return f"{_BEGIN}\n{links}{_END}"


def _with_links(page: str, links: str) -> str:
    return _LINKS.sub(lambda _: links, page, count=1)


def _weeks_with_a_page(directory: Path) -> list[IsoWeek]:
    folders = directory.iterdir() if directory.is_dir() else ()
    weeks = [(week, folder) for folder in folders if (week := _week_of(folder.name)) is not None]
    return sorted(week for week, folder in weeks if (folder / PAGE_NAME).exists())


def _week_of(folder: str) -> IsoWeek | None:
    try:
        week = IsoWeek.parse(folder)
    except ValueError:
        return None
    return week if week.label == folder else None


def _read_summary(directory: Path, week: IsoWeek) -> WeekSummary | None:
    try:
        return WeekSummary.model_validate_json((directory / week.label / SUMMARY_NAME).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
