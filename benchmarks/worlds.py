"""Small workspaces, each of which breaks one belief about Modal that an attribution may hold.

All are the same six functions in one app, three pairs that share a resource, and differ in one law of
`tieout.simulator.laws` or in one thing that runs beside them. In `nothing_broken` every container lives as the
documentation says, so whatever is wrong there is the attribution's own.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tieout.simulator import Scenario
from tieout.simulator.configuration import ContainerConfiguration, DeployedFunction, Variant
from tieout.simulator.ids import object_id
from tieout.simulator.laws import AS_THE_RULES_SAY, InitCrashes, LogHabits, PlacementWait, UseLaw
from tieout.simulator.programme import no_programme
from tieout.simulator.scenario import App, Deployment, Fleet, FleetKind, Maps, PriceChange, SimulatedFunction
from tieout.simulator.workloads import SETTLED, price, prices, working_week, workload

APP = "studio"
WEEKS = 2
MONDAY = dt.date(2026, 10, 19)
CALLS_PER_DAY = {"embed": 300, "rank": 200, "train": 150, "generate": 160, "fetch": 320, "check": 280}

_FUNCTIONS: Mapping[str, DeployedFunction] = {
    "embed": workload("A10G", cores=2, memory_mib=8192, seconds=6),
    "rank": workload("A10G", cores=2, memory_mib=8192, seconds=20),
    "train": workload("A100-40GB", cores=4, memory_mib=32768, seconds=90),
    "generate": workload("A100-40GB", cores=2, memory_mib=16384, seconds=35, window_seconds=300),
    "fetch": workload(None, cores=1, memory_mib=1024, seconds=15),
    "check": workload(None, cores=2, memory_mib=4096, seconds=4, window_seconds=120),
}


_USE = replace(AS_THE_RULES_SAY, use=UseLaw())


def _world(functions: Mapping[str, DeployedFunction] = _FUNCTIONS) -> Scenario:
    app = App(APP, object_id("ap", APP), (Deployment(APP, 1, None, functions, commit="0c4d1f2"),))
    return Scenario(
        name="",
        environment="main",
        rollout_monday=MONDAY,
        functions=tuple(SimulatedFunction(name, APP, working_week(CALLS_PER_DAY.get(name, 0))) for name in functions),
        apps=(app,),
        rollouts=(),
        volumes=(),
        prices=prices(),
        bill=SETTLED,
        catalog=no_programme(),
    )


def _lawful(*names: str, **changes: Any) -> Scenario:
    """Return the world in which other laws hold for some functions, for all if none is named."""
    changed = {
        name: replace(deployed, laws=replace(AS_THE_RULES_SAY, **changes)) if not names or name in names else deployed
        for name, deployed in _FUNCTIONS.items()
    }
    return _world(changed)


def _configured(name: str, **changes: Any) -> Scenario:
    """Return the world in which one function asks for something else."""
    return _world({**_FUNCTIONS, name: _with(_FUNCTIONS[name], **changes)})


def _with(deployed: DeployedFunction, **changes: Any) -> DeployedFunction:
    return replace(deployed, configuration=replace(deployed.configuration, **changes))


def _tails_differ() -> Scenario:
    shares = {"embed": (0.1, 0.5), "rank": (0.6, 1.0), "train": (1.0, 1.0), "generate": (0.2, 0.4), "check": (0.5, 0.5)}
    return _world(
        {
            name: replace(deployed, laws=replace(AS_THE_RULES_SAY, idle_share=shares.get(name, (1.0, 1.0))))
            for name, deployed in _FUNCTIONS.items()
        }
    )


def _buffered() -> Scenario:
    buffered = {name: _with(_FUNCTIONS[name], buffer_containers=1) for name in ("rank", "generate")}
    return _world({**_FUNCTIONS, **buffered})


def _warm_without_calls() -> Scenario:
    web = _with(workload("A10G", cores=1, memory_mib=2048, seconds=1), min_containers=1)
    return _world({**_FUNCTIONS, "web": web})


def _greedy(name: str, **changes: Any) -> DeployedFunction:
    deployed = _FUNCTIONS[name]
    behaviour = replace(deployed.behaviour, millicores_executing=(800, 2500), memory_mib_used=(3000, 9000))
    configuration = replace(deployed.configuration, **changes)
    return replace(deployed, configuration=configuration, behaviour=behaviour)


def _cpu_above_request() -> Scenario:
    greedy = {name: _greedy(name, cpu_millicores=500, memory_mib=16384) for name in ("rank", "fetch")}
    return _world({**_FUNCTIONS, **greedy})


def _memory_above_request() -> Scenario:
    greedy = {name: _greedy(name, cpu_millicores=4000, memory_mib=512) for name in ("rank", "fetch")}
    return _world({**_FUNCTIONS, **greedy})


def _nothing_requested() -> Scenario:
    greedy = {name: replace(_greedy(name, cpu_millicores=None, memory_mib=None), laws=_USE) for name in _FUNCTIONS}
    return _world(greedy)


def _crash_loop() -> Scenario:
    return _lawful("rank", crashes=InitCrashes(1.0, seconds=(60.0, 300.0), hours=(9, 10, 11, 12)))


def _gpu_fallback() -> Scenario:
    choices = (("H100", 1), ("A100-40GB", 1))
    flexible = _with(_FUNCTIONS["generate"], gpu_type="H100", gpu_choices=choices)
    flexible = replace(flexible, laws=replace(AS_THE_RULES_SAY, first_choice_share=0.5))
    return _world({**_FUNCTIONS, "generate": flexible})


def _variants() -> Scenario:
    embed = _FUNCTIONS["embed"]
    larger = replace(embed.configuration, gpu_type="A100-40GB")
    return _world({**_FUNCTIONS, "embed": replace(embed, variants=(Variant("large", 0.3, larger, embed.behaviour),))})


def _beside(fleet: Fleet) -> Scenario:
    return replace(_world(), fleets=(fleet,))


def _server() -> Scenario:
    deployed = workload("A10G", cores=2, memory_mib=8192, seconds=1)
    configuration = replace(deployed.configuration, min_containers=1)
    return _beside(Fleet(FleetKind.SERVER, "llm", APP, configuration, deployed.behaviour, starts_per_hour=1.0))


def _sandboxes(*, is_apart: bool) -> Scenario:
    deployed = workload(None, cores=1, memory_mib=2048, seconds=1)
    return _beside(
        Fleet(
            FleetKind.SANDBOX,
            "tools",
            APP,
            ContainerConfiguration(None, 1000, 2048, 3600),
            deployed.behaviour,
            starts_per_hour=2.0,
            median_seconds=600.0,
            is_apart=is_apart,
        )
    )


def _modal_run() -> Scenario:
    deployed = workload("A100-40GB", cores=4, memory_mib=32768, seconds=1)
    return _beside(
        Fleet(
            FleetKind.RUN,
            "run",
            APP,
            deployed.configuration,
            deployed.behaviour,
            starts_per_hour=0.25,
            median_seconds=2400.0,
            is_apart=True,
        )
    )


def _maps() -> Scenario:
    scenario = _world()
    mapped = {"embed": Maps(per_day=6, inputs=60), "fetch": Maps(per_day=3, inputs=100)}
    functions = (
        replace(f, demand=replace(f.demand, maps=mapped[f.name])) if f.name in mapped else f for f in scenario.functions
    )
    return replace(scenario, functions=tuple(functions))


def _price_change() -> Scenario:
    cheaper = PriceChange(
        "gpu_hour_cost_a10g", price("gpu_hour_cost_a10g") * Decimal("0.8"), MONDAY - dt.timedelta(days=4)
    )
    return replace(_world(), prices=prices(cheaper))


def _two_environments() -> Scenario:
    scenario = _world()
    names = ("embed", "generate", "check")
    staged = {f"{name}@staging": _FUNCTIONS[name] for name in names}
    app = f"{APP}@staging"
    staging = App(
        app, object_id("ap", app), (Deployment(app, 1, None, staged, commit="0c4d1f2"),), environment="staging"
    )
    functions = tuple(SimulatedFunction(name, app, working_week(60)) for name in staged)
    return replace(scenario, apps=(*scenario.apps, staging), functions=(*scenario.functions, *functions))


def _long_lives() -> Scenario:
    train = _FUNCTIONS["train"]
    longer = replace(train, behaviour=replace(train.behaviour, median_seconds=2700.0, spread=0.5))
    return _world({**_FUNCTIONS, "train": longer})


WORLDS: Mapping[str, Callable[[], Scenario]] = {
    "nothing_broken": _world,
    "tail_early": lambda: _lawful(idle_share=(0.1, 1.0)),
    "tail_fixed_30": lambda: _lawful("embed", "generate", "check", idle_share=(0.3, 0.3)),
    "tail_late": lambda: _lawful(idle_share=(1.0, 1.6)),
    "tails_differ": _tails_differ,
    "surplus": lambda: _lawful(surplus_rate=0.2),
    "buffer": _buffered,
    "warm_no_calls": _warm_without_calls,
    "warm_with_calls": lambda: _configured("embed", min_containers=1),
    "cpu_above_request": _cpu_above_request,
    "memory_above_request": _memory_above_request,
    "nothing_requested": _nothing_requested,
    "crash_loop": _crash_loop,
    "gpu_fallback": _gpu_fallback,
    "variants": _variants,
    "disk": lambda: _configured("fetch", ephemeral_disk_mib=512 * 1024),
    "cluster": lambda: _configured("train", cluster_size=4),
    "single_use": lambda: _configured("rank", single_use=True, scaledown_window_seconds=300),
    "server": _server,
    "sandbox_in_app": lambda: _sandboxes(is_apart=False),
    "sandbox_apart": lambda: _sandboxes(is_apart=True),
    "maps": _maps,
    "price_change": _price_change,
    "gpu_wait": lambda: _lawful("train", "generate", wait=PlacementWait(0.3, seconds=180.0)),
    "clock_skew": lambda: replace(_world(), log=LogHabits(skew_seconds=90.0)),
    "lost_rows": lambda: replace(_world(), log=LogHabits(lost_share=0.05)),
    "rounded_lives": lambda: _lawful(billed_in_seconds=True),
    "hour_edges": _long_lives,
    "modal_run": _modal_run,
    "two_environments": _two_environments,
}
"""By name, what makes the world."""


def world(name: str) -> Scenario:
    """Return a named world."""
    return replace(WORLDS[name](), name=name)
