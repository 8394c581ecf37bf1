"""The command; `python -m benchmarks.identity --help` explains its options."""

import argparse
import resource
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import identity
from benchmarks.identity import IdentityError
from benchmarks.identity.comparison import Finding, compare, differing_lines, differing_rows
from benchmarks.identity.figures import read_figures
from benchmarks.identity.recording import RECORDING, load_recording, save_recording
from benchmarks.identity.workspaces import WORKSPACES, build, commit_of

WEEKS = 8


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, compare or record what is asked for; return 1 when a figure differs or a workspace cannot be built."""
    options = _parser().parse_args(arguments)
    names = options.names or WORKSPACES
    options.commit = commit_of(options.tieout)  # of now: what is recorded changes a file of the clone
    with tempfile.TemporaryDirectory(prefix="tieout-identity-") as temporary:
        kept = options.keep or Path(temporary)
        try:
            same = [_one(name, options, kept) for name in names]
        except IdentityError as error:
            print(f"Error: {error}", file=sys.stderr)
            return 1
    return 0 if all(same) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.identity", description=identity.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", type=_name, help=", ".join(WORKSPACES))
    parser.add_argument("--record", action="store_true", help=f"write the figures to {RECORDING.name}")
    parser.add_argument("--tieout", type=_command, default=_command(), metavar="PATH", help="another tieout command")
    parser.add_argument("--weeks", type=int, default=WEEKS, help=f"weeks to simulate, recorded apart (default {WEEKS})")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="build the workspaces there and leave them")
    parser.add_argument("--against", type=Path, metavar="DIR", help="workspaces kept before: show rows that differ")
    return parser


def _name(text: str) -> str:
    if text not in WORKSPACES:
        raise argparse.ArgumentTypeError(f"there is no workspace {text!r}; there are: {', '.join(WORKSPACES)}")
    return text


def _command(path: str | None = None) -> Path:
    return Path(path or Path(sys.executable).parent / "tieout").absolute()


def _one(name: str, options: argparse.Namespace, kept: Path) -> bool:
    """Build one workspace, compare or record it, and tell whether it is as it was recorded, or is now."""
    section, recording = f"{options.weeks} weeks", load_recording()
    was = recording.get(section, {}).get(name)
    if was is None and not options.record:
        raise IdentityError(f"{RECORDING.name} has nothing about {name} with {section}; record it with --record first")
    against = options.against and options.against.absolute() / section.replace(" ", "-") / name
    if against is not None and not against.is_dir():
        raise IdentityError(f"{against} is not there; --against names a folder that --keep has filled")
    folder, before = kept.absolute() / section.replace(" ", "-") / name, _cpu_seconds()
    build(options.tieout, name, folder, weeks=options.weeks)
    now = read_figures(folder, commit=options.commit, like=None if options.record else was)
    print(f"{name}, {section}, commit {now.commit}, built in {_cpu_seconds() - before:.0f} CPU seconds")
    if options.record:
        recording.setdefault(section, {})[name] = now
        save_recording(recording)
        print(f"  recorded   {len(now.tables)} tables and the report of {now.report.week}")
        return True
    assert was is not None
    print(f"  compared with commit {was.commit}")
    return not sum(_say(finding, against, folder) for finding in compare(was, now))


def _say(finding: Finding, before: Path | None, after: Path) -> bool:
    """Print a finding, with what differs where the workspace of before is kept, and tell whether it is a failure."""
    print(f"  {finding.verdict:<10} {finding.subject}  {finding.detail}")
    if before is not None and finding.verdict == "CHANGED" and not finding.is_column:
        is_report = finding.subject.startswith("report ")
        lines = differing_lines(before, after) if is_report else differing_rows(before, after, finding)
        for line in lines:
            print(f"      {line}")
    return finding.is_failure


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
