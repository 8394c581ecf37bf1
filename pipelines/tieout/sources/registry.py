"""The registry: one record for each source, and all that the project knows of it as a whole.

From it come the loader's readers and the refusal of unknown folders, the raw tables, `catalog.sources` for SQL, the
table in docs/guides/exports.md, the data dictionary, Dagster's landing assets, and what `pull` and `doctor` go through.
"""

from collections.abc import Mapping

from tieout.sources import (
    app_history,
    app_info,
    app_list,
    app_stats,
    autoscaler,
    billing_rates,
    billing_report,
    billing_summary,
    container_hours,
    container_list,
    containers,
    digests,
    environment_billing,
    function_calls,
    function_info,
    function_metrics,
    function_stats,
    function_variants,
    invoices,
    sandbox_stats,
    server_info,
    server_metrics,
    server_stats,
    telemetry,
)
from tieout.sources.dialects import EXPORTS, boxed, is_boxed, printed_head
from tieout.sources.landing import LandingFile, PathKeys, RejectionError, is_dangling, link_target
from tieout.sources.misplaced import instead_of, misplaced, place_of
from tieout.sources.source import Coverage, Each, Pull, Role, Source

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
        tables=(containers.TABLE, container_hours.TABLE, function_calls.TABLE),
        path_keys=("app", "function"),
        pull=Pull(Each.FUNCTION, ("function", "calls")),
        is_needed=True,
    ),
    Source(
        name="container_hours",
        title="container hours",
        holds="What a cluster counted of every call log, where `usage_engine` is `spark`",
        export="`tieout run` with `usage_engine: spark` (docs/guides/scale.md)",
        file="container_hours/app=APP/function=FUNC/*.parquet",
        role=Role.USAGE,
        covers=Coverage.DAYS,
        tables=(containers.TABLE, container_hours.TABLE),
        parse_binary=digests.parse,
        path_keys=("app", "function"),
        suffixes=(".parquet",),
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
        name="function_variants",
        title="function variants",
        holds="The variants of each function, with what they ask for otherwise",
        export="`modal function variants APP/FUNC --limit 0 --json`",
        file="function_variants/app=APP/function=FUNC/2026-11-01.json",
        role=Role.CONTEXT,
        covers=Coverage.MOMENT,
        tables=(function_variants.TABLE,),
        parse=function_variants.parse,
        path_keys=("app", "function"),
        pull=Pull(Each.FUNCTION, ("function", "variants")),
    ),
    Source(
        name="autoscaler",
        title="autoscaler settings",
        holds="What the autoscaler of each function goes by, also without a deployment",
        export="`modal function autoscaler settings APP/FUNC --json`",
        file="autoscaler/app=APP/function=FUNC/2026-11-01.json",
        role=Role.CONTEXT,
        covers=Coverage.MOMENT,
        tables=(autoscaler.TABLE,),
        parse=autoscaler.parse,
        path_keys=("app", "function"),
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
        name="app_info",
        title="app info",
        holds="The functions and servers of each app",
        export="`modal app info APP --json`",
        file="app_info/app=APP/2026-11-01.json",
        role=Role.CONTEXT,
        covers=Coverage.MOMENT,
        tables=(app_info.TABLE,),
        parse=app_info.parse,
        path_keys=("app",),
        pull=Pull(Each.APP, ("app", "info")),
    ),
    Source(
        name="app_stats",
        title="app stats",
        holds="Modal's own counts of what an app did, by day",
        export="`modal app stats APP --since … --until … --json`",
        file="app_stats/app=APP/2026-11-01.json",
        role=Role.CONTROL,
        covers=Coverage.DAYS,
        tables=(app_stats.TABLE,),
        parse=app_stats.parse,
        path_keys=("app",),
        pull=Pull(Each.APP, ("app", "stats")),
    ),
    Source(
        name="server_info",
        title="server info",
        holds="What each server is deployed with",
        export="`modal server info APP/SERVER --json`",
        file="server_info/app=APP/server=SERVER/2026-11-01.json",
        role=Role.CONTEXT,
        covers=Coverage.MOMENT,
        tables=(server_info.TABLE,),
        parse=server_info.parse,
        path_keys=("app", "server"),
        pull=Pull(Each.SERVER, ("server", "info")),
    ),
    Source(
        name="server_metrics",
        title="server metrics",
        holds="How many containers of each server ran, and what they used, in buckets of minutes",
        export="`modal server metrics APP/SERVER --group containers --group cpu --group memory --group gpu "
        "--bucket-size 5m --since … --until … --json`",
        file="server_metrics/app=APP/server=SERVER/2026-11-01.json",
        role=Role.USAGE,
        covers=Coverage.DAYS,
        tables=(server_metrics.TABLE,),
        parse=server_metrics.parse,
        path_keys=("app", "server"),
        pull=Pull(Each.SERVER, ("server", "metrics")),
    ),
    Source(
        name="server_stats",
        title="server stats",
        holds="Modal's own counts of a server's requests, by day",
        export="`modal server stats APP/SERVER --since … --until … --json`",
        file="server_stats/app=APP/server=SERVER/2026-11-01.json",
        role=Role.CONTROL,
        covers=Coverage.DAYS,
        tables=(server_stats.TABLE,),
        parse=server_stats.parse,
        path_keys=("app", "server"),
        pull=Pull(Each.SERVER, ("server", "stats")),
    ),
    Source(
        name="sandbox_stats",
        title="sandbox stats",
        holds="What Modal says an app's sandboxes cost, by day",
        export="SDK: `app.sandboxes.stats(since=…, until=…)` of one UTC day, as JSON with amounts as texts",
        file="sandbox_stats/app=APP/2026-11-01.json",
        role=Role.USAGE,
        covers=Coverage.DAYS,
        tables=(sandbox_stats.TABLE,),
        parse=sandbox_stats.parse,
        path_keys=("app",),
        pull=Pull(Each.APP, ()),
    ),
    Source(
        name="container_list",
        title="container list",
        holds="Which containers run at a moment",
        export="`modal container list --json`",
        file="container_list/2026-11-01T0700.json",
        role=Role.USAGE,
        covers=Coverage.DAYS,
        tables=(container_list.TABLE,),
        parse=container_list.parse,
        pull=Pull(Each.ENVIRONMENT, ("container", "list")),
    ),
    Source(
        name="telemetry",
        title="telemetry",
        holds="Which containers lived when, and what they used, as Modal pushes it",
        export="OTLP/HTTP to a collector, its file exporter with `format: json`",
        file="telemetry/*.json",
        role=Role.USAGE,
        covers=Coverage.DAYS,
        tables=(telemetry.TABLE,),
        parse=telemetry.parse,
    ),
    Source(
        name="environment_billing",
        title="environment billing",
        holds="What each environment was metered at in a month",
        export="`modal environment billing summary ENVIRONMENT --for 2026-10 --json`",
        file="environment_billing/environment=NAME/2026-10.json",
        role=Role.CONTROL,
        covers=Coverage.MONTH,
        tables=(environment_billing.TABLE,),
        parse=environment_billing.parse,
        path_keys=("environment",),
        pull=Pull(Each.ENVIRONMENT, ("environment", "billing", "summary")),
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
        raise misplaced(file, SOURCES)
    if not source.has_suffix_of(file):
        if is_boxed(printed_head(file.location)):
            raise boxed(EXPORTS[source.name].fix if source.name in EXPORTS else f"Export it again: {source.export}")
        raise RejectionError(f"not a {' or '.join(source.suffixes)} file (or .gz of one)", fix=instead_of(source))
    return source


def check_path(source: Source, keys: PathKeys, file: LandingFile) -> None:
    """Refuse a file whose path lacks a name that its rows do not say either.

    Raises:
        RejectionError: a name is missing.
    """
    missing = [key for key in source.path_keys if getattr(keys, key) is None]
    if missing:
        raise RejectionError(
            f"the path does not say which {' and '.join(source.path_keys)} this is",
            fix=f"Move it to {place_of(source, file)}.",
        )
