"""The layouts of the modal 1.6.4 CLI with `--json`: pure functions from values to the text that it prints.

Rich prints JSON with an indent of two, keeps the order of keys, leaves non-ASCII characters as they are, and ends with
a line break. Amounts are Python's `str(Decimal)`: `0E-8` and `1.2E-7` occur, as in real bills.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import numpy as np

from tieout.core.indented_json import indented
from tieout.simulator.configuration import ContainerConfiguration
from tieout.simulator.demand import SECOND_US, Integers

CLIENT_VERSION = "1.6.4"


def pretty(value: Any) -> str:
    """Return JSON as the CLI prints it."""
    return indented(value) + "\n"


def amount(units: int) -> str:
    """Return 1e-8 $ as Modal prints it."""
    return str(Decimal(units).scaleb(-8))


def rfc3339(instant: dt.datetime) -> str:
    """Return an instant to the second with a `Z`, for sidecars and commands."""
    return instant.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def localized(instant: dt.datetime) -> str:
    """Return an instant as `modal app list` and `modal app history` print it on a machine that runs in UTC."""
    return instant.isoformat(sep=" ", timespec="seconds")


def path_key(name: str) -> str:
    """Return a name as one segment of a landing path, which can never lead outside."""
    return quote(name, safe="") if name not in {".", ".."} else name.replace(".", "%2E")


def timestamps(instants_us: Integers, nanoseconds: Integers) -> list[str]:
    """Return times as protobuf prints them: 0, 3, 6 or 9 fractional digits, whichever loses nothing.

    Args:
        instants_us: microseconds since 1970 UTC.
        nanoseconds: 0 to 999 beyond the microsecond.
    """
    texts = np.datetime_as_string(instants_us.astype("datetime64[us]")).tolist()
    kept = np.select(
        [instants_us % SECOND_US == 0, instants_us % 1000 == 0], [len("2026-11-02T00:00:00"), -len("000")], 26
    )
    kept = np.where(kept < 0, len("2026-11-02T00:00:00.000"), kept).tolist()
    return [
        f"{text}{beyond:03d}Z" if beyond else f"{text[:length]}Z"
        for text, length, beyond in zip(texts, kept, nanoseconds.tolist(), strict=True)
    ]


def function_calls(rows: Sequence[str]) -> str:
    """Return `modal function calls … --json` from its rows."""
    return "[\n" + ",\n".join(rows) + "\n]\n" if rows else "[]\n"


def function_info(*, name: str, object_id: str, app_id: str, configuration: ContainerConfiguration) -> str:
    """Return `modal function info APP/FUNCTION --json`."""
    several = configuration.concurrent_inputs > 1
    return pretty(
        {
            "name": name,
            "object_id": object_id,
            "app_id": app_id,
            "cpu": None if configuration.cpu_millicores is None else configuration.cpu_millicores / 1000,
            "memory_mib": configuration.memory_mib,
            "gpus": [list(gpu) for gpu in configuration.gpus],
            "ephemeral_disk_mib": configuration.ephemeral_disk_mib,
            "image_info": {"image_name": None, "image_id": ""},
            "startup_timeout": configuration.startup_timeout_seconds,
            "timeout": configuration.timeout_seconds,
            "max_retries": None,
            "nonpreemptible": configuration.nonpreemptible,
            "regions": list(configuration.regions) or None,
            "routing_region": "",
            "cloud": None,
            "cluster_info": {"size": configuration.cluster_size, "rdma": False, "fabric_size": None}
            if configuration.cluster_size > 1
            else None,
            "batching_info": None,
            "concurrency_info": {"max_inputs": configuration.concurrent_inputs, "target_inputs": None}
            if several
            else None,
            "schedule": None,
            "restrict_modal_access": False,
            "block_network": False,
            "single_use_containers": configuration.single_use,
            "volumes": {},
            "cloud_bucket_mounts": {},
            "secrets": [],
            "web_info": None,
            "method_names": None,
            "method_details": None,
            "min_containers": configuration.min_containers or None,
            "max_containers": configuration.max_containers,
            "scaledown_window": configuration.scaledown_window_seconds,
            "buffer_containers": configuration.buffer_containers or None,
        }
    )


def billing_rates(usd_per_hour: Mapping[str, Decimal]) -> str:
    """Return `modal billing rates --json`."""
    return pretty({name: str(usd_per_hour[name]) for name in sorted(usd_per_hour)})
