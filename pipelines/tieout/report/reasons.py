"""How statuses, their reasons, the steps of the bridge and the guardrails are put into words: one table for each."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from tieout.core.money import format_usd
from tieout.report.wording import count, day_name, listing
from tieout.savings.bridge import Step
from tieout.savings.counterfactual import ModelForm
from tieout.savings.guardrails import Guardrail, GuardrailReason
from tieout.savings.status import Judgement, Reason, ReasonCode

STEPS: Mapping[Step, str] = {
    Step.ROUNDING: "rounding of the published total",
    Step.UNIT_CORRECTION: "measured seconds a call, not an hour",
    Step.CALLS: "number of calls",
    Step.COVERAGE: "callers not moved yet",
    Step.SECONDS_BEFORE: "seconds a call, before",
    Step.SECONDS_AFTER: "seconds a call, after",
    Step.OVERHEAD_BEFORE: "startup and idle time, before",
    Step.OVERHEAD_AFTER: "startup and idle time, after",
    Step.GPU_RATE: "GPU cost of a second",
    Step.CPU_RATE: "CPU cost of a second",
    Step.MEMORY_RATE: "memory cost of a second",
    Step.LIST_PRICES: "list prices",
    Step.MOVED_OUTSIDE: "moved outside the catalog",
    Step.ADJUSTMENTS: "adjustments",
    Step.OUTSIDE_CLAIM: "functions outside the claim",
    Step.UNALLOCATED: "not allocated",
}

GUARDRAILS: Mapping[str, str] = {
    Guardrail.ERROR_RATE: "error rate",
    Guardrail.TIMEOUT_RATE: "timeout rate",
    Guardrail.OOM_RATE: "memory kills",
    Guardrail.P50_SECONDS: "p50 seconds",
    Guardrail.P95_SECONDS: "p95 seconds",
}

VERDICT_REASONS: Mapping[GuardrailReason, str] = {
    GuardrailReason.WITHIN_MARGIN: "",
    GuardrailReason.BEYOND_MARGIN: "beyond the margin",
    GuardrailReason.UNDERPOWERED: "too little data",
    GuardrailReason.NO_CALLS: "no calls",
    GuardrailReason.TOO_FEW_DAYS: "too few days",
}

FORMS: Mapping[ModelForm, str] = {
    ModelForm.PROPORTIONAL: "proportional",
    ModelForm.AFFINE: "with intercept",
    ModelForm.CONSTANT: "constant",
    ModelForm.REPLAYED: "as replayed",
}

_Data = Sequence[Mapping[str, str]]


def because(judgement: Judgement) -> tuple[str, ...]:
    """Word every reason of a status, the weightiest first; reasons of one kind share a phrase."""
    return tuple(_words(judgement.reasons))


def extrapolation(judgement: Judgement) -> tuple[str, ...]:
    """Word the days whose volume the baseline has not seen; empty without any."""
    return tuple(_words(r for r in judgement.reasons if r.code is ReasonCode.EXTRAPOLATED))


def _words(reasons: Iterable[Reason]) -> list[str]:
    by_code: dict[ReasonCode, list[Mapping[str, str]]] = {}
    for reason in reasons:
        by_code.setdefault(reason.code, []).append(reason.data)
    return [_REASONS[code](data) for code, data in by_code.items()]


def _premise(data: _Data) -> str:
    return f"what was deployed before is not what the catalog says ({listing(list(data[0].values()))})"


def _few_baseline_days(data: _Data) -> str:
    return f"the baseline has {count(int(data[0]['baseline_days']), 'day')}, {data[0]['least_days']} are needed"


def _too_wide(data: _Data) -> str:
    return f"± is more than {_percent(data[0]['limit'])} of the saving"


def _percent(share: str) -> str:
    return f"{(Decimal(share) * 100).normalize():f}%"


def _guardrails(data: _Data) -> str:
    """`error rate and p50 seconds`; a total names the function of each: `error rate of f; p50 seconds of g`."""
    by_function: dict[str, list[str]] = {}
    for reason in data:
        function, _, guardrail = reason["guardrail"].rpartition(": ")
        by_function.setdefault(function, []).append(GUARDRAILS[guardrail])
    of = {function: f" of {function}" if function else "" for function in by_function}
    return listing([f"{listing(names)}{of[function]}" for function, names in by_function.items()])


def _usd(amount: str) -> str:
    return format_usd(Decimal(amount))


def _days(data: _Data) -> str:
    first, last = (day_name(dt.date.fromisoformat(data[0][key])) for key in ("first", "last"))
    days = count(int(data[0]["days"]), "day")
    return f"{days} ({first})" if first == last else f"{days} ({first} to {last})"


def _shifted_unit(data: Mapping[str, str]) -> str:
    return (
        f"{data['function']} has {data['inputs']}× the inputs at {data['seconds']}× the time each, as much work as "
        "before: is an input still the same work?"
    )


_REASONS: Mapping[ReasonCode, Callable[[_Data], str]] = {
    ReasonCode.PREMISE_CONTRADICTED: _premise,
    ReasonCode.NO_CHANGE_NAMED: lambda _: "the catalog names no change",
    ReasonCode.NOTHING_DEPLOYED: lambda _: "nothing was deployed yet",
    ReasonCode.TOO_FEW_BASELINE_DAYS: _few_baseline_days,
    ReasonCode.NO_BASELINE_CALLS: lambda _: "no call succeeded in the baseline",
    ReasonCode.NO_MEASURED_DAY: lambda _: "no day of the week counts: deployment days, or days without their bill",
    ReasonCode.NEGATIVE_SAVING: lambda _: "cost rose, and the whole interval says so",
    ReasonCode.NO_INTERVAL: lambda _: "the baseline is too short for an interval",
    ReasonCode.INTERVAL_INCLUDES_ZERO: lambda _: "the interval includes zero",
    ReasonCode.INTERVAL_TOO_WIDE: _too_wide,
    ReasonCode.GUARDRAIL_FAILED: lambda data: f"the rollout worsened the {_guardrails(data)} beyond the margin",
    ReasonCode.WIDE_INTERVAL: _too_wide,
    ReasonCode.SHORT_BASELINE: lambda data: (
        f"the baseline has {count(int(data[0]['baseline_days']), 'day')}, {data[0]['sufficient_days']} are enough"
    ),
    ReasonCode.UNSETTLED_DAYS: lambda data: f"the bill of {_days(data)} may still change",
    ReasonCode.GUARDRAIL_INCONCLUSIVE: lambda data: f"too little data to clear the {_guardrails(data)}",
    ReasonCode.GUARDRAILS_NOT_TESTED: lambda _: "no guardrail was tested",
    ReasonCode.NO_SUCCESSFUL_CALL: lambda _: "no call succeeded in the week: renamed or retired?",
    ReasonCode.MOVED_OUTSIDE: lambda data: (
        f"{_usd(data[0]['growth_usd'])} of cost moved to what the catalog lacks in the programme's apps"
    ),
    ReasonCode.OUTSIDE_GREW: lambda data: (
        f"the programme's apps cost {_usd(data[0]['growth_usd'])} more outside the catalog"
    ),
    ReasonCode.OTHER_APP_GREW: lambda data: (
        f"{data[0]['app']} cost {_usd(data[0]['growth_usd'])} more than in the baseline: has the work moved to it?"
    ),
    ReasonCode.FAR_EXTRAPOLATED: lambda _: "most days have under half or over twice the calls of the baseline's range",
    ReasonCode.ROLLED_BACK: lambda data: f"rolled back: most calls ran on {data[0]['settings']}",
    ReasonCode.TAKEN_OVER: lambda data: (
        "one function may have taken over calls from another, worth "
        f"{_usd(data[0]['taken_over_usd'])} of the counterfactual"
    ),
    ReasonCode.GREW_APART: lambda data: (
        "one function's calls grew beyond those of the others, by "
        f"{_usd(data[0]['taken_over_usd'])} of the counterfactual"
    ),
    ReasonCode.UNEXPLAINED_BEFORE: lambda data: (
        f"{_usd(data[0]['fell_usd'])} more was unexplained in the baseline: its call log may lack calls"
    ),
    ReasonCode.BILL_BELOW_LOG: lambda data: (
        f"the log shows {_usd(data[0]['unpaid_usd'])} more than was billed: has a list price fallen?"
    ),
    ReasonCode.UNEXPLAINED_FELL: lambda data: f"{_usd(data[0]['fell_usd'])} less of the cost is unexplained than was",
    ReasonCode.IMPLAUSIBLE_COUNTERFACTUAL: lambda data: (
        f"the counterfactual of {_usd(data[0]['counterfactual_usd'])} is more than twice the dearest week of the "
        f"baseline, {_usd(data[0]['dearest_week_usd'])}"
    ),
    ReasonCode.BASELINE_OUTAGE: lambda data: (
        f"{_usd(data[0]['outage_usd'])} of the counterfactual rests on baseline days that cost far more than the others"
    ),
    ReasonCode.WORK_UNIT_CHANGED: lambda data: (
        f"a function call has {data[0]['after']} inputs, {data[0]['before']} in the baseline"
    ),
    ReasonCode.WORK_UNIT_SHIFTED: lambda data: _shifted_unit(data[0]),
    ReasonCode.WORK_UNIT_UNSURE: lambda data: _shifted_unit(data[0]),
    ReasonCode.BASELINE_NOT_MATCHED: lambda data: f"log and bill differ on {_days(data)} of the baseline",
    ReasonCode.DAYS_NOT_MATCHED: lambda data: f"log and bill differ on {_days(data)}",
    ReasonCode.ROLLOUT_INCOMPLETE: lambda data: (
        f"{(Decimal(data[0]['coverage']) * 100).quantize(Decimal(1))}% of the calls run in the newest phase"
    ),
    ReasonCode.BASELINE_NOT_FROZEN: lambda _: "the baseline is not frozen",
    ReasonCode.WITNESSES_DISAGREE: lambda data: (
        f"{listing([each['witness'] for each in data])} and the saving differ by up to "
        f"{_usd(max((each['difference_usd'] for each in data), key=Decimal))}, "
        f"{_usd(data[0]['half_width_usd'])} is within the interval"
    ),
    ReasonCode.EXTRAPOLATED: lambda data: f"extrapolated: the baseline has not seen the volume of {_days(data)}",
}
