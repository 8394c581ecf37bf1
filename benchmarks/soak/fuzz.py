"""Fuzz: landed files of every source, mutated at random, are loaded or refused in words, and nothing else.

A mutation cuts, doubles, swaps or overwrites bytes, or puts one of the tokens in that have broken parsers before. A
refusal that is worded by the last resort of the reader, "report this file as a defect", is a defect of ours.
"""

import datetime as dt
import hashlib
import json
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from tests.support.loading import load_at
from tieout.simulator import SCENARIOS, simulate
from tieout.sources.landing import SIDECAR_SUFFIX, scan

FILES_AT_ONCE = 250
SAMPLES = 12
_NOW = dt.datetime(2026, 11, 29, tzinfo=dt.UTC)
_DEFECT = "report this file as a defect"
_TOKENS = (
    *(b"null", b"NaN", b"-Infinity", b"1e400", b"-0", b"9" * 60, b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":"),
    *(b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\r", b"\n\n", b"true", b'""', b"[[[[[[[[", b"\\ud800"),
    *(b"0001-01-01", b"2026-02-30", b"24:00:00", b"+25:00", b"=1+1", b"'", b"%s", b"\x1b[2J", b"\xe2\x80\xae"),
)


_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 2**31, 2**63, 10**30, 1e300, -0.0, float("nan"), float("inf"), [], {}, [[]], {"": ""}),
    *("", " ", "0", "-1", "1e9", "9" * 50, "0." + "1" * 45, "NaN", "\0", "\ud800", "\u202e", "=1+1", "x" * 70_000),
    *("2026-02-30", "1970-01-01T00:00:00Z", "2199-12-31T23:59:60Z", "2026-11-02T00:00:00+25:00", "24:00", "🙂" * 100),
)


@dataclass
class Fuzzed:
    """What became of the mutated files of a source: how many were loaded or refused, and what was said else."""

    source: str
    files: int = 0
    loaded: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    defects: list[str] = field(default_factory=list)


def samples(folder: Path) -> Mapping[str, Sequence[Path]]:
    """Simulate exports of every kind, and return some files of each source, the smallest first."""
    simulate(SCENARIOS["field"], seed=1, weeks=2, out=folder)
    found: dict[str, list[Path]] = {}
    for file in scan(folder / "landing"):
        found.setdefault(file.source, []).append(file.location)
    return {name: sorted(paths, key=lambda path: path.stat().st_size)[:SAMPLES] for name, paths in found.items()}


def fuzz(source: str, paths: Sequence[Path], landing: Path, *, files: int, seed: int) -> Fuzzed:
    """Load so many mutations of a source's files, and return what became of them."""
    fuzzed = Fuzzed(source)
    chance = random.Random(f"{source} {seed}")
    while fuzzed.files < files:
        with tempfile.TemporaryDirectory(prefix="tieout-soak-") as folder:
            mutated = _land(Path(folder), landing, paths, chance, min(FILES_AT_ONCE, files - fuzzed.files))
            _load(Path(folder), fuzzed, mutated)
            fuzzed.files += len(mutated)
    return fuzzed


def mutate(content: bytes, chance: random.Random) -> bytes:
    """Return a content with one to four mutations."""
    for _ in range(chance.randint(1, 4)):
        start = chance.randint(0, len(content))
        end = min(len(content), start + chance.choice((1, 1, 2, 8, 64, 1024)))
        part = content[start:end]
        instead = chance.choice(
            (
                b"",
                part * 2,
                part[::-1],
                chance.choice(_TOKENS),
                chance.choice(_TOKENS) + part,
                chance.randbytes(len(part)),
                bytes(byte ^ (1 << chance.randrange(8)) for byte in part[:1]) + part[1:],
            )
        )
        content = content[:start] + instead + content[end:]
    return content if chance.random() > 0.05 else content[: chance.randint(0, len(content))]


def mutate_values(content: bytes, chance: random.Random) -> bytes:
    """Return a JSON content with one to three of its values replaced, doubled or taken away; of others their bytes."""
    try:
        document = json.loads(content)
    except ValueError:
        return mutate(content, chance)
    for _ in range(chance.randint(1, 3)):
        places = list(_places(document))
        if not places:
            break
        holder, place = chance.choice(places)
        what = chance.random()
        if what < 0.15:
            del holder[place]
        elif what < 0.3 and isinstance(holder, list):
            holder.insert(place, holder[place])
        else:
            holder[place] = chance.choice(_VALUES)
    return json.dumps(document).encode()


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container in a JSON document with every key or index that it has."""
    if isinstance(document, dict | list):
        for place in range(len(document)) if isinstance(document, list) else list(document):
            yield document, place
            yield from _places(document[place])


def _land(folder: Path, landing: Path, paths: Sequence[Path], chance: random.Random, many: int) -> dict[str, bytes]:
    """Write mutations into a landing folder of their own, half of them with the sidecar of what they were."""
    mutated = {}
    for number in range(many):
        path = chance.choice(paths)
        place = folder / f"{number}" / "landing" / path.relative_to(landing)
        place.parent.mkdir(parents=True)
        content = chance.choice((mutate, mutate_values))(path.read_bytes(), chance)
        place.write_bytes(content)
        sidecar = path.with_name(path.name + SIDECAR_SUFFIX)
        if sidecar.exists() and chance.random() < 0.5:
            said = json.loads(sidecar.read_bytes()) | {"sha256": hashlib.sha256(content).hexdigest()}
            text = json.dumps(said).encode()
            place.with_name(sidecar.name).write_bytes(mutate(text, chance) if chance.random() < 0.2 else text)
        mutated[f"{number}"] = content
    return mutated


def _load(folder: Path, fuzzed: Fuzzed, mutated: Mapping[str, bytes]) -> None:
    """Load each mutation, all into one warehouse, and count what became of it."""
    with duckdb.connect() as con:
        for number in mutated:
            landing = folder / number / "landing"
            try:
                result = load_at(con, landing, now=_NOW)
            except Exception as error:  # what a load raises is what this looks for
                fuzzed.defects.append(f"{type(error).__name__}: {str(error)[:300]} ({mutated[number][:80]!r}…)")
                continue
            fuzzed.loaded += not result.rejected
            for refused in result.rejected:
                fuzzed.refused[refused.reason.split(":")[0][:60]] += 1
                if _DEFECT in refused.fix:
                    fuzzed.defects.append(f"{refused.reason}: {refused.detail} ({mutated[number][:80]!r}…)")


def shares(files: int) -> Iterator[tuple[int, int]]:
    """Cut the files of a source into shares of a thousand: the seed and the number of each."""
    for seed, start in enumerate(range(0, files, 1000), start=1):
        yield seed, min(1000, files - start)
