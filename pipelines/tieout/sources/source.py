"""What a source is: one export of Modal, or a file that people write. `registry` has the record of each."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tieout.sources.fields import ParsedFile
from tieout.sources.landing import LandingFile, Sidecar
from tieout.sources.tables import Table

Parser = Callable[[str, LandingFile, Sidecar | None], ParsedFile]
BinaryParser = Callable[[bytes], ParsedFile]


class Role(StrEnum):
    """What a source is for. Bill and usage decide what a function costs, day by day."""

    BILL = "bill"  # what was billed
    USAGE = "usage"  # which containers lived, and when
    CONTEXT = "context"  # what things are: apps, deployments, configurations, prices
    CONTROL = "control"  # totals that bill and log are checked against


class Coverage(StrEnum):
    """What a file covers, and what says so where no sidecar does."""

    DAYS = "days"  # a range of time: that of its rows
    MOMENT = "moment"  # what was there when it was fetched: the date in its name, else the time of the file
    MONTH = "month"  # a UTC month: the one in its name


class Each(StrEnum):
    """What one request of a pull is about."""

    WORKSPACE = "workspace"
    ENVIRONMENT = "environment"
    APP = "app"
    FUNCTION = "function"
    SERVER = "server"


@dataclass(frozen=True)
class Pull:
    """The command that prints a source, without `--env`, `--json` and the name that it is about.

    It is empty where only the SDK tells it. It says that a pull brings the source. For which days, and when again, is
    code of `tieout.modal`, for every source.
    """

    each: Each
    command: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """One export of Modal, or a file that people write.

    Attributes:
        name: its folder below `landing/`.
        title: what people call it.
        holds: what is in it, in a phrase.
        export: how to get it without a pull, in Markdown.
        file: where its files lie below `landing/`, with example names.
        role: what it is for.
        covers: what a file covers.
        tables: the raw tables of its rows; the last one has the name of the source.
        parse: reads one file of text; None where files are binary, or are read many at a time, in DuckDB.
        parse_binary: reads one file that is no text.
        path_keys: the names that the path must carry because the rows do not.
        suffixes: the kinds of file, each also gzipped.
        pull: the command that a pull runs for it; None for what a pull does not bring.
        is_needed: whether nothing can be attributed without it.
    """

    name: str
    title: str
    holds: str
    export: str
    file: str
    role: Role
    covers: Coverage
    tables: tuple[Table, ...]
    parse: Parser | None = None
    parse_binary: BinaryParser | None = None
    path_keys: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = (".json",)
    pull: Pull | None = None
    is_needed: bool = False

    def has_suffix_of(self, file: LandingFile) -> bool:
        """Whether a file is named as one of this kind."""
        return file.name.lower().removesuffix(".gz").endswith(self.suffixes)

    @property
    def is_bulk(self) -> bool:
        """Whether its files are read many at a time, in DuckDB."""
        return self.parse is None and self.parse_binary is None
