"""The state on disk: `$TIEOUT_HOME` and what lies where in it."""

from dataclasses import dataclass
from pathlib import Path

PULL_LOCK_NAME = ".pull.lock"
CATALOG_FOLDER = "catalog"


@dataclass(frozen=True)
class Home:
    """One workspace's state; every path below it is made by the part that writes there."""

    root: Path

    @property
    def simulation(self) -> Path:
        """What a simulated workspace was made with; only there has this file."""
        return self.root / "simulation.json"

    @property
    def catalog(self) -> Path:
        """The programme, where the workspace has one of its own."""
        return self.root / CATALOG_FOLDER

    @property
    def landing(self) -> Path:
        """Files as delivered."""
        return self.root / "landing"

    @property
    def pull_lock(self) -> Path:
        """What a pull holds while it writes into `landing/`; it stays there."""
        return self.landing / PULL_LOCK_NAME

    @property
    def warehouse(self) -> Path:
        """The DuckDB file that the pipeline writes."""
        return self.root / "warehouse.duckdb"

    @property
    def reports(self) -> Path:
        """One folder per ISO week."""
        return self.root / "reports"

    @property
    def finance(self) -> Path:
        """The published file that finance queries; replaced whole after every good build."""
        return self.root / "finance.duckdb"

    @property
    def outbox(self) -> Path:
        """Messages, rendered once, and what became of each."""
        return self.root / "outbox"

    @property
    def dagster(self) -> Path:
        """The Dagster instance: runs, events, schedules."""
        return self.root / "dagster"
