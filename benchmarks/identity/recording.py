"""`benchmarks/identity.json`: the figures that are recorded, by number of weeks, then by workspace."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.identity.figures import Column, Figures, Report, Table

RECORDING = Path(__file__).parents[1] / "identity.json"


def load_recording() -> dict[str, dict[str, Figures]]:
    """Read what is recorded: by number of weeks, then by workspace."""
    if not RECORDING.exists():
        return {}
    recorded = json.loads(RECORDING.read_text(encoding="utf-8"))
    return {
        weeks: {name: _parse(figures) for name, figures in workspaces.items()} for weeks, workspaces in recorded.items()
    }


def _parse(recorded: Mapping[str, Any]) -> Figures:
    tables = {
        name: Table(
            table["rows"],
            table["digest"],
            {column: Column(*found.rsplit(maxsplit=1)) for column, found in table["columns"].items()},
        )
        for name, table in recorded["tables"].items()
    }
    return Figures(recorded["commit"], tables, Report(**recorded["report"]))


def save_recording(recording: Mapping[str, Mapping[str, Figures]]) -> None:
    """Write what is recorded, a line per column, so that a change of it can be read."""
    written = {
        weeks: {
            name: {
                "commit": figures.commit,
                "report": asdict(figures.report),
                "tables": {table: _written(found) for table, found in figures.tables.items()},
            }
            for name, figures in workspaces.items()
        }
        for weeks, workspaces in recording.items()
    }
    RECORDING.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


def _written(table: Table) -> dict[str, Any]:
    columns = {name: f"{column.type} {column.digest}" for name, column in table.columns.items()}
    return {"rows": table.rows, "digest": table.digest, "columns": columns}
