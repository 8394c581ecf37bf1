"""The witnesses in the report: one sentence, one small table."""

from dataclasses import replace
from decimal import Decimal

from tests.golden.handmade import REPORT
from tieout.report.formats.html import render_pages
from tieout.report.sections.witnesses import THIS_REPORT, Witnesses, WitnessLine

OWN = WitnessLine(THIS_REPORT, Decimal("145.75"), Decimal("83.71"), Decimal("2.12"), None)
REPLAY = WitnessLine("replay on the old containers", Decimal("144.84"), Decimal("82.80"), Decimal("1.85"), agrees=True)
FAR_OFF = replace(REPLAY, name="cost on calls alone", saving_usd=Decimal("90.00"), agrees=False)
WITHIN = Decimal("1.91")


def test_witnesses_that_agree_are_one_sentence() -> None:
    assert Witnesses((OWN, REPLAY), WITHIN).sentence == (
        "All witnesses agree with the saving within $1.91, half the width of the interval without them."
    )


def test_a_witness_that_does_not_agree_is_named() -> None:
    sentence = Witnesses((OWN, REPLAY, FAR_OFF), WITHIN).sentence
    assert sentence.startswith("Cost on calls alone does not agree with the saving within $1.91")


def test_without_an_interval_nobody_agrees_or_disagrees() -> None:
    assert Witnesses((OWN, REPLAY), None).sentence.startswith("Without an interval")


def test_the_page_shows_every_witness_with_its_verdict_and_none_where_there_is_none() -> None:
    pages = "".join(page for _, page in render_pages(replace(REPORT, witnesses=Witnesses((OWN, FAR_OFF), WITHIN))))
    assert "Cost on calls alone" in pages
    assert "$90.00" in pages
    assert ">no<" in pages
    assert 'id="witnesses"' not in "".join(page for _, page in render_pages(REPORT))
