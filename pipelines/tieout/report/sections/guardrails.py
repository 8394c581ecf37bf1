"""Guardrails in words: what was tested, how it moved, how sure that is, and what that says."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from tieout.report.formats.sheets import Sheet, SheetColumn
from tieout.report.reasons import GUARDRAILS, VERDICT_REASONS
from tieout.savings.function_measurement import FunctionMeasurement
from tieout.savings.guardrails import DurationGuardrail, GuardrailVerdict, RateGuardrail

NOTHING = "–"


@dataclass(frozen=True)
class GuardrailRow:
    """One test of one function, worded: rates in percent, differences in percentage points, ratios as `×1.02`."""

    test: str
    before: str
    after: str
    change: str
    bound: str
    margin: str
    verdict: str
    because: str


@dataclass(frozen=True)
class GuardrailGroup:
    """The tests of one function."""

    function: str
    verdict: str
    rows: tuple[GuardrailRow, ...]


def describe_guardrails(functions: Iterable[FunctionMeasurement]) -> tuple[GuardrailGroup, ...]:
    """Word every test of every function that a phase has changed."""
    return tuple(
        GuardrailGroup(
            function=function.function,
            verdict=function.guardrails.verdict.value,
            rows=tuple(_row(result) for result in function.guardrails.results),
        )
        for function in functions
        if function.guardrails is not None
    )


def _row(result: RateGuardrail | DurationGuardrail) -> GuardrailRow:
    before, after, change, margin = _rate(result) if isinstance(result, RateGuardrail) else _duration(result)
    return GuardrailRow(
        test=GUARDRAILS[result.guardrail],
        before=before,
        after=after,
        change=change,
        bound=_bound(result),
        margin=margin,
        verdict=result.verdict.value,
        because=VERDICT_REASONS[result.reason],
    )


def _rate(result: RateGuardrail) -> tuple[str, str, str, str]:
    before, after = (f"{side.rate:.2%}" if side.calls else NOTHING for side in (result.before, result.after))
    change = NOTHING if result.estimate is None else _points(result.estimate)
    return before, after, change, f"{(result.margin * 100).normalize():f} pp"


def _duration(result: DurationGuardrail) -> tuple[str, str, str, str]:
    before, after = _seconds(result.before_seconds), _seconds(result.after_seconds)
    change = NOTHING if result.estimate is None else _ratio(result.estimate)
    return before, after, change, f"×{result.margin.normalize():f}"


def _bound(result: RateGuardrail | DurationGuardrail) -> str:
    """The bound that decides: how bad it may be, or, where the test failed, how bad it is at least."""
    if result.interval is None:
        return NOTHING
    is_failure = result.verdict is GuardrailVerdict.FAIL
    bound = result.interval.low if is_failure else result.interval.high
    words = _points(bound) if isinstance(result, RateGuardrail) else _ratio(bound)
    return f"{'≥' if is_failure else '≤'} {words}"


def _points(difference: float) -> str:
    """`+0.05 pp`: a difference of rates in percentage points."""
    rounded = f"{difference * 100:+.2f}"
    return f"{'0.00' if float(rounded) == 0 else rounded.replace('-', '−')} pp"


def _ratio(ratio: float) -> str:
    return f"×{ratio:.2f}" if math.isfinite(ratio) and ratio < 1e4 else "unbounded"


def _seconds(seconds: float | None) -> str:
    return NOTHING if seconds is None else f"{seconds:,.2f} s"


def write_guardrails(sheet: Sheet, groups: Iterable[GuardrailGroup]) -> None:
    """Write the sheet of the guardrails."""
    sheet.title(
        "Guardrails: what the rollout must not harm", below="Bounds are one-sided at 95%; pp: percentage points."
    )
    titles = ("Function", "Test", "Before", "After", "Change", "Bound", "Margin", "Verdict", "Because")
    rows = [
        (group.function, row.test, row.before, row.after, row.change, row.bound, row.margin, row.verdict, row.because)
        for group in groups
        for row in group.rows
    ]
    sheet.browse(sheet.table([SheetColumn(title) for title in titles], rows), len(titles), fixed=1)
