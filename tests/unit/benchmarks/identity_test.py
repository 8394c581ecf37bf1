"""`make identity` finds what differs between two workspaces, and nothing else."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from benchmarks.identity.comparison import Finding, compare, differing_lines, differing_rows
from benchmarks.identity.figures import Figures, read_figures

SPEND = "create table main.spend as select * from (values ('a', 0.10::decimal(38, 12)), ('b', 0.20)) as t (app, usd)"
REPORT = "Revision 1, issued 2026-11-28 21:12 UTC.\nCost: $0.30\nInput hash: " + "0" * 64 + "\n"


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    return workspace(tmp_path / "recorded")


def workspace(
    folder: Path, *finance: str, spend: str = SPEND, built_at: str = "2026-11-28", report: str = REPORT
) -> Path:
    """A workspace with a table of finance, one of savings, and a report."""
    (folder / "reports" / "2026-W42").mkdir(parents=True)
    (folder / "reports" / "2026-W42" / "report.txt").write_text(report)
    about = f"create table main.about as select '{built_at}'::timestamp as built_at, 3 as pools"
    fill(folder / "finance.duckdb", about, spend, *finance)
    savings = "create table savings.weekly as select 'W42' as week, 0.1::double as share"
    fill(
        folder / "warehouse.duckdb", "create schema savings", savings, "create schema raw", "create table raw.t (i int)"
    )
    return folder


def fill(path: Path, *statements: str) -> None:
    with duckdb.connect() as con:
        con.execute(f"attach '{path}' as filled")
        con.execute("use filled")
        for statement in statements:
            con.execute(statement)


def findings(recorded: Path, now: Path) -> dict[str, Finding]:
    """What differs, by its subject."""
    was = read_figures(recorded, commit="was")
    found = compare(was, read_figures(now, commit="now", like=was))
    return {finding.subject: finding for finding in found if finding.verdict != "identical"}


def verdicts(recorded: Path, now: Path) -> dict[str, tuple[str, bool]]:
    return {subject: (found.verdict, found.is_failure) for subject, found in findings(recorded, now).items()}


def test_a_workspace_built_later_and_in_another_order_is_identical(recorded: Path, tmp_path: Path) -> None:
    report = REPORT.replace("2026-11-28 21:12", "2027-01-01 00:00").replace("0" * 64, "f" * 64)
    other = workspace(tmp_path / "now", spend=f"{SPEND} order by app desc", built_at="2027-01-01", report=report)
    assert verdicts(recorded, other) == {}
    assert read_figures(recorded, commit="was").tables.keys() == {
        "published.main.about",
        "published.main.spend",
        "warehouse.savings.weekly",
    }


def test_a_digit_is_a_difference_and_its_row_is_shown(recorded: Path, tmp_path: Path) -> None:
    other = workspace(tmp_path / "now", spend=SPEND.replace("0.20", "0.200000000001"))
    [found] = findings(recorded, other).values()
    assert (found.subject, found.columns, found.is_failure) == ("published.main.spend", ("usd",), True)
    assert list(differing_rows(recorded, other, found)) == [
        "- usd=0.200000000000, app=b",
        "+ usd=0.200000000001, app=b",
    ]


def test_values_that_change_places_are_a_difference(recorded: Path, tmp_path: Path) -> None:
    other = workspace(tmp_path / "now", spend=SPEND.replace("'a'", "'x'").replace("'b'", "'a'").replace("'x'", "'b'"))
    assert verdicts(recorded, other) == {"published.main.spend": ("CHANGED", True)}


def test_another_type_is_a_difference_even_of_the_same_values(recorded: Path, tmp_path: Path) -> None:
    other = workspace(tmp_path / "now", spend=SPEND.replace("38, 12", "30, 12"))
    assert verdicts(recorded, other) == {
        "published.main.spend.usd": ("CHANGED", True),
        "published.main.spend": ("CHANGED", True),
    }


def test_a_time_that_is_gone_is_a_difference(recorded: Path, tmp_path: Path) -> None:
    other = workspace(tmp_path / "now", "update main.about set built_at = null")
    assert verdicts(recorded, other) == {"published.main.about": ("CHANGED", True)}


def test_what_is_missing_fails_and_what_is_new_does_not(recorded: Path, tmp_path: Path) -> None:
    more = workspace(tmp_path / "more", "create view main.v as select 1 as i", "alter table main.spend add c int")
    assert verdicts(recorded, more) == {
        "published.main.v": ("new", False),
        "published.main.spend.c": ("new", False),
    }
    assert verdicts(more, recorded) == {
        "published.main.v": ("MISSING", True),
        "published.main.spend.c": ("MISSING", True),
    }


def test_another_sentence_in_the_report_is_a_difference_and_is_shown(recorded: Path, tmp_path: Path) -> None:
    other = workspace(tmp_path / "now", report=REPORT.replace("$0.30", "$0.31"))
    assert verdicts(recorded, other) == {"report 2026-W42": ("CHANGED", True)}
    assert differing_lines(recorded, other) == ["@@ -2 +2 @@", "-Cost: $0.30", "+Cost: $0.31"]


def test_a_report_of_another_week_is_a_difference(recorded: Path) -> None:
    was = read_figures(recorded, commit="was")
    now = replace(was, report=replace(was.report, week="2026-W43"))
    assert failures(was, now) == ["report 2026-W43"]


def failures(was: Figures, now: Figures) -> Sequence[str]:
    return [finding.subject for finding in compare(was, now) if finding.is_failure]
