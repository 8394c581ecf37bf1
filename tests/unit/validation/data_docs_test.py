"""Great Expectations' own pages: they say what holds and what does not, and need nothing from anywhere else."""

import re
from pathlib import Path

import duckdb

from tieout.core.findings import Severity
from tieout.validation.data_docs import write_data_docs
from tieout.validation.suites import ALL_DAYS, Expectation, Suite

KNOWN = Expectation("A is known", Severity.CRITICAL, "expect_column_values_to_not_be_null", {"column": "a"}, None, 1)
ONE = Expectation("A is one", Severity.WARNING, None, {}, "select * from {table} where a != 1", 2)


def test_the_pages_say_what_is_broken_and_fetch_nothing(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        con.execute("create schema spend")
        con.execute("create table spend.hourly as select 1 as a")
        con.execute("create table spend.pools as select unnest([1, 2, 3]) as a")
        suites = [Suite(table, "x.yaml", (KNOWN, ONE)) for table in ("spend.hourly", "spend.pools")]
        first = write_data_docs(con, suites, tmp_path / "site", days=ALL_DAYS)
    index = first.read_text(encoding="utf-8")
    results = re.findall(r'<a href="([^"]+)">([^<]+)</a></td>\s*<td class="(held|broken)">', index)
    assert [(table, result) for _, table, result in results] == [("spend.pools", "broken"), ("spend.hourly", "held")]
    broken = (first.parent / results[0][0]).read_text(encoding="utf-8")
    assert "A is one" in broken
    assert "broken 2 times" in broken
    pages = list(first.parent.rglob("*.html"))
    assert len(pages) == 5
    assert not [page for page in pages if re.search(r"https?://|<script|<link|<img", page.read_text(encoding="utf-8"))]
    for page in pages:
        links = re.findall(r'href="([^"#]+)"', page.read_text(encoding="utf-8"))
        assert all((page.parent / link).is_file() for link in links)
