"""What the bill has and the catalog lacks, and what can be done about it: nothing can about another environment."""

import datetime as dt

import duckdb
import pytest

from tieout.catalog.load import load_catalog
from tieout.core.periods import IsoWeek
from tieout.core.resources import resource_path
from tieout.report.sections.catalog_coverage import read_catalog_coverage

WEEK = IsoWeek.parse("2026-W42")
NAMED = ("main", "coral-x-production", "evaluate_genome_modal")
HERE, ELSEWHERE = ("main", "notebook", "explore"), ("staging", "notebook", "explore")
TO_ADD = "Add them to functions.yaml, or leave them out on purpose."
TO_LEAVE = "A catalog describes one environment, so staging can only be in the spend."


def said_of(*billed: tuple[str, str, str]) -> str:
    """The finding on a week in which a dollar was billed for each."""
    with duckdb.connect() as con:
        con.execute(
            "create schema savings; create schema staging;"
            "create table savings.daily_function (environment text, app text, function text, day date,"
            " inputs int, cost_usd decimal(38, 12));"
            "create table staging.deliveries (environment text, app text, function text)"
        )
        day = WEEK.start + dt.timedelta(days=1)
        con.executemany(
            "insert into savings.daily_function values (?, ?, ?, ?, 1, 1)", [(*each, day) for each in billed]
        )
        findings = read_catalog_coverage(con, WEEK, load_catalog(resource_path("catalog")))
        return " ".join(finding.message for finding in findings if finding.code == "billed_outside_catalog")


@pytest.mark.parametrize(
    ("billed", "advice"),
    [
        ((HERE,), f"$1.00: notebook/explore ($1.00). {TO_ADD}"),
        ((ELSEWHERE,), f"$1.00: notebook/explore (staging) ($1.00). {TO_LEAVE}"),
        ((HERE, ELSEWHERE), f"and notebook/explore (staging) ($1.00). {TO_ADD} {TO_LEAVE}"),
    ],
)
def test_the_advice_is_one_that_can_be_followed(billed: tuple[tuple[str, str, str], ...], advice: str) -> None:
    assert said_of(NAMED, *billed).endswith(advice)


def test_a_bill_that_the_catalog_names_is_no_finding() -> None:
    assert said_of(NAMED) == ""
