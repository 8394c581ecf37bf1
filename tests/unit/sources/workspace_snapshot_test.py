"""What landed files say is deployed, for a first catalog without a token."""

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tieout.sources.workspace_snapshot import Deployed, deployed_by_files

NOW = dt.datetime(2026, 11, 9, 12)  # noqa: DTZ001 - naive UTC
INFO: dict[str, Any] = {
    "name": "embed",
    "object_id": "fu-1",
    "app_id": "ap-1",
    "cpu": [2, 4],
    "memory_mib": 2048,
    "gpus": [["A10G", 2], ["L4", 2]],
    "timeout": 600,
    "scaledown_window": 120,
    "nonpreemptible": False,
}


class Folder:
    """A landing folder, filled file by file."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, name: str, content: object) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
        fetched_at = NOW.replace(tzinfo=dt.UTC).timestamp()
        os.utime(path, (fetched_at, fetched_at))

    def bill(self, *objects: tuple[str, str, str]) -> None:
        rows = [
            {
                "object_id": object_id,
                "description": name,
                "environment": environment,
                "interval_start": "2026-11-02T00:00:00",
                "cost": "1.00",
            }
            for object_id, name, environment in objects
        ]
        self.put("billing_report/bill.daily.json", rows)

    def deployed(self) -> Deployed:
        return deployed_by_files(self.root, "acme", NOW)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_a_baseline_is_the_configuration_that_was_seen_first(folder: Folder) -> None:
    folder.put("function_info/app=search/function=embed/2026-11-01.json", INFO)
    folder.put("function_info/app=search/function=embed/2026-11-05.json", INFO | {"memory_mib": 1024})
    [only] = folder.deployed().functions
    assert (only.app, only.name) == ("search", "embed")
    assert only.info == {
        "cpu": 2,
        "memory_mib": 2048,
        "gpus": [["A10G", 2], ["L4", 2]],
        "timeout": 600,
        "scaledown_window": 120,
    }


def test_a_call_log_alone_says_that_a_function_is_there(folder: Folder) -> None:
    folder.put("function_calls/app=search/function=rank%20all/calls.json", [])
    [only] = folder.deployed().functions
    assert (only.app, only.name, only.info) == ("search", "rank all", {})


def test_a_change_between_two_looks_is_told_with_the_deployment_between_them(folder: Folder) -> None:
    folder.put("function_info/app=search/function=embed/2026-11-01.json", INFO | {"gpus": [["A100-40GB", 1]]})
    folder.put("function_info/app=search/function=embed/2026-11-05.json", INFO)
    history = [
        {"version": f"v{day}", "time_deployed": f"2026-11-0{day}T09:30:00Z", "client": "1.6.4", "deployed_by": "a"}
        for day in (1, 3, 6)
    ]
    folder.put("app_history/app=search/2026-11-07.json", history)
    [change] = folder.deployed().changes
    assert change.settings == ("gpus",)
    assert change.deployed_at == dt.datetime(2026, 11, 3, 9, 30)  # noqa: DTZ001 - naive UTC


def test_the_environment_is_the_busiest_that_no_folder_sets_apart(folder: Folder) -> None:
    folder.bill(("ap-1", "search", "prod"), ("ap-2", "a", "staging"), ("ap-3", "b", "staging"))
    folder.put("function_info/app=search/function=embed/2026-11-01.json", INFO)
    folder.put("function_info/environment=staging/app=a/function=f/2026-11-01.json", INFO)
    deployed = folder.deployed()
    assert deployed.environment == "prod"
    assert deployed.elsewhere == ("staging",)
    assert [(each.app, each.name) for each in deployed.functions] == [("search", "embed")]


def test_apps_that_are_billed_or_listed_without_a_function_are_named(folder: Folder) -> None:
    folder.bill(("ap-1", "search", "main"), ("ap-2", "batch", "main"), ("vo-1", "weights", "main"))
    folder.put("function_info/app=search/function=embed/2026-11-01.json", INFO)
    listed = [
        {"app_id": "ap-3", "description": "idle", "state": "deployed", "tasks": "0", "created_at": None},
        {"app_id": "ap-4", "description": "gone", "state": "stopped", "tasks": "0", "created_at": None},
    ]
    folder.put("app_list/2026-11-01.json", listed)
    assert folder.deployed().unlisted == ("batch", "idle")


def test_prices_are_the_earliest_that_landed_from_the_first_billed_day(folder: Folder) -> None:
    folder.bill(("ap-1", "search", "main"))
    folder.put("billing_rates/2026-11-05.json", {"cpu_hour_cost": "0.0500"})
    folder.put("billing_rates/2026-11-08.json", {"cpu_hour_cost": "0.0600"})
    deployed = folder.deployed()
    assert {name: float(rate) for name, rate in deployed.rates.items()} == {"cpu_hour_cost": 0.05}
    assert (deployed.rates_seen_on, deployed.billed_from) == (dt.date(2026, 11, 5), dt.date(2026, 11, 2))


def test_files_that_a_run_would_refuse_are_counted_and_passed_over(folder: Folder) -> None:
    folder.put("function_info/app=search/function=embed/2026-11-01.json", {"name": "embed"})
    folder.put("function_info/function=lost/2026-11-01.json", INFO)
    deployed = folder.deployed()
    assert len(deployed.refused) == 2
    assert [(each.name, each.info) for each in deployed.functions] == [("embed", {})]


def test_an_empty_folder_runs_nothing(folder: Folder) -> None:
    deployed = folder.deployed()
    assert (deployed.functions, deployed.environment, deployed.is_billed) == ((), "main", False)
