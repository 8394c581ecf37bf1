"""Mutations: what becomes of data that somebody, or something, has corrupted.

Every kind of corruption goes through load, build and gates. It has to be refused, blocked or warned of under a name
that leads a person to the cause and that clean data never shows, or the figures have to be what they are without it.
"""

import multiprocessing
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from benchmarks.mutations import apps, bill, calls, raw
from benchmarks.mutations.trial import CONTROL_TOTAL, Kind, Run, Workspace

KINDS: tuple[Kind, ...] = (*bill.KINDS, *calls.KINDS, *apps.KINDS, *raw.KINDS)

REFUSED, BLOCKED, WARNED, UNCHANGED = "refused", "blocked", "warned", "unchanged"
UNDETECTABLE, MISSED = "undetectable without a control total", "MISSED"
OUTCOMES = (REFUSED, BLOCKED, WARNED, UNCHANGED, UNDETECTABLE, MISSED)


@dataclass(frozen=True)
class Verdict:
    """What became of a kind of corruption.

    Attributes:
        kind: which.
        outcome: one of OUTCOMES.
        caught_by: what noticed it under a name that leads to the cause.
        beside: everything else that clean data does not say.
        kept: tables that were to stay as they were, because something was blocked.
        disturbed: which of them changed all the same; always empty.
    """

    kind: Kind
    outcome: str
    caught_by: tuple[str, ...]
    beside: tuple[str, ...]
    kept: tuple[str, ...]
    disturbed: tuple[str, ...]


def measure() -> list[Verdict]:
    """Put every kind on trial, on each processor its share in a workspace of its own.

    Raises:
        RuntimeError: the clean workspace is held up.
    """
    shares = os.cpu_count() or 1
    with ProcessPoolExecutor(shares, mp_context=multiprocessing.get_context("spawn")) as pool:
        judged = list(pool.map(partial(_measure_share, shares), range(shares)))
    return [judged[number % shares][number // shares] for number in range(len(KINDS))]


def _measure_share(shares: int, share: int) -> list[Verdict]:
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory:
        verdicts = try_all(Workspace(Path(directory)), KINDS[share::shares])
        # How a kind corrupts the data is a function, which stays in its process.
        return [replace(verdict, kind=replace(verdict.kind, change="")) for verdict in verdicts]


def try_all(workspace: Workspace, kinds: Iterable[Kind]) -> Iterator[Verdict]:
    """Judge each kind against the clean second week."""
    clean = workspace.arrive(lambda _exports: None)
    if clean.refused or clean.blocked:
        raise RuntimeError(f"the clean second week is held up: {clean.refused} {clean.blocked}")
    for kind in kinds:
        yield judge(kind, workspace.arrive(kind.change), clean)


def judge(kind: Kind, run: Run, clean: Run) -> Verdict:
    """Say what became of a kind, given what a clean run says."""
    new = [*run.refused, *run.blocked, *(name for name in run.warned if name not in clean.warned)]
    caught_by = tuple(name for name in new if any(part in name for part in kind.leads_to))
    if caught_by:
        caught_by += tuple(name for name in run.blocked if name not in caught_by)
    return Verdict(
        kind=kind,
        outcome=_outcome(kind, run, clean, is_caught=bool(caught_by)),
        caught_by=caught_by,
        beside=tuple(name for name in new if name not in caught_by),
        kept=run.kept,
        disturbed=run.disturbed,
    )


def _outcome(kind: Kind, run: Run, clean: Run, *, is_caught: bool) -> str:
    if is_caught:
        return REFUSED if run.refused else BLOCKED if run.blocked else WARNED
    if not run.refused and not run.blocked and run.figures == clean.figures:
        return UNCHANGED
    return UNDETECTABLE if kind.leads_to == CONTROL_TOTAL else MISSED


def table(verdicts: Sequence[Verdict]) -> str:
    """The verdicts as a Markdown table, and how many there are of each outcome."""
    counts = Counter(verdict.outcome for verdict in verdicts)
    lines = ["| kind | where | outcome | caught by |", "|---|---|---|---|"]
    lines += [
        f"| {verdict.kind.name} | {verdict.kind.where} | {verdict.outcome} | {_noticed(verdict)} |"
        for verdict in verdicts
    ]
    blocked = [verdict for verdict in verdicts if verdict.kept]
    disturbed = sum(bool(verdict.disturbed) for verdict in blocked)
    return (
        f"{len(verdicts)} kinds: {', '.join(f'{counts[outcome]} {outcome}' for outcome in OUTCOMES)}.\n"
        f"In {len(blocked) - disturbed} of {len(blocked)} blocked builds every table of every floor stayed as it was, "
        "to the last byte.\n\n" + "\n".join(lines)
    )


def _noticed(verdict: Verdict) -> str:
    """What noticed it, in a table's cell; of several files that were refused the first stands for all."""
    others = len(verdict.caught_by) - 1
    if verdict.outcome == REFUSED and others:
        return f"{verdict.caught_by[0]} (and {others} more)".replace("|", "\\|")
    return "; ".join(verdict.caught_by).replace("|", "\\|")
