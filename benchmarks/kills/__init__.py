"""Kills: a command is killed at random moments, again and again, and then left to end.

What is there in the end has to be what is there without any kill, and every mail has to have gone out exactly once.
Processes are real ones, killed with everything that they have started; pulls ask a local server that the real client
takes for Modal, mails go to a real SMTP server. A moment is drawn evenly over the time that the command took when it
last ended, and a tenth more. `contents` says what is compared, and what is left out because it tells the time.
"""

import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.commands import Command, Ended, run, run_or_kill, run_to_end
from benchmarks.kills.contents import differences
from benchmarks.kills.mails import FATES, IN_DOUBT, ONCE, READERS, MailOffice, mail_office
from benchmarks.kills.steps import Starts, Step, building_steps, pulling_step, weeks_of
from tieout.core.periods import IsoWeek

# The last one is left to end.
ATTEMPTS = 6
MAILING, MAILING_SHARE = f"`send` of two weeks to {READERS} readers each", 0.16
_REACH = 1.1


@dataclass(frozen=True)
class Interrupted:
    """A command that was killed after so many seconds, each time from its start, and ended by itself at last."""

    killed_after: tuple[float, ...]
    ended: Ended


@dataclass(frozen=True)
class Mismatch:
    """Something that came out otherwise than without a kill.

    Attributes:
        step: which.
        trial: which of the step; the two together seed the moments.
        killed_after: seconds from each start to its kill.
        what: the tables, files or mails, or what the command said.
    """

    step: str
    trial: int
    killed_after: tuple[float, ...]
    what: tuple[str, ...]

    def __str__(self) -> str:
        """Everything that it takes to repeat it."""
        moments = ", ".join(f"{seconds:.2f}" for seconds in self.killed_after)
        return f"{self.step}, trial {self.trial}, killed after {moments} s: {'; '.join(self.what)}"


@dataclass
class Killed:
    """What came of killing a step.

    Attributes:
        step: which.
        trials: how often it was begun, in a workspace of its own or with another week's mail.
        kills: processes that were killed before they ended.
        ends: trials in which a command ended after one that was killed.
        mismatches: trials that came to something else than without a kill.
        fates: how many mails fared how; empty for a step that sends none.
        decided: mails in doubt that have gone out exactly once after a person's decision.
    """

    step: str
    trials: int = 0
    kills: int = 0
    ends: int = 0
    mismatches: list[Mismatch] = field(default_factory=list)
    fates: Counter[str] = field(default_factory=Counter)
    decided: int = 0

    @property
    def identical(self) -> int:
        """Ends that came to what is there without a kill."""
        return self.ends - sum(bool(mismatch.killed_after) for mismatch in self.mismatches)

    def add(self, interrupted: Interrupted, what: Sequence[str]) -> None:
        """Count a command that has ended, and name what is not as it should be."""
        self.trials += 1
        self.kills += len(interrupted.killed_after)
        self.ends += bool(interrupted.killed_after)
        if what:
            self.mismatches.append(Mismatch(self.step, self.trials, interrupted.killed_after, tuple(what)))


def measure(kills: int) -> Iterator[Killed]:
    """Kill every step its share of so many times, or a few more."""
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory:
        starts, trials = Starts(Path(directory) / "starts"), Path(directory) / "trials"
        with pulling_step() as step:
            yield kill_step(step, trials, kills)
        for step in building_steps(starts):
            yield kill_step(step, trials, kills)
        with mail_office() as office:
            yield kill_sending(office, starts, trials, kills)


def kill_step(step: Step, trials: Path, kills: int) -> Killed:
    """Kill a step its share of so many times, each time to its end in a workspace of its own."""
    killed = Killed(step.name)
    with _trial(trials, step.prepare) as folder:
        seconds = run_to_end(step.command(folder, 0), folder).seconds
        expected = step.contents(folder)
    while killed.kills < step.share * kills:
        with _trial(trials, step.prepare) as folder:
            attempts = [step.command(folder, attempt) for attempt in range(ATTEMPTS)]
            interrupted = _kill_and_end(attempts, folder, killed, seconds)
            ended = interrupted.ended
            what = [ended.said] if ended.code else differences(expected, step.contents(folder))
        killed.add(interrupted, what)
        seconds = ended.seconds
    return killed


def kill_sending(office: MailOffice, starts: Starts, trials: Path, kills: int) -> Killed:
    """Kill `tieout send` its share of so many times, each week's mail to its end."""
    killed = Killed(MAILING)
    with _trial(trials, starts.built) as folder:
        seconds = run_to_end(office.command(folder, weeks_of(folder)[0]), folder).seconds
    while killed.kills < MAILING_SHARE * kills:
        with _trial(trials, starts.built) as folder:
            office.prepare(folder)
            for week in weeks_of(folder):
                office.forget()
                interrupted = _kill_and_end([office.command(folder, week)] * ATTEMPTS, folder, killed, seconds)
                what = _judge_mails(office, folder, week, killed)
                killed.add(interrupted, what)
                seconds = interrupted.ended.seconds
    return killed


def _judge_mails(office: MailOffice, folder: Path, week: IsoWeek, killed: Killed) -> list[str]:
    """Count how the mails of a week have fared, let a person decide about those in doubt, and name what went wrong."""
    fates = office.fates(folder, week)
    killed.fates.update(fates.values())
    office.decide(folder, week, fates)
    decided = office.fates(folder, week)
    killed.decided += sum(fate in IN_DOUBT and decided[reader] == ONCE for reader, fate in fates.items())
    return [
        f"{week.label} to {reader}: {fates[reader]}, then {fate}" for reader, fate in decided.items() if fate != ONCE
    ]


def _kill_and_end(attempts: Sequence[Command], folder: Path, killed: Killed, seconds: float) -> Interrupted:
    """Kill all attempts but the last, unless one has ended by itself before."""
    chance = random.Random(f"{killed.step} {killed.trials + 1}")
    killed_after: list[float] = []
    for attempt in attempts[:-1]:
        moment = chance.uniform(0, _REACH * seconds)
        ended = run_or_kill(attempt, folder, moment)
        if ended is not None:
            return Interrupted(tuple(killed_after), ended)
        killed_after.append(moment)
    return Interrupted(tuple(killed_after), run(attempts[-1], folder))


@contextmanager
def _trial(trials: Path, prepare: Callable[[Path], None]) -> Iterator[Path]:
    """A folder with what a step starts from, which is gone afterwards."""
    trials.mkdir()
    try:
        prepare(trials)
        yield trials
    finally:
        shutil.rmtree(trials)


def table(results: Sequence[Killed]) -> str:
    """What came of the kills as Markdown: steps, mails, and everything that came out otherwise."""
    lines = ["| step | kills | ends | identical |", "|---|---|---|---|"]
    lines += [f"| {each.step} | {each.kills} | {each.ends} | {each.identical} |" for each in results]
    kills, ends, identical = (sum(getattr(each, name) for each in results) for name in ("kills", "ends", "identical"))
    lines += [f"| all | {kills} | {ends} | {identical} |"]
    for each in results:
        if each.fates:
            lines += ["", f"| mails | {' | '.join(FATES)} |", "|---|" + "---|" * len(FATES)]
            lines += [f"| {each.fates.total()} | {' | '.join(str(each.fates[fate]) for fate in FATES)} |"]
            doubts = sum(each.fates[fate] for fate in IN_DOUBT)
            lines += ["", f"Of {doubts} in doubt, {each.decided} had gone out exactly once when a person had decided."]
    lines += ["", *(f"- {mismatch}" for each in results for mismatch in each.mismatches)]
    return "\n".join(lines).rstrip()
