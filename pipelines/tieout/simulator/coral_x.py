"""The built-in worlds: CORAL-X as the cost analysis describes it, CORAL-X as really deployed, and larger copies.

Scenarios are data. Prices are Modal's list prices of autumn 2026; configurations are those of the analysis
(`coral-x`) and of the deployed source (`as-deployed`).
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from tieout.simulator.configuration import Behaviour, ContainerConfiguration, DeployedFunction
from tieout.simulator.ids import object_id
from tieout.simulator.scenario import (
    App,
    Demand,
    Deployment,
    PriceChange,
    PriceList,
    Scenario,
    SimulatedFunction,
    SimulatedRollout,
    StayingCallers,
    Volume,
)

OLD_APP = "coral-x-production"
NEW_APP = "coral-x-production-optimized"
PHASE_1 = dt.datetime(2026, 10, 19, 10, 40, tzinfo=dt.UTC)
PHASE_2 = dt.datetime(2026, 11, 2, 14, 20, tzinfo=dt.UTC)

PROGRESS = "get_evolution_progress_modal"
ALERTS = "get_emergent_alerts_modal"
RESULTS = "save_realtime_results_modal"
GENERATE = "generate_code_modal"
EVALUATE = "evaluate_genome_modal"
SETUP = "setup_quixbugs_dataset_modal"
ENSURE = "ensure_dependencies_modal"
EXPERIMENT = "run_experiment_modal"
TRAIN = "train_lora_modal"
CHECK_CODE = "evaluate_code_modal"

PHASE_2_FUNCTIONS = (EVALUATE, EXPERIMENT, TRAIN)

WORKING_HOURS = (
    (0.55,) * 5
    + (0.65, 0.8, 1.0, 1.2, 1.35, 1.4, 1.4, 1.3, 1.35, 1.45, 1.45, 1.4, 1.3, 1.15, 1.05)
    + (
        0.95,
        0.85,
        0.7,
        0.6,
    )
)
WORKING_WEEK = (1.05, 1.12, 1.1, 1.08, 1.05, 0.82, 0.78)

LIST_PRICES: Mapping[str, Decimal] = {
    "cpu_hour_cost": Decimal("0.04730"),
    "cpu_hour_cost_sandbox": Decimal("0.14190"),
    "gpu_hour_cost_a100_40gb": Decimal("2.10000"),
    "gpu_hour_cost_a100_80gb": Decimal("2.50000"),
    "gpu_hour_cost_a10g": Decimal("1.10000"),
    "gpu_hour_cost_b200": Decimal("6.25000"),
    "gpu_hour_cost_b300": Decimal("7.10000"),
    "gpu_hour_cost_h100": Decimal("3.95000"),
    "gpu_hour_cost_h200": Decimal("4.54000"),
    "gpu_hour_cost_l4": Decimal("0.80000"),
    "gpu_hour_cost_l40s": Decimal("1.95000"),
    "gpu_hour_cost_rtx6000": Decimal("3.03000"),
    "gpu_hour_cost_t4": Decimal("0.59000"),
    "mem_gib_hour_cost": Decimal("0.00800"),
    "mem_gib_hour_cost_sandbox": Decimal("0.02400"),
    "volume_storage_gib_month_cost": Decimal("0.09000"),
}

PRICES = PriceList(
    usd_per_hour=LIST_PRICES,
    changes=(PriceChange("gpu_hour_cost_a10g", Decimal("1.05000"), dt.date(2026, 11, 9)),),
    bill_labels={"A10G": "Nvidia A10G"},
)


def _demand(calls_per_hour: float, burst_share: float = 0.25, burst_size: float = 4.0) -> Demand:
    return Demand(
        calls_per_hour=calls_per_hour,
        weekday_weights=WORKING_WEEK,
        hour_weights=WORKING_HOURS,
        burst_share=burst_share,
        burst_size=burst_size,
    )


DEMANDS: Mapping[str, Demand] = {
    PROGRESS: _demand(20, burst_share=0.1, burst_size=2.0),
    ALERTS: _demand(15, burst_share=0.1, burst_size=2.0),
    RESULTS: _demand(8, burst_share=0.2, burst_size=3.0),
    GENERATE: _demand(50, burst_share=0.45, burst_size=5.0),
    EVALUATE: _demand(30, burst_share=0.4, burst_size=4.0),
    SETUP: _demand(4 / 24, burst_share=0.0),
    ENSURE: _demand(6 / 24, burst_share=0.0),
    EXPERIMENT: _demand(3 / 24, burst_share=0.0),
    TRAIN: _demand(10 / 24, burst_share=0.2, burst_size=2.0),
    CHECK_CODE: _demand(30, burst_share=0.4, burst_size=4.0),
}

_GPU_GLANCE = Behaviour(
    median_seconds=0.9,
    spread=0.45,
    cold_start_seconds=(8.0, 14.0),
    millicores_executing=(700, 1200),
    memory_mib_used=(900, 1800),
)
_CPU_GLANCE = replace(
    _GPU_GLANCE, cold_start_seconds=(2.0, 5.0), millicores_executing=(250, 700), memory_mib_used=(180, 330)
)
_GPU_SAVE = replace(_GPU_GLANCE, median_seconds=2.0, spread=0.4, memory_mib_used=(700, 2300))
_CPU_SAVE = replace(_CPU_GLANCE, median_seconds=2.1, spread=0.4, memory_mib_used=(300, 900))
_GENERATE_A100 = Behaviour(
    median_seconds=34.0,
    spread=0.32,
    cold_start_seconds=(20.0, 38.0),
    millicores_executing=(850, 1150),
    memory_mib_used=(5200, 9000),
    failure_rate=0.008,
    oom_rate=0.0004,
    hang_rate=0.0003,
    preemptions_per_hour=0.03,
)
_GENERATE_A10G = replace(_GENERATE_A100, median_seconds=37.4, cold_start_seconds=(22.0, 40.0), oom_rate=0.0006)
_EVALUATE_32 = Behaviour(
    median_seconds=84.0,
    spread=0.22,
    cold_start_seconds=(25.0, 45.0),
    millicores_executing=(900, 1400),
    memory_mib_used=(9000, 18000),
    failure_rate=0.01,
    oom_rate=0.0003,
    hang_rate=0.0002,
    preemptions_per_hour=0.03,
)
_EVALUATE_16 = replace(_EVALUATE_32, oom_rate=0.0006)
_FILES = Behaviour(
    median_seconds=45.0,
    spread=0.4,
    cold_start_seconds=(2.0, 6.0),
    millicores_executing=(600, 2400),
    memory_mib_used=(500, 1700),
)
_EXPERIMENT_RUN = Behaviour(
    median_seconds=5400.0,
    spread=0.5,
    cold_start_seconds=(25.0, 45.0),
    millicores_executing=(700, 1100),
    memory_mib_used=(6000, 14000),
    failure_rate=0.03,
    preemptions_per_hour=0.03,
)
_TRAINING = replace(_EVALUATE_32, median_seconds=420.0, spread=0.3)
_CODE_CHECK = Behaviour(
    median_seconds=9.0,
    spread=0.5,
    cold_start_seconds=(2.0, 6.0),
    millicores_executing=(1500, 4200),
    memory_mib_used=(600, 3600),
    failure_rate=0.012,
)


def _gpu(gpu_type: str, memory_mib: int, timeout_seconds: int) -> ContainerConfiguration:
    return ContainerConfiguration(gpu_type, None, memory_mib, timeout_seconds)


def _cpu(cores: int, memory_mib: int, timeout_seconds: int) -> ContainerConfiguration:
    return ContainerConfiguration(None, cores * 1000, memory_mib, timeout_seconds)


_MOVED_AS_ANALYSED: Mapping[str, DeployedFunction] = {
    PROGRESS: DeployedFunction(replace(_cpu(1, 512, 30), concurrent_inputs=4), _CPU_GLANCE),
    ALERTS: DeployedFunction(_cpu(1, 512, 30), _CPU_GLANCE),
    RESULTS: DeployedFunction(_cpu(1, 1024, 300), _CPU_SAVE),
    GENERATE: DeployedFunction(replace(_gpu("A10G", 8192, 600), max_containers=20), _GENERATE_A10G),
    SETUP: DeployedFunction(_cpu(2, 2048, 600), _FILES),
    ENSURE: DeployedFunction(_cpu(2, 2048, 600), _FILES),
    EVALUATE: DeployedFunction(replace(_gpu("A100-40GB", 16384, 1800), max_containers=16), _EVALUATE_16),
}
_HEAVY_BEFORE: Mapping[str, DeployedFunction] = {
    GENERATE: DeployedFunction(replace(_gpu("A100-40GB", 16384, 1800), max_containers=20), _GENERATE_A100),
    EVALUATE: DeployedFunction(replace(_gpu("A100-40GB", 32768, 1800), max_containers=16), _EVALUATE_32),
    SETUP: DeployedFunction(_cpu(2, 4096, 600), _FILES),
    ENSURE: DeployedFunction(_cpu(2, 4096, 1800), _FILES),
}

ANALYSED_BEFORE: Mapping[str, DeployedFunction] = {
    PROGRESS: DeployedFunction(_gpu("A100-40GB", 16384, 1800), _GPU_GLANCE),
    ALERTS: DeployedFunction(_gpu("A100-40GB", 16384, 1800), _GPU_GLANCE),
    RESULTS: DeployedFunction(_gpu("A100-40GB", 2048, 1800), _GPU_SAVE),
    **_HEAVY_BEFORE,
}

DEPLOYED_BEFORE: Mapping[str, DeployedFunction] = {
    PROGRESS: DeployedFunction(_cpu(1, 1024, 30), _CPU_GLANCE),
    ALERTS: DeployedFunction(_cpu(1, 1024, 30), _CPU_GLANCE),
    RESULTS: DeployedFunction(_cpu(1, 2048, 300), _CPU_SAVE),
    **_HEAVY_BEFORE,
    EXPERIMENT: DeployedFunction(_gpu("A100-40GB", 32768, 43200), _EXPERIMENT_RUN),
    TRAIN: DeployedFunction(_gpu("A100-40GB", 32768, 1800), _TRAINING),
    CHECK_CODE: DeployedFunction(_cpu(4, 8192, 600), _CODE_CHECK),
}
_MOVED_AS_DEPLOYED: Mapping[str, DeployedFunction] = {
    **_MOVED_AS_ANALYSED,
    PROGRESS: DeployedFunction(replace(_cpu(1, 512, 30), concurrent_inputs=4, min_containers=1), _CPU_GLANCE),
    EXPERIMENT: DeployedFunction(_gpu("A100-40GB", 16384, 21600), _EXPERIMENT_RUN),
    TRAIN: DeployedFunction(_gpu("A100-40GB", 16384, 1800), _TRAINING),
    CHECK_CODE: DeployedFunction(_cpu(4, 4096, 300), _CODE_CHECK),
}


def _apps(
    before: Mapping[str, DeployedFunction],
    phase_1: Mapping[str, DeployedFunction],
    phase_2: Mapping[str, DeployedFunction],
) -> tuple[App, ...]:
    return (
        App(
            OLD_APP,
            "ap-6Vw0cXq2mTzr1Yb9LkHn3S",
            (Deployment(OLD_APP, 3, None, before, commit="50d245e*"),),
            tags={"team": "evolution"},
        ),
        App(
            NEW_APP,
            "ap-9QhT7Jd4eKx2Zs8WvBp5Ru",
            (
                Deployment(NEW_APP, 1, PHASE_1, phase_1, commit="ef8b3d0"),
                Deployment(NEW_APP, 2, PHASE_2, {**phase_1, **phase_2}, commit="a41c97d"),
            ),
        ),
    )


def _world(
    name: str,
    before: Mapping[str, DeployedFunction],
    after: Mapping[str, DeployedFunction],
    staying: StayingCallers,
) -> Scenario:
    phase_1 = {function: deployed for function, deployed in after.items() if function not in PHASE_2_FUNCTIONS}
    phase_2 = {function: deployed for function, deployed in after.items() if function in PHASE_2_FUNCTIONS}
    return Scenario(
        name=name,
        environment="main",
        rollout_monday=dt.date(2026, 10, 19),
        functions=tuple(SimulatedFunction(function, OLD_APP, DEMANDS[function]) for function in before),
        apps=_apps(before, phase_1, phase_2),
        rollouts=(
            *(SimulatedRollout(function, NEW_APP, PHASE_1, staying) for function in phase_1),
            *(SimulatedRollout(function, NEW_APP, PHASE_2, staying) for function in phase_2),
        ),
        volumes=(Volume("coral-x-clean-cache", "vo-2Fb8nMkY6tRj4Lc0XsQw1Z", first_gib=31.0, gib_per_day=0.4),),
        prices=PRICES,
    )


SCENARIOS: Mapping[str, Scenario] = {
    "coral-x": _world(
        "coral-x",
        before=ANALYSED_BEFORE,
        after=_MOVED_AS_ANALYSED,
        staying=StayingCallers(first_share=0.04, last_share=0.01, fade_days=10),
    ),
    "as-deployed": _world(
        "as-deployed",
        before=DEPLOYED_BEFORE,
        after=_MOVED_AS_DEPLOYED,
        staying=StayingCallers(first_share=0.35, last_share=0.35),
    ),
}


def larger(scenario: Scenario, *, functions: int, calls_per_day: float) -> Scenario:
    """Return a workspace of that many functions and calls a day, made of copies of a scenario.

    Copy 0 keeps all names; copy k has its own apps and functions with the suffix `-k` or `_k`. Demands keep their
    proportions within a copy.

    Raises:
        ValueError: fewer than one function or no calls.
    """
    if functions < 1 or calls_per_day <= 0:
        raise ValueError(
            f"a workspace needs functions and calls, not {functions} functions, {calls_per_day} calls a day"
        )
    copies = [_copy(scenario, k) for k in range(-(-functions // len(scenario.functions)))]
    kept = tuple(function for copy in copies for function in copy.functions)[:functions]
    names = {function.name for function in kept}
    factor = calls_per_day / (24 * sum(function.demand.calls_per_hour for function in kept))
    return replace(
        scenario,
        name=f"{scenario.name}-{functions}",
        functions=tuple(
            replace(f, demand=replace(f.demand, calls_per_hour=f.demand.calls_per_hour * factor)) for f in kept
        ),
        apps=tuple(_only(app, names) for copy in copies for app in copy.apps),
        rollouts=tuple(rollout for copy in copies for rollout in copy.rollouts if rollout.function in names),
    )


def _copy(scenario: Scenario, k: int) -> Scenario:
    if k == 0:
        return scenario
    return replace(
        scenario,
        functions=tuple(replace(f, name=f"{f.name}_{k}", home_app=f"{f.home_app}-{k}") for f in scenario.functions),
        apps=tuple(_copied_app(app, k) for app in scenario.apps),
        rollouts=tuple(replace(r, function=f"{r.function}_{k}", app=f"{r.app}-{k}") for r in scenario.rollouts),
    )


def _copied_app(app: App, k: int) -> App:
    name = f"{app.name}-{k}"
    deployments = tuple(
        replace(d, app=name, functions={f"{function}_{k}": deployed for function, deployed in d.functions.items()})
        for d in app.deployments
    )
    return replace(app, name=name, app_id=object_id("ap", name), deployments=deployments)


def _only(app: App, functions: set[str]) -> App:
    deployments = tuple(
        replace(d, functions={name: deployed for name, deployed in d.functions.items() if name in functions})
        for d in app.deployments
    )
    return replace(app, deployments=deployments)
