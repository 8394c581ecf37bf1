"""Corruptions of the logs of calls: most of one function on a day in the middle of a week, long after a deployment."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

from benchmarks.mutations.exports import ChangeRows, Exports, Row
from benchmarks.mutations.trial import Corruption, Kind

DAY = "2026-10-21"
APP, FUNCTION, OTHER_FUNCTION = "coral-x-production", "evaluate_genome_modal", "generate_code_modal"
NEW_APP = "coral-x-production-optimized"
WHERE = "function_calls"

_TWICE = "raw.function_calls: A call stands once in its log"
_OVERLAP = "raw.function_calls: A container serves no more inputs at once than it takes"
_LONG = "raw.function_calls: No call runs longer than its function may"
_GAP = "staging.deliveries: No stretch is missing between the logs of a function"
_MISMATCH = "reconciliation.log_vs_bill: The log accounts for what the bill says"
_NO_LOG = "reconciliation.log_vs_bill: Every function that costs has a log"
_ENDS = "raw.files: No log of calls ends long before its range"
_ORDER = "staging.function_calls: Inputs are enqueued, then started, then ended within a day"
_CREATED = "usage.containers: No container serves before it was created"
_ONE_FUNCTION = "usage.containers: A container serves one function"
_FAILURES = "savings.daily_function: Functions fail about as often as in the weeks before"
_TAKES = "savings.daily_function: Calls take about as long as on the days before"
_SOON = "usage.containers: Containers start their first input soon after their creation"
_REPLACED = "staging.superseded_calls: A later log has the calls of the log that it replaces"
_LOG_MISSING = "finding: log_missing"
_SHIFTED = "spend.claims: The bill has the hours of the log"


def logs(exports: Exports, app: str = APP, function: str = FUNCTION, day: str = DAY) -> list[Path]:
    """The logs of a function: `day` and the names are patterns."""
    return exports.find(f"function_calls/app={app}/function={function}/{day}.json")


def rows_of(change: ChangeRows) -> Corruption:
    """Change the rows of one function's day."""

    def corrupt(exports: Exports) -> None:
        for path in logs(exports):
            exports.write_rows(path, change(exports.rows(path)))

    return corrupt


def rows_of_the_week(change: ChangeRows) -> Corruption:
    """Change the rows of all functions, of every day that arrives."""

    def corrupt(exports: Exports) -> None:
        for path in _logs_of_the_week(exports):
            exports.write_rows(path, change(exports.rows(path)))

    return corrupt


def _logs_of_the_week(exports: Exports) -> list[Path]:
    return [path for day in range(19, 26) for path in logs(exports, "*", "*", f"2026-10-{day}")]


def _local_time(hours: int) -> Corruption:
    """All logs of the week with times that are off; the sidecars claim the range that the rows have."""

    def corrupt(exports: Exports) -> None:
        by = dt.timedelta(hours=hours)
        for path in _logs_of_the_week(exports):
            said = exports.sidecar(path)
            ends = {name: later(name, by)(dict(said)) for name in ("range_start", "range_end")}
            exports.write_rows(path, all_later(by)(exports.rows(path)), **ends)

    return corrupt


def each(**fields: Callable[[Row], object]) -> ChangeRows:
    """Change fields of every row that started."""
    return lambda rows: [
        row if row["started_at"] is None else {**row, **{name: change(row) for name, change in fields.items()}}
        for row in rows
    ]


def seconds(name: str, factor: float) -> Callable[[Row], object]:
    """A duration times a factor, null as it is."""
    return lambda row: row[name] if row[name] is None else row[name] * factor


def later(name: str, by: dt.timedelta) -> Callable[[Row], object]:
    """A time, later by so much."""

    def moved(row: Row) -> object:
        if row[name] is None:
            return None
        moment = dt.datetime.fromisoformat(row[name][:26].rstrip("Z")) + by
        return f"{moment.isoformat()}Z"

    return moved


def all_later(by: dt.timedelta) -> ChangeRows:
    """Every time of every call, later by so much; containers keep their ids."""
    return each(enqueued_at=later("enqueued_at", by), started_at=later("started_at", by))


def _again(rows: list[Row], **fields: Callable[[Row], object]) -> list[Row]:
    return [*rows, *each(**fields)(rows)]


def _other_id(kind: str) -> Callable[[Row], object]:
    """The same id but for its random part; its time stays."""
    return lambda row: f"{row[kind][:-10]}{row[kind][-10:][::-1]}"


def _second_half(exports: Exports) -> None:
    for path in logs(exports):
        rows = exports.rows(path)
        exports.write_rows(path, rows[: len(rows) // 2])


def _failed_to_start(rows: list[Row]) -> list[Row]:
    never = {"started_at": None, "startup_time_seconds": None, "execution_time_seconds": None, "status": "init failure"}
    return [{**row, **never} if number % 3 == 0 else row for number, row in enumerate(rows)]


def _half_of_the_containers(rows: list[Row]) -> list[Row]:
    kept = sorted({row["container_id"] for row in rows if row["container_id"]})[::2]
    return [row for row in rows if row["container_id"] in kept]


def _one_container(rows: list[Row]) -> list[Row]:
    container = next(row["container_id"] for row in rows if row["container_id"])
    return each(container_id=lambda _: container)(rows)


def _moved(target: str) -> Corruption:
    def corrupt(exports: Exports) -> None:
        for path in logs(exports):
            exports.copy(path, exports.root / "function_calls" / target / path.name)
            exports.remove(path)

    return corrupt


def _swapped_functions(exports: Exports) -> None:
    [one], [other] = logs(exports), logs(exports, NEW_APP, OTHER_FUNCTION)
    rows, other_rows = exports.rows(one), exports.rows(other)
    exports.write_rows(one, other_rows)
    exports.write_rows(other, rows)


def _swapped_containers(exports: Exports) -> None:
    """Two functions take each other's containers, one for one in the order of the rows."""
    [one], [other] = logs(exports), logs(exports, NEW_APP, OTHER_FUNCTION)
    rows, other_rows = exports.rows(one), exports.rows(other)
    pairs = list(zip(_containers(rows), _containers(other_rows), strict=False))
    exchange = dict(pairs) | {taken: given for given, taken in pairs}
    for path, changed in ((one, rows), (other, other_rows)):
        exports.write_rows(
            path, each(container_id=lambda row: exchange.get(row["container_id"], row["container_id"]))(changed)
        )


def _containers(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(row["container_id"] for row in rows if row["container_id"]))


def _not_landed(exports: Exports) -> None:
    for path in logs(exports):
        exports.remove(path)


def _empty(exports: Exports) -> None:
    for path in logs(exports):
        exports.write(path, "[]\n")


def _cut(exports: Exports) -> None:
    for path in logs(exports):
        exports.write(path, path.read_bytes()[:-200])


def _copied_by_hand(exports: Exports) -> None:
    for path in logs(exports):
        exports.edit(path.with_name(f"copy-of-{path.name}"), path.read_bytes())


def _pulled_again(exports: Exports) -> None:
    for path in logs(exports):
        exports.copy(path, path.with_name(f"again-{path.name}"), json.dumps(exports.rows(path)).encode())


def _filtered_by_hand(exports: Exports) -> None:
    """A tenth of the calls, exported by hand for some purpose of its own, and dropped beside the day's log."""
    for path in logs(exports):
        rows = exports.rows(path)
        exports.edit(path.with_name("failures.json"), json.dumps([*rows[::10], rows[-1]]).encode())


def _logs_behind_the_bill(exports: Exports) -> None:
    """The last two days of the week without any log of any function."""
    for day in (24, 25):
        for path in logs(exports, "*", "*", f"2026-10-{day}"):
            exports.remove(path)


def _wide_range(exports: Exports) -> None:
    for path in logs(exports):
        exports.say(
            path,
            range_start="2026-10-19T00:00:00Z",
            range_end="2026-10-24T00:00:00Z",
            fetched_at="2026-10-25T02:00:00Z",
        )


def _of_the_neighbour(exports: Exports) -> None:
    """The log of the day before in place of the day's, with the day's sidecar."""
    for path in logs(exports):
        [before] = logs(exports, day="2026-10-20")
        exports.write(path, before.read_bytes())


def _missing(name: str) -> ChangeRows:
    return lambda rows: [{field: row[field] for field in row if field != name} for row in rows]


KINDS = (
    Kind("JSON cut off", WHERE, _cut, ("cut off",)),
    Kind("the second half of a page missing, valid JSON", WHERE, _second_half, (_ENDS,)),
    Kind("the first half of a page missing, valid JSON", WHERE, rows_of(lambda r: r[len(r) // 2 :]), (_MISMATCH,)),
    Kind("a day's log not landed", WHERE, _not_landed, (_GAP,)),
    Kind("a list without rows in place of a day's log", WHERE, _empty, (_MISMATCH, _NO_LOG)),
    Kind("the logs of half the containers missing", WHERE, rows_of(_half_of_the_containers), (_MISMATCH,)),
    Kind("the log of the day before in place of the day's", WHERE, _of_the_neighbour, ("beyond the range",)),
    Kind("rows doubled within a log", WHERE, rows_of(lambda rows: [*rows, *rows]), (_TWICE,)),
    Kind(
        "rows doubled with other call ids",
        WHERE,
        rows_of(lambda rows: _again(rows, function_call_id=_other_id("function_call_id"))),
        (_TWICE,),
    ),
    Kind(
        "rows doubled with other call ids on other containers",
        WHERE,
        rows_of(
            lambda r: _again(r, function_call_id=_other_id("function_call_id"), container_id=_other_id("container_id"))
        ),
        (_MISMATCH,),
    ),
    Kind("a log copied by hand under another name", WHERE, _copied_by_hand),
    Kind("a log pulled twice, formatted otherwise", WHERE, _pulled_again),
    Kind("a filtered export by hand over a day's log", WHERE, _filtered_by_hand, (_REPLACED,)),
    Kind("no function's log landed for the last two days", WHERE, _logs_behind_the_bill, (_LOG_MISSING,)),
    Kind(
        "every third call failed before it started, of every function",
        WHERE,
        rows_of_the_week(_failed_to_start),
        (_FAILURES,),
    ),
    Kind("a range that erases the neighbours", WHERE, _wide_range, (_MISMATCH, _NO_LOG)),
    Kind("under another app", WHERE, _moved(f"app={NEW_APP}/function={FUNCTION}"), (_MISMATCH, _NO_LOG)),
    Kind("under another function", WHERE, _moved(f"app={APP}/function={OTHER_FUNCTION}"), (_TAKES,)),
    Kind(
        "under a function that is not in the catalog",
        WHERE,
        _moved(f"app={APP}/function=other"),
        ("staging.configurations: Every function with a log is in the catalog",),
    ),
    Kind("two functions' logs swapped", WHERE, _swapped_functions, (_TAKES, _MISMATCH)),
    Kind("two functions' containers swapped", WHERE, _swapped_containers, (_CREATED, _ONE_FUNCTION)),
    Kind("all calls on one container", WHERE, rows_of(_one_container), (_OVERLAP,)),
    Kind(
        "no container named",
        WHERE,
        rows_of(each(container_id=lambda _: None)),
        ("raw.function_calls: A successful call ran on a container",),
    ),
    Kind(
        "container ids without the time in them",
        WHERE,
        rows_of(each(container_id=lambda row: "ta-" + row["container_id"][-12:])),
        ("raw.containers: Container ids carry the time of creation",),
    ),
    Kind(
        "all times 2 hours later, of every function",
        WHERE,
        _local_time(2),
        (_SOON, _SHIFTED),
    ),
    Kind(
        "all times 2 hours earlier, of every function",
        WHERE,
        _local_time(-2),
        (_CREATED,),
    ),
    Kind("times in the future", WHERE, rows_of(all_later(dt.timedelta(days=400))), ("beyond the range",)),
    Kind(
        "starts before the container was created",
        WHERE,
        rows_of(lambda rows: [*rows[:20], *all_later(dt.timedelta(minutes=-20))(rows[20:])]),
        (_CREATED,),
    ),
    Kind(
        "started before it was enqueued",
        WHERE,
        rows_of(each(enqueued_at=later("started_at", dt.timedelta(seconds=5)))),
        (_ORDER,),
    ),
    Kind(
        "times without an offset, in local time",
        WHERE,
        rows_of(each(started_at=lambda row: row["started_at"][:19])),
        (_CREATED, _ORDER, "offset"),
    ),
    Kind(
        "execution times negative",
        WHERE,
        rows_of(each(execution_time_seconds=seconds("execution_time_seconds", -1))),
        ("execution_time_seconds",),
    ),
    Kind(
        "execution times in milliseconds",
        WHERE,
        rows_of(each(execution_time_seconds=seconds("execution_time_seconds", 1000))),
        (_LONG,),
    ),
    Kind(
        "execution times in thousands of seconds",
        WHERE,
        rows_of(each(execution_time_seconds=seconds("execution_time_seconds", 0.001))),
        (_MISMATCH,),
    ),
    Kind(
        "execution times × 5",
        WHERE,
        rows_of(each(execution_time_seconds=seconds("execution_time_seconds", 5))),
        (_OVERLAP, _MISMATCH),
    ),
    Kind(
        "start-up times in milliseconds",
        WHERE,
        rows_of(each(startup_time_seconds=seconds("startup_time_seconds", 1000))),
    ),
    Kind(
        "execution times lost",
        WHERE,
        rows_of(each(execution_time_seconds=lambda _: None)),
        ("raw.function_calls: A successful call ran on a container",),
    ),
    Kind(
        "a status that nobody knows",
        WHERE,
        rows_of(each(status=lambda _: "SUCCEEDED")),
        ("raw.function_calls: Every status is one that Modal documents",),
    ),
    Kind("every status success", WHERE, rows_of_the_week(each(status=lambda _: "success")), (_FAILURES,)),
    Kind("every status failure", WHERE, rows_of(each(status=lambda _: "failure")), (_FAILURES,)),
    Kind("a column missing", WHERE, rows_of(_missing("container_id")), ("container_id",)),
    Kind("a column more", WHERE, rows_of(each(region=lambda _: "eu"))),
    Kind(
        "a NaN among the execution times", WHERE, rows_of(each(execution_time_seconds=lambda _: float("nan"))), ("NaN",)
    ),
)
