"""A first catalog from what is deployed: files that load as they are, with the questions that only people answer.

It has no rollout and no claim, so that nothing is said about a saving; what everything costs, the pipeline can tell.
"""

import datetime as dt
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from tieout.catalog.models import BASELINE, Catalog, Defaults, Price, Prices, Resource
from tieout.sources.workspace_snapshot import ConfigurationChange, Deployed, DiscoveredFunction

_GPU_RATE = re.compile(r"gpu_hour_cost_(\w+)")
_LONGEST_TIMEOUT = 86_400
_SCALEDOWN = range(2, 1201)
_GPU_COUNT = range(1, 9)
_SHOWN_CHANGES = 10

_ROLLOUT = """\
# The phases of the programme in the order of their deployment.
# QUESTION: is {programme} the name under which the report should go?
# QUESTION: which change do you want to measure? Add a phase when it is deployed, and in functions.yaml the
# configurations that it changes; until then the report says what everything costs, and claims no saving. For example,
# in the place of "phases: []" (a promise in dollars may be left out):
#   phases:
#     - id: phase-1
#       name: "CPU instead of GPU for file reads"
#       deployed_at: {year}-01-31T10:40:00Z
#       functions: [name_of_a_function]
#       promised_usd_per_day: {{low: "100", high: "200"}}
#       risk: low
{changes}programme: {programme}
# QUESTION: which harm would you accept for a saving? Decide before you look: rates as differences (0.01 is a percentage
# point), execution seconds as ratios after ÷ before.
guardrails: {{error_rate: "0.01", timeout_rate: "0.01", oom_rate: "0.01", p50_ratio: "1.25", p95_ratio: "1.25"}}
phases: []
"""
_PROJECTION = """\
# The claim that reality is held against, line by line as it was published; once it is there, it is never edited.
# QUESTION: has anybody promised a saving? Then copy the figures as they were printed. For example, in the place of
# "lines: []":
#   lines:
#     - {function: name_of_a_function, before_usd_per_hour: "2.50", after_usd_per_hour: "0.02", calls_per_hour: 20}
title: No projection
lines: []
"""
_MAIL = """\
# Who gets the weekly mail, and when. No part of the programme: a change here moves no figure.
# QUESTION: who reads the weekly report, and who is told when a week is held back? For example, in the place of the two
# empty lists:
#   finance: [finance@example.com]
#   operators: [platform@example.com]
# QUESTION: in which time zone is it Monday morning? An IANA name like Europe/Vienna.
timezone: UTC
finance: []
operators: []
"""
_BILLING = """\
# The account that the bill belongs to, as FOCUS exports name it: BillingAccountId and BillingAccountName. Modal's
# exports do not say. No part of the programme: a change here moves no figure.
# QUESTION: under which id and name does your accounting know this account?
account_id: {account}
account_name: {account}
"""
_CHANGE = """\
# QUESTION: is this a change that you want to measure? {settings} of {function} on {app},
#   between {before:%Y-%m-%d} and {after:%Y-%m-%d}{deployed}
"""
_ADJUSTMENTS = """\
# Dated corrections to the saving that demand does not explain (an outage, a one-off backfill), each with its evidence.
adjustments: []
"""


def first_catalog(deployed: Deployed, built_in: Catalog) -> dict[str, str]:
    """Write the files of a first catalog.

    Args:
        deployed: what the workspace runs.
        built_in: any catalog, for the labels of resources and for Modal's defaults.

    Returns:
        The text of each file by its name.
    """
    resources = _resources(built_in.prices, deployed)
    changes = "".join(map(_change, deployed.changes[:_SHOWN_CHANGES]))
    return {
        "functions.yaml": _functions(deployed, resources, built_in.prices.defaults),
        "rollout.yaml": _ROLLOUT.format(
            programme=_quoted(deployed.workspace), year=deployed.seen_on.year, changes=changes
        ),
        "projection.yaml": _PROJECTION,
        "prices.yaml": _prices(resources, built_in.prices, deployed.billed_from),
        "adjustments.yaml": _ADJUSTMENTS,
        "billing.yaml": _BILLING.format(account=_quoted(deployed.workspace)),
        "mail.yaml": _MAIL,
    }


def _change(change: ConfigurationChange) -> str:
    deployed_at = change.deployed_at
    return _CHANGE.format(
        settings=" and ".join(change.settings),
        function=_quoted(change.function.name),
        app=_quoted(change.function.app),
        before=change.seen_before,
        after=change.seen_after,
        deployed="" if deployed_at is None else f"; deployed_at: {deployed_at:%Y-%m-%dT%H:%M:%SZ}",
    )


def _functions(deployed: Deployed, resources: Sequence[Resource], defaults: Defaults) -> str:
    lines = [
        f"# What runs where, as it was deployed on {deployed.seen_on}. A field that is not given is Modal's default.",
        "# QUESTION: what is each function for? Its summary stands in the report beside its cost.",
        "# QUESTION: is the environment the one that the programme is about? Others are billed, too, and stay unnamed.",
        f"environment: {_quoted(deployed.environment)}",
    ]
    for app in deployed.unlisted:
        lines.append(
            f"# QUESTION: {_quoted(app)} was billed lately, and no function of it is deployed: what ran there?"
        )
    by_name: defaultdict[str, list[DiscoveredFunction]] = defaultdict(list)
    for function in deployed.functions:
        by_name[function.name].append(function)
    lines.append("functions:" if by_name else "functions: []")
    for name, namesakes in by_name.items():
        lines += [f"  - name: {_quoted(name)}", '    summary: ""', "    configurations:"]
        for function in namesakes:
            lines += _configuration(function, resources, defaults)
            for change in deployed.changes:
                if (change.function.app, change.function.name) == (function.app, name):
                    *_, written = _configuration(change.function, resources, defaults, phase="phase-1")
                    lines.append(f"      # once rollout.yaml has that phase: {written.strip()}")
    return "\n".join(lines) + "\n"


def _configuration(
    function: DiscoveredFunction, resources: Sequence[Resource], defaults: Defaults, *, phase: str = BASELINE
) -> list[str]:
    info = function.info
    fields: dict[str, str] = {"phase": phase, "app": _quoted(function.app)}
    lines = []
    if not info:
        lines.append("      # QUESTION: no configuration of it is known: which GPU, CPU and memory does it ask for?")
    gpu, count = _gpu(info)
    if gpu is not None:
        named = next((each.name for each in resources if gpu.lower() in _labels(each)), None)
        if named is None:
            lines.append(
                f"      # QUESTION: it asks for the GPU {_quoted(gpu)}, which prices.yaml lacks: what does it cost?"
            )
        else:
            fields["gpu"] = _quoted(named)
            if count != 1 and count in _GPU_COUNT:
                fields["gpu_count"] = str(count)
    cpu, memory = _request(info.get("cpu")), _request(info.get("memory_mib"))
    if cpu is not None:
        fields["cpu_cores"] = _exact(cpu)
    if memory is not None and memory >= 1:
        fields["memory_mib"] = str(int(memory))
    if isinstance(info.get("timeout"), int) and 1 <= info["timeout"] <= _LONGEST_TIMEOUT:
        fields["timeout_seconds"] = str(info["timeout"])
    if info.get("scaledown_window") in _SCALEDOWN and info["scaledown_window"] != defaults.scaledown_window_seconds:
        fields["scaledown_window_seconds"] = str(info["scaledown_window"])
    written = ", ".join(f"{field}: {value}" for field, value in fields.items())
    return [*lines, f"      - {{{written}}}"]


def _gpu(info: Mapping[str, Any]) -> tuple[str | None, int]:
    """Return the GPU that a function would rather have, and how many; several are fallbacks."""
    gpus = info.get("gpus") or [[None, 0]]
    return gpus[0][0], gpus[0][1]


def _request(value: Any) -> Decimal | None:
    """Return a request, without the limit that may stand beside it."""
    request = value[0] if isinstance(value, list) and value else value
    if request is None:
        return None
    try:
        return Decimal(str(request))
    except InvalidOperation:
        return None


def _resources(prices: Prices, deployed: Deployed) -> list[Resource]:
    """Return the known resources at the rates that were read, and those that only the rates know."""
    rates, valid_from = deployed.rates, deployed.billed_from
    source = f"modal billing rates, read on {deployed.rates_seen_on}"
    known = {each.rate_name for each in prices.resources}
    labels = {label for each in prices.resources for label in _labels(each)}
    found = [
        each.model_copy(update={"prices": (_price(rates[each.rate_name], valid_from, source),)})
        if each.rate_name in rates
        else each
        for each in prices.resources
    ]
    for rate_name in sorted(set(rates) - known):
        match = _GPU_RATE.fullmatch(rate_name)
        name = match[1].replace("_", "-").upper() if match else ""
        if name and name.lower() not in labels:
            price = _price(rates[rate_name], valid_from, source)
            found.append(Resource(name=name, kind="gpu", rate_name=rate_name, prices=(price,)))
    return found


def _price(rate: str, valid_from: dt.date, source: str) -> Price:
    return Price.model_validate({"valid_from": valid_from, "usd_per_hour": rate, "source": source})


def _labels(resource: Resource) -> set[str]:
    return {label.lower() for label in (resource.name, *resource.labels)}


def _prices(resources: Iterable[Resource], prices: Prices, valid_from: dt.date) -> str:
    defaults, factors = prices.defaults, prices.multipliers
    lines = [
        "# List prices in dollars an hour, from the day they hold, with where they were read; and the labels by which",
        "# bills name the same thing. Landed rate snapshots (`landing/billing_rates/`) take over from their day on.",
        f"# QUESTION: did Modal's prices change since {valid_from}? Then add the earlier price, valid from its day.",
        "defaults:",
        f"  cpu_cores: {_exact(defaults.cpu_cores)}",
        f"  memory_mib: {defaults.memory_mib}",
        f"  scaledown_window_seconds: {defaults.scaledown_window_seconds}",
        "multipliers:",
        f"  broad_region_percent: {factors.broad_region_percent}",
        f"  narrow_region_percent: {factors.narrow_region_percent}",
        f"  nonpreemptible_percent: {factors.nonpreemptible_percent}",
        "resources:",
    ]
    for resource in resources:
        lines += [
            f"  - name: {_quoted(resource.name)}",
            f"    kind: {resource.kind}",
            f"    rate_name: {resource.rate_name}",
        ]
        if resource.labels:
            lines.append(f"    labels: [{', '.join(map(_quoted, resource.labels))}]")
        lines.append("    prices:")
        for price in resource.prices:
            amount, source = _exact(price.usd_per_hour), _quoted(price.source)
            lines.append(f"      - {{valid_from: {price.valid_from}, usd_per_hour: {amount}, source: {source}}}")
    return "\n".join(lines) + "\n"


def _exact(amount: Decimal) -> str:
    """Return an amount as the catalog wants it, in quotes."""
    return f'"{amount.normalize():f}"'


def _quoted(text: str) -> str:
    """Return a text as YAML in double quotes, which escape whatever a name may hold, unlike JSON beyond U+FFFF, too."""
    return "".join(each if " " <= each <= "~" else _escaped(ord(each)) for each in json.dumps(text, ensure_ascii=False))


def _escaped(code_point: int) -> str:
    return f"\\u{code_point:04x}" if code_point < 1 << 16 else f"\\U{code_point:08x}"
