"""A landing folder and a warehouse in memory, for tests that say what lands and ask what came of it."""

import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any, Self

import duckdb

from tests.support.loading import change_time, load_at
from tieout.sources import LoadResult, create_raw_schema

DATA = Path(__file__).resolve().parents[1] / "data"
SAMPLES = DATA / "modal-cli-samples"
REAL_BILL = DATA / "real-modal-bill"
NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
CALLS = "function_calls/app=coral-x-production/function=generate_code_modal"
_ONE = "app=coral-x-production"
PLACES = {
    **{
        name: SAMPLES / sample
        for sample, name in {
            "billing_summary.json": "billing_summary/2026-11.json",
            "billing_rates.json": "billing_rates/2026-11-01.json",
            "function_calls.json": f"{CALLS}/2026-11-02.json",
            "function_info.json": f"function_info/{_ONE}/function=generate_code_modal/2026-11-02.json",
            "function_metrics.json": f"function_metrics/{_ONE}/function=generate_code_modal/2026-10-14.json",
            "function_stats.json": f"function_stats/{_ONE}/function=generate_code_modal/2026-11-02.json",
            "function_variants.json": f"function_variants/{_ONE}/function=generate_code_modal/2026-10-14.json",
            "autoscaler.json": f"autoscaler/{_ONE}/function=generate_code_modal/2026-10-14.json",
            "app_info.json": f"app_info/{_ONE}/2026-10-14.json",
            "app_stats.json": f"app_stats/{_ONE}/2026-10-14.json",
            "server_info.json": f"server_info/{_ONE}/server=inference/2026-10-14.json",
            "server_metrics.json": f"server_metrics/{_ONE}/server=inference/2026-10-14.json",
            "server_stats.json": f"server_stats/{_ONE}/server=inference/2026-10-14.json",
            "sandbox_stats.json": f"sandbox_stats/{_ONE}/2026-10-14.json",
            "container_list.json": "container_list/2026-10-15T0700.json",
            "environment_billing.json": "environment_billing/environment=main/2026-10.json",
            "telemetry.json": "telemetry/2026-10-14.json",
            "app_history.json": f"app_history/{_ONE}/2026-11-02.json",
            "app_list.json": "app_list/2026-11-02.json",
        }.items()
    },
    **{f"billing_report/{path.name}": path for path in sorted(SAMPLES.glob("billing_report.*"))},
    **{
        f"billing_report/july/{kind}.json": REAL_BILL / f"billing_report.{kind}.json" for kind in ("plain", "resources")
    },
    "billing_summary/2026-07.json": REAL_BILL / "billing_summary.2026-07.json",
}
"""The samples of what Modal prints, by where each is landed."""

REPORT_LINE = {
    "object_id": "ap-6Vw0cXq2mTzr1Yb9LkHn3S",
    "description": "coral-x-production",
    "environment": "main",
    "interval_start": "2026-11-02T01:00:00",
    "cost": "2.10312500",
}
CALL = {
    "function_call_id": "fc-01KB1MN9QJ6T0V4HR8XW2YZC3D",
    "service_method_name": None,
    "enqueued_at": "2026-11-02T00:00:00.123456Z",
    "started_at": "2026-11-02T00:00:41.500Z",
    "container_id": "ta-01KB1MNAPSD9XH8T7E4VQZ2C5R",
    "startup_time_seconds": 40.25,
    "execution_time_seconds": 73.374438,
    "status": "success",
}


# Never too few: rows that were deleted are counted until their table is tidied up.
_WITH_ROWS = "select table_name from duckdb_tables() where schema_name = 'raw' and estimated_size > 0"

# Making a warehouse takes longer than most tests: one that is given back is emptied and used again.
_GIVEN_BACK: list[duckdb.DuckDBPyConnection] = []


class LandingFolder:
    """What was landed, and what the raw tables hold after loading it."""

    def __init__(self, folder: Path, con: duckdb.DuckDBPyConnection | None = None) -> None:
        self.landing = folder / "landing"
        self.landing.mkdir(parents=True, exist_ok=con is not None)
        self._dated: set[Path] = set()
        if con is None and _GIVEN_BACK:
            self.con = _GIVEN_BACK.pop()
            self.con.execute(";".join(f"delete from raw.{name}" for (name,) in self.con.execute(_WITH_ROWS).fetchall()))
        else:
            self.con = con or duckdb.connect()
            create_raw_schema(self.con)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        _GIVEN_BACK.append(self.con)

    def put(self, name: str, content: object, *, mtime: dt.datetime | None = None) -> Path:
        """Land a file: bytes and texts as they are, anything else as JSON. Without a time, it is NOW."""
        if not isinstance(content, bytes):
            content = (content if isinstance(content, str) else json.dumps(content, indent=2) + "\n").encode()
        path = self.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.change_time(path, mtime or NOW)
        return path

    def change_time(self, path: Path, to: dt.datetime) -> None:
        """Let a landed file have been changed at another time than NOW."""
        change_time(path, to)
        self._dated.add(path)

    def put_sample(self, sample: Path, name: str) -> Path:
        """Land a copy of a sample file."""
        return self.put(name, sample.read_bytes())

    def put_sidecar(self, name: str, **fields: Any) -> Path:
        """Write the sidecar of a landed file, with its hash unless another is given."""
        landed = self.landing / name
        said = {
            "command": "modal …",
            "range_start": None,
            "range_end": None,
            "fetched_at": "2026-11-03T02:00:00Z",
            "client_version": "1.6.4",
            "sha256": hashlib.sha256(landed.read_bytes()).hexdigest(),
        }
        path = landed.with_name(landed.name + ".meta.json")
        path.write_text(json.dumps(said | fields))
        return path

    def load(self) -> LoadResult:
        """Load whatever is landed."""
        return load_at(self.con, self.landing, now=NOW, dated=self._dated)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the raw tables."""
        return self.con.execute(sql).fetchall()

    def refusal(self) -> str:
        """Load, and return the reason for the only file that was refused."""
        [rejected] = self.load().rejected
        assert rejected.fix, "a refusal says what to do"
        return rejected.reason
