"""The programme: phases, claim, guardrail margins and adjustments of the catalog, resolved for a measurement."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from tieout.catalog.models import Adjustment, Catalog, Margins, Phase, ProjectionLine


@dataclass(frozen=True)
class GpuUse:
    """Whether the catalog gives a function a GPU before the rollout, and in its last phase."""

    before: bool
    after: bool


@dataclass(frozen=True)
class Programme:
    """What the catalog says that a measurement needs, resolved once.

    Attributes:
        phases: in order of deployment.
        lines: the claim by function.
        functions: every catalogued function, in order.
        apps: by function and phase, the app that it runs on.
        gpus: by function, whether the catalog gives it a GPU.
        margins: of the guardrails.
        adjustments: the ledger of non-routine adjustments.
        published_usd_per_day: the claim's total as printed; None when it printed none.
        claimed_before_usd_per_day: what the claim says everything cost before; None likewise.
    """

    phases: tuple[Phase, ...]
    lines: Mapping[str, ProjectionLine]
    functions: tuple[str, ...]
    apps: Mapping[tuple[str, str], str]
    gpus: Mapping[str, GpuUse]
    margins: Margins
    adjustments: tuple[Adjustment, ...]
    published_usd_per_day: Decimal | None
    claimed_before_usd_per_day: Decimal | None

    @classmethod
    def of(cls, catalog: Catalog) -> "Programme":
        """Resolve a catalog."""
        published = catalog.projection.published
        return cls(
            phases=tuple(sorted(catalog.rollout.phases, key=lambda phase: phase.deployed_at)),
            lines={line.function: line for line in catalog.projection.lines},
            functions=tuple(function.name for function in catalog.functions.functions),
            apps={
                (function.name, configuration.phase): configuration.app
                for function in catalog.functions.functions
                for configuration in function.configurations
            },
            gpus={
                function.name: GpuUse(
                    before=function.configurations[0].gpu is not None, after=function.configurations[-1].gpu is not None
                )
                for function in catalog.functions.functions
            },
            margins=catalog.rollout.guardrails.margins(),
            adjustments=catalog.adjustments.adjustments,
            published_usd_per_day=published.saving_usd_per_day if published else None,
            claimed_before_usd_per_day=published.before_usd_per_day if published else None,
        )

    @property
    def deployment_days(self) -> dict[str, dt.date]:
        """Day of deployment by phase."""
        return {phase.id: phase.deployed_at.date() for phase in self.phases}

    def app_of(self, function: str, phase: str | None) -> str:
        """The app of a function in a phase; in another phase, or none, the last that the catalog names.

        Raises:
            KeyError: the catalog lacks the function.
        """
        known = {own: app for (name, own), app in self.apps.items() if name == function}
        if not known:
            raise KeyError(function)
        return known.get(phase or "", [*known.values()][-1])

    def phases_of(self, function: str) -> list[Phase]:
        """The phases that change a function, in order of deployment."""
        return [phase for phase in self.phases if function in phase.functions]
