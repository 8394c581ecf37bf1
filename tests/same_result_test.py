"""Whatever the order and however often files arrive, the spend they come to is the same to the last digit."""

import datetime as dt
import json
import random
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from tests.conftest import BuildOnce
from tests.support.loading import load_at
from tests.support.trusting import Trusting
from tieout.catalog.load import load_catalog
from tieout.core.resources import resource_path
from tieout.simulator import SCENARIOS, larger, simulate
from tieout.warehouse.build import Period, build_models, write_models
from tieout.warehouse.catalog_tables import write_catalog
from tieout.warehouse.connection import open_warehouse
from tieout.warehouse.models import Model, load_models

pytestmark = [pytest.mark.slow, pytest.mark.all_threads]

NOW = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
PERIOD = Period(dt.date(2026, 10, 12), dt.date(2026, 10, 26))
HASH = "select count(*), md5(string_agg(h, ',' order by h)) from (select md5(s::varchar) as h from spend.hourly as s)"


@pytest.fixture(scope="module")
def delivered(build_once: BuildOnce) -> Path:
    scenario = larger(SCENARIOS["as-deployed"], functions=10, calls_per_day=500)
    return build_once("same-result", lambda out: simulate(scenario, seed=5, weeks=2, out=out)) / "landing"


@pytest.fixture(scope="module")
def expected(delivered: Path, build_once: BuildOnce) -> tuple[int, str]:
    def fill(out: Path) -> None:
        spent = _spend_after(out / "once", delivered, [_exports(delivered)])
        (out / "spent.json").write_text(json.dumps(spent))

    rows, digest = json.loads((build_once("same-result-at-once", fill) / "spent.json").read_text())
    assert rows > 1000
    return rows, digest


def _exports(landing: Path) -> list[Path]:
    return sorted(path for path in landing.rglob("*") if path.is_file() and not path.name.endswith(".meta.json"))


def _land(files: Sequence[Path], delivered: Path, landing: Path, prefix: str = "") -> None:
    for file in files:
        target = landing / file.relative_to(delivered)
        target = target.with_name(prefix + target.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
        shutil.copy(f"{file}.meta.json", f"{target}.meta.json")


def _spend_after(home: Path, delivered: Path, batches: Sequence[Sequence[Path]]) -> tuple[int, str]:
    """Land and load the batches one after the other, building everything after each."""
    with open_warehouse(home / "warehouse.duckdb") as con:
        for number, batch in enumerate(batches):
            _land(batch, delivered, home / "landing")
            assert not load_at(con, home / "landing", now=NOW).rejected
            write_catalog(con, load_catalog(resource_path("catalog")))
            _build(con, f"run-{number}")
        row = con.execute(HASH).fetchone()
        assert row is not None
        return int(row[0]), str(row[1])


def _models() -> list[Model]:
    return [model for model in load_models() if model.schema in ("staging", "usage", "spend")]


def _build(con: duckdb.DuckDBPyConnection, run_id: str) -> None:
    models = _models()
    assert build_models(con, models, PERIOD, validator=Trusting(), run_id=run_id).is_committed


def test_parts_that_overlap_in_any_order_come_to_the_same_spend(
    delivered: Path, expected: tuple[int, str], tmp_path: Path
) -> None:
    files = _exports(delivered)
    random.Random(7).shuffle(files)
    third = len(files) // 3
    batches = [files[: 2 * third], files[third:]]
    assert _spend_after(tmp_path, delivered, batches) == expected


def test_everything_landed_twice_comes_to_the_same_spend(
    delivered: Path, expected: tuple[int, str], tmp_path: Path
) -> None:
    files = _exports(delivered)
    for file in files:
        copy = tmp_path / "landing" / file.relative_to(delivered).with_name(f"copy-{file.name}")
        copy.parent.mkdir(parents=True, exist_ok=True)
        if "billing_summary" not in file.parts and "billing_rates" not in file.parts:
            shutil.copy(file, copy)
    assert _spend_after(tmp_path, delivered, [files, files]) == expected


def test_tables_that_are_written_week_by_week_hold_the_same_rows(delivered: Path, tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:
        _land(_exports(delivered), delivered, tmp_path / "landing")
        assert not load_at(con, tmp_path / "landing", now=NOW).rejected
        write_catalog(con, load_catalog(resource_path("catalog")))
        at_once = _rows_written(con, load_models())
        assert _rows_written(con, [replace(model, weeks_at_once=1) for model in load_models()]) == at_once
        # else it would not matter from which week a factor was learned
        assert _weeks_with_factors(con) == 2


def _rows_written(con: duckdb.DuckDBPyConnection, models: Sequence[Model]) -> dict[str, list[tuple[str]]]:
    tables = [model.name for model in models if not model.is_view]
    for name in tables:
        con.execute(f"drop table if exists {name}")
    write_models(con, models, PERIOD)
    return {name: con.execute(f"select t::varchar from {name} as t order by all").fetchall() for name in tables}


def _weeks_with_factors(con: duckdb.DuckDBPyConnection) -> int:
    row = con.execute("select count(distinct window_start) from spend.learned_factors where is_used").fetchone()
    assert row is not None
    return int(row[0])
