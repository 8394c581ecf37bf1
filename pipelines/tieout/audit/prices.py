"""Checks of the prices: do the prices of the claim agree with the rate card?"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

from tieout.audit.claim import MIB_PER_GIB, Claim, Side
from tieout.audit.entries import AuditCode, AuditEntry, Detail
from tieout.catalog.models import Configuration
from tieout.core.figures import Unit, figure, figure_range, number
from tieout.core.findings import Severity
from tieout.core.periods import HOURS_PER_DAY


def gpu_prices(claim: Claim) -> Iterator[AuditEntry]:
    """The price of a GPU against the rate card."""
    groups: dict[tuple[str, int, Decimal], list[Side]] = {}
    for side in claim.sides:
        c = side.configuration
        if c is not None and c.gpu is not None:
            groups.setdefault((c.gpu, c.gpu_count, side.usd_per_hour), []).append(side)
    for (gpu, count, price), sides in groups.items():
        listed = claim.card.usd_per_hour[gpu] * count
        if listed == price:
            continue
        published, computed = figure(price, Unit.USD_PER_HOUR), figure(listed, Unit.USD_PER_HOUR)
        others = [name for name in claim.card.gpus if claim.card.usd_per_hour[name] * count == price]
        also = f"; {published.text} is the price of {_one_of(others)}" if others else ""
        machine = gpu if count == 1 else f"{count} × {gpu}"
        yield AuditEntry(
            code=AuditCode.GPU_PRICE,
            severity=Severity.WARNING,
            subject=gpu,
            statement=f"The claim prices {machine} at {published.text} an hour, the rate card at "
            f"{computed.text}{also}.",
            arithmetic=f"{count} × {number(claim.card.usd_per_hour[gpu])} = {number(listed)}, not {number(price)}",
            published=published,
            computed=computed,
            details=tuple(Detail(side.line.function, side.name, published, computed, gpu) for side in sides),
        )


def _one_of(names: Sequence[str]) -> str:
    return " or ".join(names)


def container_prices(claim: Claim) -> Iterator[AuditEntry]:
    """The price of every whole container (GPU, CPU and memory) against the rate card."""
    priced = [(side, side.configuration) for side in claim.sides if side.configuration is not None]
    if len(priced) < len(claim.sides):
        return
    saving, details = Fraction(0), []
    for side, configuration in priced:
        listed, arithmetic = claim.card.container(configuration)
        calls = side.line.calls_per_hour * HOURS_PER_DAY
        saving += listed * calls if side.name == "before" else -listed * calls
        claimed = figure(side.usd_per_hour, Unit.USD_PER_HOUR)
        details.append(Detail(side.line.function, side.name, claimed, figure(listed, Unit.USD_PER_HOUR), arithmetic))
    if all(detail.published == detail.computed for detail in details):
        return
    published = figure(claim.saving_per_day, Unit.USD_PER_DAY)
    computed = figure(saving, Unit.USD_PER_DAY)
    yield AuditEntry(
        code=AuditCode.CONTAINER_PRICE,
        severity=Severity.WARNING,
        subject=claim.subject,
        statement=f"At the rate card's price of each whole container the lines would come to {computed.text} a day, "
        f"not {published.text}, still at an hour per call.",
        arithmetic=f"Σ (container before − container after) × calls × {HOURS_PER_DAY} = {number(saving)}",
        published=published,
        computed=computed,
        details=tuple(details),
    )


def one_machine_at_two_prices(claim: Claim) -> Iterator[AuditEntry]:
    """One configuration that the claim prices twice."""
    machines: dict[tuple[object, ...], list[Side]] = {}
    for side in claim.sides:
        if side.machine is not None:
            machines.setdefault(side.machine, []).append(side)
    for sides in machines.values():
        configuration = sides[0].configuration
        prices = {side.usd_per_hour for side in sides}
        if len(prices) < 2 or configuration is None:
            continue
        listed, arithmetic = claim.card.container(configuration)
        published = figure_range(Fraction(min(prices)), Fraction(max(prices)), Unit.USD_PER_HOUR)
        computed = figure(listed, Unit.USD_PER_HOUR)
        memory = f"{claim.card.memory_mib(configuration):,} MiB"
        yield AuditEntry(
            code=AuditCode.TWO_PRICES,
            severity=Severity.WARNING,
            subject=configuration.gpu or "CPU",
            statement=f"The claim gives one configuration ({configuration.gpu or 'no GPU'}, {memory}) {len(prices)} "
            f"prices, {published.text} an hour; by the rate card it costs {computed.text}.",
            arithmetic=arithmetic,
            published=published,
            computed=computed,
            details=tuple(
                Detail(side.line.function, side.name, figure(side.usd_per_hour, Unit.USD_PER_HOUR), computed, memory)
                for side in sides
            ),
        )


def memory_prices(claim: Claim) -> Iterator[AuditEntry]:
    """The price change of a function that changes its memory alone against the rate card."""
    for line in claim.lines:
        before, after = claim.before(line.function), claim.after(line.function)
        if before is None or after is None or not _differ_by_memory_alone(before, after):
            continue
        mib = claim.card.memory_mib(before) - claim.card.memory_mib(after)
        listed = Fraction(mib, MIB_PER_GIB) * Fraction(claim.card.memory_usd_per_gib_hour)
        published = figure(line.before_usd_per_hour - line.after_usd_per_hour, Unit.USD_PER_HOUR)
        computed = figure(listed, Unit.USD_PER_HOUR)
        if published == computed:
            continue
        yield AuditEntry(
            code=AuditCode.MEMORY_PRICE,
            severity=Severity.WARNING,
            subject=line.function,
            statement=f"{line.function} changes only its memory, by {number(Fraction(mib, MIB_PER_GIB))} GiB: the "
            f"claim lowers its price by {published.text} an hour, the rate card by {computed.text}.",
            arithmetic=f"{number(Fraction(mib, MIB_PER_GIB))} GiB × {number(claim.card.memory_usd_per_gib_hour)} = "
            f"{number(listed)}",
            published=published,
            computed=computed,
        )


def _differ_by_memory_alone(before: Configuration, after: Configuration) -> bool:
    same = (before.gpu, before.gpu_count, before.cpu_cores) == (after.gpu, after.gpu_count, after.cpu_cores)
    return same and before.memory_mib != after.memory_mib
