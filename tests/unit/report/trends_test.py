import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal

import duckdb
import pytest

from tests.golden.handmade import REPORT
from tests.support.empty_warehouse import open_empty_warehouse
from tests.support.named_rows import put_amounts, put_usage
from tests.support.printed_cents import allocate_cents
from tieout.catalog.load import load_catalog
from tieout.core.periods import IsoWeek, day_start, days_between
from tieout.core.resources import resource_path
from tieout.report.contents import WeeklyReport
from tieout.report.sections.changes import Mover, StatusChange
from tieout.report.sections.opportunities import OpportunityKind
from tieout.report.weekly import build_report

CATALOG = load_catalog(resource_path("catalog"))
GENERATE, EVALUATE = "generate_code_modal", "evaluate_genome_modal"
PHASE_1, PHASE_2, END = dt.date(2026, 10, 19), dt.date(2026, 11, 2), dt.date(2026, 11, 16)
BASELINE = days_between(dt.date(2026, 10, 5), PHASE_1)
SINCE = dt.datetime.fromisoformat("1970-01-01")
POOL = {"environment": "main", "object_id": "ap-1", "app": "a", "resource": "CPU", "resolution": "d"}
WEEKS = [IsoWeek.parse(f"2026-W{week}") for week in (43, 44, 45, 46)]


def put(con: duckdb.DuckDBPyConnection, table: str, **row: object) -> None:
    marks = ", ".join("?" for _ in row)
    con.execute(f"insert into {table} ({', '.join(row)}) values ({marks})", list(row.values()))


def land(con: duckdb.DuckDBPyConnection, days: Iterable[dt.date]) -> None:
    """Say that the bill of whole days is landed."""
    for day in days:
        put(con, "staging.billing_intervals", reading="now", hour=day_start(day), resolution="d", is_settled=True)


def work(
    con: duckdb.DuckDBPyConnection,
    days: Iterable[dt.date],
    calls: int,
    cost: str,
    *,
    function: str = GENERATE,
    phase: str = "baseline",
    idle: str = "0",
) -> None:
    """Put calls on every one of the days, what they cost, and what of it containers spent waiting at $0.50 an hour."""
    moments, amount, waiting = [day_start(day) for day in days], Decimal(cost), Decimal(idle)
    for component, part in (("execution", amount - waiting), ("idle", waiting)):
        named = {"function": function, "phase": phase, "component": component}
        put_amounts(con, *moments, **POOL, **named, amount_usd=part)
    put_usage(
        con,
        *moments,
        environment="main",
        app="a",
        function=function,
        configuration_from=SINCE,
        component="idle",
        evidence="seen",
        container_us=int(waiting * 2 * 3_600_000_000),
    )
    for at in moments:
        put(
            con,
            "savings.daily_function",
            environment="main",
            app="coral-x-production",
            function=function,
            phase=phase,
            day=at,
            successful_calls=calls,
            function_calls=calls,
            inputs=calls,
            errors=0,
            timeouts=0,
            oom_kills=0,
            p50_execution_us=9_000_000,
            p95_execution_us=20_000_000,
            busy_us=calls * 10_000_000,
            container_us=calls * 12_000_000,
            cost_usd=amount,
            gpu_usd=amount,
            cpu_usd=0,
            memory_usd=0,
            status="settled",
        )


@pytest.fixture(scope="module")
def six_weeks() -> Iterator[duckdb.DuckDBPyConnection]:
    """Two weeks before, four after: $20 a day become $8 with the first phase, $30 become $24 with the second."""
    with open_empty_warehouse() as con:
        land(con, days_between(BASELINE[0], END))
        work(con, days_between(BASELINE[0], PHASE_1), 100, "20", idle="5")
        work(con, days_between(PHASE_1, END), 100, "8", phase="phase-1", idle="2")
        work(con, days_between(BASELINE[0], PHASE_2), 50, "30", function=EVALUATE)
        work(con, days_between(PHASE_2, END), 50, "24", function=EVALUATE, phase="phase-2")
        yield con


@pytest.fixture
def con(six_weeks: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    six_weeks.execute("begin")
    yield six_weeks
    six_weeks.execute("rollback")


def build(con: duckdb.DuckDBPyConnection, week: IsoWeek = WEEKS[-1]) -> WeeklyReport:
    allocate_cents(con)
    return build_report(con, week, CATALOG)


# Since the first deployment


def test_the_cumulative_saving_is_what_the_weekly_reports_said_added_up(con: duckdb.DuckDBPyConnection) -> None:
    cumulative = build(con).cumulative
    assert cumulative is not None
    weekly = [build(con, week).headline.avoided_usd for week in WEEKS]
    assert weekly == [6 * 12, 7 * 12, 6 * 18, 7 * 18]
    assert cumulative.last.cumulative_usd == sum(amount or Decimal(0) for amount in weekly) == 390
    assert cumulative.measured_days == 26


def test_a_deployment_day_is_a_gap_and_not_a_day_that_saved_nothing(con: duckdb.DuckDBPyConnection) -> None:
    cumulative = build(con).cumulative
    assert cumulative is not None
    gaps = [point for point in cumulative.points if point.avoided_usd is None]
    assert [point.day for point in gaps] == [PHASE_1, PHASE_2]
    assert [point.cumulative_usd for point in gaps] == [0, 13 * 12]
    assert cumulative.gap_sentence == "2 days do not count: a deployment day, or a bill that is not landed whole."
    assert [(d.phase, d.day) for d in cumulative.deployments] == [("phase-1", PHASE_1), ("phase-2", PHASE_2)]


def test_the_promise_counts_for_the_days_that_were_measured(con: duckdb.DuckDBPyConnection) -> None:
    report = build(con)
    assert report.cumulative is not None
    assert report.headline.restated_usd_per_day is not None
    assert report.cumulative.last.published_usd == 26 * 4140
    assert report.cumulative.last.restated_usd == 26 * report.headline.restated_usd_per_day


def test_before_the_first_measured_day_nothing_is_cumulated(con: duckdb.DuckDBPyConnection) -> None:
    assert build(con, IsoWeek.parse("2026-W42")).cumulative is None


# Against the week before


def test_what_moved_the_saving_adds_up_to_its_change(con: duckdb.DuckDBPyConnection) -> None:
    work(con, WEEKS[-1].days(), 0, "1.11", phase="phase-1")
    changes = build(con).changes
    assert changes is not None
    assert changes.avoided is not None
    assert (changes.avoided.before_usd, changes.avoided.after_usd) == (Decimal("18.00"), Decimal("16.89"))
    assert changes.avoided.movers[0] == Mover(GENERATE, Decimal("12.00"), Decimal("10.89"))
    assert sum(mover.change_usd for mover in changes.avoided.movers) == changes.avoided.change_usd
    assert changes.sentences[0] == f"The avoided cost fell by $1.11 to $16.89 a day: {GENERATE} −$1.11."


def test_what_moved_the_bill_adds_up_to_its_change(con: duckdb.DuckDBPyConnection) -> None:
    report = build(con, WEEKS[0])
    assert report.changes is not None
    assert report.changes.cost.after_usd == report.spend.total_usd
    assert report.changes.sentences[0] == f"The bill of the week fell by $84.00 to $266.00: {GENERATE} −$84.00."


def test_a_function_that_gets_its_phase_changes_its_status(con: duckdb.DuckDBPyConnection) -> None:
    changes = build(con, WEEKS[2]).changes
    assert changes is not None
    assert StatusChange(EVALUATE, "no claim", "provisional") in changes.statuses


def test_bills_of_unequal_days_are_not_compared_without_saying_so(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("delete from staging.billing_intervals where hour = '2026-11-15'")
    changes = build(con).changes
    assert changes is not None
    assert changes.remarks == (
        "The bill of 6 days of this week is landed, and of 7 of the week before: the two bills cannot be compared.",
    )


def test_the_first_week_is_compared_with_nothing(con: duckdb.DuckDBPyConnection) -> None:
    assert build(con, IsoWeek.of(BASELINE[0])).changes is None


def test_what_moved_least_is_one_line_so_that_all_of_it_still_adds_up(con: duckdb.DuckDBPyConnection) -> None:
    for number in range(1, 8):
        work(con, [WEEKS[-1].start], 1, f"0.0{number}", function=f"small_{number}")
    changes = build(con).changes
    assert changes is not None
    assert [mover.function for mover in changes.cost.movers] == [*(f"small_{n}" for n in (7, 6, 5, 4, 3)), "4 others"]
    assert sum(mover.change_usd for mover in changes.cost.movers) == changes.cost.change_usd == Decimal("0.28")


def test_a_change_is_printed_in_the_unit_of_its_figure() -> None:
    changes = REPORT.changes
    assert changes is not None
    assert [row.change_text for row in changes.rows] == ["+$0.75", "–", "−$18.40", "−176", "+3.1 pp"]


# The weeks so far


def test_every_week_of_the_history_is_the_spend_of_that_weeks_report(con: duckdb.DuckDBPyConnection) -> None:
    history = build(con).history
    assert [week.week.label for week in history.weeks] == [f"2026-W{number}" for number in range(41, 47)]
    for week in history.weeks:
        spend = build(con, week.week).spend
        assert week.total_usd == spend.total_usd
        assert sum(part.amount_usd for part in week.functions) == week.total_usd
        assert sum(part.amount_usd for part in week.components) == week.total_usd


def test_a_functions_days_have_what_they_cost_beside_what_they_would_have(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("delete from staging.billing_intervals where hour = '2026-11-15'")
    [dearest, other] = build(con).history.functions
    assert (dearest.function, dearest.deployed) == (EVALUATE, PHASE_2)
    *_, saturday, sunday = other.days
    assert (saturday.actual_usd, saturday.counterfactual_usd) == (Decimal(8), Decimal(20))
    assert (sunday.actual_usd, sunday.counterfactual_usd) == (None, None)


def test_half_a_year_is_as_far_as_the_history_goes(con: duckdb.DuckDBPyConnection) -> None:
    work(con, [dt.date(2025, 1, 6)], 1, "1")
    assert len(build(con).history.weeks) == 26


# Where to look next


def test_waiting_containers_are_an_opportunity_in_dollars_a_day(con: duckdb.DuckDBPyConnection) -> None:
    [line] = build(con).opportunities.lines
    assert (line.function, line.kind, line.usd_per_day) == (GENERATE, OpportunityKind.IDLE, Decimal("2.00"))
    assert str(line.share) == "25.0%"
    assert line.measured == "4.0 h a day of containers that wait"


@pytest.mark.parametrize(
    ("microseconds", "said"),
    [
        (0, "containers that wait"),
        (500_000, "under 1 s a day of containers that wait"),
        (40_000_000, "40 s a day of containers that wait"),
        (170_000_000, "3 min a day of containers that wait"),
        (3_600_000_000, "1.0 h a day of containers that wait"),
    ],
)
def test_time_is_said_in_a_unit_that_shows_it(con: duckdb.DuckDBPyConnection, microseconds: int, said: str) -> None:
    con.execute("update usage.hours set container_us = $us where component = 'idle'", {"us": microseconds})
    [line] = build(con).opportunities.lines
    assert line.measured == said


@pytest.mark.parametrize("environment", ["main", "dev"])
def test_cost_without_a_call_is_told_whole_and_so_is_what_of_it_has_no_line(
    con: duckdb.DuckDBPyConnection, environment: str
) -> None:
    pool = POOL | {"environment": environment}
    for function, component, amount in ((GENERATE, "unexplained", "1.006"), ("__unexplained__", "residual", "0.50")):
        at, usd = day_start(WEEKS[-1].start), Decimal(amount)
        put_amounts(con, at, **pool, function=function, phase="none", component=component, amount_usd=usd)
    report = build(con)
    assert report.opportunities.without_a_call_usd == report.unattributed.total_usd == Decimal("1.51")
    assert report.opportunities.without_a_call_sentence == (
        "Without a call, the week cost $1.51; $0.50 of it is no function's."
    )
    assert "__unexplained__" not in [line.function for line in report.opportunities.lines]


def test_warm_and_failed_containers_have_lines_and_remedies_of_their_own(con: duckdb.DuckDBPyConnection) -> None:
    at = day_start(WEEKS[-1].start)
    for component in ("warm", "failed"):
        put_amounts(con, at, **POOL, function=GENERATE, phase="none", component=component, amount_usd=7)
    lines = {line.kind: line for line in build(con).opportunities.lines}
    assert lines[OpportunityKind.KEPT_WARM].usd_per_day == lines[OpportunityKind.FAILED].usd_per_day == Decimal("1.00")
    assert "`min_containers`" in lines[OpportunityKind.KEPT_WARM].remedy
    assert OpportunityKind.WITHOUT_A_CALL not in lines


def _idle(con: duckdb.DuckDBPyConnection, source: str) -> None:
    where = {"environment": "main", "app": "a", "function": GENERATE}
    at = day_start(WEEKS[-1].start)
    idle = {"configuration_from": SINCE, "component": "idle", "evidence": "window"}
    put_usage(con, at, **where, **idle, container_us=3_600_000_000)
    [(key,)] = con.execute("select configuration_key from usage.hours").fetchall()
    since = {"configuration_key": key, "valid_from": SINCE}
    put(con, "staging.configurations", **where, **since, source=source, scaledown_window_seconds=60)


def test_no_opportunity_is_built_on_a_window_that_nobody_has_set(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("delete from usage.hours")
    _idle(con, "unknown")
    assert OpportunityKind.IDLE not in [line.kind for line in build(con).opportunities.lines]


def test_how_long_idle_containers_lived_is_said_where_it_was_learned(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("delete from usage.hours")
    _idle(con, "function info")
    where = {"environment": "main", "object_id": "ap-1", "app": "a", "function": GENERATE}
    learned = {"factor": "tail", "value": Decimal("0.61"), "hours": 168, "is_used": True}
    put(con, "spend.learned_factors", **where, window_start=day_start(WEEKS[-1].start), **learned)
    [line] = [line for line in build(con).opportunities.lines if line.kind is OpportunityKind.IDLE]
    assert line.measured == (
        "5 min a day of containers that wait; the scaledown window is 60 s; they lived 61% of their scaledown window, "
        "learned from 168 hours of the bill"
    )


def test_callers_that_stayed_behind_are_an_opportunity_at_what_a_call_costs_them(
    con: duckdb.DuckDBPyConnection,
) -> None:
    work(con, WEEKS[-1].days(), 25, "5")
    lines = {line.kind: line for line in build(con).opportunities.lines}
    behind = lines[OpportunityKind.OLD_PHASE]
    assert behind.usd_per_day == Decimal("3.00")
    assert behind.measured == "20.0% of the calls still run as before, at $0.2000 a call instead of $0.0800"


def test_a_week_without_data_has_no_trend_and_offers_nothing() -> None:
    with open_empty_warehouse() as nothing:
        report = build(nothing)
    assert report.cumulative is None
    assert report.changes is None
    assert [week.total_usd for week in report.history.weeks] == [0]
    assert report.history.functions == ()
    assert report.opportunities.lines == ()
    assert report.opportunities.sentence.startswith("No day of this week has its whole bill landed")
