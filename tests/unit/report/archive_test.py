import datetime as dt
from dataclasses import replace
from pathlib import Path

import html5lib
import pytest

from tests.golden.edges import EMPTY
from tests.golden.handmade import REPORT, usd
from tieout.core.periods import IsoWeek
from tieout.report.archive import (
    ArchivedWeek,
    DaySummary,
    Neighbours,
    WeekSummary,
    archived_weeks,
    kept_page,
    link_week,
    neighbours_of,
    periods_of,
    render_archive,
    render_links,
    trend_of,
)
from tieout.report.formats.charts import PagePicture, draw_charts
from tieout.report.formats.html import render_html, render_pages
from tieout.report.inputs import DayState
from tieout.report.sections.tie_out import GateOutcome

W45, W46, W48 = (IsoWeek.parse(label) for label in ("2026-W45", "2026-W46", "2026-W48"))


def write_week(week: IsoWeek, directory: Path) -> None:
    """A week as the report writes it, but for its pictures and text."""
    report = replace(REPORT, week=week)
    folder = directory / week.label
    folder.mkdir(exist_ok=True)
    page = render_html(report, neighbours=neighbours_of(week, directory))
    (folder / "index.html").write_text(page, encoding="utf-8")
    (folder / "summary.json").write_text(WeekSummary.of(report).model_dump_json(), encoding="utf-8")
    link_week(week, directory)


def page_of(week: IsoWeek, directory: Path) -> str:
    return (directory / week.label / "index.html").read_text(encoding="utf-8")


def test_a_page_links_to_the_weeks_beside_it_across_a_gap(tmp_path: Path) -> None:
    for week in (W45, W46, W48):
        write_week(week, tmp_path)
    middle = page_of(W46, tmp_path)
    assert 'rel="prev" href="../2026-W45/index.html"' in middle
    assert 'rel="next" href="../2026-W48/index.html"' in middle


def test_a_week_that_comes_late_is_linked_from_both_sides(tmp_path: Path) -> None:
    for week in (W48, W45, W46):
        write_week(week, tmp_path)
    assert 'rel="next" href="../2026-W46/index.html"' in page_of(W45, tmp_path)
    assert 'rel="prev" href="../2026-W46/index.html"' in page_of(W48, tmp_path)


def test_a_later_week_changes_nothing_of_a_page_but_its_links(tmp_path: Path) -> None:
    write_week(W46, tmp_path)
    before = page_of(W46, tmp_path)
    write_week(W48, tmp_path)
    old, new = render_links(Neighbours()), render_links(Neighbours(next=W48))
    assert before.count(old) == 1
    assert page_of(W46, tmp_path) == before.replace(old, new)


def test_the_index_lists_all_weeks_the_newest_first(tmp_path: Path) -> None:
    for week in (W46, W45, W48):
        write_week(week, tmp_path)
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    links = [index.index(f'href="{week.label}/index.html"') for week in (W48, W46, W45)]
    assert links == sorted(links)
    assert "4th quarter of 2026" in index
    html5lib.HTMLParser(strict=True).parse(index)


def test_the_index_says_what_each_report_says() -> None:
    summary = WeekSummary.of(REPORT)
    assert (summary.state, summary.avoided, summary.half_width, summary.per_day) == (
        "provisional",
        "$58.50",
        "$6.42",
        "$9.75",
    )
    assert (summary.cost, summary.tie_out, summary.days, summary.revision) == (
        "$100.00",
        "Does not tie",
        "not final",
        "2",
    )


def test_an_archive_without_a_claim_says_nothing_of_savings() -> None:
    silent = WeekSummary.of(REPORT).model_copy(update={"avoided": "–"})
    index = render_archive([ArchivedWeek(REPORT.week, silent)])
    assert "Avoided" not in index
    assert "$100.00" in index
    assert "Avoided" in render_archive([ArchivedWeek(REPORT.week, WeekSummary.of(REPORT))])


def test_a_week_that_is_settled_and_ties_is_final() -> None:
    settled = replace(
        REPORT,
        days=tuple(replace(day, state=DayState.SETTLED) for day in REPORT.days),
        gates=tuple(gate for gate in REPORT.gates if gate.outcome is not GateOutcome.BLOCKED),
    )
    assert (WeekSummary.of(settled).tie_out, WeekSummary.of(settled).days) == ("Ties out", "final")


def test_a_week_without_data_claims_and_ties_nothing() -> None:
    summary = WeekSummary.of(EMPTY)
    assert (summary.state, summary.avoided, summary.per_day, summary.tie_out, summary.revision) == (
        "no claim",
        "–",
        "–",
        "Nothing billed",
        "not issued",
    )


@pytest.mark.parametrize("content", [None, "", "{}", '{"programme": "CORAL-X", "unknown": 1}', "\udcff"])
def test_a_summary_that_cannot_be_read_costs_its_line_only(tmp_path: Path, content: str | None) -> None:
    write_week(W45, tmp_path)
    write_week(W46, tmp_path)
    summary = tmp_path / W45.label / "summary.json"
    summary.unlink()
    if content is not None:
        summary.write_text(content, encoding="utf-8", errors="surrogateescape")
    assert [(week.week, week.summary is None) for week in archived_weeks(tmp_path)] == [(W46, False), (W45, True)]
    assert "tieout report --week 2026-W45" in render_archive(archived_weeks(tmp_path))


@pytest.mark.parametrize("name", ["drafts", "2026-W99", "2026w45", "2026-W45.bak"])
def test_a_folder_that_is_no_week_is_no_week(tmp_path: Path, name: str) -> None:
    write_week(W46, tmp_path)
    (tmp_path / name).mkdir()
    (tmp_path / name / "index.html").write_text("something else", encoding="utf-8")
    assert [week.week for week in archived_weeks(tmp_path)] == [W46]


def test_a_page_without_the_marks_of_its_links_stays_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / W45.label
    folder.mkdir()
    (folder / "index.html").write_text("written by an earlier version", encoding="utf-8")
    write_week(W46, tmp_path)
    assert page_of(W45, tmp_path) == "written by an earlier version"


def test_a_kept_page_leads_out_of_its_folder() -> None:
    page = kept_page(render_html(REPORT, neighbours=Neighbours(W45, W48)))
    assert 'href="../../index.html"' in page
    assert 'href="../index.html"' in page
    assert "2026-W48/index.html" not in page
    assert 'href="../revision-1/index.html"' in kept_page(dict(render_pages(REPORT))["spend.html"])


def test_a_name_cannot_end_the_block_of_links(tmp_path: Path) -> None:
    forged = replace(REPORT, programme="<!-- end of weeks --> forged")
    page = render_html(forged)
    assert page.count("<!-- end of weeks -->") == 1


def test_an_archive_without_weeks_is_a_page(tmp_path: Path) -> None:
    assert archived_weeks(tmp_path) == ()
    html5lib.HTMLParser(strict=True).parse(render_archive([ArchivedWeek(W46, None)]))


def test_the_days_of_the_archive_add_up_to_months_and_quarters() -> None:
    def week(label: str, *days: DaySummary) -> ArchivedWeek:
        return ArchivedWeek(IsoWeek.parse(label), WeekSummary.of(REPORT).model_copy(update={"daily": days}))

    def day(text: str, cost: str, avoided: str | None) -> DaySummary:
        return DaySummary(
            day=dt.date.fromisoformat(text), cost_usd=usd(cost), avoided_usd=None if avoided is None else usd(avoided)
        )

    weeks = [
        week("2026-W45", day("2026-11-02", "2.004", "0.5")),
        week("2026-W40", day("2026-09-30", "7", None), day("2026-10-01", "1.004", None)),
    ]
    assert [(period.label, period.days, period.cost, period.avoided) for period in periods_of(weeks)] == [
        ("4th quarter of 2026", 2, "$3.00", "$0.50"),
        ("November 2026", 1, "$2.00", "$0.50"),
        ("October 2026", 1, "$1.00", "–"),
        ("3rd quarter of 2026", 1, "$7.00", "–"),
        ("September 2026", 1, "$7.00", "–"),
    ]


def test_an_archive_of_five_years_is_a_light_page() -> None:
    summary = WeekSummary.of(REPORT)
    weeks = [ArchivedWeek(IsoWeek.of(W46.start - dt.timedelta(weeks=back)), summary) for back in range(5 * 52)]
    trend = [PagePicture.of(chart) for chart in draw_charts(REPORT) if chart.name in ("bill", "cumulative")]
    assert len(trend) == 2
    assert len(render_archive(weeks, trend).encode()) <= 300_000


def test_the_archive_shows_the_trend_that_lies_beside_the_newest_week(tmp_path: Path) -> None:
    write_week(W46, tmp_path)
    assert "<figure>" not in render_archive(archived_weeks(tmp_path), trend_of(tmp_path))
    (tmp_path / W46.label / "chart-bill.svg").write_text('<svg aria-label="The bill &amp; more."></svg>')
    page = render_archive(archived_weeks(tmp_path), trend_of(tmp_path))
    assert 'alt="The bill &amp; more."' in page
    assert 'href="2026-W46/chart-bill.svg" download' in page
