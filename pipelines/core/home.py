"""The state on disk: `$TIEOUT_HOME` and what lies where in it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """One workspace's state; every path below it is made by the part that writes there."""

    root: Path

    @property
    def simulation(self) -> Path:
        """What a simulated workspace was made with; only there has this file."""
        return self.root / "simulation.json"

    @property
    def landing(self) -> Path:
        """Files as delivered."""
        return self.root / "landing"

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
