"""Building blocks of scenarios: functions that use less than they request, and the prices of autumn 2026."""

from decimal import Decimal

from tieout.simulator.configuration import Behaviour, ContainerConfiguration, DeployedFunction
from tieout.simulator.coral_x import LIST_PRICES, WORKING_HOURS, WORKING_WEEK
from tieout.simulator.laws import AS_THE_RULES_SAY, Laws
from tieout.simulator.scenario import BillHabits, Demand, PriceChange, PriceList

GPU_COLD_START_SECONDS = (8.0, 25.0)
CPU_COLD_START_SECONDS = (1.5, 5.0)
_LEAST_USE, _MOST_USE = 0.35, 0.9

# The bill as it finally is: no correction, no credits that hide an amount.
SETTLED = BillHabits(late_hours=0, restated_week_from_end=None)


def prices(*changes: PriceChange) -> PriceList:
    """Return Modal's list prices of autumn 2026, with later changes."""
    return PriceList(usd_per_hour=LIST_PRICES, changes=changes)


def price(name: str) -> Decimal:
    """Return a list price in $/h by its name in `modal billing rates`."""
    return LIST_PRICES[name]


def workload(
    gpu: str | None,
    *,
    cores: float,
    memory_mib: int,
    seconds: float,
    spread: float = 0.4,
    window_seconds: int = 60,
    laws: Laws = AS_THE_RULES_SAY,
) -> DeployedFunction:
    """Return a function that uses less CPU and memory than it requests, and whose containers nothing kills.

    Args:
        gpu: Modal's name of the GPU, or None.
        cores: requested.
        memory_mib: requested.
        seconds: median execution time.
        spread: standard deviation of its logarithm.
        window_seconds: scaledown window.
        laws: how Modal treats its containers.
    """
    millicores = round(cores * 1000)
    return DeployedFunction(
        ContainerConfiguration(
            gpu, millicores, memory_mib, timeout_seconds=7200, scaledown_window_seconds=window_seconds
        ),
        Behaviour(
            median_seconds=seconds,
            spread=spread,
            cold_start_seconds=GPU_COLD_START_SECONDS if gpu else CPU_COLD_START_SECONDS,
            millicores_executing=(round(millicores * _LEAST_USE), round(millicores * _MOST_USE)),
            memory_mib_used=(round(memory_mib * _LEAST_USE), round(memory_mib * _MOST_USE)),
            init_failure_rate=0.0,
            preemptions_per_hour=0.0,
        ),
        laws,
    )


def working_week(calls_per_day: float, *, burst_share: float = 0.25, burst_size: float = 4.0) -> Demand:
    """Return a demand that follows working hours."""
    return Demand(
        calls_per_day / 24,
        weekday_weights=WORKING_WEEK,
        hour_weights=WORKING_HOURS,
        burst_share=burst_share,
        burst_size=burst_size,
    )
