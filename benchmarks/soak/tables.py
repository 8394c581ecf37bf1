"""What the parts of a soak have come to so far, as Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.soak.images.trial import SHARES
from benchmarks.soak.year.days import Day, Year
from benchmarks.soak.year.exports import LAST
from benchmarks.soak.year.findings import MOST_OF_JANUARY, MOST_OF_MONTH, findings, table
from tieout.sources.registry import SOURCES

_STEPS = {
    "run": "`run` of a new workspace",
    "correct": "`run` after a correction of an issued week",
    "publish": "`publish`",
    "issue": "`issue` of pages that are lost",
    "send": "`send` of two weeks to three readers",
}


@dataclass(frozen=True)
class Imaged:
    """The images of a step so far, at how many stops at most, and what was found."""

    images: int
    stops: int
    found: tuple[str, ...]

    def plus(self, images: int, stops: int, found: Sequence[str]) -> "Imaged":
        """Add a batch."""
        return Imaged(self.images + images, max(self.stops, stops), (*self.found, *found))


def images(sofar: Mapping[str, Imaged], wanted: int) -> str:
    """Say how many images of each step were run again, of those that are wanted of all steps."""
    lines = [
        "A process is stopped whenever files of its workspace have changed. Some of these images are drawn, run again,",
        f"and compared to the last byte. Target: {wanted} images over all steps, no difference, every mail once.",
        "",
        f"| step | images | wanted | stops | differences |\n|{'---|' * 5}",
    ]
    for step, share in SHARES.items():
        made = sofar.get(step, Imaged(0, 0, ()))
        row = (_STEPS[step], made.images, round(share * wanted), made.stops or "", len(made.found))
        lines.append(f"| {' | '.join(map(str, row))} |")
    lines.append(f"| all | {sum(each.images for each in sofar.values())} | {wanted} | | {len(_found(sofar))} |")
    return "\n".join([*lines, *(f"\n- {each}" for each in _found(sofar))])


def _found(sofar: Mapping[str, Imaged]) -> list[str]:
    return [each for made in sofar.values() for each in made.found]


def year(whole: Year, ran: Sequence[Day]) -> str:
    """Say what the year has come to, and of a whole one what is not as it has to be."""
    lines = [
        "Every day from the first of January, with what lands, the runs that schedules ask for, mails and alerts, by a",
        f"clock that is set. Targets: every edition mailed once; a run in December ≤ {MOST_OF_JANUARY}× January's;",
        f"Dagster's record ≤ {MOST_OF_MONTH // 1_000_000} MB after a month, and no larger once its days are full.",
        "",
        table(whole, ran),
        "",
    ]
    if ran[-1].day < LAST:
        return "\n".join([*lines, f"Run until {ran[-1].day}; what the year has to come to is judged in its end."])
    return "\n".join([*lines, *([f"- {each}" for each in findings(whole, ran)] or ["Nothing was found."])])


def fuzz(sofar: Mapping[str, Mapping[str, float]], wanted: int) -> str:
    """Say how many mutated files of each source were loaded and refused, and how many came to something else."""
    lines = [
        "Landed files with mutated bytes, names and values, of every source that there is. Target: each is loaded, or",
        f"refused in words that somebody wrote for it; {wanted:,} files of every source.",
        "",
        f"| source | files | loaded | refused | defects | CPU s |\n|{'---|' * 6}",
    ]
    for source in sorted(SOURCES):
        made = sofar.get(source, {})
        counts = [f"{made.get(name, 0):,}" for name in ("files", "loaded", "refused", "defects")]
        lines.append(f"| {source} | {' | '.join(counts)} | {made.get('cpu_seconds', 0):.0f} |")
    total = sum(made["files"] for made in sofar.values())
    return "\n".join([*lines, "", f"All: {total:,} of {wanted * len(SOURCES):,} files."])
