"""What a workspace holds, in values that can be compared: one for every table and every file.

Left out is what says when something was done and by which run, since a run that is killed and started again does it
later: `CLOCKS` in every table, the time and size of finance's file, Dagster's log of runs, and in reports and closings
the time of the issue, which has to be the one that the warehouse knows, and manifests, which hash files that tell it.
Views follow from tables.
"""

import datetime as dt
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import duckdb

from tieout.core.home import Home

Contents = Mapping[str, object]
Stretch = tuple[dt.datetime, dt.datetime]

CLOCKS = ("loaded_at", "seen_at", "built_at", "closed_at", "run_id")
_CLOSINGS = "meta.closings"
_LOOKS_OF_A_FILE = "meta.published_file"
_MANIFESTS, _MANIFEST = "meta.manifests", "manifest.json"
_SPENT = ("warehouse usage.", "warehouse spend.")
_SIDECAR = ".meta.json"
# What a landed file's name begins and ends with: the range, and the time of the fetch.
_KIND = re.compile(r"^[^.]*\.|\d{8}T\d{6}Z\.json$")


def built(home: Home) -> Contents:
    """The tables of the warehouse and of finance's file, and the reports."""
    return {**_database("warehouse", home.warehouse), **_database("finance", home.finance), **_reports(home)}


def exactly(home: Home) -> Contents:
    """The tables and the files of reports with every time in them: for runs by a clock that is set."""
    found = {
        f"{label} {name}": rows
        for label, path in (("warehouse", home.warehouse), ("finance", home.finance))
        for name, rows in _tables(path, _rows_with_times)
    }
    files = (path for path in home.reports.rglob("*") if path.is_file())
    return found | {f"reports/{path.relative_to(home.reports).as_posix()}": path.read_bytes() for path in files}


def spent(warehouse: Path) -> Contents:
    """The tables of usage and spend, which know nothing of files and of when they were fetched."""
    tables = _database("warehouse", warehouse)
    return {name: rows for name, rows in tables.items() if name.startswith(_SPENT)}


def landed(landing: Path, *, until: dt.datetime) -> Contents:
    """What has landed of each export: the different rows of all its files, and the stretches of time they speak for.

    A pull that goes on where another was killed asks for other ranges, and Modal's client prints the resources of an
    object in any order, so neither names nor bytes are compared. Time after `until` is left out: a later pull has more.
    """
    rows: defaultdict[str, set[str]] = defaultdict(set)
    stretches: defaultdict[str, list[Stretch]] = defaultdict(list)
    for path in landing.rglob("*.json"):
        if path.name.endswith(_SIDECAR):
            continue
        export = f"landing/{path.parent.relative_to(landing)} {_KIND.sub('', path.name)}"
        content = json.loads(path.read_bytes())
        found = content if isinstance(content, list) else [content]
        rows[export] |= {json.dumps(row, sort_keys=True) for row in found}
        sidecar = json.loads(path.with_name(path.name + _SIDECAR).read_bytes())
        if sidecar["range_end"] is not None:
            start, end = (dt.datetime.fromisoformat(sidecar[bound]) for bound in ("range_start", "range_end"))
            stretches[export].append((start, min(end, until)))
    return {export: (rows[export], _joined(stretches[export])) for export in rows}


def differences(expected: Contents, found: Contents) -> tuple[str, ...]:
    """The names of what is not as expected, is missing, or should not be there."""
    return tuple(sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name)))


def _joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Stretches of time as few as possible; a stretch of no length is none."""
    joined: list[Stretch] = []
    for start, end in sorted(stretches):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        elif start < end:
            joined.append((start, end))
    return joined


# Databases


def _database(label: str, path: Path) -> dict[str, object]:
    return {f"{label} {name}": rows for name, rows in _tables(path, _rows) if name != _MANIFESTS}


def _tables(path: Path, rows_of: Callable[[duckdb.DuckDBPyConnection, str], object]) -> Iterator[tuple[str, object]]:
    with duckdb.connect() as con:
        con.execute(f"attach '{path}' as looked_at (read_only)")
        con.execute("use looked_at")
        names = con.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'looked_at'"
        ).fetchall()
        for (name,) in names:
            if name != _LOOKS_OF_A_FILE:
                yield name, rows_of(con, name)


def _rows_with_times(con: duckdb.DuckDBPyConnection, table: str) -> object:
    return con.execute(f"select count(*), sum(hash(t)) from {table} as t").fetchone()


def _rows(con: duckdb.DuckDBPyConnection, table: str) -> object:
    """The number of rows and a hash of them, whatever their order."""
    if table == _CLOSINGS:
        documents = con.execute(f"select week, revision, document from {_CLOSINGS} order by all").fetchall()
        return [(week, revision, _without_issue(document)) for week, revision, document in documents]
    columns = [name for name, *_ in con.execute(f"describe {table}").fetchall()]
    kept = ", ".join(f'"{name}"' for name in columns if name not in CLOCKS)
    return con.execute(f"select count(*), sum(hash(t)) from (select {kept} from {table}) as t").fetchone()


# Files


def _reports(home: Home) -> dict[str, object]:
    with duckdb.connect(home.warehouse, read_only=True) as con:
        issues = con.execute(f"select document, closed_at from {_CLOSINGS}").fetchall()
    files = (path for path in home.reports.rglob("*") if path.is_file() and path.name != _MANIFEST)
    return {f"reports/{path.relative_to(home.reports).as_posix()}": _report(path, issues) for path in files}


def _report(path: Path, issues: Sequence[tuple[str, dt.datetime]]) -> str:
    """A hash of a file of a report, without the times of issues that the warehouse knows."""
    content = path.read_bytes()
    for document, closed_at in issues:
        content = content.replace(document.encode(), _without_issue(document).encode())
        content = content.replace(f"issued {closed_at:%Y-%m-%d %H:%M} UTC".encode(), b"issued")
    return hashlib.sha256(content).hexdigest()


def _without_issue(document: str) -> str:
    """A closing without its time, and without the hash over it."""
    closing: dict[str, object] = json.loads(document)["closing"]
    del closing["closed_at"]
    return json.dumps(closing)
