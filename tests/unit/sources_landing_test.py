import datetime as dt
import gzip
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import pytest

from pipelines.sources import create_raw_schema, ledger, load_landing
from pipelines.sources.raw_schema import TABLES
from tests.landing_folder import CALL, CALLS, NOW, REAL_BILL, REPORT_LINE, SAMPLES, LandingFolder

BILL = "billing_report/bill.json"
DAY = dt.timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path) -> LandingFolder:
    return LandingFolder(tmp_path)


def bill(cost: str = "1.5", hour: int = 1) -> list[dict[str, Any]]:
    return [REPORT_LINE | {"cost": cost, "interval_start": f"2026-11-02T{hour:02}:00:00"}]


def everything(folder: LandingFolder) -> dict[str, list[tuple[Any, ...]]]:
    """The whole raw schema as a person sees it: no numbers given by the loader, no loading times."""
    seen = {}
    for table in TABLES:
        columns = [f"t.{column.name}" for column in table.columns if column.name not in HIDDEN]
        if any(column.name == "file_id" for column in table.columns) and table.name != "files":
            source = f"raw.{table.name} t join raw.files f using (file_id)"
            columns += ["f.sha256"]
        else:
            source = f"raw.{table.name} t"
        if table.name == "function_calls":
            source += " left join raw.containers c using (container_key)"
            columns += ["c.container_id"]
        seen[table.name] = sorted(folder.rows(f"select {', '.join(columns)} from {source}"), key=repr)
    return seen


HIDDEN = {"file_id", "container_key", "loaded_at", "seen_at"}


def put_all_samples(folder: LandingFolder) -> list[str]:
    one = "app=coral-x-production"
    samples = {
        "billing_summary.json": "billing_summary/2026-11.json",
        "billing_rates.json": "billing_rates/2026-11-01.json",
        "function_calls.json": f"{CALLS}/2026-11-02.json",
        "function_info.json": f"function_info/{one}/function=generate_code_modal/2026-11-02.json",
        "app_history.json": f"app_history/{one}/2026-11-02.json",
        "app_list.json": "app_list/2026-11-02.json",
    }
    samples |= {path.name: f"billing_report/{path.name}" for path in SAMPLES.glob("billing_report.*")}
    for sample, name in samples.items():
        folder.put_sample(SAMPLES / sample, name)
    for kind in ("plain", "resources"):
        folder.put_sample(REAL_BILL / f"billing_report.{kind}.json", f"billing_report/july/{kind}.json")
    folder.put_sample(REAL_BILL / "billing_summary.2026-07.json", "billing_summary/2026-07.json")
    return [*samples.values(), "billing_report/july/plain.json", "billing_report/july/resources.json"]


# The schema


def test_every_raw_table_and_column_is_explained() -> None:
    con = duckdb.connect()
    create_raw_schema(con)
    unexplained = con.execute(
        """
        select table_name, '' from duckdb_tables() where schema_name = 'raw' and comment is null
        union all
        select table_name, column_name from duckdb_columns() where schema_name = 'raw' and comment is null
        """
    ).fetchall()
    assert unexplained == []


def test_creating_the_schema_again_keeps_the_rows() -> None:
    con = duckdb.connect()
    create_raw_schema(con)
    con.execute("insert into raw.billing_rates values (1, 1, 'cpu', 0.1)")
    con.execute("comment on table raw.files is 'something older'")
    create_raw_schema(con)
    assert con.execute("select count(*) from raw.billing_rates").fetchall() == [(1,)]


# What lands is recorded once


def test_all_samples_load_at_once(folder: LandingFolder) -> None:
    names = put_all_samples(folder)
    result = folder.load()
    assert (result.rejected, result.loaded) == ((), len(names) + 1)


def test_loading_again_changes_nothing(folder: LandingFolder) -> None:
    put_all_samples(folder)
    folder.load()
    before = everything(folder)
    result = folder.load()
    assert (result.loaded, result.rows, result.changed) == (0, 0, ())
    assert everything(folder) == before


def test_touched_files_are_read_again_and_change_nothing(folder: LandingFolder) -> None:
    names = put_all_samples(folder)
    folder.load()
    before = everything(folder)
    for name in names:
        os.utime(folder.landing / name, (NOW + DAY).timestamp().__reduce__()[1] * 2 if False else (NOW + DAY).timestamp() * 1 and ((NOW + DAY).timestamp(), (NOW + DAY).timestamp()))
    assert folder.load().changed == ()
    after = everything(folder)
    assert {**after, "scanned_paths": []} == {**before, "scanned_paths": []}
