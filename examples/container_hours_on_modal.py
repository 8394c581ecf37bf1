"""Container hours of call logs counted on Modal itself, for a workspace whose logs lie on a Volume.

The same functions that Spark runs (`tieout.cluster`), each part of a pass in a container of its own. Deploy it with
`modal deploy examples/container_hours_on_modal.py`, and count with

    modal run examples/container_hours_on_modal.py --logs ./function_calls --home ./mine

where `--logs` is a copy or a mount of what lies on the Volume: names and times are read there, contents on Modal. Then
`tieout run --home ./mine`, with `usage_engine: spark` in the workspace's settings.yaml, builds from what has landed.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path

import modal
import pyarrow as pa

from tieout.catalog.load import load_catalog
from tieout.cluster.found import find
from tieout.cluster.passes import PASSES, READS_LOGS, count, with_contents
from tieout.core.environment import catalog_or_default
from tieout.core.home import Home

VOLUME = "call-logs"
_FOLDER = "/logs"

app = modal.App("tieout-container-hours")
image = modal.Image.debian_slim(python_version="3.11").pip_install("tieout")


@app.function(
    image=image,
    volumes={_FOLDER: modal.Volume.from_name(VOLUME, create_if_missing=True)},
    cpu=1,
    memory=1024,
    timeout=3600,
    retries=3,
)
def run_pass(name: str, rows: bytes) -> bytes:
    """Run a pass on one part, Arrow in and out; a part that fails is run again, and gives the same."""
    part = pa.ipc.open_stream(rows).read_all()
    return packed(PASSES[name](with_contents(part, Path(_FOLDER)) if name in READS_LOGS else part))


def packed(rows: pa.Table) -> bytes:
    """Write rows as an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_table(rows)
    return bytes(sink.getvalue().to_pybytes())


def on_modal(name: str, parts: Sequence[pa.Table]) -> Iterator[pa.Table]:
    """Run a pass on every part, on as many containers as Modal gives."""
    for rows in run_pass.map([name] * len(parts), [packed(part) for part in parts], order_outputs=False):
        yield pa.ipc.open_stream(rows).read_all()


@app.local_entrypoint()
def main(logs: str, home: str) -> None:
    """Count the logs of a folder, and land what has changed in a workspace."""
    place = Home(Path(home))
    catalog = load_catalog(catalog_or_default(None, place))
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    landed = count(place, catalog, find(Path(logs)), on_modal, now=now)
    print(f"{landed.written} logs counted anew, {landed.unchanged} as they were, {landed.refused} refused")
