"""What the warehouse remembers of the weeks that were built."""

from pathlib import Path
from unittest.mock import patch

import duckdb
import pytest

from tests.support.issued_weeks import CATALOG, FIRST, ISSUED, SECOND
from tieout.warehouse import weeks
from tieout.warehouse.connection import open_warehouse


def test_a_recording_that_is_cut_off_leaves_no_week_without_those_that_were_built_with_it(tmp_path: Path) -> None:
    """Else the later week alone would be built, and issued before the earlier one."""
    cut_off = {FIRST: {"catalog": "hash"}, SECOND: {"catalog": None}}
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:
        with patch.object(weeks, "_parts", return_value=cut_off), pytest.raises(duckdb.ConstraintException):
            weeks.record_weeks(con, CATALOG, cut_off, now=ISSUED)
        assert con.execute("select week from meta.week_inputs").fetchall() == []
