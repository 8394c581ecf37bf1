"""The digest: what a week says first, and that it says the same with a claim, without one, and when it is blocked."""

import datetime as dt
import re
from dataclasses import replace
from decimal import Decimal

import duckdb
import pytest

from tests.golden.edges import EMPTY, SPEND_ONLY
from tests.golden.handmade import REPORT, WEEK, usd
from tieout.catalog.load import load_catalog
from tieout.core.periods import IsoWeek
from tieout.core.resources import resource_path
from tieout.report.digest import digest_of
from tieout.report.sections.change_reasons import read_reasons
from tieout.report.sections.functions import slug_of
from tieout.report.sections.spend import ComponentSpend, FunctionSpend, Spend
from tieout.report.wording import Share, dates, spoken

CATALOG = load_catalog(resource_path("catalog"))


def test_a_week_with_a_claim_says_what_was_spent_saved_and_that_it_ties() -> None:
    digest = digest_of(REPORT)
    assert [answer.question for answer in digest.answers] == ["Spent", "Saved", "Against the bill"]
    assert (digest.title, digest.label) == ("9–15 November 2026", "2026-W46")
    assert digest.spent.lines[0] == "−$18.40 against the week before: $118.40 in 2–8 November"
    assert (digest.answers[1].figure, digest.answers[1].small, digest.answers[1].word) == (
        "$58.50",
        "± $6.42",
        "Provisional",
    )
    assert [check.what for check in digest.checks if not check.is_clear] == ["bill settled"]
    assert digest.is_blocked
    assert digest.alerts[0] == "Blocked: G4 is not passed. Do not use the figures of this week."
    assert [(mover.function, mover.change) for mover in digest.movers] == [
        ("generate_code_modal", "−$19.00"),
        ("evaluate_genome_modal", "+$0.60"),
    ]


def test_a_week_without_a_claim_leads_with_spend_and_gives_savings_one_line() -> None:
    digest = digest_of(SPEND_ONLY)
    assert [answer.question for answer in digest.answers] == ["Spent", "Without work", "Against the bill"]
    assert digest.answers[1].figure == "28.8%"
    assert digest.answers[1].lines[1].startswith("Dearest in total: ")
    assert digest.leads_with_spend
    assert digest.saving == SPEND_ONLY.headline.sentence
    assert digest.checks == ()
    assert digest.queries == ("weeks", "movers", "idle")


def test_a_week_without_data_says_so() -> None:
    digest = digest_of(EMPTY)
    assert [answer.figure for answer in digest.answers] == ["–", "–", "Nothing billed"]
    assert (digest.movers, digest.moved, digest.opportunities) == ((), None, ())


def test_a_headline_that_is_refused_is_no_saving() -> None:
    digest = digest_of(replace(REPORT, headline=replace(REPORT.headline, is_refused=True)))
    assert digest.answers[1].question == "Without work"
    assert digest.saving is not None


def test_shares_of_one_bill_do_not_stand_beside_the_share_that_they_are_part_of() -> None:
    assert any("% without a call" in line for line in digest_of(REPORT).spent.lines)
    digest = digest_of(replace(REPORT, headline=replace(REPORT.headline, is_refused=True)))
    assert not any("%" in line for line in digest.spent.lines)
    found = re.findall(r"\$[\d,.]+\d", digest.answers[1].lines[0])
    part = sum((Decimal(amount[1:].replace(",", "")) for amount in found), Decimal(0))
    assert digest.answers[1].lines[0].endswith("without a call") and len(found) == 2
    assert digest.answers[1].figure == str(Share(part, REPORT.spend.total_usd))


@pytest.mark.parametrize(
    ("start", "printed"),
    [
        (dt.date(2026, 11, 9), "9–15 November 2026"),
        (dt.date(2026, 9, 28), "28 September – 4 October 2026"),
        (dt.date(2026, 12, 28), "28 December 2026 – 3 January 2027"),
    ],
)
def test_a_week_is_called_by_its_dates(start: dt.date, printed: str) -> None:
    assert dates(start, start + dt.timedelta(days=7)) == printed


def test_what_stands_for_no_function_is_called_as_people_call_it() -> None:
    assert spoken("__volume__ (dev)") == "volumes (dev)"
    assert spoken("__something_else__") == "something else"
    assert spoken("generate_code_modal") == "generate_code_modal"


def test_a_page_of_a_function_has_a_harmless_name_of_its_own() -> None:
    assert slug_of("generate_code_modal") == "generate-code-modal"
    hostile = ["../../etc/passwd", "<script>", "a/b", "a_b", "A_B", "名前", "x" * 300, ""]
    slugs = [slug_of(name) for name in hostile]
    assert len(set(slugs)) == len(slugs)
    assert all(set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") and len(slug) <= 60 for slug in slugs)


def _spend(execution: str, idle: str) -> Spend:
    parts = (ComponentSpend("execution", usd(execution)), ComponentSpend("idle", usd(idle)))
    total = usd(execution) + usd(idle)
    return Spend(total, (FunctionSpend("generate_code_modal", total, None, (), parts),), parts)


def _reason(
    before: Spend,
    after: Spend,
    *,
    calls: tuple[int, int],
    week: IsoWeek = WEEK,
    phase: str = "baseline",
    unit_usd: str = "1",
) -> str:
    """The reason of a function with calls on a day of each week, at a dollar each in the week before."""
    with duckdb.connect() as con:
        con.execute("create schema savings")
        con.execute(
            "create table savings.daily_function (environment varchar, function varchar, phase varchar, "
            "day timestamp, successful_calls bigint, cost_usd decimal(38, 12))"
        )
        days = ("baseline", week.previous().start, "1"), (phase, week.days()[1], unit_usd)
        for (own, day, unit), number in zip(days, calls, strict=True):
            con.execute(
                "insert into savings.daily_function values "
                "('main', 'generate_code_modal', $1, $2, $3, $4::decimal(9, 2) * $3)",
                [own, day, number, unit],
            )
        return read_reasons(con, before, after, CATALOG, week=week)["generate_code_modal"]


def test_a_mover_says_how_calls_and_the_cost_of_one_moved() -> None:
    assert _reason(_spend("8", "2"), _spend("9", "2"), calls=(100, 200)) == "100% more calls and a call 45% cheaper"
    assert _reason(_spend("8", "2"), _spend("8", "2"), calls=(100, 100)) == ""
    assert _reason(_spend("8", "2"), _spend("9", "2"), calls=(0, 200)) == "200 successful calls after 0"


DEPLOYED = IsoWeek.parse("2026-W43")
"""The week of phase-1's deployment, on its Monday, in the built-in catalog."""


def test_a_deployment_is_a_reason_only_where_a_call_changed_with_it_as_the_cost_did() -> None:
    def told(phase: str, unit_usd: str) -> str:
        weeks = _spend("8", "2"), _spend("4", "1")
        return _reason(*weeks, calls=(100, 100), week=DEPLOYED, phase=phase, unit_usd=unit_usd)

    assert told("phase-1", "0.40").startswith(
        "a call in phase-1, deployed on Mon 19 Oct 2026, is 60% cheaper than before it; "
    )
    for phase, unit_usd in (("phase-1", "1.00"), ("phase-1", "2.00"), ("baseline", "0.40")):
        assert "phase-1" not in told(phase, unit_usd)


def test_a_mover_says_when_containers_that_wait_are_most_of_it() -> None:
    assert _reason(_spend("8", "2"), _spend("8", "7"), calls=(100, 100)) == "a call 50% dearer; +$5.00 of it idle"


def test_a_revision_that_claimed_nothing_says_so_in_words() -> None:
    [past] = replace(REPORT.revision).past
    assert replace(past, avoided_usd=None).sentence.endswith("$98.40 cost, no saving claimed.")
