"""What the digest must say beside its figures, so that nobody takes them for more than they are."""

from dataclasses import replace

from tests.golden.handmade import MONTHS, REPORT, share, usd
from tieout.report.contents import WeeklyReport
from tieout.report.digest import digest_of
from tieout.report.sections.savings import Standing


def caveats(report: WeeklyReport) -> str:
    return " ".join(digest_of(report).caveats)


def test_what_of_a_month_no_landed_report_has_is_said_with_its_amount_and_what_follows() -> None:
    [month] = MONTHS
    lacking = replace(month, not_itemised_usd=usd("909.261"), metered_usd=usd("2630.40"))
    assert (
        "$909.26 of the $2,630.40 that Modal metered in November 2026 is in no landed report (gate G3): "
        "the spend of its weeks is that much too low until it is."
    ) in caveats(replace(REPORT, months=(lacking,)))
    beyond = replace(month, not_itemised_usd=usd("-5"))
    assert "have $5.00 more than Modal metered (gate G3)" in caveats(replace(REPORT, months=(beyond,)))
    assert "gate G3" not in caveats(REPORT)  # a fifth of a cent


def test_a_wide_error_bar_of_a_line_of_the_digest_is_said_there() -> None:
    first, *others = REPORT.functions
    wide = replace(first, low_usd=usd("0.14"), high_usd=usd("99.32"))
    bounds = "for generate_code_modal between $0.14 and $99.32"
    said = f"The true cost of the week may lie, by log, settings and bill, {bounds}."
    assert said in caveats(replace(REPORT, functions=(wide, *others)))
    assert "true cost" not in caveats(REPORT)


def test_calls_that_have_moved_are_no_cost_that_has() -> None:
    [line] = REPORT.rollout
    behind = replace(line, elsewhere_usd=usd("51.61"), cost_share=share("62", "100"))
    assert (
        "Calls have moved, and what ran before them still costs: $51.61 of generate_code_modal "
        "(99.0% of its calls moved, 62.0% of its cost)."
    ) in caveats(replace(REPORT, rollout=(behind,)))
    assert "still costs" not in caveats(REPORT)
    assert "rollout complete" not in {check.what for check in digest_of(REPORT).checks}


def test_a_verified_total_of_lines_that_are_not_is_explained() -> None:
    verified = replace(REPORT.headline, standing=Standing("verified"))
    rows = tuple(replace(row, standing=Standing("provisional", ("± is wide",))) for row in REPORT.ledger.rows)
    report = replace(REPORT, headline=verified, ledger=replace(REPORT.ledger, rows=rows))
    said = "The total is verified and none of its functions is (generate_code_modal provisional, "
    assert said in caveats(report)
    assert "The total is verified" not in caveats(replace(REPORT, headline=verified))
    assert "The total is verified" not in caveats(REPORT)
