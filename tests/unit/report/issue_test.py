import datetime as dt
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.issued_weeks import (
    CODE,
    DAILY_USD,
    FIRST,
    GENOME,
    NO_CALLS,
    OTHER_APP,
    SECOND,
    THIRD,
    VOLUME,
    IssuedWeeks,
    after,
    usd,
)
from tieout.catalog.load import load_catalog
from tieout.core.periods import IsoWeek
from tieout.core.resources import resource_path
from tieout.report import contents
from tieout.report.contents import WeeklyReport
from tieout.report.sections.tie_out import GateOutcome
from tieout.savings.week import METHOD_VERSION
from tieout.warehouse.closed_week import ClosingError
from tieout.warehouse.focus import FOCUS_MODELS

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Reported:
    """A workspace, and what its last reports said."""

    weeks: IssuedWeeks
    reports: Mapping[IsoWeek, WeeklyReport]

    def copied(self, to: Path) -> IssuedWeeks:
        """A copy, to do anything to."""
        shutil.copytree(self.weeks.home.root, to / "weeks")
        return IssuedWeeks(to / "weeks")


@pytest.fixture(scope="module")
def issued(issued_weeks: Path, issued_reports: Mapping[IsoWeek, WeeklyReport]) -> Reported:
    """Two weeks, issued. Look at them, and leave them as they are."""
    return Reported(IssuedWeeks(issued_weeks), issued_reports)


@pytest.fixture(scope="module")
def restated(issued: Reported, tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """The same after a bill with three other amounts was pulled for the first week."""
    weeks = issued.copied(tmp_path_factory.mktemp("restated"))
    changed = {(OTHER_APP, 2): "3.50", (VOLUME, 4): "0.05", (OTHER_APP, 6): "1.001"}
    weeks.land_bill(FIRST, name="late", fetched_at=after(FIRST, days=9), changed=changed)
    return Reported(weeks, weeks.report())


@pytest.fixture(scope="module")
def later(issued: Reported, tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """Three more weeks: one is not settled, in one nothing was billed, in one nothing although a function ran."""
    weeks = issued.copied(tmp_path_factory.mktemp("later"))
    weeks.land_week(THIRD)
    weeks.land_bill(THIRD, fetched_at=after(THIRD, days=0))
    weeks.land_bill(FOURTH, changed=NOTHING_BILLED)
    weeks.land_bill(FIFTH, changed=NOTHING_BILLED)
    weeks.land_calls(FIFTH, CODE, calls=1)
    return Reported(weeks, weeks.report())


@pytest.fixture(scope="module")
def moved(issued: Reported, tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """A third week, after both weeks before it have moved, one of them by less than a cent of any function."""
    weeks = issued.copied(tmp_path_factory.mktemp("moved"))
    cents = {(OTHER_APP, 2): "1.004", (VOLUME, 4): "0.104"}
    weeks.land_bill(FIRST, name="late", fetched_at=after(FIRST, days=9), changed=cents)
    dollars = {(OTHER_APP, 2): "3.504", (VOLUME, 4): "0.104"}
    weeks.land_bill(SECOND, name="late", fetched_at=after(SECOND, days=9), changed=dollars)
    weeks.land_week(THIRD)
    return Reported(weeks, weeks.report())


@pytest.fixture
def weeks(issued: Reported, tmp_path: Path) -> IssuedWeeks:
    """A copy of the issued weeks."""
    return issued.copied(tmp_path)


FOURTH, FIFTH = (IsoWeek.parse(f"2026-W{number}") for number in (45, 46))
NOTHING_BILLED = {(billed, day): None for billed in DAILY_USD for day in range(7)}
LATE = f"billing_report/{FIRST.label}.late.json"
LATE_SECOND = f"billing_report/{SECOND.label}.late.json"


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def folder_of(weeks: IssuedWeeks, week: IsoWeek, revision: int) -> Path:
    return weeks.home.reports / week.label / f"revision-{revision}"


def gate(report: WeeklyReport, code: str) -> tuple[GateOutcome, str]:
    return next((gate.outcome, gate.sentence) for gate in report.gates if gate.code == code)


# Issuing


def test_a_settled_week_is_issued_with_its_first_report(issued: Reported) -> None:
    assert [report.revision.number for report in issued.reports.values()] == [1, 1]
    first, second = (report.revision.issued_at for report in issued.reports.values())
    assert first is not None
    assert second is not None
    assert first < second, "issues follow each other, also at one reading of the clock"
    assert issued.weeks.ask(
        "select week, revision, is_newest, cost_usd from reconciliation.closed_weeks order by all"
    ) == [
        (FIRST.label, 1, True, usd("77.700000000000")),
        (SECOND.label, 1, True, usd("77.700000000000")),
    ]


def test_what_was_issued_is_kept_as_it_was_written(issued: Reported) -> None:
    kept = files_of(folder_of(issued.weeks, FIRST, 1))
    assert sorted(kept) == ["figures.json", "index.html", "manifest.json", "workbook.xlsx"]
    assert kept["workbook.xlsx"] == (issued.weeks.home.reports / FIRST.label / "workbook.xlsx").read_bytes()


def test_a_kept_page_leads_to_the_current_one_and_to_other_revisions_from_where_it_lies(issued: Reported) -> None:
    page = files_of(folder_of(issued.weeks, FIRST, 1))["index.html"].decode()
    assert 'href="../../index.html"' in page
    assert 'href="../index.html"' in page
    assert 'href="../revision-1/index.html"' in page
    assert 'href="#cost"' in page


def test_nothing_is_reported_again_when_nothing_has_changed(weeks: IssuedWeeks) -> None:
    assert weeks.report() == {}


def test_a_week_that_is_not_settled_is_not_issued(later: Reported) -> None:
    report = later.reports[THIRD]
    assert report.revision.sentence == "Revision 1, not issued: a day is not settled, or a gate is closed."
    assert not folder_of(later.weeks, THIRD, 1).exists()


def test_a_week_in_which_nothing_was_billed_is_issued_and_says_so(later: Reported) -> None:
    report = later.reports[FOURTH]
    assert report.days_sentence == "Days: 7 settled. The week is final."
    assert [gate(report, code) for code in ("G1", "G2")] == [
        (GateOutcome.NOT_MEASURED, "Nothing was billed on the 7 landed days.")
    ] * 2
    assert report.revision.issued_at is not None
    asked = f"select cost_usd from reconciliation.closed_weeks where week = '{FOURTH.label}'"
    assert later.weeks.ask(asked) == [(usd("0.000000000000"),)]


def test_a_week_in_which_functions_ran_is_not_issued_without_any_cost(later: Reported) -> None:
    report = later.reports[FIFTH]
    assert gate(report, "G6") == (
        GateOutcome.BLOCKED,
        "Functions ran, but the landed bill of the whole week has no cost: it cannot be all of the bill.",
    )
    assert report.revision.issued_at is None


def test_a_week_whose_invoice_is_not_its_bill_is_not_issued_until_it_is(weeks: IssuedWeeks) -> None:
    weeks.land_week(THIRD)
    weeks.land_summary("2026-10", "100.00")
    weeks.land_invoice("2026-10", total="100.01")
    report = weeks.report()[THIRD]
    assert gate(report, "G5")[0] is GateOutcome.BLOCKED
    assert report.revision.issued_at is None
    weeks.land_invoice("2026-10", total="100.00")
    reports = weeks.report()
    assert gate(reports[THIRD], "G5")[0] is GateOutcome.PASSED
    assert reports[THIRD].revision.issued_at is not None
    assert gate(reports[FIRST], "G5")[0] is GateOutcome.PASSED
    assert reports[FIRST].revision.number == 1, "an invoice that agrees moves no figure"


# Restating


def test_a_restated_week_is_a_revision_that_names_amount_function_and_file(restated: Reported) -> None:
    revision = restated.reports[FIRST].revision
    assert revision.number == 2
    assert revision.moved[:2] == (
        f"{NO_CALLS}: $7.00 is now $9.50 (+$2.50), because of {LATE}.",
        f"__volume__: $0.70 is now $0.65 (−$0.05), because of {LATE}.",
    )
    [past] = revision.past
    assert (past.number, past.cost_usd, past.href) == (1, usd("77.70"), "revision-1/index.html")
    assert past.input_sha256 != restated.reports[FIRST].inputs.sha256


def test_what_was_sent_stays_as_it_was(issued: Reported, restated: Reported) -> None:
    assert files_of(folder_of(restated.weeks, FIRST, 1)) == files_of(folder_of(issued.weeks, FIRST, 1))
    assert sorted(files_of(folder_of(restated.weeks, FIRST, 2))) == [
        "figures.json",
        "index.html",
        "manifest.json",
        "workbook.xlsx",
    ]


def test_the_report_after_carries_the_restatement_as_lines_of_its_own(restated: Reported) -> None:
    report = restated.reports[SECOND]
    assert [line.sentence for line in report.restatements.lines] == [
        f"{FIRST.label}, {NO_CALLS}: $7.00 is now $9.50 (+$2.50), because of {LATE}.",
        f"{FIRST.label}, __volume__: $0.70 is now $0.65 (−$0.05), because of {LATE}.",
    ]
    assert report.restatements.total_usd == usd("2.45")
    assert report.revision.number == 1, "its own figures have not moved"
    asked = "select week, revision, function, moved_usd, files from reconciliation.restatements order by all"
    assert restated.weeks.ask(asked) == [
        (FIRST.label, 2, NO_CALLS, usd("2.501000000000"), [LATE]),
        (FIRST.label, 2, "__volume__", usd("-0.050000000000"), [LATE]),
    ]


def test_restated_rows_say_so_and_their_days_are_still_settled(restated: Reported) -> None:
    report = restated.reports[FIRST]
    assert report.days_sentence == "Days: 7 settled. The week is final."
    assert gate(report, "G7") == (GateOutcome.PASSED, "7 days, all settled. 3 pools restated since settled.")
    status = "select status, count(*) from reconciliation.pools where hour < '2026-10-19' group by all order by all"
    assert restated.weeks.ask(status) == [("restated", 3), ("settled", 18)]


def test_the_next_week_carries_every_restatement_since_as_one_line(restated: Reported, tmp_path: Path) -> None:
    weeks = restated.copied(tmp_path)
    changed = {(OTHER_APP, 2): "3.75", (VOLUME, 4): "0.10", (OTHER_APP, 6): "1.001"}
    later = weeks.land_bill(FIRST, name="later", fetched_at=after(FIRST, days=10), changed=changed)
    weeks.land_week(THIRD)
    reports = weeks.report()
    assert reports[FIRST].revision.number == 3
    assert [past.number for past in reports[FIRST].revision.past] == [2, 1]
    [line] = reports[THIRD].restatements.lines
    assert (line.function, line.before_usd, line.after_usd) == (NO_CALLS, usd("7.00"), usd("9.75"))
    assert line.files == (LATE, later)
    assert reports[SECOND].restatements.lines == (), "it was issued without it"


def test_a_week_that_moved_and_cannot_be_issued_anew_is_named_with_the_reason_until_it_is(weeks: IssuedWeeks) -> None:
    weeks.land_summary("2026-10", "100.00")
    weeks.land_invoice("2026-10", total="100.01")
    weeks.land_bill(FIRST, name="late", fetched_at=after(FIRST, days=9), changed={(OTHER_APP, 2): "3.50"})
    weeks.land_week(THIRD)
    said = weeks.report()[THIRD].restatements
    assert said.lines == ()
    assert said.sentence == (
        "No issued cost of an earlier week has moved since the report before this one. The cost of 2026-W42 has moved "
        "by +$2.50 since it was issued; it is not issued anew yet: G5 is not passed."
    )
    weeks.land_invoice("2026-10", total="100.00")
    reports = weeks.report()
    assert reports[FIRST].revision.number == 2
    assert reports[THIRD].restatements.sentence == (
        "Since the report before this one, the cost of 2026-W42 has moved by +$2.50."
    )


def test_a_month_with_an_invoice_in_cents_is_issued_and_its_charges_come_to_the_invoice(weeks: IssuedWeeks) -> None:
    weeks.land_week(THIRD)
    weeks.land_summary("2026-10", "266.26900030")
    weeks.land_invoice("2026-10", total="266.27")
    report = weeks.report()[THIRD]
    assert gate(report, "G5")[0] is GateOutcome.PASSED
    assert report.revision.issued_at is not None
    for table in FOCUS_MODELS.values():
        charged = f"select InvoiceId, sum(BilledCost) from {table} where InvoiceId is not null group by all"
        assert weeks.ask(charged) == [("INV-1", usd("266.27"))]
    assert weeks.ask(
        "select month, invoice_rounding_usd from finance.reconciliation_monthly where invoice_total > 0"
    ) == [(dt.date(2026, 10, 1), usd("0.0009997"))]


def test_a_row_that_vanished_is_restated_to_nothing_and_a_log_that_comes_late_moves_cost_between_functions(
    weeks: IssuedWeeks,
) -> None:
    gone = {(OTHER_APP, day): None for day in range(7)}
    weeks.land_bill(FIRST, name="late", fetched_at=after(FIRST, days=9), changed=gone)
    path = weeks.land_calls(SECOND, GENOME, calls=30, name="late", fetched_at=after(SECOND, days=9))
    reports = weeks.report()
    assert reports[FIRST].revision.moved[0] == f"{NO_CALLS}: $7.00 is now $0.00 (−$7.00), because of {LATE}."
    report = reports[SECOND]
    moved = [sentence for sentence in report.revision.moved if "because of" in sentence]
    assert [sentence.partition(":")[0] for sentence in moved] == [GENOME, CODE]
    assert all(sentence.endswith(f"because of {path}.") for sentence in moved)
    assert report.spend.total_usd == report.revision.past[0].cost_usd


def test_a_corrected_catalog_is_a_revision_without_a_file(weeks: IssuedWeeks, tmp_path: Path) -> None:
    catalog = shutil.copytree(resource_path("catalog"), tmp_path / "catalog")
    prices = (catalog / "prices.yaml").read_text(encoding="utf-8")
    corrected = prices.replace('"0.008"', '"0.8"')
    assert corrected != prices
    (catalog / "prices.yaml").write_text(corrected, encoding="utf-8")
    weeks.catalog = load_catalog(catalog)
    revision = weeks.report()[SECOND].revision
    assert revision.number == 2
    moved = [sentence for sentence in revision.moved if "because of" in sentence]
    assert [sentence.partition(":")[0] for sentence in moved] == [GENOME, CODE]
    assert all(sentence.endswith("because of the edited catalog.") for sentence in moved)


def test_a_week_issued_by_version_1_of_the_method_stays_until_a_figure_moves_and_then_names_the_method(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weeks = IssuedWeeks(tmp_path / "weeks")
    weeks.land_week(FIRST)
    with monkeypatch.context() as by_version_1:
        by_version_1.setattr(contents, "METHOD_VERSION", "1")
        assert weeks.report()[FIRST].method_version == "1"
    kept = files_of(folder_of(weeks, FIRST, 1))
    assert b'"method_version": "1"' in kept["figures.json"]
    assert weeks.report() == {}, "the same figures are no revision, whatever the method is called"
    weeks.land_bill(FIRST, name="late", fetched_at=after(FIRST, days=9), changed={(OTHER_APP, 2): "3.50"})
    report = weeks.report()[FIRST]
    assert (report.method_version, report.revision.number) == (METHOD_VERSION, 2)
    assert any("a new version of the method" in sentence for sentence in report.revision.moved)
    assert files_of(folder_of(weeks, FIRST, 1)) == kept


def test_what_moves_by_less_than_is_printed_is_no_revision(weeks: IssuedWeeks) -> None:
    weeks.land_bill(FIRST, name="late", fetched_at=after(FIRST, days=9), changed={(VOLUME, 4): "0.101"})
    assert weeks.report()[FIRST].revision.number == 1
    assert weeks.ask("select moved_usd from reconciliation.restated_pools") == [(usd("0.001000000000"),)]


def test_a_cent_that_no_function_has_moved_by_alone_is_of_the_function_whose_page_has_it(moved: Reported) -> None:
    assert printed(moved.reports[FIRST], NO_CALLS) == usd("7.01"), "7.004 and 0.704 come to a cent more"
    cent = f"$7.00 is now $7.01 (+$0.01), because of {LATE}."
    assert moved.reports[FIRST].revision.moved[0] == f"{NO_CALLS}: {cent}"
    lines = [line for line in moved.reports[THIRD].restatements.lines if line.sentence.startswith(FIRST.label)]
    assert [line.sentence for line in lines] == [f"{FIRST.label}, {NO_CALLS}: {cent}"]


def test_the_lines_of_a_restated_week_add_up_to_what_its_printed_cost_has_moved_by(moved: Reported) -> None:
    assert printed(moved.reports[SECOND], NO_CALLS) == usd("9.51"), "9.504 and 0.704 come to a cent more"
    dollars = f"{NO_CALLS}: $7.00 is now $9.51 (+$2.51), because of {LATE_SECOND}."
    assert moved.reports[SECOND].revision.moved[0] == dollars
    restatements = moved.reports[THIRD].restatements
    assert restatements.lines[-1].sentence == f"{SECOND.label}, {dollars}"
    assert restatements.total_usd == usd("0.01") + usd("2.51")


def printed(report: WeeklyReport, function: str) -> Decimal:
    [spend] = [spend for spend in report.spend.functions if spend.function == function]
    return spend.amount_usd


# State that survives


def test_a_warehouse_that_is_built_anew_knows_what_was_issued(restated: Reported, tmp_path: Path) -> None:
    weeks = restated.copied(tmp_path)
    kept = weeks.ask("from meta.closings order by all")
    weeks.home.warehouse.unlink()
    again = weeks.report()
    assert weeks.ask("from meta.closings order by all") == kept
    assert again[FIRST].revision == restated.reports[FIRST].revision
    assert again[SECOND].restatements == restated.reports[SECOND].restatements


def test_a_kill_before_the_files_are_kept_leaves_a_week_to_be_issued(weeks: IssuedWeeks) -> None:
    weeks.home.warehouse.unlink()
    folder_of(weeks, SECOND, 1).rename(folder_of(weeks, SECOND, 1).with_name(".revision-1.partial"))
    assert weeks.report()[SECOND].revision.number == 1
    assert sorted(files_of(folder_of(weeks, SECOND, 1))) == [
        "figures.json",
        "index.html",
        "manifest.json",
        "workbook.xlsx",
    ]


def test_what_was_issued_is_not_overwritten_when_an_earlier_issue_was_moved_away(
    restated: Reported, tmp_path: Path
) -> None:
    weeks = restated.copied(tmp_path)
    shutil.rmtree(folder_of(weeks, FIRST, 1))
    weeks.home.warehouse.unlink()
    weeks.land_bill(FIRST, name="later", fetched_at=after(FIRST, days=10), changed={(OTHER_APP, 2): "9.00"})
    revision = weeks.report()[FIRST].revision
    assert (revision.number, [past.number for past in revision.past]) == (3, [2])
    assert files_of(folder_of(weeks, FIRST, 2)) == files_of(folder_of(restated.weeks, FIRST, 2))
    assert weeks.report() == {}


def test_an_issue_that_cannot_be_read_back_is_not_overwritten(weeks: IssuedWeeks) -> None:
    (folder_of(weeks, FIRST, 1) / "figures.json").unlink()
    sent = files_of(folder_of(weeks, FIRST, 1))
    weeks.home.warehouse.unlink()
    with pytest.raises(ClosingError, match=r"revision-1 holds an issue that the warehouse does not know.* from a copy"):
        weeks.report()
    assert files_of(folder_of(weeks, FIRST, 1)) == sent


def test_an_issue_that_lies_in_the_folder_of_another_is_not_believed(weeks: IssuedWeeks) -> None:
    folder_of(weeks, FIRST, 1).rename(folder_of(weeks, SECOND, 2))
    weeks.home.warehouse.unlink()
    with pytest.raises(ClosingError, match=r"it is revision 1 of 2026-W42, not what its folder says"):
        weeks.report()


def test_a_file_that_is_gone_from_landing_is_the_cause_when_a_warehouse_built_anew_moves(
    restated: Reported, tmp_path: Path
) -> None:
    weeks = restated.copied(tmp_path)
    (weeks.home.landing / LATE).unlink()
    (weeks.home.landing / f"{LATE}.meta.json").unlink()
    assert weeks.report() == {}, "what was loaded stays"
    weeks.home.warehouse.unlink()
    revision = weeks.report()[FIRST].revision
    assert revision.moved[0] == f"{NO_CALLS}: $9.50 is now $7.00 (−$2.50), because of a file that is no longer landed."


def test_an_edited_issue_is_not_believed(weeks: IssuedWeeks) -> None:
    figures = folder_of(weeks, FIRST, 1) / "figures.json"
    edited = figures.read_text(encoding="utf-8").replace('"amount_usd": "1.', '"amount_usd": "2.')
    figures.write_text(edited, encoding="utf-8")
    weeks.home.warehouse.unlink()
    with pytest.raises(ClosingError, match=r"revision-1/figures\.json: its content has the SHA-256"):
        weeks.report()
