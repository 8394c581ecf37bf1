"""The example that counts container hours on Modal, with the SDK itself; its function runs here instead of there."""

import datetime as dt
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import modal
import pyarrow as pa
import pytest

from tests.support.call_logs import count_here, write_logs
from tieout.catalog.load import load_catalog
from tieout.cluster.found import find
from tieout.cluster.passes import count
from tieout.core.home import Home
from tieout.core.resources import resource_path

EXAMPLE = Path(__file__).resolve().parents[3] / "examples/container_hours_on_modal.py"
NOW = dt.datetime(2026, 11, 30)  # noqa: DTZ001 - naive UTC
MONDAY = dt.datetime(2026, 11, 2)  # noqa: DTZ001 - naive UTC


@pytest.fixture
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("container_hours_on_modal", EXAMPLE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _log(form: str, function: str, minute: int) -> dict[str, Any]:
    started = MONDAY + dt.timedelta(minutes=minute)
    call = {
        "function_call_id": f"fc-{function}-{minute}",
        "service_method_name": None,
        "enqueued_at": started.isoformat() + ".000Z",
        "started_at": started.isoformat() + ".000Z",
        "container_id": "ta-01KB1MNAPSD9XH8T7E4VQZ2CA0",
        "startup_time_seconds": None,
        "execution_time_seconds": 600.0,
        "status": "success",
    }
    day = {"read": MONDAY + dt.timedelta(days=1), "range": (MONDAY, MONDAY + dt.timedelta(days=1))}
    return {"function": function, "form": form, "calls": [call]} | day


def test_it_can_be_deployed(example: ModuleType) -> None:
    assert isinstance(example.app, modal.App)
    assert isinstance(example.run_pass, modal.Function)
    assert example.run_pass.app is example.app
    assert type(example.main).__name__ == "LocalEntrypoint"


def test_its_function_counts_what_is_counted_here(
    example: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = Home(tmp_path / "here"), Home(tmp_path / "there")
    catalog = load_catalog(resource_path("catalog"))
    # Two methods of a class: their logs speak of the same container at the same time.
    found = [_log("json", "f", 55), _log("parquet", "g", 58), _log("json.gz", "f", 130)]
    for home in (here, there):
        write_logs(home.landing / "function_calls", found)
    monkeypatch.setattr(example, "_FOLDER", str(there.landing / "function_calls"))

    def on_modal(name: str, parts: Sequence[pa.Table]) -> Iterator[pa.Table]:
        for part in parts:
            yield pa.ipc.open_stream(example.run_pass.local(name, example.packed(part))).read_all()

    landed = count(there, catalog, find(there.landing / "function_calls"), on_modal, now=NOW)
    assert landed == count_here(here, catalog, now=NOW)
    assert landed.written == 3
    files = {
        path.relative_to(here.landing) for path in here.landing.rglob("*.parquet") if "container_hours" in str(path)
    }
    assert len(files) == 3
    assert all((here.landing / file).read_bytes() == (there.landing / file).read_bytes() for file in files)
