"""Corruptions of everything small: what is deployed, what it costs by the list, and what the month comes to."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks.mutations.bill import APP_NAMES, NEW_APP, OLD_APP, swapped
from benchmarks.mutations.exports import Exports, Row
from benchmarks.mutations.trial import INVOICE, SUMMARY, Corruption, Kind

Fields: TypeAlias = dict[str, Any]
_INFO = "function_info/app=coral-x-production-optimized/function=generate_code_modal/2026-10-19.json"
_INFOS = "function_info/app=coral-x-production-optimized/*/*.json"
_HISTORY = "app_history/app=coral-x-production-optimized/2026-10-19.json"
_LISTS = "app_list/2026-10-[12][69].json"
_RATES = "billing_rates/2026-10-[12][69].json"
_A100, _T4 = "gpu_hour_cost_a100_40gb", "gpu_hour_cost_t4"

_DEPLOYED = "staging.configurations: What is deployed is what the catalog says"
_INFO_LANDED = "staging.configurations: Every function with a log has a function info"
_HAS_DEPLOYMENT = "staging.configurations: Every app with function infos has a deployment"
_PATH_APP = "raw.function_info: The app is the one that the path names"
_QUOTED = "raw.billing_rates: Rates are what the catalog lists"
_ITEMISED = "G3: Each month's items add up to what was metered"
_BILLED = "staging.billing_summaries: Metered cost and adjustments make the bill"
_INVOICED = "G5: The invoice is what was billed"
_LISTED = "spend.hourly: Apps on the bill have the names of the list"
_ON_LIST = "spend.hourly: Every app on the bill is listed"


def fields_of(pattern: str, change: Callable[[Any], object]) -> Corruption:
    """Change the one object, or the rows, that every matching export holds."""

    def corrupt(exports: Exports) -> None:
        for path in exports.find(pattern):
            exports.write_rows(path, change(json.loads(path.read_bytes())))

    return corrupt


def with_field(name: str, change: Callable[[Any], object]) -> Callable[[Fields], Fields]:
    """Change one field of an object."""
    return lambda fields: {**fields, name: change(fields[name])}


def with_column(name: str, change: Callable[[Any], object]) -> Callable[[Any], object]:
    """Change one field of every row."""
    return lambda rows: [{**row, name: change(row[name])} for row in rows]


def _times(factor: str) -> Callable[[str], str]:
    return lambda amount: str(Decimal(amount) * Decimal(factor))


def _plus(usd: str) -> Callable[[str], str]:
    return lambda amount: str(Decimal(amount) + Decimal(usd))


def _not_landed(pattern: str) -> Corruption:
    def corrupt(exports: Exports) -> None:
        for path in exports.find(pattern):
            exports.remove(path)

    return corrupt


def _under(pattern: str, target: str) -> Corruption:
    """Land exports in another folder, in addition."""

    def corrupt(exports: Exports) -> None:
        for path in exports.find(pattern):
            exports.copy(path, exports.root / target / path.name)

    return corrupt


def _of_september(exports: Exports) -> None:
    """September's summary, which is smaller, under the name and with the sidecar of October's."""
    [path] = exports.find(SUMMARY)
    summary = {
        "metered_cost": "301.20000000",
        "billed_cost": "551.20000000",
        "adjustments": {"plan_cost": "250.00000000"},
        "metered_cost_breakdown": {"deployed_apps": "301.20000000"},
    }
    exports.write_rows(path, summary)


def _breakdown(part: str, usd: str) -> Callable[[Fields], object]:
    return with_field("metered_cost_breakdown", lambda parts: {**parts, part: _plus(usd)(parts[part])})


def _invoice(**fields: object) -> Corruption:
    def corrupt(exports: Exports) -> None:
        path: Path = exports.root / INVOICE
        exports.edit(path, json.dumps({**json.loads(path.read_bytes()), **fields}).encode())

    return corrupt


def _invoice_off(usd: str) -> Corruption:
    def corrupt(exports: Exports) -> None:
        path = exports.root / INVOICE
        invoice = json.loads(path.read_bytes())
        exports.edit(path, json.dumps({**invoice, "total": _plus(usd)(invoice["total"])}).encode())

    return corrupt


def _swapped_rates(rates: Fields) -> object:
    return {**rates, _A100: rates[_T4], _T4: rates[_A100]}


def _without_the_new_app(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["app_id"] != NEW_APP]


KINDS = (
    Kind(
        "another app's function info",
        "function_info",
        fields_of(_INFO, with_field("app_id", lambda _: OLD_APP)),
        (_PATH_APP,),
    ),
    Kind(
        "another function's function info",
        "function_info",
        fields_of(_INFO, with_field("name", lambda _: "other")),
        ("raw.function_info: The function is the one that the path names",),
    ),
    Kind("a function info not landed", "function_info", _not_landed(_INFO), (_INFO_LANDED,)),
    Kind("no function info of an app landed", "function_info", _not_landed(_INFOS), (_INFO_LANDED,)),
    Kind(
        "memory in GiB for MiB",
        "function_info",
        fields_of(_INFO, with_field("memory_mib", lambda mib: mib // 1024)),
        (_DEPLOYED,),
    ),
    Kind(
        "another GPU", "function_info", fields_of(_INFO, with_field("gpus", lambda _: [["A100-40GB", 1]])), (_DEPLOYED,)
    ),
    Kind("no GPU", "function_info", fields_of(_INFO, with_field("gpus", lambda _: [])), (_DEPLOYED,)),
    Kind("a deployment's history not landed", "app_history", _not_landed(_HISTORY), (_HAS_DEPLOYMENT,)),
    Kind("a history without its deployments", "app_history", fields_of(_HISTORY, lambda _: []), (_HAS_DEPLOYMENT,)),
    Kind(
        "a deployment a day late",
        "app_history",
        fields_of(_HISTORY, with_column("time_deployed", lambda t: t.replace("-19 ", "-20 "))),
        ("raw.app_history: No deployment is later than its reading",),
    ),
    Kind(
        "a deployment in local time",
        "app_history",
        fields_of(_HISTORY, with_column("time_deployed", lambda t: t.replace("+00:00", "-08:00"))),
        ("raw.app_history: No deployment is later than its reading",),
    ),
    Kind(
        "a deployment twice",
        "app_history",
        fields_of(_HISTORY, lambda rows: [*rows, *rows]),
        ("raw.app_history: A version stands once in its file",),
    ),
    Kind(
        "ids swapped",
        "app_list",
        fields_of(_LISTS, with_column("app_id", swapped(OLD_APP, NEW_APP))),
        (_LISTED, _PATH_APP),
    ),
    Kind(
        "names swapped",
        "app_list",
        fields_of(_LISTS, with_column("description", swapped(*APP_NAMES))),
        (_LISTED, _PATH_APP),
    ),
    Kind("an app missing", "app_list", fields_of(_LISTS, _without_the_new_app), (_ON_LIST,)),
    Kind(
        "an app twice",
        "app_list",
        fields_of(_LISTS, lambda rows: [*rows, *rows]),
        ("raw.app_list: An app stands once in its file",),
    ),
    Kind("a rate × 1.5", "billing_rates", fields_of(_RATES, with_field(_A100, _times("1.5"))), (_QUOTED,)),
    Kind(
        "rates per second",
        "billing_rates",
        fields_of(_RATES, lambda rates: {name: _times("0.000277777778")(rate)[:14] for name, rate in rates.items()}),
        (_QUOTED,),
    ),
    Kind("two rates swapped", "billing_rates", fields_of(_RATES, _swapped_rates), (_QUOTED,)),
    Kind(
        "a rate missing",
        "billing_rates",
        fields_of(_RATES, lambda rates: {n: rate for n, rate in rates.items() if n != _A100}),
        ("raw.billing_rates: Every rate that the catalog prices is listed",),
    ),
    Kind(
        "a rate below zero",
        "billing_rates",
        fields_of(_RATES, with_field(_A100, _times("-1"))),
        ("raw.billing_rates: Every rate is positive",),
    ),
    Kind("another month's summary under the month's name", "billing_summary", _of_september, (_ITEMISED, _INVOICED)),
    Kind(
        "metered a dollar more, billed too",
        "billing_summary",
        fields_of(SUMMARY, lambda s: with_field("billed_cost", _plus("1"))(with_field("metered_cost", _plus("1"))(s))),
        (_ITEMISED,),
    ),
    Kind(
        "billed a cent more",
        "billing_summary",
        fields_of(SUMMARY, with_field("billed_cost", _plus("0.01"))),
        (_BILLED,),
    ),
    Kind(
        "an adjustment's sign flipped",
        "billing_summary",
        fields_of(SUMMARY, with_field("adjustments", lambda a: {**a, "credits": _times("-1")(a["credits"])})),
        (_BILLED,),
    ),
    Kind(
        "a part of the breakdown a dollar more",
        "billing_summary",
        fields_of(SUMMARY, _breakdown("deployed_apps", "1")),
        (
            "reconciliation.months: The breakdown of the summary makes its metered cost to the cent",
            "G4: Metered plus adjustments equals billed",
        ),
    ),
    Kind(
        "an adjustment missing",
        "billing_summary",
        fields_of(SUMMARY, with_field("adjustments", lambda a: {n: usd for n, usd in a.items() if n != "credits"})),
        (_BILLED,),
    ),
    Kind("a cent off", "invoices", _invoice_off("0.01"), (_INVOICED,)),
    Kind("in euros", "invoices", _invoice(currency="EUR"), (_INVOICED,)),
    Kind("a total as a JSON number", "invoices", _invoice(total=2431.35), ("not a text",)),
    Kind("the summary in the invoice's folder", "invoices", _under(SUMMARY, "invoices/2026"), ("number is missing",)),
)
