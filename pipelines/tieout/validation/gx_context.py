"""Great Expectations set up to read through the connection of somebody else, quietly."""

import contextlib
import copy
import importlib
import logging
import os
import sys
import weakref
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

import duckdb

from tieout.core.imports import load_at_first_use

if TYPE_CHECKING:
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
    from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
    from pydantic.v1.fields import ModelField

# Where a suite finds the rows to check.
VIEW_TO_CHECK = "rows_to_check"
ROWS_TO_CHECK = f"temp.{VIEW_TO_CHECK}"
# How a class says itself how it is copied.
_DEEP_COPY = "__deepcopy__"


def ephemeral_context() -> "EphemeralDataContext":
    """A context of Great Expectations that keeps nothing and reports to nobody."""
    _silence_great_expectations()
    # A quarter of the time of its own import, for expectations that none of our suites has.
    load_at_first_use("scipy", "stats")
    sys.modules.setdefault("altair", _AtFirstUse("altair"))
    with _fields_copied_as_needed():
        import great_expectations as gx
        from great_expectations.data_context.types.base import (
            DataContextConfig,
            InMemoryStoreBackendDefaults,
            ProgressBarsConfig,
        )

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def warehouse_source(context: "EphemeralDataContext", lent: "LentConnection") -> "SQLDatasource":
    """A data source of Great Expectations on a lent connection."""
    from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
    from sqlalchemy.pool import StaticPool

    return context.data_sources.add_sql(
        datasource=SQLDatasource(
            name="warehouse",
            connection_string="duckdb://",
            create_temp_table=False,
            kwargs={"creator": lambda: lent, "poolclass": StaticPool},
        )
    )


class LentConnection:
    """What SQLAlchemy sees of a DuckDB connection that belongs to someone else.

    SQLAlchemy rolls back whenever it hands a connection back to its pool, and closes it in the end; here that would
    undo the very rows that are being checked. So transactions and closing stay with the owner, and Great
    Expectations, which keeps its contexts for good, does not keep the connection.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        """Lend `con`, without keeping it alive."""
        self._con = weakref.ref(con)
        self.notices: list[str] = []
        self.batch_query = f"select * from {ROWS_TO_CHECK}"  # noqa: S608 - our own name

    def cursor(self) -> "_LentCursor":
        """A cursor on the lent connection.

        Raises:
            ReferenceError: the connection is gone.
        """
        con = self._con()
        if con is None:
            raise ReferenceError("the connection to validate on is gone; keep it as long as its Validator")
        return _LentCursor(con, self)

    def commit(self) -> None:
        """Leave the owner's transaction alone."""

    begin = rollback = close = commit


class _LentCursor:
    """A DB-API cursor on the owner's connection; DuckDB has no cursors apart from connections."""

    def __init__(self, con: duckdb.DuckDBPyConnection, connection: LentConnection) -> None:
        self._con = con
        self.connection = connection

    def execute(self, statement: str, parameters: tuple[Any, ...] = (), _context: Any = None) -> None:
        # Great Expectations reads all rows to learn the names of their columns.
        if statement.strip() == self.connection.batch_query:
            statement += " limit 0"
        self._con.execute(statement, parameters)

    def close(self) -> None:
        """Leave the owner's connection open."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._con, name)


@cache
def _silence_great_expectations() -> None:
    """Send no usage statistics, log nothing (what it would log comes back as a ValidationError), exit quietly."""
    os.environ["GX_ANALYTICS_ENABLED"] = "False"
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    import duckdb_engine  # noqa: F401  registers what is taken back below
    from sqlalchemy import TryCast
    from sqlalchemy.ext.compiler import deregister

    # duckdb-engine hangs a compiler for TRY_CAST on SQLAlchemy, which Great Expectations keeps alive to the end of
    # the process; DuckDB then reports its whole module as leaked on stderr. Nothing here uses TRY_CAST through it.
    deregister(TryCast)


@contextlib.contextmanager
def _fields_copied_as_needed() -> Iterator[None]:
    """Let pydantic copy of the fields of a class that is derived from only what a derived class can change.

    Great Expectations derives hundreds of classes when it is imported. pydantic copies every field with all that hangs
    on it, validators included, which no derived class changes in place: a fifth of the time of the import.
    """
    from pydantic.v1.fields import ModelField

    setattr(ModelField, _DEEP_COPY, _copied_as_needed)
    try:
        yield
    finally:
        delattr(ModelField, _DEEP_COPY)


def _copied_as_needed(field: "ModelField", memo: dict[int, Any]) -> "ModelField":
    twin = copy.copy(field)
    memo[id(field)] = twin
    twin.field_info, twin.class_validators = copy.copy(field.field_info), dict(field.class_validators)
    twin.field_info.extra = dict(field.field_info.extra)
    for part in ("sub_fields", "sub_fields_mapping", "key_field", "default"):
        if (value := getattr(field, part)) is not None:
            setattr(twin, part, copy.deepcopy(value, memo))
    return twin


class _AtFirstUse(ModuleType):
    """A package that is imported when somebody uses it.

    Great Expectations imports altair, a tenth of the time of its own import, to draw what none of our suites has.
    """

    def __getattr__(self, name: str) -> Any:
        """Import the package itself, which takes this place, and return what is asked of it."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)
