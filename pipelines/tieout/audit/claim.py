"""The claim of the catalog: its lines, prices and configurations, with the sums that its audit needs, exact."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from tieout.catalog.models import BASELINE, Catalog, Configuration, Phase, Price, Prices, ProjectionLine, Resource
from tieout.core.figures import Figure, Unit, number
from tieout.core.periods import HOURS_PER_DAY, SECONDS_PER_HOUR

MIB_PER_GIB = 1024


def line_saving(line: ProjectionLine) -> Fraction:
    """What a line of the claim saves in dollars a day, by its own arithmetic: price per hour × calls per hour × 24."""
    cut = Fraction(line.before_usd_per_hour) - Fraction(line.after_usd_per_hour)
    return cut * line.calls_per_hour * HOURS_PER_DAY


@dataclass(frozen=True)
class Side:
    """One price of one line: before or after, with the configuration it is meant for."""

    line: ProjectionLine
    name: str
    usd_per_hour: Decimal
    configuration: Configuration | None

    @property
    def machine(self) -> tuple[object, ...] | None:
        """What is rented by the hour; equal machines cost the same."""
        c = self.configuration
        return None if c is None else (c.gpu, c.gpu_count if c.gpu else 0, c.cpu_cores, c.memory_mib)


class Claim:
    """The catalog's claim with the sums that several entries need, exact."""

    def __init__(self, catalog: Catalog) -> None:
        """Take the claim from a catalog; its prices are those of the day of the first deployment."""
        self.catalog = catalog
        self.subject = catalog.rollout.programme
        self.lines = catalog.projection.lines
        self.claims = catalog.projection.claims
        self.published = catalog.projection.published
        self.card = RateCard(catalog.prices, _first_deployment(catalog))
        order = {phase: i for i, phase in enumerate([BASELINE, *(phase.id for phase in catalog.rollout.phases)])}
        self._configurations = {
            function.name: sorted(function.configurations, key=lambda c: order[c.phase])
            for function in catalog.functions.functions
        }

    @cached_property
    def before_per_hour(self) -> Fraction:
        """Dollars an hour before the change, by the lines."""
        return sum((Fraction(line.before_usd_per_hour) * line.calls_per_hour for line in self.lines), Fraction(0))

    @cached_property
    def after_per_hour(self) -> Fraction:
        """Dollars an hour after the change, by the lines."""
        return sum((Fraction(line.after_usd_per_hour) * line.calls_per_hour for line in self.lines), Fraction(0))

    @property
    def saving_per_day(self) -> Fraction:
        """Dollars a day that the lines save."""
        return (self.before_per_hour - self.after_per_hour) * HOURS_PER_DAY

    @cached_property
    def implied_seconds(self) -> Fraction:
        """Seconds per call that the published hourly cost implies at the published prices and calls."""
        if self.published is None or not self.before_per_hour:
            return Fraction(SECONDS_PER_HOUR)
        return Fraction(self.published.before_usd_per_hour) * SECONDS_PER_HOUR / self.before_per_hour

    @property
    def promised(self) -> list[tuple[Phase, Figure]]:
        """The phases that were promised a range, with the range."""
        return [
            (phase, Figure(phase.promised_usd_per_day.low, phase.promised_usd_per_day.high, Unit.USD_PER_DAY))
            for phase in self.catalog.rollout.phases
            if phase.promised_usd_per_day is not None
        ]

    def before(self, function: str) -> Configuration | None:
        """The configuration of the baseline."""
        return next((c for c in self._configurations.get(function, ()) if c.phase == BASELINE), None)

    def after(self, function: str) -> Configuration | None:
        """The configuration of the last phase that changes the function; its baseline when none does."""
        configurations = self._configurations.get(function, ())
        return configurations[-1] if configurations else None

    @cached_property
    def sides(self) -> list[Side]:
        """Both prices of every line, line by line."""
        return [
            side
            for line in self.lines
            for side in (
                Side(line, "before", line.before_usd_per_hour, self.before(line.function)),
                Side(line, "after", line.after_usd_per_hour, self.after(line.function)),
            )
        ]


class RateCard:
    """List prices on one day."""

    def __init__(self, prices: Prices, day: dt.date) -> None:
        """Pick the prices of a day; before the first one the earliest stands in."""
        self._prices = prices
        self.usd_per_hour = {resource.name: _price_on(resource, day).usd_per_hour for resource in prices.resources}
        self.gpus = [resource.name for resource in prices.resources if resource.kind == "gpu"]

    def _of_kind(self, kind: str) -> Decimal:
        name = next((resource.name for resource in self._prices.resources if resource.kind == kind), None)
        return self.usd_per_hour[name] if name is not None else Decimal(0)

    @property
    def memory_usd_per_gib_hour(self) -> Decimal:
        """The price of a GiB."""
        return self._of_kind("memory")

    def memory_mib(self, configuration: Configuration) -> int:
        """The memory requested, Modal's default when none is."""
        return configuration.memory_mib or self._prices.defaults.memory_mib

    def container(self, configuration: Configuration) -> tuple[Fraction, str]:
        """Dollars an hour of one container at the requested resources, and how they come about."""
        cores = configuration.cpu_cores or self._prices.defaults.cpu_cores
        gib = Fraction(self.memory_mib(configuration), MIB_PER_GIB)
        terms = [(Fraction(cores), self._of_kind("cpu"), "CPU"), (gib, self.memory_usd_per_gib_hour, "GiB")]
        if configuration.gpu is not None:
            price = self.usd_per_hour[configuration.gpu]
            terms.insert(0, (Fraction(configuration.gpu_count), price, configuration.gpu))
        total = sum((quantity * Fraction(price) for quantity, price, _ in terms), Fraction(0))
        written = " + ".join(f"{number(quantity)} {name} × {number(price)}" for quantity, price, name in terms)
        return total, f"{written} = {number(total)}"


def _price_on(resource: Resource, day: dt.date) -> Price:
    prices = sorted(resource.prices, key=lambda price: price.valid_from)
    return next((price for price in reversed(prices) if price.valid_from <= day), prices[0])


def _first_deployment(catalog: Catalog) -> dt.date:
    deployed = [phase.deployed_at.date() for phase in catalog.rollout.phases]
    return min(deployed, default=dt.date.max)
