"""Corruptions of billing reports.

A day of the bill is four files: the plain report and its breakdown, each read on the next day and on the day after.
What happens to one of the two reports, the other one shows. What happens to both alike, in every reading, only the call
log, the neighbours or the month's summary can show; so there the summary and the invoice are taken away, as before the
month ends.
"""

import csv
import datetime as dt
import gzip
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from benchmarks.mutations.exports import ChangeRows, Exports, Row
from benchmarks.mutations.trial import CONTROL_TOTAL, INVOICE, SUMMARY, Corruption, Kind
from tieout.sources.dialects import CSV_COLUMNS

DAY, NEXT_DAY = "2026-10-21", "2026-10-22"
OLD_APP, NEW_APP = "ap-6Vw0cXq2mTzr1Yb9LkHn3S", "ap-9QhT7Jd4eKx2Zs8WvBp5Ru"
APP_NAMES = ("coral-x-production", "coral-x-production-optimized")
WHERE = "billing_report"
EVERY, PLAIN, BREAKDOWN = "*", "plain*", "resources*"

_MISPRICED = "spend.claims: A pool costs what its container time can cost"
_NOT_EQUAL = "staging.billing_totals: The plain report equals the breakdown and what it dropped"
_UNBILLED = "spend.hourly: Every hour of container time is billed"
_SHIFTED = "spend.claims: The bill has the hours of the log"
_BROKEN_DOWN = "staging.billing_totals: What is broken down in some hours is broken down in all"
_PROPORTION = "spend.pools: CPU and memory are billed in their usual proportion"
_BY_THE_HOUR = "staging.billing_intervals: After hourly reports every day is reported by the hour"
_EMPTIED = "staging.billing_intervals: No report empties hours that another one filled"
_GAP = "staging.billing_intervals: No hour is missing between landed hours"
_LISTED = "spend.hourly: Apps on the bill have the names of the list"
_DECIMALS = "raw.billing_report: Costs have the decimals that Modal bills"
_TWICE = "raw.billing_report: An item stands once in its report"
_NEGATIVE = "raw.billing_report: No cost is negative"
_MIDNIGHTS = "raw.billing_report: Hourly reports hold more than midnights"
_DAY_SUM = "staging.billing_totals: A day's total is the sum of its hours"
_BEFORE = "raw.billing_report: No interval begins after it was read"
_ITEMISED = "G3: Each month's items add up to what was metered"


def reports(exports: Exports, which: str = EVERY, day: str = DAY) -> list[Path]:
    """The readings of a day's report: `which` is a pattern of the kinds."""
    return exports.find(f"billing_report/{day}.{which}.json")


def rows_of(which: str, change: ChangeRows) -> Corruption:
    """Change the rows of a day's report, in every reading."""

    def corrupt(exports: Exports) -> None:
        for path in reports(exports, which):
            exports.write_rows(path, change(exports.rows(path)))

    return corrupt


def text_of(change: Callable[[bytes], bytes], **sidecar: object) -> Corruption:
    """Change the bytes of a day's breakdown, in every reading; the sidecar fits, and says `sidecar` beside."""

    def corrupt(exports: Exports) -> None:
        for path in reports(exports, BREAKDOWN):
            exports.write(path, change(path.read_bytes()), **sidecar)

    return corrupt


def before_the_month_ends(change: Corruption) -> Corruption:
    """Take the summary and the invoice of the month away, and corrupt something."""

    def corrupt(exports: Exports) -> None:
        for name in (SUMMARY, INVOICE):
            exports.remove(exports.root / name)
        change(exports)

    return corrupt


def both(change: ChangeRows) -> Corruption:
    """Change both reports of a day alike, in every reading, with nothing to hold the month against."""
    return before_the_month_ends(rows_of(EVERY, change))


def costs(change: Callable[[Decimal], object]) -> ChangeRows:
    """Change every cost."""
    return lambda rows: [{**row, "cost": str(change(Decimal(row["cost"])))} for row in rows]


def first_cost(cost: Callable[[str], object]) -> ChangeRows:
    """Put something else in the place of the first cost."""
    return lambda rows: [{**row, "cost": cost(row["cost"])} if row is rows[0] else row for row in rows]


def field(name: str, change: Callable[[str], str]) -> ChangeRows:
    """Change a field of every row."""
    return lambda rows: [{**row, name: change(row[name])} for row in rows]


def without(lost: Callable[[Row], bool]) -> ChangeRows:
    """Lose rows."""
    return lambda rows: [row for row in rows if not lost(row)]


def swapped(one: str, other: str) -> Callable[[str], str]:
    """Take each of two values for the other one."""
    exchange = {one: other, other: one}
    return lambda value: exchange.get(value, value)


def _is_at(hour: str) -> Callable[[Row], bool]:
    return lambda row: str(row["interval_start"]).endswith(f"T{hour}:00:00")


def _first_half(rows: list[Row]) -> list[Row]:
    return rows[: len(rows) // 2]


def _is_large(row: Row) -> bool:
    return Decimal(row["cost"]) > Decimal("0.5")


def _one_digit(rows: list[Row]) -> list[Row]:
    """Change one digit of the largest cost of an hour: ten cents more."""
    largest = max((row for row in rows if _is_at("13")(row)), key=lambda row: Decimal(row["cost"]))
    return [{**row, "cost": str(Decimal(row["cost"]) + Decimal("0.1"))} if row is largest else row for row in rows]


def _lost_day(exports: Exports) -> None:
    for path in reports(exports):
        exports.remove(path)


def _lost_breakdown(exports: Exports) -> None:
    for path in reports(exports, BREAKDOWN):
        exports.remove(path)


def _copied_by_hand(exports: Exports) -> None:
    for path in reports(exports):
        exports.edit(path.with_name(f"copy-of-{path.name}"), path.read_bytes())


def _pulled_again(exports: Exports) -> None:
    for path in reports(exports, "*.r2"):
        exports.copy(path, path.with_name(f"again-{path.name}"), json.dumps(exports.rows(path)).encode())


def _old_after_new(exports: Exports) -> None:
    for path in reports(exports):
        if ".r2." not in path.name:
            target = path.with_name(f"late-{path.name}")
            exports.copy(path, target)
            exports.remove(path)


def _empty_list(exports: Exports) -> None:
    for path in reports(exports, "*.r2"):
        exports.write(path, "[]\n")


def _local_time(hours: int) -> Corruption:
    """All reports of the week with hours that are off by so many; the sidecars claim the range that the rows have."""

    def corrupt(exports: Exports) -> None:
        for day in range(19, 26):
            for path in reports(exports, day=f"2026-10-{day}"):
                rows = [{**row, "interval_start": _later(row["interval_start"], hours)} for row in exports.rows(path)]
                said = exports.sidecar(path)
                ends = {name: f"{_later(said[name][:-1], hours)}Z" for name in ("range_start", "range_end")}
                exports.write_rows(path, rows, **ends)

    return before_the_month_ends(corrupt)


def _later(time: str, hours: int) -> str:
    return (dt.datetime.fromisoformat(time) + dt.timedelta(hours=hours)).isoformat()


def _days_as(resolution: str) -> Corruption:
    """One row a day and object in place of one an hour."""

    def corrupt(exports: Exports) -> None:
        for path in reports(exports):
            days: dict[tuple[str, str | None], Row] = {}
            for row in exports.rows(path):
                key = (row["object_id"], row.get("resource"))
                cost = Decimal(row["cost"]) + Decimal(days[key]["cost"] if key in days else 0)
                days[key] = {**row, "interval_start": f"{DAY}T00:00:00", "cost": str(cost)}
            exports.write_rows(path, list(days.values()), resolution=resolution)

    return before_the_month_ends(corrupt)


def _daily_beside(percent: int) -> Corruption:
    """A daily report of the day beside the hourly ones, with so much of their cost."""

    def corrupt(exports: Exports) -> None:
        for path in reports(exports, "plain.r2"):
            days: dict[str, Row] = {}
            for row in exports.rows(path):
                cost = Decimal(row["cost"]) + Decimal(days.get(row["object_id"], {"cost": 0})["cost"])
                days[row["object_id"]] = {**row, "interval_start": f"{DAY}T00:00:00", "cost": str(cost)}
            daily = [{**row, "cost": str(Decimal(row["cost"]) * percent / 100)} for row in days.values()]
            content = json.dumps(daily).encode()
            exports.copy(path, path.with_name(f"{DAY}.daily.plain.json"), content, resolution="d")

    return before_the_month_ends(corrupt)


def _mixed_resolutions(exports: Exports) -> None:
    for path in reports(exports, PLAIN):
        rows = exports.rows(path)
        exports.write_rows(path, [*rows, {**rows[0], "interval_start": f"{DAY}T00:00:00", "cost": "40.00000001"}])


def _as_csv(decimal_sign: str, width: int) -> Corruption:
    """The breakdown as CSV, with another decimal sign, or broken at a width as Rich breaks it."""

    def corrupt(exports: Exports) -> None:
        for path in reports(exports, BREAKDOWN):
            target = path.with_suffix(".csv")
            exports.copy(path, target, _csv(exports.rows(path), decimal_sign, width).encode())
            exports.remove(path)

    return corrupt


def _csv(rows: list[Row], decimal_sign: str, width: int) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    names = list(CSV_COLUMNS.values())
    for row in rows:
        writer.writerow([str(row[name]).replace(".", decimal_sign) if name == "cost" else row[name] for name in names])
    lines = text.getvalue().splitlines()
    return "".join(f"{line[at : at + width]}\n" for line in lines for at in range(0, len(line), width))


def _ranges(start: str, end: str, **said: object) -> Corruption:
    """Sidecars of the day's newest reports that claim another range, or something else."""

    def corrupt(exports: Exports) -> None:
        for path in reports(exports, "*.r2"):
            exports.say(path, range_start=start, range_end=end, **said)

    return before_the_month_ends(corrupt)


def _edited(exports: Exports) -> None:
    for path in reports(exports, "plain.r2"):
        exports.edit(path, path.read_bytes().replace(b'"cost": "1', b'"cost": "2'))


def _other_folder(exports: Exports) -> None:
    for path in reports(exports):
        exports.copy(path, exports.root / "billing" / path.name)
        exports.remove(path)


def _mixed_offsets(rows: list[Row]) -> list[Row]:
    return [{**row, "interval_start": row["interval_start"] + ("Z" if row is rows[3] else "")} for row in rows]


def _doubled_lines(rows: list[Row]) -> list[Row]:
    return [*rows, *rows]


_DAY_RANGE = (f"{DAY}T00:00:00Z", f"{NEXT_DAY}T00:00:00Z")

KINDS = (
    Kind("an hour dropped from both reports", WHERE, both(without(_is_at("13"))), (_UNBILLED,)),
    Kind("an hour dropped from the breakdown", WHERE, rows_of(BREAKDOWN, without(_is_at("13"))), (_BROKEN_DOWN,)),
    Kind("an hour dropped from the plain report", WHERE, rows_of(PLAIN, without(_is_at("13"))), (_NOT_EQUAL,)),
    Kind("a day in the middle not landed", WHERE, before_the_month_ends(_lost_day), (_GAP,)),
    Kind("a day's breakdown not landed", WHERE, before_the_month_ends(_lost_breakdown), (_GAP,)),
    Kind("a day's files copied by hand under other names", WHERE, _copied_by_hand),
    Kind("a day's newest files pulled twice, formatted otherwise", WHERE, _pulled_again),
    Kind("a day's rows doubled within the files", WHERE, both(_doubled_lines), (_TWICE,)),
    Kind("an older reading that arrives after the newer", WHERE, _old_after_new),
    Kind("a list without rows in place of a day", WHERE, before_the_month_ends(_empty_list), (_EMPTIED, _UNBILLED)),
    Kind("the later half of a day cut from both reports", WHERE, both(_first_half), (_UNBILLED,)),
    Kind("the bill in local time, 2 hours ahead, offsets stripped", WHERE, _local_time(2), (_SHIFTED,)),
    Kind("the bill in local time, 7 hours behind, offsets stripped", WHERE, _local_time(-7), (_SHIFTED,)),
    Kind("times with and without an offset in one report", WHERE, rows_of(PLAIN, _mixed_offsets), ("unlike the rows",)),
    Kind("hours off by half an hour", WHERE, both(field("interval_start", lambda t: t[:-5] + "30:00")), ("full hour",)),
    Kind("costs × 100 in both reports", WHERE, both(costs(lambda c: c * 100)), (_MISPRICED,)),
    Kind("costs ÷ 100 in both reports", WHERE, both(costs(lambda c: c / 100)), (_MISPRICED,)),
    Kind("costs × 100 in the breakdown", WHERE, rows_of(BREAKDOWN, costs(lambda c: c * 100)), (_NOT_EQUAL,)),
    Kind("every sign flipped in both reports", WHERE, both(costs(lambda c: -c)), (_NEGATIVE,)),
    Kind("one sign flipped in both reports", WHERE, both(first_cost(lambda c: f"-{c}")), (_NEGATIVE,)),
    Kind("one digit of a cost, in the breakdown", WHERE, rows_of(BREAKDOWN, _one_digit), (_NOT_EQUAL,)),
    Kind("one digit of a cost, in both reports, with the summary", WHERE, rows_of(EVERY, _one_digit), (_ITEMISED,)),
    Kind("one digit of a cost, in both reports, before the summary", WHERE, both(_one_digit), CONTROL_TOTAL),
    Kind(
        "costs through a float, as repr prints it",
        WHERE,
        both(costs(lambda c: repr(float(c) * 1.1 / 1.1))),
        ("more than 12 decimals",),
    ),
    Kind("costs as JSON numbers", WHERE, both(first_cost(float)), ("not a text",)),
    Kind("costs rounded to cents", WHERE, both(costs(lambda c: round(c, 2))), (_DECIMALS,)),
    Kind("costs cut to whole dollars", WHERE, both(costs(int)), (_DECIMALS,)),
    Kind("a cost that is NaN", WHERE, both(first_cost(lambda _: "NaN")), ("cost",)),
    Kind("a cost that is null", WHERE, both(first_cost(lambda _: None)), ("cost",)),
    Kind("a cost of 30 digits", WHERE, both(first_cost(lambda _: "0.123456789012345678901234567890")), ("cost",)),
    Kind("a currency sign before a cost", WHERE, both(first_cost(lambda c: f"€{c}")), ("cost",)),
    Kind(
        "CPU and memory swapped", WHERE, rows_of(BREAKDOWN, field("resource", swapped("CPU", "Memory"))), (_PROPORTION,)
    ),
    Kind(
        "one GPU called by the name of another",
        WHERE,
        rows_of(BREAKDOWN, field("resource", swapped("A100-40GB", "T4"))),
        ("spend.hourly: Every GPU on the bill is one that its app asks for",),
    ),
    Kind(
        "a resource label that nobody knows",
        WHERE,
        rows_of(BREAKDOWN, field("resource", swapped("Memory", "Mem"))),
        ("staging.billing_items: Every resource is in the catalog",),
    ),
    Kind("the ids of two apps swapped", WHERE, both(field("object_id", swapped(OLD_APP, NEW_APP))), (_LISTED,)),
    Kind("the names of two apps swapped", WHERE, both(field("description", swapped(*APP_NAMES))), (_LISTED,)),
    Kind(
        "an app's id cut short",
        WHERE,
        both(field("object_id", swapped(OLD_APP, OLD_APP[:12]))),
        ("spend.hourly: Every app on the bill is listed",),
    ),
    Kind("another environment", WHERE, both(field("environment", lambda _: "dev")), (_UNBILLED,)),
    Kind("large items lost from both reports", WHERE, both(without(_is_large)), (_NOT_EQUAL,)),
    Kind("days in place of hours, called hours", WHERE, _days_as("h"), (_MIDNIGHTS, _UNBILLED)),
    Kind("days in place of hours, called days", WHERE, _days_as("d"), (_BY_THE_HOUR,)),
    Kind("a daily report beside the hourly ones", WHERE, _daily_beside(100)),
    Kind("a daily report beside the hourly ones that says less", WHERE, _daily_beside(80), (_DAY_SUM,)),
    Kind("a day's total among the hours", WHERE, before_the_month_ends(_mixed_resolutions), (_TWICE, _NOT_EQUAL)),
    Kind("CSV, broken at 80 columns", WHERE, _as_csv(".", 80)),
    Kind("CSV with decimal commas", WHERE, _as_csv(",", 10_000), ("cost",)),
    Kind(
        "a column missing",
        WHERE,
        rows_of(EVERY, lambda rows: [{name: row[name] for name in row if name != "environment"} for row in rows]),
        ("environment is missing",),
    ),
    Kind("a column more", WHERE, rows_of(EVERY, lambda rows: [{**row, "region": "eu"} for row in rows])),
    Kind("a file of no bytes", WHERE, text_of(lambda _: b""), ("empty",)),
    Kind("JSON cut off", WHERE, text_of(lambda text: text[: len(text) // 2]), ("cut off",)),
    Kind("a byte order mark", WHERE, text_of(lambda text: b"\xef\xbb\xbf" + text)),
    Kind("UTF-16", WHERE, text_of(lambda text: text.decode().encode("utf-16")), ("UTF-16",)),
    Kind("bytes that are not UTF-8", WHERE, text_of(lambda text: text.replace(b"coral", b"cor\xe4l")), ("UTF-8",)),
    Kind("control characters", WHERE, text_of(lambda text: text.replace(b"coral", b"co\x07ral")), ("not JSON",)),
    Kind("a gzip file cut off", WHERE, text_of(lambda text: gzip.compress(text)[:-99]), ("gzip",)),
    Kind("edited after it was pulled", WHERE, _edited, ("the file is not the one that was pulled",)),
    Kind("files in a folder that no source has", WHERE, _other_folder, ("unknown source",)),
    Kind(
        "a range that erases the neighbours",
        WHERE,
        _ranges("2026-10-19T00:00:00Z", "2026-10-24T00:00:00Z"),
        (_EMPTIED,),
    ),
    Kind("a range that is too narrow", WHERE, _ranges(_DAY_RANGE[0], f"{DAY}T12:00:00Z"), ("beyond the range",)),
    Kind("read in the future", WHERE, _ranges(*_DAY_RANGE, fetched_at="2099-10-23T02:00:00Z"), ("ahead of the clock",)),
    Kind("read before it happened", WHERE, _ranges(*_DAY_RANGE, fetched_at="2026-10-20T02:00:00Z"), (_BEFORE,)),
)
