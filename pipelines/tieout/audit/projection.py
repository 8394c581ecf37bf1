"""The audit of the projection: what the claim says, computed again from its own figures.

Every figure comes from the catalog (`projection.yaml`, `rollout.yaml`, `functions.yaml`, `prices.yaml`); the checks
hold the arithmetic and the calendar, no figure of any programme (docs/reference/rules.md, "Projection audit"). A line
of the claim is a price per hour times calls per hour, as if each call lasted an hour; the bridge (`savings.bridge`)
puts the measured seconds of a call in the hour's place.
"""

from collections.abc import Callable, Iterator

from tieout.audit import phase_splits, premises, prices, promises, savings
from tieout.audit.claim import Claim
from tieout.audit.entries import AuditEntry
from tieout.catalog.models import Catalog

CHECKS: tuple[Callable[[Claim], Iterator[AuditEntry]], ...] = (
    savings.saving_per_function,
    savings.costs_before_and_after,
    savings.saving_per_day,
    savings.saving_per_month,
    savings.break_even,
    promises.weekly_promises,
    promises.first_week,
    promises.phase_ranges,
    phase_splits.phase_splits,
    promises.gpu_removals,
    promises.immediate_saving,
    promises.unprojected_cuts,
    premises.implied_seconds,
    premises.timeout_bound,
    premises.always_on,
    prices.gpu_prices,
    prices.container_prices,
    prices.one_machine_at_two_prices,
    prices.memory_prices,
)


def audit_projection(catalog: Catalog) -> list[AuditEntry]:
    """Hold the claim against its own figures, the rate card and the configurations of the catalog.

    An entry whose figures the catalog lacks is left out: without lines there is no audit at all.

    Args:
        catalog: the programme; the prices are those of the day of the first deployment.
    """
    if not catalog.projection.lines:
        return []
    claim = Claim(catalog)
    return [entry for check in CHECKS for entry in check(claim)]
