"""The simulator's files read exactly like the modal CLI's, and the last of them tell the truth."""

import datetime as dt
import hashlib
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tieout.core import ids
from tieout.simulator import SCENARIOS, SimulationSummary, simulate
from tieout.simulator.cli_format import amount, function_info, path_key, timestamps
from tieout.simulator.configuration import ContainerConfiguration
from tieout.simulator.ids import ulids

# As the real CLI printed it, to the byte.
FUNCTION_INFO = """{
  "name": "generate_code_modal",
  "object_id": "fu-3kZp8QxVb1NcR6tYw0LmHj",
  "app_id": "ap-6Vw0cXq2mTzr1Yb9LkHn3S",
  "cpu": null,
  "memory_mib": 16384,
  "gpus": [
    [
      "A100-40GB",
      1
    ]
  ],
  "ephemeral_disk_mib": null,
  "image_info": {
    "image_name": null,
    "image_id": ""
  },
  "startup_timeout": 0,
  "timeout": 1800,
  "max_retries": null,
  "nonpreemptible": false,
  "regions": null,
  "routing_region": "",
  "cloud": null,
  "cluster_info": null,
  "batching_info": null,
  "concurrency_info": null,
  "schedule": null,
  "restrict_modal_access": false,
  "block_network": false,
  "single_use_containers": false,
  "volumes": {},
  "cloud_bucket_mounts": {},
  "secrets": [],
  "web_info": null,
  "method_names": null,
  "method_details": null,
  "min_containers": null,
  "max_containers": null,
  "scaledown_window": 60,
  "buffer_containers": null
}
"""
REPORT_KEYS = ["object_id", "description", "environment", "interval_start", "cost", "tags"]
RESOURCE_KEYS = ["object_id", "description", "environment", "interval_start", "resource", "cost", "tags"]
CALL_KEYS = [
    "function_call_id",
    "service_method_name",
    "enqueued_at",
    "started_at",
    "container_id",
    "startup_time_seconds",
    "execution_time_seconds",
    "status",
]
KEYS = {
    "app_history": ["version", "time_deployed", "client", "deployed_by", "commit"],
    "app_list": ["app_id", "description", "state", "tasks", "created_at", "stopped_at"],
    "function_calls": CALL_KEYS,
}
OPEN_STATES = {"pending", "running"}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("two-weeks")


@pytest.fixture(scope="module")
def summary(out: Path) -> SimulationSummary:
    return simulate(SCENARIOS["coral-x"], seed=7, weeks=2, out=out)


@pytest.fixture(scope="module")
def landing(out: Path, summary: SimulationSummary) -> Path:
    assert summary.files
    return out / "landing"


def exports(landing: Path, source: str) -> Iterator[Path]:
    return (path for path in sorted((landing / source).rglob("*.json")) if not path.name.endswith(".meta.json"))


def sidecar(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.with_name(f"{path.name}.meta.json").read_text())
    return content


def latest(landing: Path, source: str, kind: str = "") -> list[dict[str, Any]]:
    """The rows of the last snapshot of every range."""
    newest: dict[tuple[Path, str], Path] = {}
    for path in exports(landing, source):
        if kind in path.name:
            key = (path.parent, sidecar(path)["range_start"])
            if key not in newest or sidecar(newest[key])["fetched_at"] < sidecar(path)["fetched_at"]:
                newest[key] = path
    return [row for path in newest.values() for row in json.loads(path.read_text())]


def content_hash(directory: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(p for p in directory.rglob("*") if p.is_file()):
        digest.update(path.relative_to(directory).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def test_the_same_seed_writes_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    here = tmp_path / "here"
    simulate(SCENARIOS["coral-x"], seed=5, weeks=1, out=here)
    code = (
        "import sys, pathlib; from tieout.simulator import SCENARIOS, simulate; "
        "simulate(SCENARIOS['coral-x'], seed=5, weeks=1, out=pathlib.Path(sys.argv[1]))"
    )
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONHASHSEED": "12345", "PYTHONPATH": str(root)}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "there")], check=True, env=environment, cwd=root)
    assert content_hash(here) == content_hash(tmp_path / "there")


def test_another_seed_is_another_world(tmp_path: Path) -> None:
    hashes = set()
    for seed in (1, 2):
        simulate(SCENARIOS["coral-x"], seed=seed, weeks=1, out=tmp_path / str(seed))
        hashes.add(content_hash(tmp_path / str(seed) / "landing"))
    assert len(hashes) == 2


def test_function_info_reads_as_the_cli_prints_it() -> None:
    text = function_info(
        name="generate_code_modal",
        object_id="fu-3kZp8QxVb1NcR6tYw0LmHj",
        app_id="ap-6Vw0cXq2mTzr1Yb9LkHn3S",
        configuration=ContainerConfiguration("A100-40GB", None, 16384, 1800),
    )
    assert text == FUNCTION_INFO


def test_every_file_is_json_as_rich_prints_it(landing: Path) -> None:
    for source in landing.iterdir():
        for path in exports(landing, source.name):
            text = path.read_text()
            assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n", path


def test_every_row_has_the_keys_of_the_real_export_in_their_order(landing: Path) -> None:
    expected = {**KEYS, "plain": REPORT_KEYS, "resources": RESOURCE_KEYS}
    for source in ("app_history", "app_list", "function_calls", "billing_report"):
        for path in exports(landing, source):
            keys = expected.get(source) or expected[path.name.split(".")[1]]
            assert all(list(row) == keys for row in json.loads(path.read_text())), path


def test_all_seven_sources_are_there_with_sidecars_that_know_their_content(
    landing: Path, summary: SimulationSummary
) -> None:
    sources = {path.name for path in landing.iterdir()}
    assert sources == {
        "app_history",
        "app_list",
        "billing_rates",
        "billing_report",
        "billing_summary",
        "function_calls",
        "function_info",
    }
    paths = [path for source in sources for path in exports(landing, source)]
    assert len(paths) == summary.files
    for path in paths:
        known = sidecar(path)
        assert known["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert known["client_version"] == "1.6.4"
        assert ("resolution" in known) == (path.parent.name == "billing_report")


def test_timestamps_carry_as_many_digits_as_they_need() -> None:
    second = 1_793_577_600_000_000
    instants = np.array([second, second + 500_000, second + 123_456, second + 123_456])
    assert timestamps(instants, np.array([0, 0, 0, 789])) == [
        "2026-11-02T00:00:00Z",
        "2026-11-02T00:00:00.500Z",
        "2026-11-02T00:00:00.123456Z",
        "2026-11-02T00:00:00.123456789Z",
    ]


def test_amounts_are_printed_as_modal_prints_them() -> None:
    assert [amount(units) for units in (210_312_500, 12, 0, -10_000_000_000)] == [
        "2.10312500",
        "1.2E-7",
        "0E-8",
        "-100.00000000",
    ]


def test_ids_carry_the_millisecond_of_their_creation(landing: Path) -> None:
    created = ids.created_at(ulids("ta", np.array([1_793_577_600_123_000]), np.random.default_rng(1))[0])
    assert created == dt.datetime(2026, 11, 2, 0, 0, 0, 123_000)  # noqa: DTZ001 - naive UTC as everywhere in the log
    first_inputs = [row for row in latest(landing, "function_calls") if row["startup_time_seconds"] is not None]
    assert len(first_inputs) > 1000
    for row in first_inputs[::50]:
        created = ids.created_at(row["container_id"])
        started = dt.datetime.fromisoformat(row["started_at"]).replace(tzinfo=None)
        assert created is not None
        wait = (started - created).total_seconds() - row["startup_time_seconds"]
        assert -0.001 <= wait < 6.0


def test_the_last_bill_is_the_truth_in_every_hour(out: Path, landing: Path, summary: SimulationSummary) -> None:
    billed: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in latest(landing, "billing_report", ".plain"):
        billed[row["description"], row["interval_start"]] += Decimal(row["cost"])
    truth = pl.read_parquet(out / "truth" / "cost_hourly.parquet")
    assert truth.schema["amount_usd"] == pl.Decimal(38, 12)
    true: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for app, hour, usd in truth.select("app", "hour", "amount_usd").iter_rows():
        true[app, hour.isoformat()] += usd
    assert dict(true) == dict(billed)
    assert sum(billed.values()) == summary.billed_usd


def test_parts_and_total_of_an_object_differ_by_rounding_only(landing: Path) -> None:
    parts: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in latest(landing, "billing_report", ".resources"):
        parts[row["object_id"], row["interval_start"]] += Decimal(row["cost"])
    plain = latest(landing, "billing_report", ".plain")
    differences = {
        Decimal(row["cost"]) - parts[row["object_id"], row["interval_start"]]
        for row in plain
        if row["object_id"].startswith("ap-")
    }
    assert len(differences) > 1
    assert max(map(abs, differences)) <= Decimal("1E-7")


def test_a_volume_is_in_the_plain_report_only(landing: Path) -> None:
    plain, resources = (
        [row for row in latest(landing, "billing_report", kind) if row["object_id"].startswith("vo-")]
        for kind in (".plain", ".resources")
    )
    assert (len(plain), len(resources)) == (14 * 24, 0)


def test_the_first_bill_of_a_day_lacks_part_of_its_newest_hours(landing: Path) -> None:
    for first in exports(landing, "billing_report"):
        if first.name.count(".") > 2 or first.name.startswith("2026-10-16"):
            continue
        kept = first.with_name(first.name.replace(".json", ".r2.json"))
        early, late = (
            {
                (r["object_id"], r["interval_start"], r.get("resource")): Decimal(r["cost"])
                for r in json.loads(p.read_text())
            }
            for p in (first, kept)
        )
        changed = {hour for key, cost in late.items() if early.get(key) != cost for hour in [key[1][11:13]]}
        assert changed == {"22", "23"}
        assert sum(early.values()) < sum(late.values())


def test_one_amount_of_one_day_is_restated_once(landing: Path) -> None:
    restated = [path for path in exports(landing, "billing_report") if ".r3." in path.name]
    assert [path.name for path in restated] == ["2026-10-16.plain.r3.json", "2026-10-16.resources.r3.json"]
    for corrected in restated:
        before = corrected.with_name(corrected.name.replace(".r3.", ".r2."))
        pairs = zip(json.loads(before.read_text()), json.loads(corrected.read_text()), strict=True)
        assert sum(old != new for old, new in pairs) == 1
        delay = dt.datetime.fromisoformat(sidecar(corrected)["fetched_at"]) - dt.datetime(
            2026, 10, 17, 2, tzinfo=dt.UTC
        )
        assert delay == dt.timedelta(days=5)


def test_the_month_is_metered_plus_adjustments_to_the_last_digit(landing: Path) -> None:
    months = list(exports(landing, "billing_summary"))
    assert [path.name for path in months] == ["2026-10.json"]
    itemised = sum(Decimal(row["cost"]) for row in latest(landing, "billing_report", ".plain"))
    month = json.loads(months[0].read_text())
    metered = Decimal(month["metered_cost"])
    adjustments = {name: Decimal(text) for name, text in month["adjustments"].items()}
    assert list(adjustments) == ["free_storage", "reservation_adjustment", "credits", "plan_cost"]
    assert metered + sum(adjustments.values()) == Decimal(month["billed_cost"])
    assert adjustments["credits"] < 0 < adjustments["plan_cost"]
    assert Decimal(0) < metered - itemised < Decimal("0.01")
    breakdown = sum(Decimal(text) for text in month["metered_cost_breakdown"].values())
    assert abs(metered - breakdown) <= Decimal("0.01")


def test_what_was_open_at_first_is_final_later(landing: Path) -> None:
    for path in exports(landing, "function_calls"):
        rows = json.loads(path.read_text())
        still_open = {row["function_call_id"] for row in rows if row["status"] in OPEN_STATES}
        again = path.with_name(path.name.replace(".json", ".r2.json"))
        assert again.exists() == bool(still_open) or ".r2" in path.name
        if still_open and ".r2" not in path.name:
            final = [r for r in json.loads(again.read_text()) if r["function_call_id"] in still_open]
            assert {row["function_call_id"] for row in final} == still_open
            assert not {row["status"] for row in final} & OPEN_STATES
    assert not {row["status"] for row in latest(landing, "function_calls")} & OPEN_STATES
    assert any(".r2" in path.name for path in exports(landing, "function_calls"))


def test_an_open_call_has_no_end_and_a_pending_one_no_container(landing: Path) -> None:
    rows = [row for path in exports(landing, "function_calls") for row in json.loads(path.read_text())]
    still_open = [row for row in rows if row["status"] in OPEN_STATES]
    assert still_open
    for row in still_open:
        assert row["execution_time_seconds"] is None
        assert (row["container_id"] is None) == (row["status"] == "pending") == (row["started_at"] is None)


def test_calls_stand_in_the_file_of_their_day_oldest_first(landing: Path, summary: SimulationSummary) -> None:
    seen = set()
    for path in exports(landing, "function_calls"):
        rows = json.loads(path.read_text())
        days = {row["enqueued_at"][:10] for row in rows}
        assert days <= {path.name[:10]}
        arrivals = [dt.datetime.fromisoformat(row["enqueued_at"]) for row in rows]
        assert arrivals == sorted(arrivals)
        seen |= {row["function_call_id"] for row in rows}
    assert len(seen) == summary.calls


def test_a_preemption_leaves_one_call_on_two_containers(landing: Path) -> None:
    attempts: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in latest(landing, "function_calls"):
        attempts[row["function_call_id"]].append(row)
    restarts = [rows for rows in attempts.values() if len(rows) > 1]
    assert restarts
    for first, *others in restarts:
        assert first["status"] == "terminated"
        assert {row["container_id"] for row in others}.isdisjoint({first["container_id"]})


def test_the_deployments_read_newest_first(landing: Path) -> None:
    folder = landing / "app_history" / "app=coral-x-production-optimized"
    history = json.loads((folder / "2026-10-19.json").read_text())
    assert [row["version"] for row in history] == ["v1"]
    assert history[0]["time_deployed"] == "2026-10-19 10:40:00+00:00"


def test_progress_runs_from_nothing_to_everything(tmp_path: Path) -> None:
    shares: list[float] = []
    simulate(SCENARIOS["coral-x"], seed=1, weeks=1, out=tmp_path, progress=lambda _step, share: shares.append(share))
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


def test_awkward_names_stay_inside_the_landing_directory() -> None:
    assert [path_key(name) for name in ("../x", "a/b", "..", ".", "plain_name")] == [
        "..%2Fx",
        "a%2Fb",
        "%2E%2E",
        "%2E",
        "plain_name",
    ]
