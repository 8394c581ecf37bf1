import gzip
from pathlib import Path

from tests.conftest import Tieout
from tests.support.issued_weeks import CODE, FIRST, ISSUED, SECOND, IssuedWeeks
from tests.support.loading import load_at
from tieout.warehouse.connection import open_warehouse


def loaded(home: Path) -> IssuedWeeks:
    """A workspace with two bills and a log, loaded."""
    weeks = IssuedWeeks(home)
    weeks.land_bill(FIRST)
    weeks.land_bill(SECOND)
    weeks.land_calls(FIRST, CODE, calls=1)
    with open_warehouse(weeks.home.warehouse) as con:
        load_at(con, weeks.home.landing, now=ISSUED)
    return weeks


def deleted(weeks: IssuedWeeks, tieout: Tieout) -> str:
    """What the doctor says of files that were loaded and are gone."""
    said = tieout("doctor", "--home", weeks.home.root).out
    _, found, after = said.partition("deleted")
    return " ".join((found + after).split())


def test_a_loaded_file_that_is_gone_is_named_with_how_to_withdraw_a_wrong_one(tieout: Tieout, tmp_path: Path) -> None:
    weeks = loaded(tmp_path)
    (weeks.home.landing / f"billing_report/{SECOND.label}.bill.json").unlink()
    said = deleted(weeks, tieout)
    assert f"no longer in landing: billing_report/{SECOND.label}.bill.json. Their figures stay" in said
    assert "To withdraw a wrong file, write what is right for the same days over it" in said


def test_a_file_that_was_compressed_or_renamed_is_not_gone(tieout: Tieout, tmp_path: Path) -> None:
    weeks = loaded(tmp_path)
    first, second = (weeks.home.landing / f"billing_report/{week.label}.bill.json" for week in (FIRST, SECOND))
    first.with_name(f"{first.name}.gz").write_bytes(gzip.compress(first.read_bytes()))
    first.unlink()
    second.rename(second.with_name("october.json"))
    assert deleted(weeks, tieout) == ""
