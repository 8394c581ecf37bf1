"""A closed week: its figures as issued, what they were computed from, and what moved them since the issue before.

A closing is state: no data that came later can tell it. It is kept as one JSON document with every amount as a text,
digit for digit, and its own SHA-256 (docs/reference/rules.md, "Closed weeks and restatements").
"""

import datetime as dt
import hashlib
import json
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from decimal import Decimal
from functools import cached_property
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from tieout.core.errors import TieoutError
from tieout.core.money import CENT, to_cents

NOTHING = Decimal(0)
_Key = TypeVar("_Key", bound=Hashable)


class ClosingError(TieoutError):
    """A document that is not the closing that was written, or the place of one that is taken."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClosedAmount(_Frozen):
    """What a function cost on a day in an app, a rollout phase and a component; exact dollars."""

    day: dt.date
    environment: str
    app: str
    function: str
    phase: str
    component: str
    amount_usd: Decimal


class ClosedSaving(_Frozen):
    """What was said of a function's saving, in the printed cents; None where nothing was claimed."""

    function: str
    avoided_usd: Decimal | None
    half_width_usd: Decimal | None
    status: str


class Figures(_Frozen):
    """A week's figures and what they were computed from; times are naive UTC.

    Attributes:
        as_of: newest fetch of a bill or call log that speaks for the week; None when there is none.
        input_sha256: over everything that the report is computed from, catalog and baseline included.
        input_version: how that hash was computed; hashes of two versions cannot be compared.
        catalog_sha256: the catalog alone.
        baseline_sha256: the frozen baseline; None when it was not frozen.
        code_sha256: the SQL that attributes and measures.
        method_version: of docs/reference/rules.md.
        status: of the week's saving as a whole.
        avoided_usd: the headline in the printed cents; None when nothing was claimed.
        half_width_usd: half of its 90% interval; None without one.
        amounts: the cost, exact.
        savings: by function.
        deliveries: content hash and fetch time of the bills and call logs that speak for the week.
        contents: hashes of the landed configurations, prices and apps of that time.
    """

    as_of: dt.datetime | None
    input_sha256: str
    input_version: int = 1
    catalog_sha256: str
    baseline_sha256: str | None
    code_sha256: str
    method_version: str
    status: str
    avoided_usd: Decimal | None
    half_width_usd: Decimal | None
    amounts: tuple[ClosedAmount, ...]
    savings: tuple[ClosedSaving, ...]
    deliveries: tuple[tuple[str, dt.datetime], ...]
    contents: tuple[str, ...]

    @property
    def cost_usd(self) -> Decimal:
        """What the week cost, exact."""
        return sum((amount.amount_usd for amount in self.amounts), NOTHING)

    @property
    def costs(self) -> Mapping[tuple[str, str], Decimal]:
        """What every function cost, by environment and name, exact."""
        return _sums(((amount.environment, amount.function), amount.amount_usd) for amount in self.amounts)

    @cached_property
    def printed_costs(self) -> Mapping[tuple[str, str], Decimal]:
        """The same in the cents of the week's own pages, which add up to the week's; as in `spend.weekly_cents`."""
        costs = sorted(self.costs.items(), key=lambda item: (-item[1], item[0][1], item[0][0]))
        return dict(zip((name for name, _ in costs), to_cents([amount for _, amount in costs]), strict=True))

    @property
    def parts(self) -> Mapping[tuple[str, str, str, str], Decimal]:
        """The cost by environment, function, phase and component, exact."""
        return _sums(
            ((amount.environment, amount.function, amount.phase, amount.component), amount.amount_usd)
            for amount in self.amounts
        )


class Move(_Frozen):
    """A function whose printed cost differs from the issue before; exact dollars.

    Attributes:
        environment: Modal environment.
        function: its name.
        before_usd: as it was issued before.
        after_usd: as it is issued now; equal to the cent where only its parts have moved, or all functions by less.
        files: paths below the landing folder that moved it; empty when no file did.
    """

    environment: str
    function: str
    before_usd: Decimal
    after_usd: Decimal
    files: tuple[str, ...]


class Draft(_Frozen):
    """What the next issue of a week would be.

    Attributes:
        week: ISO label.
        revision: from 1.
        figures: as the data are now.
        moves: what moved since the revision before, by function; empty in a first one.
        causes: what else than files did, in words.
    """

    week: str
    revision: int
    figures: Figures
    moves: tuple[Move, ...] = ()
    causes: tuple[str, ...] = ()


class Closing(Draft):
    """One issue of a week: a draft that was issued.

    Attributes:
        closed_at: when, naive UTC; later than every closing before it.
    """

    closed_at: dt.datetime

    @classmethod
    def of(cls, draft: Draft, closed_at: dt.datetime) -> "Closing":
        """Issue a draft."""
        return cls(**dict(draft), closed_at=closed_at)


def format_closing(closing: Closing) -> str:
    """Write a closing as a JSON document that carries its own hash."""
    content = closing.model_dump(mode="json")
    return json.dumps({"sha256": _sha256(content), "closing": content}, ensure_ascii=False) + "\n"


def parse_closing(document: str, *, name: str) -> Closing:
    """Read a document that `format_closing` wrote.

    Args:
        document: the JSON text.
        name: what to call it in messages, its path.

    Raises:
        ClosingError: it was cut off or edited.
    """
    try:
        fields = json.loads(document)
        content, expected = fields["closing"], fields["sha256"]
        found = _sha256(content)
        closing = Closing.model_validate(content)
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise _damaged(name, f"it cannot be read: {str(error).splitlines()[0]}") from None
    if found != expected:
        raise _damaged(name, f"its content has the SHA-256 {found[:12]}…, but it says {str(expected)[:12]}…")
    return closing


def have_same_inputs(before: Figures, after: Figures) -> bool:
    """Tell whether two issues were computed from the same inputs, by their hashes where these can be compared."""
    if before.input_version == after.input_version:
        return before.input_sha256 == after.input_sha256
    return _recorded_inputs(before) == _recorded_inputs(after)


def _recorded_inputs(figures: Figures) -> tuple[object, ...]:
    """What an issue itself says it was computed from, however its hash was computed."""
    return figures.catalog_sha256, figures.baseline_sha256, set(figures.deliveries), set(figures.contents)


def is_moved(before: Figures, after: Figures) -> bool:
    """Tell whether anything that is printed differs: a cost, a saving or its interval in cents, or a status."""
    return _printed(before) != _printed(after)


def moved_functions(before: Figures, after: Figures) -> list[tuple[str, str]]:
    """Return environment and name of the functions that moved, by name.

    Where anything moves in print, a function or the week's cost, those below a cent are among them: together they moved
    by what the week did, to the last digit.
    """
    printed = moved_in_print(before, after)
    if not printed and before.cost_usd.quantize(CENT) == after.cost_usd.quantize(CENT):
        return []
    return sorted(printed | _differing(before.costs, after.costs))


def moved_in_print(before: Figures, after: Figures) -> set[tuple[str, str]]:
    """Return environment and name of the functions whose cost, or a part of it, differs in cents."""
    parts = _differing(_in_cents(before.parts), _in_cents(after.parts))
    return {key[:2] for key in parts} | _differing(_in_cents(before.costs), _in_cents(after.costs))


def moved_days(before: Figures, after: Figures, function: tuple[str, str]) -> set[tuple[str, dt.date]]:
    """Return the apps and days in which anything of a function's cost differs, to the last digit."""
    old, new = (
        _sums(
            ((amount.app, amount.day, amount.phase, amount.component), amount.amount_usd)
            for amount in figures.amounts
            if (amount.environment, amount.function) == function
        )
        for figures in (before, after)
    )
    return {key[:2] for key in _differing(old, new)}


def causes_between(before: Figures, after: Figures) -> tuple[str, ...]:
    """Say what else than landed files differs between two issues."""
    differences = {
        "the edited catalog": before.catalog_sha256 != after.catalog_sha256,
        "the frozen baseline": before.baseline_sha256 != after.baseline_sha256,
        "a new version of the method": before.method_version != after.method_version,
        "a new version of the SQL": before.code_sha256 != after.code_sha256,
    }
    return tuple(cause for cause, is_different in differences.items() if is_different)


def _printed(figures: Figures) -> tuple[object, ...]:
    savings = {
        saving.function: (_cents(saving.avoided_usd), _cents(saving.half_width_usd), saving.status)
        for saving in figures.savings
    }
    headline = _cents(figures.avoided_usd), _cents(figures.half_width_usd), figures.status
    cost = _cents(figures.cost_usd)
    return _in_cents(figures.parts), _in_cents(figures.costs), cost, savings, headline


def _in_cents(amounts: Mapping[_Key, Decimal]) -> dict[_Key, Decimal]:
    """Round amounts to cents and leave out those that print as zero."""
    cents = {key: amount.quantize(CENT) for key, amount in amounts.items()}
    return {key: amount for key, amount in cents.items() if amount}


def _differing(old: Mapping[_Key, Decimal], new: Mapping[_Key, Decimal]) -> set[_Key]:
    return {key for key in old.keys() | new.keys() if old.get(key, NOTHING) != new.get(key, NOTHING)}


def _cents(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else amount.quantize(CENT)


def _sums(amounts: Iterable[tuple[_Key, Decimal]]) -> dict[_Key, Decimal]:
    sums: defaultdict[_Key, Decimal] = defaultdict(Decimal)
    for key, amount in amounts:
        sums[key] += amount
    return dict(sums)


def _sha256(content: object) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _damaged(name: str, problem: str) -> ClosingError:
    return ClosingError(
        f"{problem}; it was cut off or edited",
        place=name,
        remedy="Restore it from a copy, or move its folder away to forget that this revision was issued.",
    )
