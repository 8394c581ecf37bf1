"""The scenario `field`: a busy workspace in which Modal does as it likes.

Three apps, one of them in two environments, twelve functions, a server, sandboxes and runs of a laptop. Every function
has laws of its own (see `laws`), and none of them is what the attribution assumes. One programme runs in it: the app
`media` is deployed anew, with a smaller GPU for one function and less memory for another.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tieout.simulator.configuration import DeployedFunction, Variant
from tieout.simulator.ids import object_id
from tieout.simulator.laws import InitCrashes, Laws, LogHabits, PlacementWait
from tieout.simulator.programme import ProgrammeFunction, programme
from tieout.simulator.scenario import (
    App,
    Demand,
    Deployment,
    Fleet,
    FleetKind,
    Maps,
    PriceChange,
    Scenario,
    SimulatedFunction,
    Volume,
)
from tieout.simulator.workloads import price, prices, working_week, workload

MEDIA, SEARCH, AGENTS = "media", "search", "agents"
STAGING = f"{SEARCH}@staging"
ROLLOUT_MONDAY = dt.date(2026, 10, 19)
DEPLOYED_AT = dt.datetime(2026, 10, 20, 9, 30, tzinfo=dt.UTC)


def _with(
    deployed: DeployedFunction, *, behaviour: Mapping[str, Any] | None = None, **changes: Any
) -> DeployedFunction:
    """Return a function that asks for something else, or behaves otherwise."""
    return replace(
        deployed,
        configuration=replace(deployed.configuration, **changes),
        behaviour=replace(deployed.behaviour, **(behaviour or {})),
    )


# Real containers die now and then, and use what they use.
_ROUGH = {"init_failure_rate": 0.002, "preemptions_per_hour": 0.02}
_GREEDY = _ROUGH | {"millicores_executing": (600, 1800), "memory_mib_used": (2500, 7000)}

_TRANSCRIBE = _with(
    workload("A100-40GB", cores=2, memory_mib=16384, seconds=40, window_seconds=120, laws=Laws(idle_share=(0.1, 0.7))),
    behaviour=_ROUGH,
    buffer_containers=1,
)
_CAPTION = _with(
    workload("L40S", cores=2, memory_mib=8192, seconds=18, laws=Laws(first_choice_share=0.7)),
    behaviour=_ROUGH,
    gpu_choices=(("L40S", 1), ("A100-40GB", 1)),
)
_THUMBNAIL = _with(workload(None, cores=1, memory_mib=2048, seconds=3, laws=Laws()), behaviour=_ROUGH, single_use=True)
_UPSCALE = _with(
    workload("A10G", cores=2, memory_mib=16384, seconds=25, laws=Laws(idle_share=(0.3, 0.3), surplus_rate=0.1)),
    behaviour=_GREEDY,
    cpu_millicores=None,
)
_EMBED = _with(
    workload("T4", cores=1, memory_mib=4096, seconds=2, window_seconds=300, laws=Laws(idle_share=(0.5, 1.0))),
    behaviour=_ROUGH,
    min_containers=1,
    concurrent_inputs=8,
)
_RERANK = _with(workload("T4", cores=1, memory_mib=4096, seconds=7, laws=Laws(idle_share=(0.8, 1.3))), behaviour=_ROUGH)
_RERANK = replace(
    _RERANK, variants=(Variant("large", 0.25, replace(_RERANK.configuration, gpu_type="A10G"), _RERANK.behaviour),)
)
_INDEX = _with(
    workload(None, cores=4, memory_mib=8192, seconds=900, spread=0.7, laws=Laws(billed_in_seconds=True)),
    behaviour=_ROUGH,
    ephemeral_disk_mib=400 * 1024,
)
_PLAN = _with(
    workload(None, cores=1, memory_mib=1024, seconds=12, window_seconds=20, laws=Laws()),
    behaviour=_GREEDY,
    cpu_millicores=None,
    memory_mib=None,
)
_CRASHES = InitCrashes(0.9, seconds=(20.0, 290.0), hours=(3, 4, 5))
_RUN_TOOL = _with(
    workload("A10G", cores=2, memory_mib=4096, seconds=10, laws=Laws(crashes=_CRASHES)),
    behaviour=_ROUGH,
    startup_timeout_seconds=300,
)
_TRAIN = _with(
    workload("H100", cores=8, memory_mib=65536, seconds=1500, spread=0.6, laws=Laws(wait=PlacementWait(0.5, 240.0))),
    behaviour=_ROUGH,
    cluster_size=2,
)

_MEDIA = {"transcribe": _TRANSCRIBE, "caption": _CAPTION, "thumbnail": _THUMBNAIL, "upscale": _UPSCALE}
_MEDIA_AFTER = {
    "transcribe": _with(
        _TRANSCRIBE,
        gpu_type="A10G",
        memory_mib=12288,
        behaviour={"median_seconds": 46.0, "memory_mib_used": (3000, 11000)},
    ),
    "upscale": _with(_UPSCALE, memory_mib=8192),
}
_SEARCH = {"embed": _EMBED, "rerank": _RERANK, "index": _INDEX}
_AGENTS = {"plan": _PLAN, "run_tool": _RUN_TOOL, "train": _TRAIN}
_CALLS_PER_DAY = {
    "transcribe": 320,
    "caption": 260,
    "thumbnail": 500,
    "upscale": 180,
    "embed": 900,
    "rerank": 400,
    "index": 14,
    "plan": 600,
    "run_tool": 350,
    "train": 5,
}


def _functions() -> tuple[SimulatedFunction, ...]:
    homes = {name: app for app, names in ((MEDIA, _MEDIA), (SEARCH, _SEARCH), (AGENTS, _AGENTS)) for name in names}
    maps = {"caption": Maps(per_day=3, inputs=60), "thumbnail": Maps(per_day=5, inputs=120)}
    own = [SimulatedFunction(name, homes[name], _demand(name, maps.get(name))) for name in homes]
    staged = [SimulatedFunction(f"{name}@staging", STAGING, working_week(60)) for name in ("embed", "rerank")]
    return (*own, *staged)


def _demand(name: str, maps: Maps | None) -> Demand:
    return replace(working_week(_CALLS_PER_DAY[name], burst_share=0.35), maps=maps)


def _apps() -> tuple[App, ...]:
    rollout = Deployment(MEDIA, 8, DEPLOYED_AT, {**_MEDIA, **_MEDIA_AFTER}, commit="7be0a15", is_rollout=True)
    staged = {f"{name}@staging": _with(_SEARCH[name], min_containers=0) for name in ("embed", "rerank")}
    return (
        _app(MEDIA, Deployment(MEDIA, 7, None, _MEDIA, commit="21d90ce"), rollout),
        _app(SEARCH, Deployment(SEARCH, 31, None, _SEARCH, commit="98af001")),
        _app(AGENTS, Deployment(AGENTS, 4, None, _AGENTS, commit="d3370b8")),
        replace(_app(STAGING, Deployment(STAGING, 2, None, staged, commit="98af001")), environment="staging"),
    )


def _app(name: str, *deployments: Deployment) -> App:
    return App(name, object_id("ap", f"field/{name}"), deployments, tags={"team": name.partition("@")[0]})


def _fleets() -> tuple[Fleet, ...]:
    server = workload("A10G", cores=4, memory_mib=16384, seconds=1)
    tools = workload(None, cores=1, memory_mib=2048, seconds=1)
    laptop = workload("A100-40GB", cores=4, memory_mib=32768, seconds=1)
    always = replace(server.configuration, min_containers=1)
    return (
        Fleet(FleetKind.SERVER, "llm", AGENTS, always, server.behaviour, starts_per_hour=0.5, median_seconds=2400.0),
        Fleet(FleetKind.SANDBOX, "tools", AGENTS, tools.configuration, tools.behaviour, starts_per_hour=4.0),
        Fleet(
            FleetKind.RUN,
            "run",
            AGENTS,
            laptop.configuration,
            laptop.behaviour,
            starts_per_hour=0.1,
            median_seconds=1800.0,
            is_apart=True,
        ),
    )


def _programme() -> Mapping[str, str]:
    covered = [
        ProgrammeFunction(
            name,
            MEDIA,
            deployed.configuration,
            _MEDIA_AFTER[name].configuration if name in _MEDIA_AFTER else None,
        )
        for name, deployed in _MEDIA.items()
    ]
    return programme("Media on smaller machines", covered, deployed_at=DEPLOYED_AT)


def field() -> Scenario:
    """Return the scenario."""
    cheaper = PriceChange("gpu_hour_cost_a10g", price("gpu_hour_cost_a10g") * Decimal("0.9"), dt.date(2026, 10, 22))
    return Scenario(
        name="field",
        environment="main",
        rollout_monday=ROLLOUT_MONDAY,
        functions=_functions(),
        apps=_apps(),
        rollouts=(),
        volumes=(Volume("weights", object_id("vo", "field/weights"), first_gib=420.0, gib_per_day=1.5),),
        prices=prices(cheaper),
        day_persistence=0.4,
        fleets=_fleets(),
        log=LogHabits(skew_seconds=2.0, lost_share=0.005),
        catalog=_programme(),
    )
