"""What the first version of Tieout says of one rollout, run as a script in a folder that holds it.

`python first_savings_side.py WORKSPACE WEEK SINCE UNTIL` loads the exports of a workspace, builds what a measurement
reads, freezes the baseline in memory, and prints a line of JSON: avoided cost, half-width and status.
"""

import datetime as dt
import importlib
import json
import shutil
import sys
from pathlib import Path

_baseline, _build, _catalog, _catalog_tables, _connection, _loading, _measured, _models, _periods = (
    importlib.import_module(name)
    for name in (
        "pipelines.warehouse.baseline",
        "pipelines.warehouse.build",
        "pipelines.core.catalog",
        "pipelines.warehouse.catalog_tables",
        "pipelines.warehouse.connection",
        "tests.loading",
        "pipelines.warehouse.measured",
        "pipelines.warehouse.models",
        "pipelines.core.periods",
    )
)
_READ = frozenset({"savings.daily_function", "staging.configurations", "staging.deployments", "usage.container_days"})
_OF_THE_PROGRAMME = frozenset({"functions.yaml", "rollout.yaml", "projection.yaml", "adjustments.yaml"})


def figures(workspace: Path, week: str, since: dt.datetime, until: dt.datetime) -> dict[str, object]:
    """Measure a week of a workspace against its frozen baseline."""
    catalog = _catalog.load_catalog(_own_catalog(workspace))
    with _connection.open_warehouse(workspace / "first.duckdb") as con:
        loaded = _loading.load_at(con, workspace / "landing", now=until + dt.timedelta(days=30))
        assert not loaded.rejected, f"an export was refused: {loaded.rejected[0]}"
        _catalog_tables.write_catalog(con, catalog)
        period = _build.Period(since.date(), until.date())
        for model in _models_read():
            _build.write_model(con, model, period)
        lock = _baseline.freeze_baseline(con, catalog)
        measured, _ = _measured.measure(con, _periods.IsoWeek.parse(week), catalog, lock=lock)
    width = measured.half_width
    return {
        "avoided_usd": None if measured.avoided_usd is None else str(measured.avoided_usd),
        "half_width_usd": None if width is None else str(width.half_width_usd),
        "status": measured.judgement.status.value,
    }


def _own_catalog(workspace: Path) -> Path:
    """The programme's files with the first version's own prices, whose form has changed since."""
    folder = workspace / "first-catalog"
    shutil.copytree("catalog", folder)
    for name in _OF_THE_PROGRAMME:
        shutil.copyfile(workspace / "catalog" / name, folder / name)
    return folder


def _models_read() -> list[object]:
    wanted = set(_READ)
    models = _models.load_models()
    for model in reversed(models):
        if model.name in wanted:
            wanted |= model.depends_on
    return [model for model in models if model.name in wanted]


if __name__ == "__main__":
    print(json.dumps(figures(Path(sys.argv[1]), sys.argv[2], *map(dt.datetime.fromisoformat, sys.argv[3:]))))
