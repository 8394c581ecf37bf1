"""How a raw table is described: its name, what a row is, and its columns, each with its type and meaning."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Column:
    """One column: its name, its DuckDB type, what it means, and how DuckDB compresses it, where that need not be tried.

    Ids of calls are random. To look for a way of compressing them takes a third of the time of reading a log, and saves
    half of their room. The number of a file stays the same for rows on end, and so do nulls.
    """

    name: str
    type: str
    comment: str
    compression: Literal["uncompressed", "rle"] | None = None


@dataclass(frozen=True)
class Table:
    """One raw table: its name, what one row is, and its columns in order."""

    name: str
    comment: str
    columns: tuple[Column, ...]


FILE_ID = Column("file_id", "INTEGER", "File that the row came from (raw.files)", compression="rle")
ROW_NUMBER = Column("row_number", "BIGINT", "Position of the row in its file, from 1")
