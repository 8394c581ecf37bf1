import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

import duckdb
import pytest

from tests.support.empty_warehouse import open_empty_warehouse
from tests.support.measured_warehouse import pull_log
from tests.support.named_rows import put_amounts
from tests.support.printed_cents import allocate_cents
from tieout.catalog.load import load_catalog
from tieout.catalog.models import Catalog
from tieout.core.periods import IsoWeek, day_start, days_between
from tieout.core.resources import resource_path
from tieout.report.contents import WeeklyReport
from tieout.report.formats.html import headline_lines, render_html, render_pages, render_text
from tieout.report.inputs import DayState
from tieout.report.sections.ledger import LedgerRow
from tieout.report.sections.savings import SavingLine
from tieout.report.sections.tie_out import GateOutcome
from tieout.report.weekly import build_report
from tieout.savings.baseline_lock import freeze
from tieout.savings.days import BaselinePeriod, FunctionDay
from tieout.savings.week import METHOD_VERSION

CATALOG = load_catalog(resource_path("catalog"))
WEEK = IsoWeek.parse("2026-W44")
BASELINE_DAYS = days_between(dt.date(2026, 10, 5), dt.date(2026, 10, 19))
GENERATE = "generate_code_modal"
EVALUATE = "evaluate_genome_modal"
OLD_APP, NEW_APP = "coral-x-production", "coral-x-production-optimized"


@pytest.fixture(scope="module")
def tables() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_empty_warehouse() as con:
        yield con


@pytest.fixture
def con(tables: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    tables.execute("begin")
    yield tables
    tables.execute("rollback")


def put(con: duckdb.DuckDBPyConnection, table: str, **row: object) -> None:
    marks = ", ".join("?" for _ in row)
    con.execute(f"insert into {table} ({', '.join(row)}) values ({marks})", list(row.values()))


def put_on(
    con: duckdb.DuckDBPyConnection, table: str, column: str, moments: Sequence[dt.datetime], **row: object
) -> None:
    """Put the same row at several moments."""
    marks = ", ".join("?" for _ in row)
    select = f"select unnest(?::timestamp[]), {marks}"
    con.execute(f"insert into {table} ({column}, {', '.join(row)}) {select}", [moments, *row.values()])


def land(con: duckdb.DuckDBPyConnection, days: Iterable[dt.date], *, is_settled: bool = True) -> None:
    """Say that the bill of whole days is landed."""
    con.execute(
        """
        insert into staging.billing_intervals
        select
            'now', 'resources', 'h', unnest(range(day::timestamp, day + interval 1 day, interval 1 hour)), 1,
            now()::timestamp, $is_settled
        from (select unnest($days::date[]) as day)
        """,
        {"days": list(days), "is_settled": is_settled},
    )


def work(
    con: duckdb.DuckDBPyConnection,
    days: Iterable[dt.date],
    calls: int,
    cost: str,
    *,
    function: str = GENERATE,
    phase: str = "baseline",
    component: str = "execution",
    errors: int = 0,
) -> None:
    """Put calls and their cost on every one of the days, attributed to the last digit."""
    moments, amount = [day_start(day) for day in days], Decimal(cost)
    pool = {"environment": "main", "object_id": f"ap-{function}-{phase}", "resolution": "h", "resource": "CPU"}
    named = {"function": function, "phase": phase, "component": component}
    put_amounts(con, *moments, **pool, app=NEW_APP, **named, amount_usd=amount)
    put_on(con, "reconciliation.pools", "hour", moments, **pool, billed_usd=amount, attributed_usd=amount)
    con.execute("update reconciliation.pools set difference_usd = attributed_usd - billed_usd")
    put_on(
        con,
        "savings.daily_function",
        "day",
        moments,
        environment="main",
        app=NEW_APP,
        function=function,
        phase=phase,
        successful_calls=calls,
        function_calls=calls,
        inputs=calls,
        errors=errors,
        timeouts=0,
        oom_kills=0,
        p50_execution_us=9_000_000,
        p95_execution_us=20_000_000,
        busy_us=calls * 10_000_000,
        container_us=calls * 12_000_000,
        cost_usd=amount,
        gpu_usd=amount,
        cpu_usd=Decimal(0),
        memory_usd=Decimal(0),
        status="settled",
    )


def compare_log(
    con: duckdb.DuckDBPyConnection, function: str, outcome: str, *, bill: str, log: str, day: dt.date = WEEK.start
) -> None:
    """Say how the log and the bill of a function compare on a day, else on the week's Monday."""
    put(
        con,
        "reconciliation.log_vs_bill",
        environment="main",
        app=NEW_APP,
        function=function,
        day=day_start(day),
        billed_usd=Decimal(bill),
        modelled_usd=Decimal(log),
        container_us=0 if outcome == "bill only" else 1,
        outcome=outcome,
    )


def deploy(con: duckdb.DuckDBPyConnection, function: str, app: str, phase: str, **row: object) -> None:
    """Say what `function info` showed of a function since the day before the baseline."""
    put(
        con,
        "staging.configurations",
        environment="main",
        app=app,
        function=function,
        phase=phase,
        source="function info",
        is_catalogued=True,
        gpu_count=1,
        valid_from=day_start(BASELINE_DAYS[0]),
        valid_to=day_start(dt.date(9999, 12, 31)),
        **row,
    )


def build(con: duckdb.DuckDBPyConnection, week: IsoWeek = WEEK, catalog: Catalog = CATALOG) -> WeeklyReport:
    allocate_cents(con)
    report = build_report(con, week, catalog)
    assert max(len(line) for line in render_text(report).splitlines()) <= 80
    assert render_html(report)
    return report


def line_of(report: WeeklyReport, function: str) -> SavingLine:
    [line] = [line for group in report.savings.groups for line in group.lines if line.function == function]
    return line


def ledger_of(report: WeeklyReport, function: str) -> list[LedgerRow]:
    return [row for row in report.ledger.rows if row.function == function]


def codes_of(report: WeeklyReport) -> list[str]:
    """The findings of the day's work: nothing is frozen here, and the programme has more functions than the bill."""
    always = ("baseline_not_frozen", "catalogued_but_unseen")
    return [finding.code for finding in report.findings if finding.code not in always]


def gate_of(report: WeeklyReport, code: str) -> tuple[GateOutcome, str]:
    [gate] = [gate for gate in report.gates if gate.code == code]
    return gate.outcome, gate.sentence


def measured(con: duckdb.DuckDBPyConnection, calls: int = 100, cost: str = "8") -> None:
    """Two weeks of baseline at 100 calls and $20 a day, and the week after the first phase."""
    land(con, [*BASELINE_DAYS, *WEEK.days()])
    work(con, BASELINE_DAYS, 100, "20")
    work(con, WEEK.days(), calls, cost, phase="phase-1")


# The headline


def test_a_week_avoids_what_its_work_would_have_cost_less_what_it_did_cost(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    report = build(con)
    assert headline_lines(report) == [
        "Provisional: avoided cost $84.00 ± $0.00 in 2026-W44, $12.00 ± $0.00 a day over 7 measured days (90% "
        "interval). Not verified, because the baseline is not frozen.",
        "That is 0.3% of the published $4,140 a day (its own lines add up to $4,137.60), 333.3% of the restated $3.60 "
        "and 60.0% less cost for the same work, claimed 63.3% less.",
        "The published projection of $4,140 a day exceeds the whole measured spend of $20.00 a day in the baseline; "
        "at measured seconds per call it is $3.60 a day, and the figure to use is the measured $12.00 ± $0.00 a day.",
        "7 hours, 7 pools: $56.000000000000 billed = attributed, difference $0.000000000000.",
    ]
    assert report.method_version == METHOD_VERSION
    line = line_of(report, GENERATE)
    assert (line.before_unit_usd, line.after_unit_usd) == (Decimal("0.2"), Decimal("0.08"))
    assert str(line.realization) == "1.1%"


def test_a_saving_that_is_negative_is_kept(con: duckdb.DuckDBPyConnection) -> None:
    measured(con, cost="25")
    report = build(con)
    assert report.headline.sentence == (
        "Reversed: the avoided cost is negative, −$35.00 ± $0.00 in 2026-W44, −$5.00 ± $0.00 a day over 7 "
        "measured days (90% interval). Not verified, because cost rose, and the whole interval says so; the "
        "baseline is not frozen."
    )
    assert line_of(report, GENERATE).avoided_usd == Decimal("-35.00")


def test_a_volume_drop_is_cash_and_no_saving(con: duckdb.DuckDBPyConnection) -> None:
    measured(con, calls=50, cost="10")
    report = build(con)
    assert report.headline.avoided_usd == 0
    assert report.headline.cash_change_usd == 70


def test_cost_that_no_function_of_the_programme_caused_is_no_saving(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    work(con, BASELINE_DAYS, 0, "5", function="__volume__", phase="none", component="direct")
    report = build(con)
    assert report.headline.avoided_usd == 84
    assert report.headline.cash_change_usd == 84 + 35
    assert report.headline.baseline_usd_per_day == 25


def test_a_projection_that_could_be_true_is_not_held_against_the_whole_spend(con: duckdb.DuckDBPyConnection) -> None:
    land(con, [*BASELINE_DAYS, *WEEK.days()])
    work(con, BASELINE_DAYS, 100, "4140")
    assert build(con).headline.comparison is None


def test_a_week_without_data_claims_nothing_and_says_so(con: duckdb.DuckDBPyConnection) -> None:
    report = build(con)
    assert report.headline.avoided_usd is None
    assert report.days_sentence == "Days: 7 not landed."
    assert report.as_of_sentence == "No data of this week is loaded."
    assert report.tie_out.sentence == (
        "Nothing was billed in the landed reports of this week, so there is nothing to tie out."
    )
    outcomes = {gate.code: gate.outcome for gate in report.gates}
    assert outcomes.pop("G7") is GateOutcome.WARNING
    assert set(outcomes.values()) == {GateOutcome.NOT_MEASURED}
    assert {gate.sentence for gate in report.gates[:2]} == {"No whole day's bill is landed for this week."}
    assert report.spend.functions == ()


def test_before_anything_is_deployed_nothing_is_claimed(con: duckdb.DuckDBPyConnection) -> None:
    land(con, BASELINE_DAYS)
    work(con, BASELINE_DAYS, 100, "20")
    report = build(con, IsoWeek.parse("2026-W42"))
    assert report.headline.sentence == "No saving is claimed for 2026-W42, because nothing was deployed yet."
    assert "No saving is claimed" in render_html(report)
    assert report.rollout == ()


def test_nothing_after_the_week_is_looked_at(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    before = build(con)
    land(con, WEEK.next().days())
    work(con, WEEK.next().days(), 7, "1000", phase="phase-2")
    assert build(con) == before


def test_a_catalog_that_knows_nothing_still_gets_its_money_tied(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    empty = CATALOG.model_copy(
        update={
            "functions": CATALOG.functions.model_copy(update={"functions": ()}),
            "rollout": CATALOG.rollout.model_copy(update={"phases": ()}),
            "projection": CATALOG.projection.model_copy(update={"lines": (), "published": None}),
        }
    )
    report = build(con, catalog=empty)
    assert headline_lines(report) == [
        "$56.00 was spent in 2026-W44. The dearest: generate_code_modal ($56.00).",
        "No saving is claimed for 2026-W44, because no catalog names a function or a change.",
        "7 hours, 7 pools: $56.000000000000 billed = attributed, difference $0.000000000000.",
    ]
    assert report.spend.total_usd == 56


# The ledger and what it rests on


def test_a_function_stands_in_the_ledger_once_for_every_phase_that_changes_it(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    report = build(con)
    [generate], [evaluate] = ledger_of(report, GENERATE), ledger_of(report, EVALUATE)
    assert (generate.phase, generate.standing.state, generate.avoided_usd) == ("phase-1", "provisional", Decimal(84))
    assert (evaluate.phase, evaluate.standing.state, evaluate.avoided_usd) == ("phase-2", "proposed", None)
    assert report.ledger.total_usd == report.headline.avoided_usd


def test_errors_after_the_rollout_take_the_verified_away_with_the_reason(con: duckdb.DuckDBPyConnection) -> None:
    land(con, [*BASELINE_DAYS, *WEEK.days()])
    work(con, BASELINE_DAYS, 100, "20")
    work(con, WEEK.days(), 100, "8", phase="phase-1", errors=10)
    report = build(con)
    assert report.headline.sentence.endswith(
        "Not verified, because the rollout worsened the error rate of generate_code_modal beyond the margin; "
        "the baseline is not frozen."
    )
    [row] = ledger_of(report, GENERATE)
    assert row.standing.state == "not determinable"
    assert row.notes == (
        "not verified, because the rollout worsened the error rate beyond the margin; the baseline is not frozen",
    )
    [group] = [group for group in report.guardrails if group.function == GENERATE]
    [test] = [row for row in group.rows if row.test == "error rate"]
    assert (group.verdict, test.before, test.after, test.verdict) == ("fail", "0.00%", "10.00%", "fail")


def test_a_bill_that_may_still_change_is_provisional_and_says_so(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    con.execute("update savings.daily_function set status = 'provisional' where day = '2026-11-01'")
    assert build(con).headline.standing.because == (
        "the bill of 1 day (Sun 1 Nov 2026) may still change",
        "the baseline is not frozen",
    )


def test_a_volume_that_the_baseline_has_not_seen_is_not_verified(con: duckdb.DuckDBPyConnection) -> None:
    measured(con, calls=200, cost="16")
    report = build(con)
    [row] = ledger_of(report, GENERATE)
    assert row.standing.state == "provisional"
    remark = "extrapolated: the baseline has not seen the volume of 7 days (Mon 26 Oct 2026 to Sun 1 Nov 2026)"
    assert row.notes == (f"not verified, because {remark}; the baseline is not frozen",)


def test_the_printed_bridge_adds_up_along_and_across(con: duckdb.DuckDBPyConnection) -> None:
    land(con, [*BASELINE_DAYS, *WEEK.days()])
    for calls, function in enumerate((GENERATE, EVALUATE, "get_emergent_alerts_modal"), start=90):
        work(con, BASELINE_DAYS, calls, "7.777777777777", function=function)
        work(con, WEEK.days(), calls + 13, "3.333333333333", function=function, phase="phase-1")
    bridge = build(con).bridge
    assert bridge is not None
    for stage in bridge.stages:
        start, *steps, end = [row for row in stage if row.is_end or row.total_usd]
        between = sum(row.total_usd for row in steps if not row.is_end)
        assert start.total_usd + between == end.total_usd
        for row in stage:
            if None not in row.phases:
                assert sum(amount for amount in row.phases if amount is not None) == row.total_usd
    for line in bridge.functions:
        assert line.claimed_usd + sum(line.steps) == line.realized_usd
        assert line.restated_usd + line.drivers_usd + line.rest_usd == line.realized_usd
        assert line.claimed_usd + line.correction_usd == line.restated_usd
    assert sum(line.realized_usd for line in bridge.functions) == bridge.stages[1][-1].total_usd


def test_what_is_promised_and_not_deployed_is_named_under_the_bridge(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    work(con, BASELINE_DAYS, 100, "20", function=EVALUATE)
    bridge = build(con).bridge
    assert bridge is not None
    [remark] = bridge.remarks
    assert remark.startswith("Of what is not allocated, ")
    assert remark.endswith("is promised and not realized yet: evaluate_genome_modal.")


def test_the_saving_at_the_projections_calls_stands_beside_the_claim(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    normalized = build(con).normalized
    assert normalized is not None
    [line] = [line for line in normalized.lines if line.normalized_usd is not None]
    assert (line.function, line.claimed_usd, line.normalized_usd) == (GENERATE, Decimal(1080), Decimal(144))
    assert (normalized.claimed_usd, normalized.normalized_usd) == (Decimal("4137.60"), Decimal(144))


def test_the_projection_is_audited_in_every_report(con: duckdb.DuckDBPyConnection) -> None:
    report = build(con)
    assert "1,190.40 + 892.80 + 470.40 + 1,080 + 504 = 4,137.60" in dict(render_pages(report))["audit.html"]
    assert all(entry.arithmetic for entry in report.audit)


# The frozen baseline


def test_a_baseline_that_is_not_frozen_is_said_with_the_command_that_freezes_it(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    report = build(con)
    [finding] = [finding for finding in report.findings if finding.code == "baseline_not_frozen"]
    assert "`tieout freeze-baseline` freezes it" in finding.message
    assert report.inputs.baseline_sha256 is None
    assert "not frozen" in dict(render_pages(report))["tie-out.html"]


def test_the_figure_stays_on_the_frozen_baseline_and_the_difference_is_named(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    baseline = BaselinePeriod(BASELINE_DAYS[0], BASELINE_DAYS[-1] + dt.timedelta(days=1))
    series = [FunctionDay(GENERATE, day, 100, Decimal(20)) for day in BASELINE_DAYS]
    lock = freeze(series, baseline=baseline, catalog=CATALOG, method_version=METHOD_VERSION)
    before = build_report(con, WEEK, CATALOG, lock=lock)
    con.execute("update savings.daily_function set cost_usd = 30 where day = '2026-10-08'")
    after = build_report(con, WEEK, CATALOG, lock=lock)
    assert before.headline.avoided_usd == after.headline.avoided_usd == 84
    assert build(con).headline.avoided_usd == 89
    assert codes_of(before) == []
    assert codes_of(after) == ["baseline_restated"]
    assert before.inputs.baseline_sha256 == lock.sha256
    assert before.inputs.sha256 != build(con).inputs.sha256


def test_the_card_ticks_what_a_verified_saving_must_pass(con: duckdb.DuckDBPyConnection) -> None:
    measured(con, calls=200, cost="16")
    report = build(con)
    assert [check.what for check in report.headline.checks if not check.is_clear] == [
        "baseline frozen, two weeks or longer",
        "same work, at volumes of the baseline",
    ]
    page = " ".join(re.sub(r"<[^>]*>", "", render_html(report)).split())
    assert "○ baseline frozen, two weeks or longer (open): the baseline is not frozen" in page
    assert "✓ bill settled" in page


def test_a_counterfactual_far_above_all_weeks_of_before_is_no_headline(con: duckdb.DuckDBPyConnection) -> None:
    measured(con, calls=300, cost="24")
    report = build(con)
    assert report.headline.sentence.startswith(
        "No saving is claimed for 2026-W44, because the counterfactual of $420.00 is more than twice the dearest week"
    )
    assert "figure to use" not in " ".join(headline_lines(report))


# Days


def test_a_day_with_calls_but_without_its_bill_is_no_saving(con: duckdb.DuckDBPyConnection) -> None:
    land(con, [*BASELINE_DAYS, *WEEK.days()[:6]])
    work(con, BASELINE_DAYS, 100, "20")
    work(con, WEEK.days()[:6], 100, "8", phase="phase-1")
    work(con, WEEK.days()[6:], 100, "0", phase="phase-1")
    report = build(con)
    assert report.headline.avoided_usd == 72
    assert report.headline.avoided_usd_per_day == 12
    assert report.savings.measured_days == 6
    assert report.headline.cash_change_usd is None
    assert [day.state for day in report.days] == [DayState.SETTLED] * 6 + [DayState.NOT_LANDED]


def test_a_baseline_day_without_its_bill_counts_for_nothing_and_is_named(con: duckdb.DuckDBPyConnection) -> None:
    land(con, [*BASELINE_DAYS[:3], *BASELINE_DAYS[4:], *WEEK.days()])
    work(con, BASELINE_DAYS[:3] + BASELINE_DAYS[4:], 100, "20")
    work(con, BASELINE_DAYS[3:4], 100, "0")
    work(con, WEEK.days(), 100, "8", phase="phase-1")
    report = build(con)
    assert report.headline.avoided_usd == 84
    assert report.headline.cash_change_usd is None
    assert report.headline.baseline_usd_per_day == 20
    assert codes_of(report) == ["baseline_days_missing"]
    assert report.findings[0].data == {"days": "2026-10-08"}


def test_a_baseline_day_without_a_call_log_counts_for_nothing_and_is_named(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    work(con, BASELINE_DAYS[3:5], 0, "200")
    pull_log(con, GENERATE, [*BASELINE_DAYS, *WEEK.days()])
    pull_log(con, GENERATE, [*BASELINE_DAYS, *WEEK.days()], app=NEW_APP)
    pull_log(con, EVALUATE, [*BASELINE_DAYS[:3], *BASELINE_DAYS[5:], *WEEK.days()])
    report = build(con)
    assert report.headline.avoided_usd == 84
    assert report.savings.baseline_sentence == "Baseline: 14 days, Mon 5 Oct 2026 to Sun 18 Oct 2026."
    assert codes_of(report) == ["log_missing"]
    assert report.findings[0].subject == EVALUATE
    assert report.findings[0].data == {"app": OLD_APP, "days": "2026-10-08, 2026-10-09"}
    assert "for Thu 8 Oct 2026 to Fri 9 Oct 2026, so" in report.findings[0].message


def test_a_day_of_the_week_without_a_call_log_adds_nothing_to_the_total_so_far(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    pull_log(con, EVALUATE, [*BASELINE_DAYS, *WEEK.days()[:2], *WEEK.days()[3:]])
    pull_log(con, GENERATE, [*BASELINE_DAYS, *WEEK.days()], app=NEW_APP)
    report = build(con)
    assert report.headline.avoided_usd == 72
    assert report.cumulative is not None
    assert report.cumulative.points[-1].cumulative_usd == 72
    [generate] = [function for function in report.history.functions if function.function == GENERATE]
    day = generate.days[WEEK.days()[2].toordinal() - generate.days[0].day.toordinal()]
    assert day.actual_usd == 8
    assert day.counterfactual_usd is None


def test_a_negative_cost_is_named_and_saves_nothing(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    work(con, WEEK.days()[1:2], 0, "-1500", component="idle")
    report = build(con)
    assert report.headline.avoided_usd == 72
    [negative] = [finding for finding in report.findings if finding.code == "negative_cost"]
    assert negative.subject == GENERATE
    assert negative.message.startswith("cost −$1,492.00 on Tue 27 Oct 2026: a refund, which is no saving")


def test_baseline_days_whose_bill_and_log_differ_are_named_in_every_report_on_them(
    con: duckdb.DuckDBPyConnection,
) -> None:
    measured(con)
    for day in BASELINE_DAYS[1:3]:
        compare_log(con, GENERATE, "amount mismatch", bill="20", log="9", day=day)
    compare_log(con, EVALUATE, "matched", bill="20", log="20", day=BASELINE_DAYS[1])
    compare_log(con, "resize_pictures", "bill only", bill="20", log="0", day=BASELINE_DAYS[1])
    report = build(con)
    assert codes_of(report) == ["baseline_not_matched"]
    assert report.findings[0].subject == GENERATE
    assert report.findings[0].data == {"2026-10-06": "amount mismatch", "2026-10-07": "amount mismatch"}
    assert "on Tue 6 Oct 2026 to Wed 7 Oct 2026; the saving" in report.findings[0].message


def test_a_day_that_may_still_grow_is_provisional(con: duckdb.DuckDBPyConnection) -> None:
    land(con, WEEK.days()[:6])
    land(con, WEEK.days()[6:], is_settled=False)
    report = build(con)
    assert report.days_sentence == "Days: 6 settled and 1 provisional."
    assert gate_of(report, "G7") == (GateOutcome.WARNING, "1 of 7 days not settled; their cost may still move.")


def test_a_week_is_final_when_every_day_is_settled(con: duckdb.DuckDBPyConnection) -> None:
    land(con, WEEK.days())
    assert build(con).days_sentence == "Days: 7 settled. The week is final."


def test_half_a_day_is_not_landed(con: duckdb.DuckDBPyConnection) -> None:
    land(con, WEEK.days())
    con.execute("delete from staging.billing_intervals where hour >= '2026-11-01 12:00'")
    assert build(con).days[-1].state is DayState.NOT_LANDED


# Printed amounts


def test_every_printed_table_adds_up_to_the_cent(con: duckdb.DuckDBPyConnection) -> None:
    land(con, [*BASELINE_DAYS, *WEEK.days()])
    third = "3.333333333333"
    for function in (GENERATE, EVALUATE, "evaluate_code_modal", "__no_calls__"):
        work(con, BASELINE_DAYS, 7, "1.111111111111", function=function)
        for component in ("execution", "startup", "idle", "unexplained"):
            work(con, WEEK.days(), 3, third, function=function, component=component)
            work(con, WEEK.days(), 0, "0.000333333333", function=function, phase="phase-1", component=component)
    report = build(con)
    spend = report.spend
    assert spend.total_usd == report.tie_out.billed_usd.quantize(Decimal("0.01"))
    assert spend.total_usd == sum(function.amount_usd for function in spend.functions)
    assert spend.total_usd == sum(part.amount_usd for part in spend.components)
    for function_spend in spend.functions:
        assert function_spend.amount_usd == sum(phase.amount_usd for phase in function_spend.phases)
        assert function_spend.amount_usd == sum(part.amount_usd for part in function_spend.components)
        for phase in function_spend.phases:
            assert phase.amount_usd == sum(part.amount_usd for part in phase.components)
    assert report.unattributed.total_usd == sum(line.amount_usd for line in report.unattributed.lines)
    groups = report.savings.groups
    for total, lines in [(group.subtotal, group.lines) for group in groups]:
        claimed = [line for line in lines if line.avoided_usd is not None]
        assert total.avoided_usd == sum(line.avoided_usd or 0 for line in claimed)
        assert all(line.avoided_usd == (line.counterfactual_usd or 0) - (line.actual_usd or 0) for line in claimed)
    assert report.savings.total.avoided_usd == sum(group.subtotal.avoided_usd or 0 for group in groups)
    assert report.savings.total.avoided_usd == report.headline.avoided_usd


def test_cost_in_another_environment_is_told_apart(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    con.execute("update spend.pools set environment = 'dev' where hour >= '2026-11-01'")
    names = [function.function for function in build(con).spend.functions]
    assert names == [GENERATE, f"{GENERATE} (dev)"]


def test_what_is_smaller_than_half_a_cent_is_printed_as_one_line(con: duckdb.DuckDBPyConnection) -> None:
    work(con, WEEK.days(), 0, "0.001", component="unexplained")
    con.execute("update spend.pools set resource = 'r' || day(hour)")
    [line] = build(con).unattributed.lines
    assert (line.component, line.app, line.amount_usd) == ("below half a cent each", "7 lines", Decimal("0.01"))


# Gates


def test_a_pool_that_is_off_blocks_the_week(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    con.execute(
        """
        update reconciliation.pools
        set attributed_usd = attributed_usd + 0.000000000001, difference_usd = 0.000000000001
        where hour = (select max(hour) from reconciliation.pools)
        """
    )
    report = build(con)
    assert gate_of(report, "G1") == (GateOutcome.BLOCKED, "1 of 7 pools differ; the week must not be used.")
    assert headline_lines(report)[0] == "Blocked: G1 is not passed. Do not use the figures of this week."


def test_pools_that_are_off_both_ways_do_not_cancel_out(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    con.execute("update reconciliation.pools set difference_usd = case when day(hour) = 26 then 1 else -1 end")
    assert gate_of(build(con), "G1")[0] is GateOutcome.BLOCKED


@pytest.mark.parametrize(
    ("control", "outcome"),
    [
        ("equal", GateOutcome.PASSED),
        ("rounding", GateOutcome.PASSED),
        ("dropped", GateOutcome.PASSED),
        ("older", GateOutcome.WARNING),
        ("plain only", GateOutcome.WARNING),
        ("breakdown only", GateOutcome.WARNING),
        ("off", GateOutcome.BLOCKED),
        ("missing", GateOutcome.BLOCKED),
    ],
)
def test_a_total_is_held_against_its_control(
    con: duckdb.DuckDBPyConnection, control: str, outcome: GateOutcome
) -> None:
    hour = day_start(WEEK.start)
    for name in ("equal", control):
        put(con, "staging.billing_totals", reading="now", environment="main", object_id="ap-1", hour=hour, control=name)
    assert gate_of(build(con), "G2")[0] is outcome


def put_month(con: duckdb.DuckDBPyConnection, month: str, **amounts: str) -> None:
    usd = {name: Decimal(amount) for name, amount in amounts.items()}
    put(con, "reconciliation.months", month=month, is_closed=True, **usd)


def test_a_week_over_the_turn_of_a_month_looks_at_both_months(con: duckdb.DuckDBPyConnection) -> None:
    land(con, WEEK.days())
    amounts = {"metered_usd": "50", "itemised_usd": "49.995", "not_itemised_usd": "0.005", "adjustments_usd": "-10"}
    for month in ("2026-10-01", "2026-11-01"):
        put_month(con, month, **amounts, billed_usd="40", bill_difference_usd="0", breakdown_difference_usd="0")
    put_month(con, "2026-09-01", **amounts, billed_usd="1", bill_difference_usd="39", breakdown_difference_usd="0")
    report = build(con)
    assert gate_of(report, "G3") == (
        GateOutcome.PASSED,
        "2026-10: $50.00000000 metered, $49.99500000 itemised, $0.00500000 not itemised. "
        "2026-11: $50.00000000 metered, $49.99500000 itemised, $0.00500000 not itemised.",
    )
    assert gate_of(report, "G4") == (
        GateOutcome.PASSED,
        "2026-10: $50.00000000 − $10.00000000 against $40.00000000 billed, difference $0.00000000. "
        "2026-11: $50.00000000 − $10.00000000 against $40.00000000 billed, difference $0.00000000.",
    )
    [gate] = [gate for gate in report.gates if gate.code == "G3"]
    assert gate.details[0] == ("2026-10: reports of 6 of 31 days are landed; the month is complete only when all are.")


def test_more_than_a_cent_that_no_report_itemises_is_a_warning(con: duckdb.DuckDBPyConnection) -> None:
    amounts = {"metered_usd": "50", "itemised_usd": "49", "not_itemised_usd": "1", "adjustments_usd": "0"}
    put_month(con, "2026-11-01", **amounts, billed_usd="50", bill_difference_usd="0", breakdown_difference_usd="0")
    assert gate_of(build(con, IsoWeek.parse("2026-W46")), "G3")[0] is GateOutcome.WARNING


@pytest.mark.parametrize(
    ("bill_difference", "breakdown_difference", "outcome"),
    [("0", "0.01", GateOutcome.PASSED), ("0", "-0.02", GateOutcome.WARNING), ("0.00000001", "0", GateOutcome.BLOCKED)],
)
def test_metered_and_adjustments_must_make_the_bill(
    con: duckdb.DuckDBPyConnection, bill_difference: str, breakdown_difference: str, outcome: GateOutcome
) -> None:
    put_month(
        con,
        "2026-11-01",
        metered_usd="50",
        itemised_usd="50",
        not_itemised_usd="0",
        adjustments_usd="0",
        billed_usd="50",
        bill_difference_usd=bill_difference,
        breakdown_difference_usd=breakdown_difference,
    )
    assert gate_of(build(con, IsoWeek.parse("2026-W46")), "G4")[0] is outcome


def test_cost_without_a_log_is_a_warning_and_the_worst_days_are_named(con: duckdb.DuckDBPyConnection) -> None:
    compare_log(con, GENERATE, "matched", bill="10", log="9.9")
    compare_log(con, EVALUATE, "bill only", bill="3", log="0")
    compare_log(con, "__no_calls__", "bill only", bill="7", log="0")
    compare_log(con, "__volume__", "bill only", bill="99", log="0")
    report = build(con)
    outcome, sentence = gate_of(report, "G6")
    assert (outcome, sentence) == (GateOutcome.WARNING, "Of 3 function days: 1 matched and 2 bill only.")
    [gate] = [gate for gate in report.gates if gate.code == "G6"]
    assert gate.details == (
        "apps without calls on Mon 26 Oct 2026: bill only, bill $7.00, log $0.00, coverage 0.0%.",
        "evaluate_genome_modal on Mon 26 Oct 2026: bill only, bill $3.00, log $0.00, coverage 0.0%.",
    )
    assert [(line.function, str(line.coverage)) for line in report.coverage] == [
        (GENERATE, "99.0%"),
        ("__no_calls__", "0.0%"),
        (EVALUATE, "0.0%"),
    ]


def count_calls(con: duckdb.DuckDBPyConnection, function: str, day: dt.date, *, modal: int, log: int) -> None:
    """Say how many calls Modal counts on a day, and how many the log has; two in a hundred are too few."""
    outcome = "short" if log * 100 < modal * 98 else "complete"
    app = OLD_APP if day in BASELINE_DAYS else NEW_APP
    row = {"environment": "main", "app": app, "function": function, "day": day_start(day), "outcome": outcome}
    put(con, "reconciliation.completeness", **row, counted_calls=modal, logged_calls=log, terminated_calls=0)


def test_without_modals_counts_their_gate_is_not_measured(con: duckdb.DuckDBPyConnection) -> None:
    report = build(con)
    assert [gate.code for gate in report.gates] == ["G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8"]
    assert gate_of(report, "G8")[0] is GateOutcome.NOT_MEASURED


def test_a_log_with_every_call_that_modal_counts_passes(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    count_calls(con, GENERATE, WEEK.start, modal=100, log=100)
    report = build(con)
    assert gate_of(report, "G8") == (GateOutcome.PASSED, "Of 1 function day: 1 complete.")
    assert codes_of(report) == []
    assert report.headline.avoided_usd == 84


def test_a_day_whose_log_is_short_of_calls_is_named_and_counts_for_no_saving(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    count_calls(con, GENERATE, WEEK.start, modal=100, log=100)
    count_calls(con, GENERATE, WEEK.days()[1], modal=1100, log=100)
    count_calls(con, EVALUATE, WEEK.days()[1], modal=10, log=9)
    report = build(con)
    [gate] = [gate for gate in report.gates if gate.code == "G8"]
    assert (gate.outcome, gate.sentence) == (GateOutcome.WARNING, "Of 3 function days: 1 complete and 2 short.")
    assert gate.details[0] == (
        "generate_code_modal on Tue 27 Oct 2026: short, Modal counts 1,100 calls, the log has 100."
    )
    assert report.headline.avoided_usd == 72
    [short, *_] = [finding for finding in report.findings if finding.code == "log_short"]
    assert short.data == {"app": NEW_APP, "days": "2026-10-27"}
    assert "has fewer calls than Modal counts on Tue 27 Oct 2026 (gate G8), so its cost went elsewhere" in short.message


def test_a_baseline_day_whose_log_is_short_of_calls_counts_for_nothing(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    work(con, BASELINE_DAYS[3:4], 0, "200")
    count_calls(con, GENERATE, BASELINE_DAYS[3], modal=200, log=100)
    report = build(con)
    assert report.headline.avoided_usd == 84
    assert codes_of(report) == ["log_short"]


# Findings


def test_a_before_that_was_never_deployed_is_a_premise_not_met(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    deploy(
        con, "get_evolution_progress_modal", OLD_APP, "baseline", cpu_request_millicores=1000, memory_request_mib=1024
    )
    report = build(con)
    assert codes_of(report) == ["premise_not_met"]
    finding = report.findings[0]
    assert finding.message == (
        "premise not met: the catalog's “before” says A100-40GB, default CPU and 16,384 MiB; "
        "coral-x-production was deployed with no GPU, 1 core and 1,024 MiB (Mon 5 Oct 2026)."
    )
    assert "Premise not met: 1 of the 5 projected savings" in "".join(headline_lines(report))
    [row] = ledger_of(report, "get_evolution_progress_modal")
    assert row.standing.state == "premise not met"
    assert row.notes == (
        "not claimed, because what was deployed before is not what the catalog says "
        "(catalog A100-40GB, deployed no GPU); no call succeeded in the baseline",
    )


def test_a_phase_deployed_otherwise_than_planned_is_drift(con: duckdb.DuckDBPyConnection) -> None:
    deploy(con, GENERATE, NEW_APP, "phase-1", gpu="A10G", memory_request_mib=16384)
    [finding] = build(con).findings
    assert finding.code == "configuration_drift"
    assert finding.message == (
        "drift: the catalog's phase-1 says 8,192 MiB; "
        "coral-x-production-optimized was deployed with 16,384 MiB (Mon 5 Oct 2026)."
    )


def test_a_phase_deployed_as_planned_is_no_finding(con: duckdb.DuckDBPyConnection) -> None:
    deploy(con, GENERATE, NEW_APP, "phase-1", gpu="A10G", memory_request_mib=8192)
    deploy(con, GENERATE, OLD_APP, "baseline", gpu="A100-40GB", memory_request_mib=16384)
    assert build(con).findings == ()


def test_calls_that_stay_on_the_old_app_are_counted_and_named(con: duckdb.DuckDBPyConnection) -> None:
    measured(con, calls=60, cost="6")
    work(con, WEEK.days(), 40, "8", phase="baseline")
    report = build(con)
    [line] = report.rollout
    assert (line.function, line.phase, line.moved_calls, line.calls) == (GENERATE, "phase-1", 420, 700)
    assert (str(line.calls_share), str(line.cost_share)) == ("60.0%", "42.9%")
    assert codes_of(report) == ["rollout_incomplete"]


def test_a_resource_that_the_catalog_does_not_know_is_named(con: duckdb.DuckDBPyConnection) -> None:
    item = {"environment": "main", "object_id": "ap-1", "hour": day_start(WEEK.start), "amount_usd": Decimal(1)}
    for resource in ("A100-40GB", "rounding", "Quantum core"):
        put(con, "staging.billing_items", reading="now", **item, resource=resource)
    [finding] = build(con).findings
    assert (finding.code, finding.subject) == ("unknown_resource_label", "Quantum core")


def test_series_that_no_rule_knows_are_named_and_move_nothing(con: duckdb.DuckDBPyConnection) -> None:
    series = {
        "environment": "main",
        "app": OLD_APP,
        "range_start": day_start(WEEK.start),
        "range_end": day_start(WEEK.end),
    }
    put(
        con,
        "staging.series",
        **series,
        function=GENERATE,
        name="containers_avg",
        unit="containers",
        measure="containers",
    )
    for function in (GENERATE, EVALUATE):
        put(con, "staging.series", **series, function=function, name="warp_avg", unit="warps")
    [finding] = build(con).findings
    assert (finding.code, finding.severity, finding.data) == ("unknown_series", "info", {"warp_avg": "2 functions"})
    assert "series.yaml does not say what warp_avg (warps) is; no figure uses it" in finding.message


def test_a_server_that_ran_and_has_no_series_is_named(con: duckdb.DuckDBPyConnection) -> None:
    """Both counts are landed of the server, and they are of one day."""
    day, following = day_start(WEEK.start), day_start(WEEK.start + dt.timedelta(days=1))
    window = {"since": day, "until": following, "container_total_count": 2}
    put(con, "raw.files", file_id=901, source="server_stats", sha256="901", app=OLD_APP, server="web")
    put(con, "raw.files", file_id=902, source="app_stats", sha256="902", app=OLD_APP)
    for file_id in (901, 902):
        put(con, "raw.deliveries", file_id=file_id, fetched_at=following, range_start=day, range_end=following)
    put(con, "raw.server_stats", file_id=901, **window, request_count=1200)
    put(con, "raw.app_stats", file_id=902, **window, kind="server", name="web", total_count=1200)
    [finding] = build(con).findings
    assert (finding.code, finding.severity, finding.subject) == ("server_not_measured", "warning", "web")
    assert finding.data == {"app": OLD_APP, "requests": "1200", "containers": "2"}
    series = {"environment": "main", "app": OLD_APP, "range_start": day, "range_end": following}
    put(con, "staging.series", **series, function="web", is_server=True, measure="containers")
    assert build(con).findings == ()


# Inputs


def deliver(con: duckdb.DuckDBPyConnection, file_id: int, *, fetched_at: str, day: dt.date) -> None:
    """Land a bill of one day."""
    put(con, "raw.files", file_id=file_id, source="billing_report", sha256=f"content {file_id}")
    put(
        con,
        "raw.deliveries",
        file_id=file_id,
        path=f"{file_id}.json",
        fetched_at=fetched_at,
        range_start=day_start(day),
        range_end=day_start(day + dt.timedelta(days=1)),
        has_sidecar=True,
    )


def test_the_newest_bill_or_log_of_the_week_says_how_fresh_it_is(con: duckdb.DuckDBPyConnection) -> None:
    deliver(con, 1, fetched_at="2026-10-27 02:00", day=WEEK.start)
    deliver(con, 2, fetched_at="2026-10-28 02:00", day=WEEK.start)
    deliver(con, 3, fetched_at="2026-11-09 02:00", day=WEEK.end)
    report = build(con)
    assert report.as_of_sentence == "Data as of 2026-10-28 02:00 UTC."
    assert report.inputs.deliveries == 2


def test_the_hash_covers_the_week_and_its_baseline_and_nothing_else(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    deliver(con, 1, fetched_at="2026-10-27 02:00", day=WEEK.start)
    hashes = [build(con).inputs.sha256]
    for file_id, day in enumerate((WEEK.end, BASELINE_DAYS[0], WEEK.days()[6]), start=2):
        deliver(con, file_id, fetched_at="2026-11-20 02:00", day=day)
        hashes.append(build(con).inputs.sha256)
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


def test_the_order_in_which_files_were_landed_does_not_matter(con: duckdb.DuckDBPyConnection) -> None:
    measured(con)
    deliver(con, 1, fetched_at="2026-10-27 02:00", day=WEEK.start)
    deliver(con, 2, fetched_at="2026-10-28 02:00", day=WEEK.days()[1])
    first = build(con)
    con.execute("update raw.files set file_id = 3 - file_id")
    con.execute("update raw.deliveries set file_id = 3 - file_id")
    assert build(con) == first


def test_another_catalog_gives_another_hash(con: duckdb.DuckDBPyConnection) -> None:
    assert build(con).inputs.sha256 != build(con, catalog=CATALOG.model_copy(update={"sha256": "0"})).inputs.sha256
