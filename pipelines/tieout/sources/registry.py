"""The registry: one record for each source, and all that the project knows of it as a whole.

From it come the loader's readers and the refusal of unknown folders, the raw tables, `catalog.sources` for SQL, the
table of sources in README.md, the data dictionary, Dagster's landing assets, and what `pull` and `doctor` go through.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tieout.sources import (
    app_history,
    app_list,
    billing_rates,
    billing_report,
    billing_summary,
    function_calls,
    function_info,
    function_metrics,
    function_stats,
    invoices,
)
from tieout.sources.dialects import EXPORTS, boxed, is_boxed_file
from tieout.sources.fields import ParsedFile
from tieout.sources.landing import LandingFile, PathKeys, RejectionError, Sidecar, is_dangling, link_target
from tieout.sources.tables import Table

Parser = Callable[[str, LandingFile, Sidecar | None], ParsedFile]


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


@dataclass(frozen=True)
class Pull:
    """The command that prints a source, without `--env`, `--json` and the name that it is about.

    It says that a pull brings the source. For which days, and when again, is code of `tieout.modal`, for every source.
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
        parse: reads one file; None where files are read many at a time, in DuckDB.
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
    parse: Parser | None
    path_keys: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = (".json",)
    pull: Pull | None = None
    is_needed: bool = False


_RECORDS = (
    Source(
        name="billing_report",
        title="billing report",
        holds="What was billed by object and hour, plain and broken down by resource",
        export="`modal billing report --for yesterday -r h -t '*' --json`, and again with `--show-resources`",
        file="billing_report/*.json",
        role=Role.BILL,
        covers=Coverage.DAYS,
        tables=(billing_report.TABLE,),
        parse=billing_report.parse,
        suffixes=(".json", ".csv"),
        pull=Pull(Each.WORKSPACE, ("billing", "report")),
        is_needed=True,
    ),
    Source(
        name="billing_summary",
        title="billing summary",
        holds="Each month from metered to billed",
        export="`modal billing summary --for 2026-10 --json`",
        file="billing_summary/2026-10.json",
        role=Role.CONTROL,
        covers=Coverage.MONTH,
        tables=(billing_summary.TABLE,),
        parse=billing_summary.parse,
        pull=Pull(Each.WORKSPACE, ("billing", "summary")),
    ),
    Source(
        name="billing_rates",
        title="rates",
        holds="Modal's prices of the day",
        export="`modal billing rates --json`",
        file="billing_rates/2026-11-01.json",
        role=Role.CONTEXT,
        covers=Coverage.MOMENT,
        tables=(billing_rates.TABLE,),
        parse=billing_rates.parse,
        pull=Pull(Each.WORKSPACE, ("billing", "rates")),
    ),
    Source(
        name="function_calls",
        title="function calls",
        holds="Every input of every function",
        export="`modal function calls APP/FUNC --since … --until … --all-variants --json`",
        file="function_calls/app=APP/function=FUNC/*.json",
        role=Role.USAGE,
        covers=Coverage.DAYS,
        tables=(function_calls.CONTAINERS, function_calls.TABLE),
        parse=None,
        path_keys=("app", "function"),
        pull=Pull(Each.FUNCTION, ("function", "calls")),
        is_needed=True,
    ),
    Source(
        name="function_info",
        title="function info",
        holds="What each function is deployed with",
        export="`modal function info APP/FUNC --json`",
        file="function_info/app=APP/function=FUNC/2026-11-01.json",
        role=Role.CONTEXT,
        covers=Coverage.MOMENT,
        tables=(function_info.TABLE,),
        parse=function_info.parse,
        path_keys=("app", "function"),
        pull=Pull(Each.FUNCTION, ("function", "info")),
    ),
    Source(
        name="function_metrics",
        title="function metrics",
        holds="How many containers of each function ran, and what they used, in buckets of minutes",
        export="`modal function metrics APP/FUNC --group containers --group cpu --group memory --group gpu "
        "--group calls --bucket-size 5m --since … --until … --all-variants --json`",
        file="function_metrics/app=APP/function=FUNC/2026-11-01.json",
        role=Role.USAGE,
        covers=Coverage.DAYS,
        tables=(function_metrics.TABLE,),
        parse=function_metrics.parse,
        path_keys=("app", "function"),
        pull=Pull(Each.FUNCTION, ("function", "metrics")),
    ),
    Source(
        name="function_stats",
        title="function stats",
        holds="Modal's own counts of a function's inputs, by day",
        export="`modal function stats APP/FUNC --since … --until … --all-variants --json`",
        file="function_stats/app=APP/function=FUNC/2026-11-01.json",
        role=Role.CONTROL,
        covers=Coverage.DAYS,
        tables=(function_stats.TABLE,),
        parse=function_stats.parse,
        path_keys=("app", "function"),
        pull=Pull(Each.FUNCTION, ("function", "stats")),
    ),
    Source(
        name="app_history",
        title="app history",
        holds="What was deployed when",
        export="`modal app history APP --json`",
        file="app_history/app=APP/2026-11-01.json",
        role=Role.CONTEXT,
        covers=Coverage.MOMENT,
        tables=(app_history.TABLE,),
        parse=app_history.parse,
        path_keys=("app",),
        pull=Pull(Each.APP, ("app", "history")),
    ),
    Source(
        name="app_list",
        title="app list",
        holds="Which apps there are, and their ids",
        export="`modal app list --json`",
        file="app_list/2026-11-01.json",
        role=Role.CONTEXT,
        covers=Coverage.MOMENT,
        tables=(app_list.TABLE,),
        parse=app_list.parse,
        pull=Pull(Each.ENVIRONMENT, ("app", "list")),
    ),
    Source(
        name="invoices",
        title="invoice",
        holds="What was invoiced for each month",
        export='by hand: `{"number": "…", "total": "1234.56", "currency": "USD"}`',
        file="invoices/2026-10.json",
        role=Role.CONTROL,
        covers=Coverage.MONTH,
        tables=(invoices.TABLE,),
        parse=invoices.parse,
    ),
)
SOURCES: Mapping[str, Source] = {source.name: source for source in _RECORDS}
# The sources that decide what a function costs: a week is built anew when one of their files arrives.
ATTRIBUTED = frozenset(source.name for source in _RECORDS if source.role in {Role.BILL, Role.USAGE})


def source_of(file: LandingFile) -> Source:
    """Return the source that a file is of, by its folder.

    Raises:
        RejectionError: a link that leads nowhere, an unknown folder or an unknown kind of file.
    """
    if is_dangling(file):
        raise RejectionError(
            "a link that leads nowhere",
            detail=f"It points to {link_target(file)!r}.",
            fix="Put back what it points to, or delete the link.",
        )
    source = SOURCES.get(file.source)
    if source is None:
        raise RejectionError(
            f"unknown source {file.source!r}" if file.source else "the file is in no source's folder",
            fix=f"Move it to one of: {', '.join(sorted(SOURCES))}.",
        )
    if not file.name.lower().removesuffix(".gz").endswith(source.suffixes):
        if is_boxed_file(file.location):
            raise boxed(EXPORTS[source.name].fix if source.name in EXPORTS else f"Export it again: {source.export}")
        expected = " or ".join(source.suffixes)
        raise RejectionError(
            f"not a {expected} file (or .gz of one)",
            fix=f"Land the output of the modal command as {expected}, or move the file out of landing/.",
        )
    return source


def check_path(source: Source, keys: PathKeys) -> None:
    """Refuse a file whose path lacks a name that its rows do not say either.

    Raises:
        RejectionError: a name is missing.
    """
    missing = [key for key in source.path_keys if getattr(keys, key) is None]
    if missing:
        raise RejectionError(
            f"the path does not say which {' and '.join(source.path_keys)} this is",
            fix=f"Move it to {source.file}, with the names percent-encoded.",
        )
