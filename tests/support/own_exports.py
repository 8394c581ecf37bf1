"""The smallest exports that a run takes: the daily bill of an app and a volume, and the log of one function."""

import hashlib
import json

from tieout.core.home import Home
from tieout.core.periods import IsoWeek

WEEK = IsoWeek.parse("2026-W42")


def land(home: Home, name: str, rows: list[dict[str, object]], **said: object) -> None:
    """Land an export of the whole week, fetched when the week was settled."""
    path = home.landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows))
    sidecar = {
        "command": "modal …",
        "range_start": f"{WEEK.start}T00:00:00Z",
        "range_end": f"{WEEK.end}T00:00:00Z",
        "fetched_at": f"{WEEK.end}T12:00:00Z",
        "client_version": "1.6.4",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    path.with_name(f"{path.name}.meta.json").write_text(json.dumps(sidecar | said))


def exports(home: Home) -> None:
    """The daily bill of an app and a volume, and the log of the app's one function."""
    billed = {"render": ("ap-1", "10.00"), "weights": ("vo-1", "0.10")}
    bill: list[dict[str, object]] = [
        {
            "object_id": object_id,
            "description": name,
            "environment": "main",
            "interval_start": f"{day}T00:00:00",
            "cost": amount,
        }
        for name, (object_id, amount) in billed.items()
        for day in WEEK.days()
    ]
    land(home, "billing_report/bill.json", bill, resolution="d")
    calls: list[dict[str, object]] = [
        {
            "function_call_id": f"fc-{day}",
            "service_method_name": None,
            "enqueued_at": f"{day}T10:00:00Z",
            "started_at": f"{day}T10:00:00Z",
            "container_id": f"ta-{day}",
            "startup_time_seconds": 0,
            "execution_time_seconds": 60,
            "status": "success",
        }
        for day in WEEK.days()
    ]
    land(home, "function_calls/app=render/function=frame/calls.json", calls)
