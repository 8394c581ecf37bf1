"""What every part of a pull shares: whom to ask, where to land it, what is there already, and what is wanted."""

import datetime as dt
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tieout.catalog.models import Catalog
from tieout.catalog.settings import WorkspaceSettings
from tieout.core.periods import days_between
from tieout.modal import plan
from tieout.modal.client import Cause, Session
from tieout.modal.snapshots import FetchedContent, LandingFolder, Range, Snapshot, Subject, accept_any, read_snapshots
from tieout.modal.tasks import Errands, Failure
from tieout.sources.registry import SOURCES

PULLED_SOURCES = tuple(sorted(source.name for source in SOURCES.values() if source.pull))
_SECOND = dt.timedelta(seconds=1)
# Clocks differ by that much without doing harm.
_CLOCK_TOLERANCE = dt.timedelta(minutes=5)

Clock = Callable[[], dt.datetime]


@dataclass(frozen=True)
class Wanted:
    """What a pull is for.

    Attributes:
        sources: the exports to bring, some of `PULLED_SOURCES`.
        since: the first UTC day; None for what each export has.
        until: the first UTC day that is left out; None for up to now.
    """

    sources: frozenset[str] = frozenset(PULLED_SOURCES)
    since: dt.date | None = None
    until: dt.date | None = None

    @property
    def is_forced(self) -> bool:
        """Whether the range was named, and is pulled again even where it is settled."""
        return self.since is not None or self.until is not None


@dataclass(frozen=True)
class CatalogedFunctions:
    """What the catalog knows: the environment, the functions of each app, and the settle buffer."""

    environment: str
    functions: Mapping[str, frozenset[str]]
    settle_buffer: dt.timedelta = WorkspaceSettings().settle_buffer

    @classmethod
    def of(cls, catalog: Catalog) -> "CatalogedFunctions":
        """Read it off a catalog."""
        functions: defaultdict[str, set[str]] = defaultdict(set)
        for function in catalog.functions.functions:
            for configuration in function.configurations:
                functions[configuration.app].add(function.name)
        return cls(
            catalog.functions.environment,
            {app: frozenset(names) for app, names in functions.items()},
            catalog.settings.settle_buffer,
        )


class Visit:
    """One pull's view of Modal and of the landing folder."""

    def __init__(
        self,
        session: Session,
        folder: LandingFolder,
        errands: Errands,
        *,
        programme: CatalogedFunctions,
        wanted: Wanted,
        clock: Clock,
        scratch: Path,
    ) -> None:
        """Read what is landed; the pull's own time stands still at its start."""
        self.session = session
        self.errands = errands
        self.programme = programme
        self.wanted = wanted
        self.now = clock()
        self.until = min(plan.midnight(wanted.until), self.now) if wanted.until else self.now
        self.clock = clock
        self._folder = folder
        self._scratch = scratch
        self._known: defaultdict[Subject, list[Snapshot]] = defaultdict(list)
        ahead: list[Snapshot] = []
        for snapshot in read_snapshots(folder.directory):
            if snapshot.fetched_at > self.now + _CLOCK_TOLERANCE:
                ahead.append(snapshot)
            else:
                self._known[snapshot.subject].append(snapshot)
        if ahead:
            self.errands.failures.append(_clock_was_wrong(ahead, self.now))

    def subject(
        self,
        source: str,
        environment: str,
        app: str | None = None,
        function: str | None = None,
        server: str | None = None,
    ) -> Subject:
        """Name what a file is about; the catalog's own environment goes without saying."""
        named = None if environment == self.programme.environment else environment
        return Subject(source, named, app, function, server)

    def known(self, subject: Subject) -> Sequence[Snapshot]:
        """Return what earlier pulls, and this one, have landed of a subject."""
        return self._known.get(subject, ())

    def subjects(self, source: str) -> list[Subject]:
        """Return every subject of an export of which something is landed."""
        return [subject for subject in self._known if subject.source == source]

    def is_wanted(self, *sources: str) -> bool:
        """Whether one of these exports was asked for."""
        return not self.wanted.sources.isdisjoint(sources)

    def is_due(self, subject: Subject) -> bool:
        """Whether a picture of the moment is to be taken: one a day, or at once when single exports were asked for."""
        if self.wanted.sources == frozenset(PULLED_SOURCES):
            return not plan.seen_today(self.known(subject), self.now)
        return subject.source in self.wanted.sources

    def open_pages(self, subject: Subject, trusted: Range, grain: dt.timedelta) -> list[Range]:
        """Return the ranges of a subject to ask for.

        Args:
            subject: of an export that speaks for days.
            trusted: from where it begins, unless another day was asked for, to where what has landed is believed.
            grain: full hours or seconds; the running one is left out.
        """
        start = plan.midnight(self.wanted.since) if self.wanted.since else trusted.start
        days = days_between(start.date(), self.last_day + dt.timedelta(days=1))
        if not self.wanted.is_forced:
            days = self.unsettled(days, subject, trusted)
        return plan.pages(days, Range(start, plan.floor(self.until, grain)))

    def unsettled(self, days: Iterable[dt.date], subject: Subject, trusted: Range) -> list[dt.date]:
        """Return the days of a subject that what has landed does not show as they will stay."""
        return plan.open_days(days, self.known(subject), trusted, settle_buffer=self.programme.settle_buffer)

    @property
    def call_range(self) -> Range:
        """The time from which calls are wanted: what was named, or what Modal may still have."""
        since = self.wanted.since
        return Range(plan.midnight(since) if since else plan.kept_since(self.now, plan.KEPT_DAYS_TEAM), self.until)

    @property
    def last_day(self) -> dt.date:
        """The last UTC day that is wanted in whole or part."""
        return (self.until - _SECOND).date()

    def command(
        self, subject: Subject, arguments: Sequence[str], *, label: str | None = None, covers: Range | None = None
    ) -> None:
        """Land what a modal command prints; a picture of the moment unless a range is given."""
        self.receive(
            subject,
            label=label or f"{self.now:%Y-%m-%d}",
            command=f"modal {' '.join(arguments)}",
            fetched_at=self.clock(),
            covers=covers,
            write=lambda path: self.session.command(arguments, path),
        )

    def receive(
        self,
        subject: Subject,
        *,
        label: str,
        command: str,
        fetched_at: dt.datetime,
        covers: Range | None,
        write: Callable[[Path], None],
        check: Callable[[FetchedContent], None] = accept_any,
    ) -> None:
        """Land a file and write it down; the arguments are those of `LandingFolder.receive`."""
        file, snapshot = self._folder.receive(
            subject, label=label, command=command, fetched_at=fetched_at, covers=covers, write=write, check=check
        )
        self._known[subject].append(snapshot)
        self.errands.arrived(file)

    @contextmanager
    def scratch_file(self) -> Iterator[Path]:
        """Lend a file outside the landing folder."""
        with tempfile.NamedTemporaryFile(dir=self._scratch) as file:
            yield Path(file.name)


def _clock_was_wrong(ahead: Sequence[Snapshot], now: dt.datetime) -> Failure:
    """Say that files were fetched in the future, which settle nothing and, later on, would count instead of others."""
    last = max(ahead, key=lambda snapshot: snapshot.fetched_at)
    return Failure(
        last.path.name,
        Cause.CLOCK,
        f"it is {now:%Y-%m-%d %H:%M} UTC, and {len(ahead)} of the landed files say that they were fetched later, the "
        f"last at {last.fetched_at:%Y-%m-%d %H:%M}",
    )
