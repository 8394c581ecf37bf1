"""`make bench`: runs the benchmarks and writes `benchmarks/results.md`, section by section."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from benchmarks import (
    accuracy,
    attribution,
    coverage,
    daily,
    false_verification,
    first_savings,
    frames,
    ingest,
    kills,
    mutations,
    power,
    publishing,
    pull,
    quiet,
    render,
    rollouts,
    shapes,
    small_files,
    spark,
    validation,
)
from benchmarks.first_version import FIRST_VERSION
from benchmarks.rows import Rows
from benchmarks.sections import section, write_section
from tieout.simulator import SCENARIOS, larger

RESULTS = Path(__file__).parent / "results.md"
PULL_CALLS = 100_000
INGEST_CALLS = (5_000_000, 10_000_000)
SPARK_CALLS = (1_000_000, 5_000_000)
SMALL_FILES = 73_000
ATTRIBUTION_CALLS = (10_000_000, 100_000_000)
MANY_FUNCTIONS = 2_000
VALIDATION_CALLS = 10_000_000
FIRST_ROLLOUTS_OF_A_KIND = 2
FIRST_ROLLOUTS_OF_A_CELL = 5
RENDER_RUNS = 5
QUIET_SEEDS, QUIET_WEEKS = range(1, 21), 2
# Rules that look back for weeks, and anomalies, need a history; fewer calls, because it takes long.
LONG_QUIET_SEEDS, LONG_QUIET_WEEKS, LONG_QUIET_CALLS_A_DAY = range(1, 7), 8, 700
DAILY_RUNS = 3
KILLS = 220


class Outcome(NamedTuple):
    """What a benchmark writes into its section, and the targets that it missed, each in words."""

    text: str
    missed: Sequence[str] = ()


def _accuracy() -> str:
    rows = Rows("accuracy")
    return (
        "Attributed cost against the simulator's truth in worlds that break one belief each, over all seeds: errors\n"
        "per function and week above $1; the largest share of the bill that stands with another owner, or in a\n"
        "residual; the largest error of a component's share of a function's cost, in percentage points; how often the\n"
        "error bar contains the truth, and its median half-width.\n\n"
        + accuracy.table({case: accuracy.measure(case, rows) for case in accuracy.cases()})
    )


def _ingest() -> Outcome:
    results = [ingest.measure(calls, runs=5) for calls in INGEST_CALLS]
    return Outcome(
        "Loading one file of function calls, as the CLI prints it, against DuckDB's bare\n"
        "`create table as select … from read_json(…)` of the same file, in turns. CPU on all cores,\n"
        f"checks and container hours included. Target: ratio ≤ {ingest.MOST_RATIO}.\n\n" + ingest.table(results),
        [f"ingest of {result.calls:,} calls: {result.ratio:.2f}×" for result in results if not result.is_met],
    )


def _spark() -> Outcome:
    results = [spark.measure(calls) for calls in SPARK_CALLS]
    return Outcome(
        f"Container hours counted on Apache Spark, `{spark.MASTER}`, an executor killed while logs are read, against\n"
        "DuckDB on one machine: usage and spend compared row by row. Logs of ten functions and 14 days, as JSON,\n"
        "gzip and Parquet: methods of one class, inputs over midnight and over a day, inputs that ran when their log\n"
        "was read, containers that failed, and later readings of half a log. A worker is the Python process of an\n"
        "executor. The figures of DuckDB hold loading and building, those of Spark counting.\n"
        f"Targets: no row differs; a worker holds ≤ {spark.MOST_WORKER_MB:,} MB whatever the size of the log set.\n\n"
        + spark.table(results),
        [
            f"Spark at {each.calls:,} calls: {each.different} rows differ, a worker held {each.worker_mb:,.0f} MB"
            for each in results
            if not each.is_met
        ],
    )


def _small_files() -> Outcome:
    result = small_files.measure(SMALL_FILES, runs=3)
    return Outcome(
        "The first load of call logs of a function and a day each, and loads with one more. Targets: ≤ 1 ms of the\n"
        "CPU for each file, ≤ 2 s for one more.\n\n" + small_files.table(result),
        [] if result.is_met else ["many small files"],
    )


def _pull() -> str:
    return (
        "All of `tieout pull` for a day of one busy function, against the bare command that prints its calls, both in\n"
        "turns from a local server in a process of its own. Target: ratio ≤ 1.2.\n\n"
        + pull.table(pull.measure(PULL_CALLS))
    )


def _attribution() -> Outcome:
    few, many = ATTRIBUTION_CALLS
    results = [
        attribution.measure(few),
        attribution.measure(few, functions=MANY_FUNCTIONS, with_first=False),
        attribution.measure(many, with_first=False),
    ]
    return Outcome(
        "Usage and spend of a month that is already in raw, with the hours of its containers, in one transaction, in\n"
        "turns with a bare group by, three times. CPU on all cores, DuckDB's memory limited to 3 GB. Targets:\n"
        f"≤ {attribution.MOST_AGAINST_FIRST}× of the first version ({FIRST_VERSION}) in the same run;\n"
        f"at 100M calls ≤ {attribution.MOST_AGAINST_BARE}× of a bare group by and ≤ {attribution.MOST_GB} GB.\n\n"
        + attribution.table(results),
        [target for result in results for target in result.missed()],
    )


def _frames() -> str:
    few, _ = ATTRIBUTION_CALLS
    return (
        "The same work, vectorised in pandas and in Polars, from calls to the cost of functions by hour; without the\n"
        "exact decimals, configurations, learned factors and error bars of Tieout. All find the same time with work.\n"
        "No target.\n\n" + frames.table(frames.measure(few))
    )


def _publishing() -> Outcome:
    result = publishing.measure(runs=5)
    return Outcome(
        f"Finance's file behind {publishing.WEEKS} weeks after a change of the last day, against writing it whole.\n"
        f"Targets: ≤ {publishing.MOST_SECONDS} s of the CPU, and no row differs.\n\n" + publishing.table(result),
        [] if result.is_met else [f"publishing of a changed day: {result.changed_seconds:.2f} s"],
    )


def _validation() -> Outcome:
    cost = validation.measure(VALIDATION_CALLS)
    return Outcome(
        "Every expectation on a month with its bill, raw tables included, against building the month from raw.\n"
        f"Target: ratio ≤ {validation.MOST_RATIO}.\n\n" + validation.table(cost),
        [] if cost.ratio <= validation.MOST_RATIO else [f"validation against the build: {cost.ratio:.2f}×"],
    )


def _mutations() -> str:
    return (
        "A week arrives corrupted in a workspace with a clean week behind it. Caught is what is refused, blocked or\n"
        "warned of under a name that leads to the cause and that clean data does not show; unchanged are figures that\n"
        "are what they are without the corruption, to the last digit. Target: none missed.\n\n"
        + mutations.table(mutations.measure())
    )


def _quiet() -> str:
    scenarios = [SCENARIOS[name] for name in ("coral-x", "as-deployed")]
    results = [quiet.measure(scenario, seeds=QUIET_SEEDS, weeks=QUIET_WEEKS) for scenario in scenarios]
    for scenario in scenarios:
        fewer = larger(scenario, functions=len(scenario.functions), calls_per_day=LONG_QUIET_CALLS_A_DAY)
        fewer = replace(fewer, name=f"{scenario.name}, {LONG_QUIET_CALLS_A_DAY} calls a day")
        results.append(quiet.measure(fewer, seeds=LONG_QUIET_SEEDS, weeks=LONG_QUIET_WEEKS))
    return (
        "What is said about clean simulated workspaces, but for what is true of them. Target: nothing refused or\n"
        "blocked, at most one warning a week.\n\n" + quiet.table(results)
    )


def _render() -> str:
    return (
        "The newest week of the demo in a fresh process, from an open warehouse to all that is written and mailed.\n"
        "Target: ≤ 3 CPU s, with pages of 20 functions.\n\n" + render.table(render.measure(RENDER_RUNS))
    )


def _daily() -> Outcome:
    measured = daily.measure(DAILY_RUNS)
    return Outcome(
        "`tieout run` of one new day, from the start of the process to its end, in turns with the first version\n"
        f"({FIRST_VERSION}, in an environment of its own) on the same exports: medians of CPU seconds. A part is\n"
        "what the innermost function belongs to: figures (loading, tables, savings), validation (Great Expectations\n"
        "with its import), Dagster, publishing, pages (reports, charts), and the start of the process.\n\n"
        + daily.table(measured),
        measured.missed(),
    )


def _kills() -> str:
    return (
        "SIGKILL to real processes, with all that they have started, at random moments; then the command is left to\n"
        "end. Identical is what has the same rows in every table, the same reports and the same landed files as\n"
        "without a kill. Targets: all identical; every mail exactly once, or in doubt where the server's answer is\n"
        "missing.\n\n" + kills.table(list(kills.measure(KILLS)))
    )


def _coverage() -> Outcome:
    measured = list(rollouts.measure(coverage.settings(), Rows("coverage"), baselines=coverage.BASELINES))
    few = [setting for setting in coverage.settings(FIRST_ROLLOUTS_OF_A_CELL) if not setting.has_series]
    widths = coverage.against_first(measured, first_savings.measure(few, Rows("first_savings")))
    return Outcome(
        "The 90% interval around the avoided cost of a week, from exports that the product attributes, against the\n"
        "truth that the twin knows. Bias is the mean error as a share of the twin's cost; the last column holds the\n"
        "half-width against that of the same days if every function's cost were known. Targets: covered in ≥ 88% of\n"
        "all, no cell of 40 with 9 misses; functions ≥ 85%; bias ≤ 1.5% at ×1.3, ≤ 2% in each cell.\n\n"
        + coverage.table(measured)
        + f"\n\nH against that of the first version ({FIRST_VERSION}) on the first of these worlds, 28 baseline days.\n"
        "It reads no container series. Targets: medians over all of a demand.\n\n" + coverage.table_of_widths(widths),
        [*coverage.missed(measured), *coverage.too_wide(widths)],
    )


def _false_verification() -> str:
    return (
        "Rollouts that save nothing, each with a frozen baseline of 14 days and complete settled data. Targets: none\n"
        "verified, at most 5% provisional.\n\n"
        + false_verification.table(rollouts.measure(false_verification.settings(), Rows("false_verification")))
        + f"\n\nThe first version ({FIRST_VERSION}) on the first of these worlds, in dollars of the week:\n\n"
        + first_savings.table(
            first_savings.measure(false_verification.settings(FIRST_ROLLOUTS_OF_A_KIND), Rows("first_savings"))
        )
    )


def _shapes() -> str:
    return (
        "Which counterfactual has the least bias, on true costs (decision 0012): mean error as a share of the twin's\n"
        "cost, and in brackets that of the law where it is furthest from nothing; half-widths with 14 and 28 baseline\n"
        "days together.\n\n" + shapes.table(shapes.measure(Rows("shapes")))
    )


def _power() -> str:
    return (
        f"Rollouts that save, with 14 baseline days and {power.CALLS_PER_DAY} calls a day of the busiest function.\n"
        "Targets: of those that save 10% and more with container series, and 25% and more without, 80% are verified\n"
        "within two weeks.\n\n" + power.table(rollouts.measure(power.settings(), Rows("power")))
    )


BENCHMARKS: dict[str, Callable[[], str | Outcome]] = {
    "accuracy": _accuracy,
    "coverage": _coverage,
    "false_verification": _false_verification,
    "power": _power,
    "shapes": _shapes,
    "pull": _pull,
    "ingest": _ingest,
    "small_files": _small_files,
    "spark": _spark,
    "attribution": _attribution,
    "frames": _frames,
    "publishing": _publishing,
    "validation": _validation,
    "render": _render,
    "mutations": _mutations,
    "quiet": _quiet,
    "kills": _kills,
    "daily": _daily,
}


def _section(name: str) -> Outcome:
    measured = BENCHMARKS[name]()
    text, missed = measured if isinstance(measured, Outcome) else Outcome(measured)
    written = section(name, text)
    print(written, flush=True)
    return Outcome(written, missed)


def main(arguments: list[str]) -> int:
    """Run the named benchmarks, all by default, and write each one's section of `results.md` anew as it ends.

    Returns:
        1 when a target was missed, 2 for a name that is none.
    """
    unknown = [name for name in arguments if name not in BENCHMARKS]
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    missed: list[str] = []
    for name in arguments or BENCHMARKS:
        written, missed_here = _section(name)
        missed += missed_here
        write_section(RESULTS, "# Results", BENCHMARKS, name, written)
    for target in missed:
        print(f"missed: {target}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
