"""The bridge from the published to the realized saving as tables: by phase with bars, and by function."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tieout.catalog.models import Catalog
from tieout.core.money import format_usd
from tieout.report.formats.sheets import Cell, Kind, Row, Sheet, SheetColumn
from tieout.report.reasons import STEPS
from tieout.report.wording import listing
from tieout.savings.bridge import DRIVERS, Bridge, BridgeReport, Step
from tieout.savings.week import WeekMeasurement

_NOTHING = Decimal(0)
_FIRST_STAGE = (Step.ROUNDING, Step.UNIT_CORRECTION)


@dataclass(frozen=True)
class BridgeRow:
    """One line of the bridge, in dollars a day.

    Attributes:
        label: what it is.
        phases: by phase; None where phases have no such line.
        total_usd: over all phases.
        is_end: whether the bridge stands here, rather than steps.
        bar: where its bar begins and how wide it is, in percent of the stage's widest extent.
    """

    label: str
    phases: tuple[Decimal | None, ...]
    total_usd: Decimal
    is_end: bool
    bar: tuple[int, int] = (0, 0)

    @property
    def colour(self) -> str:
        """What its bar means: an amount, a gain or a loss."""
        return "amount" if self.is_end else "gain" if self.total_usd >= 0 else "loss"


@dataclass(frozen=True)
class FunctionBridge:
    """The bridge of one function in one phase, in dollars a day; from restated, drivers and the rest lead to realized.

    `steps` are all its steps from the claim's line on, in the order of `BridgeTables.steps`.
    """

    function: str
    phase: str
    claimed_usd: Decimal
    correction_usd: Decimal
    restated_usd: Decimal
    drivers_usd: Decimal
    rest_usd: Decimal
    realized_usd: Decimal
    steps: tuple[Decimal, ...]


@dataclass(frozen=True)
class BridgeTables:
    """From the published to the realized saving, per day, in cents that add up along and across.

    Attributes:
        phases: titles of the phase columns.
        stages: from published to restated, and from there to realized.
        steps: titles of the steps that are not nought everywhere.
        functions: one line per function and phase.
        remarks: what the reader would otherwise wonder about.
    """

    phases: tuple[str, ...]
    stages: tuple[tuple[BridgeRow, ...], ...]
    steps: tuple[str, ...]
    functions: tuple[FunctionBridge, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class _Entry:
    """A line before it has a bar."""

    label: str
    phases: tuple[Decimal | None, ...]
    total_usd: Decimal
    is_end: bool = False


def describe_bridge(measurement: WeekMeasurement, catalog: Catalog) -> BridgeTables | None:
    """Set out the bridge, in dollars a day; None when nothing is claimed."""
    report = measurement.bridge
    if report is None:
        return None
    order = {phase.id: position for position, phase in enumerate(catalog.rollout.phases)}
    phases = sorted(report.phases, key=lambda phase: order.get(phase, len(order)))
    columns = [report.phases[phase] for phase in phases]
    steps = [step for step in Step if step not in _FIRST_STAGE and _moves(step, report)]
    names = [function.function for function in measurement.functions]
    cells = sorted(report.functions.items(), key=lambda cell: (phases.index(cell[0][0]), names.index(cell[0][1])))
    return BridgeTables(
        phases=tuple(phases),
        stages=(
            _rows(_first_stage(report.total, columns)),
            _rows(_second_stage(report.total, columns, steps)),
        ),
        steps=tuple(STEPS[step] for step in (Step.UNIT_CORRECTION, *steps)),
        functions=tuple(
            _function(function, phase, bridge, (Step.UNIT_CORRECTION, *steps)) for (phase, function), bridge in cells
        ),
        remarks=tuple(_remarks(measurement, report)),
    )


def _moves(step: Step, report: BridgeReport) -> bool:
    return any(bridge.amount(step).printed_usd for bridge in (report.total, *report.functions.values()))


def _first_stage(total: Bridge, columns: Sequence[Bridge]) -> Iterator[_Entry]:
    """From the published total to the restated projection; a phase starts from the claim's own lines."""
    nobody = tuple(None for _ in columns)
    if rounding := total.amount(Step.ROUNDING).printed_usd:
        yield _Entry("published saving", nobody, total.published.printed_usd, is_end=True)
        yield _Entry(STEPS[Step.ROUNDING], nobody, rounding)
    yield _Entry("the claim's own lines", _ends(columns, "claimed"), total.claimed.printed_usd, is_end=True)
    yield _step(Step.UNIT_CORRECTION, total, columns)
    yield _Entry("restated projection", _ends(columns, "restated"), total.restated.printed_usd, is_end=True)


def _second_stage(total: Bridge, columns: Sequence[Bridge], steps: Iterable[Step]) -> Iterator[_Entry]:
    """From the restated projection to the realized saving."""
    yield _Entry("restated projection", _ends(columns, "restated"), total.restated.printed_usd, is_end=True)
    for step in steps:
        yield _step(step, total, columns)
    yield _Entry("realized saving", _ends(columns, "realized"), total.realized.printed_usd, is_end=True)


def _ends(columns: Sequence[Bridge], name: str) -> tuple[Decimal, ...]:
    return tuple(getattr(column, name).printed_usd for column in columns)


def _step(step: Step, total: Bridge, columns: Sequence[Bridge]) -> _Entry:
    amounts = tuple(column.amount(step).printed_usd for column in columns)
    return _Entry(STEPS[step], amounts, total.amount(step).printed_usd)


def _rows(entries: Iterable[_Entry]) -> tuple[BridgeRow, ...]:
    """Give every line its bar: an end stands on nought, a step leads on from where the bridge is."""
    lines = list(entries)
    spans, reached = [], _NOTHING
    for entry in lines:
        start = _NOTHING if entry.is_end else reached
        reached = start + entry.total_usd
        spans.append((min(start, reached), max(start, reached)))
    low, high = min(edge for edge, _ in spans), max(edge for _, edge in spans)
    extent = high - low or Decimal(1)
    return tuple(
        BridgeRow(
            entry.label,
            entry.phases,
            entry.total_usd,
            entry.is_end,
            (round(100 * (start - low) / extent), round(100 * (end - start) / extent)),
        )
        for entry, (start, end) in zip(lines, spans, strict=True)
    )


def _function(function: str, phase: str, bridge: Bridge, steps: Iterable[Step]) -> FunctionBridge:
    drivers = sum((bridge.amount(step).printed_usd for step in DRIVERS), _NOTHING)
    restated, realized = bridge.restated.printed_usd, bridge.realized.printed_usd
    return FunctionBridge(
        function=function,
        phase=phase,
        claimed_usd=bridge.claimed.printed_usd,
        correction_usd=bridge.amount(Step.UNIT_CORRECTION).printed_usd,
        restated_usd=restated,
        drivers_usd=drivers,
        rest_usd=realized - restated - drivers,
        realized_usd=realized,
        steps=tuple(bridge.amount(step).printed_usd for step in steps),
    )


def _remarks(measurement: WeekMeasurement, report: BridgeReport) -> Iterator[str]:
    waiting = {
        function: bridge.amount(Step.UNALLOCATED).printed_usd
        for (_, function), bridge in report.functions.items()
        if measurement.function(function).avoided is None and bridge.amount(Step.UNALLOCATED).printed_usd
    }
    if waiting:
        amount = format_usd(sum(waiting.values(), _NOTHING))
        yield f"Of what is not allocated, {amount} is promised and not realized yet: {listing(sorted(waiting))}."
    if len({function.days for function in measurement.functions if function.avoided is not None}) > 1:
        yield "A function counts from the day after its own deployment, and its amount a day is over those days."
    if report.total.amount(Step.ADJUSTMENTS).printed_usd:
        yield "The realized saving includes the adjustments of the ledger; the headline does not."


def write_bridge(sheet: Sheet, bridge: BridgeTables | None) -> None:
    """Write the sheet of the bridge."""
    sheet.title("Bridge from the published to the realized saving, dollars a day")
    if bridge is None:
        sheet.line("Nothing is claimed, so there is no bridge.")
        return
    columns = (
        SheetColumn("Step"),
        *(SheetColumn(phase, Kind.CENTS) for phase in bridge.phases),
        SheetColumn("Total", Kind.CENTS),
    )
    for title, stage in zip(("From published to restated", "From restated to realized"), bridge.stages, strict=True):
        sheet.heading(title)
        amounts = [(row.label, (*row.phases, row.total_usd), row.is_end) for row in stage]
        sheet.table(columns, [_sheet_row(label, values, is_end) for label, values, is_end in amounts])
    for remark in bridge.remarks:
        sheet.paragraph(remark, columns=len(columns))


def write_function_bridges(sheet: Sheet, bridge: BridgeTables | None) -> None:
    """Write the sheet of the bridge function by function."""
    sheet.title("Bridge function by function", below="From a function's line of the claim to what it realized, a day.")
    steps = bridge.steps if bridge is not None else ()
    columns = (
        SheetColumn("Function"),
        SheetColumn("Phase"),
        SheetColumn("Claim", Kind.CENTS),
        *(SheetColumn(f"{step[:1].upper()}{step[1:]}", Kind.CENTS, width=14) for step in steps),
        SheetColumn("Realized", Kind.CENTS, has_total=True),
    )
    lines = bridge.functions if bridge is not None else ()
    rows = [(line.function, line.phase, line.claimed_usd, *line.steps, line.realized_usd) for line in lines]
    sheet.browse(sheet.table(columns, rows, total="Total"), len(columns), fixed=1)


def _sheet_row(label: str, amounts: Sequence[Decimal | None], is_end: bool) -> Row:
    return Cell(label, Kind.TEXT, is_bold=is_end), *(Cell(amount, Kind.CENTS, is_bold=is_end) for amount in amounts)
