import datetime as dt
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tieout.catalog.load import load_catalog
from tieout.core.findings import Finding, Severity
from tieout.core.money import MoneyError
from tieout.core.resources import resource_path
from tieout.savings.baseline_changes import LockFinding, compare
from tieout.savings.baseline_lock import BaselineLock, format_lock, freeze
from tieout.savings.baseline_lock_parser import LockError, parse_lock
from tieout.savings.days import BaselinePeriod, FunctionDay

CATALOG = load_catalog(resource_path("catalog"))
START = dt.date(2026, 9, 21)
BASELINE = BaselinePeriod(START, START + dt.timedelta(days=14))


def day(function: str, offset: int, calls: int, usd: str) -> FunctionDay:
    return FunctionDay(function, START + dt.timedelta(days=offset), calls, Decimal(usd))


SERIES = [
    *(day("generate_code", i, 100 + i, f"12.{i:02d}") for i in range(14)),
    *(day("evaluate_genome", i, 50, "20.000000000001") for i in range(14)),
    day("evaluate_genome", 14, 60, "21"),
]


def frozen(series: list[FunctionDay] = SERIES) -> BaselineLock:
    return freeze(series, baseline=BASELINE, catalog=CATALOG, method_version="1")


def changed(*changes: FunctionDay) -> list[FunctionDay]:
    moved = {(value.function, value.day) for value in changes}
    return [*(value for value in SERIES if (value.function, value.day) not in moved), *changes]


def findings(series: list[FunctionDay]) -> list[Finding]:
    return compare(frozen(), series, CATALOG, method_version="1", baseline=BASELINE)


LOCK = frozen()
TEXT = format_lock(LOCK)


# The lock and its text


def test_what_is_frozen_is_read_back() -> None:
    assert parse_lock(TEXT) == LOCK
    assert format_lock(parse_lock(TEXT)) == TEXT


def test_a_function_has_one_line_a_day_within_the_baseline() -> None:
    lines = [line for line in TEXT.splitlines() if line.startswith("  - ")]
    assert len(lines) == 28
    assert lines[0] == (
        '  - {function: "evaluate_genome", day: 2026-09-21, successful_calls: 50, cost_usd: "20.000000000001"}'
    )


def test_one_changed_day_changes_its_line_and_the_hash() -> None:
    other = format_lock(frozen(changed(day("generate_code", 3, 103, "12.04"))))
    differences = [pair for pair in zip(TEXT.splitlines(), other.splitlines(), strict=True) if pair[0] != pair[1]]
    assert [line.split(":")[0].strip() for line, _ in differences] == ["series_sha256", "- {function"]


def test_the_order_of_the_series_does_not_matter() -> None:
    assert format_lock(frozen(SERIES[::-1])) == TEXT


def test_a_day_without_calls_and_cost_is_frozen_as_zero() -> None:
    lock = frozen([day("rare", 2, 1, "0.5")])
    assert len(lock.series) == 14
    assert lock.series[0] == FunctionDay("rare", START, 0, Decimal(0))


def test_the_lock_names_every_catalog_file_by_its_hash() -> None:
    assert LOCK.catalog_sha256 == dict(CATALOG.file_sha256)
    assert LOCK.projection_sha256 == CATALOG.file_sha256["projection.yaml"]
    assert re.fullmatch("[0-9a-f]{64}", LOCK.sha256)


def test_the_text_is_yaml() -> None:
    document = YAML(typ="safe").load(TEXT)
    assert document["method_version"] == "1"
    assert document["baseline_end"] == BASELINE.end
    assert document["series"][0]["cost_usd"] == "20.000000000001"
    assert len(document["series"]) == 28


def test_a_baseline_without_data_cannot_be_frozen() -> None:
    with pytest.raises(ValueError, match="there is no baseline"):
        frozen([day("generate_code", 20, 1, "1")])


def test_two_values_for_a_day_cannot_be_frozen() -> None:
    with pytest.raises(ValueError, match="generate_code has two values for 2026-09-21"):
        frozen([*SERIES, day("generate_code", 0, 1, "1")])


def test_a_cost_is_frozen_exactly_or_not_at_all() -> None:
    with pytest.raises(MoneyError):
        frozen([day("generate_code", 0, 1, "0.0000000000001")])


@given(
    values=st.dictionaries(
        st.tuples(st.text(min_size=1, max_size=20), st.integers(0, 13)),
        st.tuples(st.integers(0, 10**9), st.decimals(-1000, 1000, places=12)),
        min_size=1,
        max_size=8,
    )
)
def test_any_series_survives_the_text(values: dict[tuple[str, int], tuple[int, Decimal]]) -> None:
    lock = frozen([day(name, i, calls, str(cost)) for (name, i), (calls, cost) in values.items()])
    assert parse_lock(format_lock(lock)) == lock


def test_line_ends_of_another_system_do_not_matter() -> None:
    assert parse_lock(TEXT.replace("\n", "\r\n")) == LOCK


# Damage


def number_of(start: str) -> int:
    return next(i for i, line in enumerate(TEXT.splitlines(), start=1) if line.strip().startswith(start))


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "says"),
    [
        ("format: 1", "format: 9", "format", "format", "reads format 1, not 9"),
        ('method_version: "1"', "method_version: 1", "method_version", "method_version", "cannot read '1'"),
        ("baseline_start: 2026-09-21", "baseline_start: soon", "baseline_start", "baseline_start", "is not a date"),
        ("baseline_end: 2026-10-05", "baseline_end: 2026-09-21", "baseline_end", "baseline_end", "is not after"),
        ("baseline_end: 2026-10-05\n", "", "baseline_end", "baseline_end", "expected `baseline_end:`"),
        ('"rollout.yaml": ', '"rollout.yaml" ', '"rollout.yaml"', "catalog_sha256", "cannot read"),
        ('"rollout.yaml": ', '"prices.yaml": ', '"rollout.yaml"', "catalog_sha256", "prices.yaml is there twice"),
        ("successful_calls: 50", "successful_calls: 5O", "- {", "successful_calls", "'5O' is not a number of calls"),
        ('cost_usd: "20.000000000001"', 'cost_usd: "20,0"', "- {", "cost_usd", "not a decimal number"),
        ("day: 2026-09-21", "day: 2026-09-31", "- {", "day", "'2026-09-31' is not a date"),
        ("day: 2026-09-21", "day: 2026-11-02", "- {", "day", "is not in the baseline"),
        ("successful_calls: 50, ", "", "- {", "series", "cannot read"),
        ("  - {", "<<<<<<< HEAD\n  - {", "- {", "series", "cannot read '<<<<<<< HEAD'"),
        ('cost_usd: "20.000000000001"', 'cost_usd: "19"', "series_sha256", "series_sha256", "is not the one"),
    ],
)
def test_damage_is_reported_with_line_and_field(old: str, new: str, line: str, field: str, says: str) -> None:
    assert old in TEXT
    with pytest.raises(LockError, match=re.escape(says)) as caught:
        parse_lock(TEXT.replace(old, new, 1), name="catalog/baseline.lock")
    assert str(caught.value).startswith(f"catalog/baseline.lock:{number_of(line)}: {field}: ")
    assert "tieout freeze-baseline" in str(caught.value)


def test_a_day_that_is_there_twice_is_reported_with_both_lines() -> None:
    first = number_of("- {")
    line = TEXT.splitlines()[first - 1]
    with pytest.raises(LockError, match=f":{first + 1}: series: evaluate_genome has 2026-09-21 twice.*line {first}\\."):
        parse_lock(TEXT.replace(line, f"{line}\n{line}"))


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n"])
def test_an_empty_lock_says_that_it_ends(text: str) -> None:
    with pytest.raises(LockError, match="format: the lock ends here"):
        parse_lock(text)


def test_a_lock_that_was_cut_off_is_noticed() -> None:
    with pytest.raises(LockError, match="series_sha256"):
        parse_lock(TEXT[: TEXT.rindex("  - {")])


# The comparison


def test_what_has_not_changed_gives_no_finding() -> None:
    assert findings(SERIES) == []


def test_days_after_the_baseline_may_change() -> None:
    assert findings(changed(day("evaluate_genome", 14, 1, "99"))) == []


def test_a_restated_day_is_reported_with_what_it_moved() -> None:
    (finding,) = findings(changed(day("generate_code", 3, 105, "13.03"), day("generate_code", 5, 105, "11.05")))
    assert (finding.code, finding.subject) == (LockFinding.BASELINE_RESTATED, "generate_code")
    assert "2 baseline days have changed" in finding.message
    assert "by $0.00 and +2 calls" in finding.message
    assert finding.data["2026-09-24"] == "$12.03 → $13.03 (+$1.00), 103 → 105 calls"
    assert finding.data["2026-09-26"] == "$12.05 → $11.05 (−$1.00), 105 → 105 calls"


def test_a_picodollar_is_a_difference() -> None:
    (finding,) = findings(changed(day("evaluate_genome", 0, 50, "20.000000000002")))
    assert Decimal(finding.data["moved_usd"]) == Decimal("1e-12")
    assert "by +$0.000000000001 and 0 calls" in finding.message


def test_a_lost_function_and_a_new_one_are_restatements_from_and_to_nothing() -> None:
    series = [*(value for value in SERIES if value.function != "evaluate_genome"), day("late", 0, 1, "0.25")]
    gone, new = findings(series)
    assert (gone.subject, gone.data["moved_calls"], gone.data["days"]) == ("evaluate_genome", "-700", "14")
    assert new.data["2026-09-21"] == "$0.00 → $0.25 (+$0.25), 0 → 1 calls"


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("projection.yaml", LockFinding.PROJECTION_EDITED),
        ("prices.yaml", LockFinding.CATALOG_EDITED),
        ("rollout.yaml", LockFinding.CATALOG_EDITED),
    ],
)
def test_an_edited_catalog_file_is_named(file: str, code: LockFinding) -> None:
    edited = CATALOG.model_copy(update={"file_sha256": {**CATALOG.file_sha256, file: "0" * 64}})
    (finding,) = compare(LOCK, SERIES, edited, method_version="1")
    assert (finding.code, finding.subject) == (code, file)
    assert finding.data == {"frozen_sha256": CATALOG.file_sha256[file], "current_sha256": "0" * 64}


def test_the_ledger_of_adjustments_may_grow() -> None:
    grown = CATALOG.model_copy(update={"file_sha256": {**CATALOG.file_sha256, "adjustments.yaml": "0" * 64}})
    (finding,) = compare(LOCK, SERIES, grown, method_version="1")
    assert finding.severity is Severity.INFO


def test_another_method_is_reported() -> None:
    (finding,) = compare(LOCK, SERIES, CATALOG, method_version="2")
    assert finding.code == LockFinding.METHOD_CHANGED
    assert "frozen under method 1; the report follows method 2" in finding.message


def test_other_baseline_dates_are_reported() -> None:
    longer = BaselinePeriod(START, START + dt.timedelta(days=21))
    (finding,) = compare(LOCK, SERIES, CATALOG, method_version="1", baseline=longer)
    assert finding.code == LockFinding.BASELINE_DATES
    assert (finding.data["frozen_end"], finding.data["current_end"]) == ("2026-10-05", "2026-10-12")


def test_a_deployment_moved_into_the_baseline_is_reported() -> None:
    first, *others = CATALOG.rollout.phases
    earlier = first.model_copy(update={"deployed_at": dt.datetime(2026, 9, 30, 12)})  # noqa: DTZ001 - naive UTC
    rollout = CATALOG.rollout.model_copy(update={"phases": (earlier, *others)})
    (finding,) = compare(LOCK, SERIES, CATALOG.model_copy(update={"rollout": rollout}), method_version="1")
    assert (finding.code, finding.subject) == (LockFinding.BASELINE_OVERLAPS, "phase-1")
