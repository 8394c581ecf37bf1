"""What a workspace is made of, and its one connection to the warehouse."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb

from tieout.catalog.load import load_catalog
from tieout.catalog.models import Catalog
from tieout.core.home import Home
from tieout.measure.daily_work import read_lock
from tieout.report.kept_issues import adopt_manifests
from tieout.savings.baseline_lock import BaselineLock
from tieout.sources import create_raw_schema
from tieout.warehouse.catalog_tables import write_catalog
from tieout.warehouse.closings import restore_closings
from tieout.warehouse.connection import open_warehouse, read_warehouse

Watch = Callable[[str], None]
Stages = Callable[[str, int | None], None]


class WarehouseAccess:
    """A workspace's state, programme and warehouse; use it as a context manager, or close it.

    Attributes:
        home: where its state is.
        catalog_directory: where its programme is.
        watch: is told the name of every step before it begins.
        stages: is told the name of every stage before it begins, and its number of steps, None where it is not known.
        run_id: what rows in quarantine are marked with.
    """

    stages: Stages | None = None

    def __init__(self, home: Home, catalog_directory: Path, *, watch: Watch | None = None, run_id: str = "") -> None:
        """Open nothing yet."""
        self.home = home
        self.catalog_directory = catalog_directory
        self.watch = watch
        self.run_id = run_id
        self._opened = ExitStack()
        self._writing: duckdb.DuckDBPyConnection | None = None

    def __enter__(self) -> Self:
        """Use the workspace until the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the warehouse, and word what an error of another version's tables means."""
        self._writing = None
        self._opened.__exit__(kind, error, trace)

    def close(self) -> None:
        """Close the warehouse; the next step opens it again."""
        self.__exit__(None, None, None)

    @cached_property
    def catalog(self) -> Catalog:
        """The programme.

        Raises:
            CatalogError: a file of it cannot be used.
        """
        return load_catalog(self.catalog_directory)

    @cached_property
    def lock(self) -> BaselineLock | None:
        """The frozen baseline; None while there is none.

        Raises:
            LockError: the file is damaged.
        """
        return read_lock(self.catalog_directory)

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The warehouse for writing, with the catalog's tables and the closings up to date.

        Raises:
            WarehouseError: another process writes it, or it is no warehouse.
        """
        if self._writing is None:
            con = self._opened.enter_context(open_warehouse(self.home.warehouse))
            create_raw_schema(con)
            write_catalog(con, self.catalog)
            restore_closings(con, self.home.reports)
            adopt_manifests(con, self.home.reports)
            self._writing = con
        return self._writing

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The warehouse for reading: the connection that is open, or one for this block.

        Raises:
            WarehouseError: there is no warehouse yet, another process writes it, or it is of another version.
        """
        if self._writing is not None:
            yield self._writing
            return
        with read_warehouse(self.home.warehouse) as con:
            yield con

    def begin(self, step: str) -> None:
        """Say which step begins, to whoever watches."""
        if self.watch is not None:
            self.watch(step)

    def begin_stage(self, name: str, steps: int | None = None) -> None:
        """Say which stage begins, and of how many steps, to whoever watches."""
        if self.stages is not None:
            self.stages(name, steps)
