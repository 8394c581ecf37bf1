"""The bill of now and that of a closing lie in the same tables: who reads one says which, or counts some cost twice."""

import re
from collections.abc import Iterator
from pathlib import Path

from tieout.validation.suites import all_suites
from tieout.warehouse.models import all_models

ROOT = Path(__file__).resolve().parents[2]
WITH_READINGS = sorted(model.name for model in all_models() if "reading" in model.columns)
READS = re.compile(rf"\b(?:from|join)\s+({'|'.join(WITH_READINGS)})\b")


def complaints(text: str) -> list[str]:
    says = re.search(r"\breading\b", text)
    return [] if says else [f"which reading of {table}?" for table in sorted(set(READS.findall(text)))]


def readers() -> Iterator[tuple[str, str]]:
    """Every text of the project that asks the warehouse: models, canned questions, code, and the rules of suites."""
    paths = [*(ROOT / "sql").rglob("*.sql"), *(ROOT / "pipelines").rglob("*.py")]
    yield from ((path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in sorted(paths))
    for suite in all_suites().values():
        yield from ((f"{suite.file}, {rule.name!r}", rule.sql) for rule in suite.expectations if rule.sql)


def test_whoever_reads_the_bill_says_which_reading() -> None:
    found = [f"{name}: {complaint}" for name, text in readers() for complaint in complaints(text)]
    assert not found, "write `reading = 'now'` or `reading = 'closing'`:\n" + "\n".join(found)


def test_a_bill_of_no_said_reading_is_noticed() -> None:
    assert complaints("select sum(amount_usd) from staging.billing_items") == [
        "which reading of staging.billing_items?"
    ]
    assert complaints("select sum(amount_usd) from staging.billing_items where reading = 'now'") == []
    assert complaints("select sum(amount_usd) from staging.billing_summaries") == []
