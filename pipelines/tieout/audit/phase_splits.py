"""Check of the phases: which functions can belong to which phase, so that every promised range holds?"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tieout.audit.claim import Claim, line_saving
from tieout.audit.entries import AuditCode, AuditEntry, Detail
from tieout.catalog.models import ProjectionLine
from tieout.core.figures import Figure, Unit, figure
from tieout.core.findings import Severity
from tieout.core.money import round_picodollars

MOST_SPLITS = 100_000


@dataclass(frozen=True)
class PhaseSplit:
    """One way to give every line of the claim to a phase so that each phase's sum lies in its promised range.

    Attributes:
        functions: the functions of each phase, by phase, in the order of the phases.
        usd_per_day: the projected saving of each phase.
    """

    functions: Mapping[str, tuple[str, ...]]
    usd_per_day: Mapping[str, Decimal]


def fitting_splits(lines: Sequence[ProjectionLine], promised: Mapping[str, Figure]) -> list[PhaseSplit]:
    """Find by enumeration every split of the lines over the phases that fits all promised ranges, ends included.

    Args:
        lines: the claim, line by line.
        promised: the range of each phase in dollars a day, in the order of the phases.

    Raises:
        ValueError: more than 100,000 splits to look at.
    """
    if len(promised) ** len(lines) > MOST_SPLITS:
        raise ValueError(f"{len(lines)} lines over {len(promised)} phases are more than {MOST_SPLITS:,} splits")
    savings = [line_saving(line) for line in lines]
    splits = []
    for phases in itertools.product(promised, repeat=len(lines)):
        sums = dict.fromkeys(promised, Fraction(0))
        for phase, saving in zip(phases, savings, strict=True):
            sums[phase] += saving
        if all(Fraction(promised[p].low) <= total <= Fraction(promised[p].high) for p, total in sums.items()):
            chosen = tuple(zip(phases, lines, strict=True))
            functions = {p: tuple(line.function for phase, line in chosen if phase == p) for p in promised}
            splits.append(PhaseSplit(functions, {p: round_picodollars(total) for p, total in sums.items()}))
    return splits


def phase_splits(claim: Claim) -> Iterator[AuditEntry]:
    """Every assignment of lines to phases that fits all promised ranges."""
    promised = {phase.id: promise for phase, promise in claim.promised}
    if len(promised) < 2 or len(promised) ** len(claim.lines) > MOST_SPLITS:
        return
    splits = fitting_splits(claim.lines, promised)
    rolled_out = {phase.id: set(phase.functions) for phase, _ in claim.promised}
    count = figure(Decimal(len(splits)), Unit.COUNT)
    ways = "1 split of its lines fits" if len(splits) == 1 else f"{count.text} splits of its lines fit"
    yield AuditEntry(
        code=AuditCode.PHASE_SPLITS,
        severity=Severity.INFO if len(splits) == 1 else Severity.WARNING,
        subject=claim.subject,
        statement=f"The analysis does not say which function belongs to which phase: {ways} all promised ranges.",
        arithmetic=f"{len(promised)} phases ^ {len(claim.lines)} lines = {len(promised) ** len(claim.lines)} splits "
        f"tried, {count.text} within {' and '.join(promise.text for promise in promised.values())}",
        published=None,
        computed=count,
        details=tuple(
            Detail(phase, label, promised[phase], figure(total, Unit.USD_PER_DAY), _split_terms(split, phase))
            for label, split in ((_split_label(i, split, rolled_out), split) for i, split in enumerate(splits, start=1))
            for phase, total in split.usd_per_day.items()
        ),
    )


def _split_label(position: int, split: PhaseSplit, rolled_out: Mapping[str, set[str]]) -> str:
    deployed = all(set(functions) <= rolled_out[phase] for phase, functions in split.functions.items())
    return f"split {position}, as rolled out" if deployed else f"split {position}"


def _split_terms(split: PhaseSplit, phase: str) -> str:
    return " + ".join(split.functions[phase]) or "no function"
