"""Fuzz: landed files of every source, mutated at random, are loaded or refused in words, and nothing else.

A mutation cuts, doubles, swaps or overwrites bytes, or puts one of the tokens in that have broken parsers before. A
refusal that is worded by the last resort of the reader, "report this file as a defect", is a defect of ours.
"""

import copy
import datetime as dt
import hashlib
import json
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from tests.support.call_logs import count_here
from tests.support.landing_folder import PLACES
from tests.support.loading import load_at
from tieout.catalog.load import load_catalog
from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.simulator import SCENARIOS, simulate
from tieout.sources.landing import SIDECAR_SUFFIX, scan

FILES_AT_ONCE = 250
SAMPLES = 12
_NOW = dt.datetime(2026, 11, 29, tzinfo=dt.UTC)
_INVOICE = '{"number": "INV-2026-0042", "total": "4612.37", "currency": "USD", "date": "2026-11-01"}'
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


_NAMES = tuple(value for value in _VALUES if isinstance(value, str))


@dataclass
class Fuzzed:
    """What became of the mutated files of a source: how many were loaded or refused, and what was said else."""

    source: str
    files: int = 0
    loaded: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    defects: list[str] = field(default_factory=list)


def samples(folder: Path) -> Mapping[str, Sequence[Path]]:
    """Land exports of every source, simulated and printed ones, and return some files of each, the smallest first."""
    simulate(SCENARIOS["field"], seed=1, weeks=2, out=folder)
    landing = folder / "landing"
    for name, sample in PLACES.items():
        place = landing / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(sample.read_bytes())
    (landing / "invoices").mkdir()
    (landing / "invoices" / "2026-10.json").write_text(_INVOICE)
    few = sorted((landing / "function_calls").rglob("*.json"), key=_size)[:SAMPLES]
    for log in few:
        place = folder / "counted" / log.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(log, place)
    count_here(Home(folder / "counted"), load_catalog(resource_path("catalog")), now=_NOW.replace(tzinfo=None))
    shutil.copytree(folder / "counted" / "landing" / "container_hours", landing / "container_hours")
    found: dict[str, list[Path]] = {}
    for file in scan(landing):
        found.setdefault(file.source, []).append(file.location)
    return {name: sorted(paths, key=_size)[:SAMPLES] for name, paths in found.items()}


def _size(path: Path) -> tuple[int, Path]:
    return path.stat().st_size, path


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
    """Return a JSON content with one to three of its values or names replaced, doubled or taken away, or its bytes."""
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
            holder.insert(place, copy.deepcopy(holder[place]))
        elif what < 0.4 and isinstance(holder, dict):
            holder[chance.choice(_NAMES)] = holder.pop(place)
        else:
            holder[place] = copy.deepcopy(chance.choice(_VALUES))  # else what is put in is mutated for all that follow
    return json.dumps(document).encode()


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container in a JSON document with every key or index that it has."""
    if isinstance(document, dict | list):
        for place in range(len(document)) if isinstance(document, list) else list(document):
            yield document, place
            yield from _places(document[place])


def _land(folder: Path, landing: Path, paths: Sequence[Path], chance: random.Random, many: int) -> Mapping[str, bytes]:
    """Write mutations into a landing folder, half of them with the sidecar of what they were; return them by name."""
    mutated = {}
    for number in range(many):
        path = chance.choice(paths)
        stem, _, kind = path.name.partition(".")
        place = folder / path.relative_to(landing).with_name(f"{stem}.m{number}.{kind}")
        place.parent.mkdir(parents=True, exist_ok=True)
        content = chance.choice((mutate, mutate_values))(path.read_bytes(), chance)
        place.write_bytes(content)
        sidecar = path.with_name(path.name + SIDECAR_SUFFIX)
        if sidecar.exists() and chance.random() < 0.5:
            said = json.loads(sidecar.read_bytes()) | {"sha256": hashlib.sha256(content).hexdigest()}
            text = json.dumps(said).encode()
            place.with_name(place.name + SIDECAR_SUFFIX).write_bytes(
                mutate(text, chance) if chance.random() < 0.2 else text
            )
        mutated[place.relative_to(folder).as_posix()] = content
    return mutated


def _load(folder: Path, fuzzed: Fuzzed, mutated: Mapping[str, bytes]) -> None:
    """Load mutations, and count what became of each; where the load itself fails, one by one, to find out of which."""
    try:
        with duckdb.connect() as con:
            result = load_at(con, folder, now=_NOW)
    except Exception as error:  # what a load raises is what this looks for
        if len(mutated) == 1:
            [content] = mutated.values()
            fuzzed.defects.append(f"{type(error).__name__}: {str(error)[:300]} ({content[:80]!r}…)")
            return
        for name, content in mutated.items():
            with tempfile.TemporaryDirectory(prefix="tieout-soak-") as alone:
                for suffix in ("", SIDECAR_SUFFIX):
                    if (folder / f"{name}{suffix}").exists():
                        (Path(alone) / name).parent.mkdir(parents=True, exist_ok=True)
                        shutil.copy2(folder / f"{name}{suffix}", Path(alone) / f"{name}{suffix}")
                _load(Path(alone), fuzzed, {name: content})
        return
    fuzzed.loaded += len(mutated) - len(result.rejected)
    for refused in result.rejected:
        fuzzed.refused[refused.reason.split(":")[0][:60]] += 1
        if _DEFECT in refused.fix:
            fuzzed.defects.append(f"{refused.reason}: {refused.detail} ({mutated[refused.path][:80]!r}…)")


def shares(files: int) -> Iterator[tuple[int, int]]:
    """Cut the files of a source into shares of a thousand: the seed and the number of each."""
    for seed, start in enumerate(range(0, files, 1000), start=1):
        yield seed, min(1000, files - start)
