"""`make soak`: runs parts of a soak until its time is over, and goes on with the next one the next time.

What every part has come to is written to `benchmarks/soak/results.md` as it goes.

python -m benchmarks.soak [images] [year] [fuzz] [--minutes 90] [--images 200] [--files 20000] [--every-day]
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.rows import ROOT, Rows, code_version
from benchmarks.sections import section, write_section
from benchmarks.soak import fuzz, tables
from benchmarks.soak.images import trial
from benchmarks.soak.year import days, findings

LONGEST_MINUTES = 90
_IMAGES_AT_ONCE = 10
RESULTS = Path(__file__).parent / "results.md"


class Told(NamedTuple):
    """What a step of a part came to, what was found in it, and what the part has come to so far, as Markdown."""

    line: str
    found: list[str]
    sofar: str


def main() -> int:
    """Run what is not done yet, in the order of its parts; exit 1 when anything was found, 3 when more is to do."""
    parser = argparse.ArgumentParser(prog="make soak", description="A soak in parts that resume.")
    parser.add_argument("parts", nargs="*", choices=[*_PARTS, []], help="all by default")
    parser.add_argument("--minutes", type=float, default=LONGEST_MINUTES, help="stop after so many")
    parser.add_argument("--files", type=int, default=20_000, help="mutations of each source")
    parser.add_argument("--images", type=int, default=200, help="disk images, over all steps")
    parser.add_argument("--every-day", action="store_true", help="the year: make and validate the run of every day")
    asked = parser.parse_args()
    until = time.monotonic() + 60 * asked.minutes
    rows = Rows("soak")
    code = code_version(*sorted((ROOT / "pipelines" / "tieout").rglob("*.py")), *sorted((ROOT / "sql").rglob("*.sql")))
    found: list[str] = []
    for part in asked.parts or _PARTS:
        for told in _PARTS[part](rows, code, asked):
            print(told.line, flush=True)
            found += told.found
            write_section(RESULTS, "# Results of the soaks", _PARTS, part, section(part, told.sofar))
            if time.monotonic() > until:
                print(f"{asked.minutes:g} minutes are over; the same command goes on from here.")
                return 1 if found else 3
    print("\n".join(found) or "Nothing was found.")
    return 1 if found else 0


def _fuzz(rows: Rows, code: str, asked: argparse.Namespace) -> Iterator[Told]:
    """Mutate the files of every source, a thousand at a time."""
    sofar: dict[str, Counter[str]] = {}
    with tempfile.TemporaryDirectory(prefix="tieout-soak-") as directory:
        landing = Path(directory) / "landing"
        for source, paths in fuzz.samples(Path(directory)).items():
            for seed, many in fuzz.shares(asked.files):
                key: dict[str, str | int | bool] = {
                    "part": "fuzz",
                    "code": code,
                    "source": source,
                    "seed": seed,
                    "files": many,
                }
                result: dict[str, Any] | None = rows.get(key)
                if result is None:
                    used = _cpu_seconds()
                    fuzzed = fuzz.fuzz(source, paths, landing, files=many, seed=seed)
                    result = {
                        "loaded": fuzzed.loaded,
                        "refused": fuzzed.refused.total(),
                        "defects": fuzzed.defects,
                        "cpu_seconds": round(_cpu_seconds() - used, 1),
                    }
                    rows.put(key, result)
                counts = f"{result['loaded']} loaded, {result['refused']} refused, {len(result['defects'])} defects"
                sofar.setdefault(source, Counter()).update(
                    {"files": many, "defects": len(result["defects"])}
                    | {name: result[name] for name in ("loaded", "refused", "cpu_seconds")}
                )
                line = f"fuzz {source} {seed}: {counts}, {result['cpu_seconds']} CPU s"
                yield Told(line, result["defects"], tables.fuzz(sofar, asked.files))


def _year(rows: Rows, code: str, asked: argparse.Namespace) -> Iterator[Told]:
    """Run a year day by day."""
    pace = days.Pace(asked.every_day)
    ran: list[days.Day] = []
    for day in days.run(rows, code, pace):
        ran.append(day)
        took = "recorded" if day.run_seconds is None else f"{day.run_seconds:.2f} CPU s"
        line = f"year {day.day}: {took}, Dagster's record {day.sizes['dagster']:,} bytes"
        yield Told(line, [], tables.year(days.year_of(code, pace), ran))
    whole = days.year_of(code, pace)
    yield Told(findings.table(whole, ran), list(findings.findings(whole, ran)), tables.year(whole, ran))


def _images(rows: Rows, code: str, asked: argparse.Namespace) -> Iterator[Told]:
    """Run every step again on images of it, some at a time; others are drawn each time."""
    sofar: dict[str, tables.Imaged] = {}
    with tempfile.TemporaryDirectory(prefix="tieout-soak-") as directory:
        for step, share in trial.SHARES.items():
            for seed, many in enumerate(_batches(round(share * asked.images)), start=1):
                key: dict[str, str | int | bool] = {
                    "part": "images",
                    "code": code,
                    "step": step,
                    "seed": seed,
                    "images": many,
                }
                result: dict[str, Any] | None = rows.get(key)
                if result is None:
                    imaged = trial.trial(step, Path(directory), many, seed=seed)
                    result = {"stops": imaged.stops, "images": imaged.images, "found": imaged.found}
                    rows.put(key, result)
                counts = f"{result['images']} images of {result['stops']} stops, {len(result['found'])} differences"
                before = sofar.get(step, tables.Imaged(0, 0, ()))
                sofar[step] = before.plus(result["images"], result["stops"], result["found"])
                yield Told(f"images {step} {seed}: {counts}", result["found"], tables.images(sofar, asked.images))


def _batches(images: int) -> Iterator[int]:
    """Cut images into batches, each of which is taken from one run of a step."""
    for start in range(0, images, _IMAGES_AT_ONCE):
        yield min(_IMAGES_AT_ONCE, images - start)


_PARTS: Mapping[str, Callable[[Rows, str, argparse.Namespace], Iterator[Told]]] = {
    "images": _images,
    "year": _year,
    "fuzz": _fuzz,
}


def _cpu_seconds() -> float:
    used = os.times()
    return used.user + used.system


if __name__ == "__main__":
    sys.exit(main())
