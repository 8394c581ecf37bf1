"""Who pays where servers, sandboxes and variants claim beside functions: small workspaces whose truth is known."""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.attribution.observed import (
    land_app_info,
    land_running,
    land_sandboxes,
    land_server,
    land_server_series,
    land_telemetry,
    land_variants,
)
from tests.attribution.workspace import DAY, HOUR, Held, Workspace, prices

A10G = Held(gpu="A10G")
T4 = Held(gpu="T4")
LLM = "__server__/llm"


LARGE = Held(gpu="A10G", cores=Decimal(2), memory_mib=8192)


def _job_beside_a_server(*, resolution: str = "h", held: Held = LARGE) -> Workspace:
    """A function beside a server on the same GPU: one container all day, a second one for three hours."""
    workspace = Workspace(resolution=resolution)
    workspace.app("api")
    workspace.function("api", "job", gpus=[["A10G", 1]])
    workspace.bill("api", LLM, 0, DAY, held)
    workspace.bill("api", LLM, 9 * HOUR, 12 * HOUR + 900, held)
    for hour in range(20):
        workspace.serve("api", "job", hour * HOUR + 180, 600, held=A10G)
    return workspace


@pytest.mark.parametrize("resolution", ["h", "d"])
def test_a_server_pays_for_its_floor_and_for_what_it_answered(tmp_path: Path, resolution: str) -> None:
    workspace = _job_beside_a_server(resolution=resolution)
    land_server(workspace, "api", "llm", gpus=[["A10G", 1]], cpu=2.0, memory_mib=8192, min_containers=1)
    attributed = workspace.attribute(tmp_path)
    assert attributed.wrong() == []
    assert attributed.components(LLM).keys() == {"direct"}
    assert attributed.components("job").keys() == {"execution", "idle", "startup"}
    times = ("spend.placed_time", "spend.inferred_time", "spend.container_time")
    claims = ("spend.gpu_choices", "spend.gpu_claims", "spend.function_claims", "spend.pool_claims", "spend.claims")
    suites = ("spend.pools", *times, *claims, "spend.claimants", "spend.attributed", "spend.hourly", "spend.weekly")
    assert attributed.broken_rules(*suites) == set()


def test_a_server_whose_settings_are_not_landed_pays_for_what_no_function_claims(tmp_path: Path) -> None:
    workspace = _job_beside_a_server(held=A10G)
    land_app_info(workspace, "api", "llm")
    assert workspace.attribute(tmp_path).wrong() == []


def test_series_of_a_server_say_what_it_had_whatever_its_settings_allow(tmp_path: Path) -> None:
    workspace = _job_beside_a_server()
    land_server(workspace, "api", "llm", gpus=[["A10G", 1]], cpu=2.0, memory_mib=8192, max_containers=9)
    second = [1.0 if 108 <= bucket < 147 else 0.0 for bucket in range(288)]
    land_server_series(workspace, "api", "llm", [1 + more for more in second])
    assert workspace.attribute(tmp_path).wrong() == []


def test_a_server_with_a_choice_of_gpus_beside_functions_that_ask_for_them(tmp_path: Path) -> None:
    workspace = Workspace()
    workspace.app("api")
    workspace.function("api", "job", gpus=[["A10G", 1]])
    workspace.function("api", "train", gpus=[["H100", 1]])
    land_server(workspace, "api", "llm", gpus=[["H100", 1], ["A10G", 1]], min_containers=1)
    workspace.bill("api", LLM, 0, DAY, A10G)
    for hour in range(20):
        workspace.serve("api", "job", hour * HOUR + 180, 600, held=A10G)
        workspace.serve("api", "train", hour * HOUR + 200, 900, held=Held(gpu="H100"))
    assert workspace.attribute(tmp_path).wrong() == []


def test_a_choice_falls_last_on_a_pool_whose_rest_a_server_can_have_caused(tmp_path: Path) -> None:
    workspace = Workspace()
    workspace.app("api")
    workspace.function("api", "job", gpus=[["A10G", 1]])
    workspace.function("api", "train", gpus=[["H100", 1]])
    land_variants(workspace, "api", "job", {}, {"gpu": "H100"})
    land_server(workspace, "api", "llm", gpus=[["A10G", 1]])
    workspace.bill("api", LLM, 0, 20 * HOUR, A10G)
    for hour in range(20):
        workspace.serve("api", "job", hour * HOUR + 180, 110, held=A10G)
        workspace.serve("api", "job", hour * HOUR + 540, 300, held=Held(gpu="H100"))
        workspace.serve("api", "train", hour * HOUR + 300, 500, held=Held(gpu="H100"))
    assert workspace.attribute(tmp_path).wrong() == []


def test_a_server_on_cpu_alone_takes_nothing_from_what_functions_use_unasked(tmp_path: Path) -> None:
    workspace = Workspace()
    workspace.app("api")
    workspace.function("api", "greedy", gpus=[["T4", 1]])
    land_server(workspace, "api", "hook", cpu=1.0, memory_mib=1024, min_containers=1)
    workspace.bill("api", "__server__/hook", 0, DAY, Held(cores=Decimal(1), memory_mib=1024))
    for hour in range(24):
        workspace.serve("api", "greedy", hour * HOUR, 1800, held=Held(gpu="T4", cores=Decimal("1.5"), memory_mib=4096))
    assert workspace.attribute(tmp_path).wrong() == []


def test_an_app_of_a_server_alone_is_the_servers(tmp_path: Path) -> None:
    workspace = Workspace()
    workspace.app("api")
    land_server(workspace, "api", "llm", gpus=[["H100", 1]], min_containers=1, max_containers=3)
    workspace.bill("api", LLM, 0, DAY, Held(gpu="H100"))
    for more in (1, 3):
        workspace.bill("api", LLM, 5 * HOUR, (5 + more) * HOUR, Held(gpu="H100"))
    assert workspace.attribute(tmp_path).wrong() == []


def _job_beside_sandboxes(*, is_apart: bool) -> Workspace:
    """A function beside sandboxes in six hours of the day, which cost three times the list price of CPU and memory."""
    workspace = Workspace()
    workspace.app("lab")
    sandbox = workspace.identity("sb", 0) if is_apart else None
    workspace.function("lab", "job", cpu=2.0, memory_mib=2048)
    held = Held(cores=Decimal(3), memory_mib=3 * 2048)
    for hour in range(24):
        workspace.serve("lab", "job", hour * HOUR + 60, 900, held=Held(cores=Decimal(2), memory_mib=2048))
        if hour % 4 == 1:
            owner = "__sandbox__" if is_apart else "__sandboxes__"
            workspace.bill("lab", owner, hour * HOUR, hour * HOUR + 1500, held, object_id=sandbox)
    hours = Decimal(6 * 1500) / HOUR
    land_sandboxes(workspace, "lab", {"CPU": hours * 3 * prices()["CPU"], "Memory": hours * 6 * prices()["Memory"]})
    return workspace


@pytest.mark.parametrize("is_apart", [False, True])
def test_sandboxes_pay_what_modal_says_wherever_they_are_billed(tmp_path: Path, *, is_apart: bool) -> None:
    attributed = _job_beside_sandboxes(is_apart=is_apart).attribute(tmp_path)
    assert attributed.wrong() == []
    assert attributed.components("job").keys() == {"execution", "idle"}
    tables = ("spend.sandbox_claims", "spend.claims", "spend.attributed", "spend.hourly", "spend.weekly")
    assert attributed.broken_rules(*tables) == set()


def test_sandboxes_take_nothing_from_what_a_function_uses_unasked(tmp_path: Path) -> None:
    workspace = Workspace()
    workspace.app("lab")
    workspace.function("lab", "loose")
    workspace.function("lab", "tight", cpu=1.0, memory_mib=1024)
    for hour in range(24):
        workspace.serve("lab", "loose", hour * HOUR + 60, 900, held=Held(cores=Decimal(1), memory_mib=2048))
        workspace.serve("lab", "tight", hour * HOUR + 100, 600, held=Held(cores=Decimal(1), memory_mib=1024))
        if hour % 3 == 0:
            held = Held(cores=Decimal(2), memory_mib=4096)
            workspace.bill("lab", "__sandboxes__", hour * HOUR, hour * HOUR + 1800, held)
    land_sandboxes(workspace, "lab", {"CPU": 8 * prices()["CPU"], "Memory": 16 * prices()["Memory"]})
    assert workspace.attribute(tmp_path).wrong() == []


def test_a_variant_claims_the_gpu_that_it_asks_for(tmp_path: Path) -> None:
    workspace = Workspace()
    workspace.app("ml")
    workspace.function("ml", "embed", gpus=[["A10G", 1]], cpu=1.0, memory_mib=1024)
    land_variants(workspace, "ml", "embed", {}, {"gpu": "H100", "memory": 65536})
    workspace.function("ml", "rank", gpus=[["A10G", 1]], cpu=1.0, memory_mib=1024)
    workspace.function("ml", "train", gpus=[["H100", 1]], cpu=1.0, memory_mib=1024)
    small, large = Held("A10G", 1, Decimal(1), 1024), Held("H100", 1, Decimal(1), 65536)
    for hour in range(12):
        workspace.serve("ml", "embed", hour * HOUR, 700, held=large if hour % 3 == 0 else small)
        workspace.serve("ml", "embed", hour * HOUR + 90, 500, held=small)
        workspace.serve("ml", "rank", hour * HOUR + 30, 400, held=small)
        workspace.serve("ml", "train", hour * HOUR + 50, 1000, held=Held("H100", 1, Decimal(1), 1024))
    attributed = workspace.attribute(tmp_path)
    assert attributed.wrong() == []
    assert attributed.broken_rules("staging.configurations", "spend.gpu_choices", "spend.claims") <= {
        "staging.configurations: Every function with a log is in the catalog"
    }


def test_where_only_a_variant_asks_for_a_gpu_the_rest_of_the_function_has_none(tmp_path: Path) -> None:
    workspace = Workspace()
    workspace.app("ml")
    workspace.function("ml", "parse", cpu=1.0, memory_mib=1024)
    land_variants(workspace, "ml", "parse", {}, {"gpu": "T4"})
    workspace.function("ml", "rank", gpus=[["T4", 1]], cpu=1.0, memory_mib=1024)
    plain, with_gpu = Held(None, 1, Decimal(1), 1024), Held("T4", 1, Decimal(1), 1024)
    for hour in range(12):
        workspace.serve("ml", "parse", hour * HOUR, 700, held=plain)
        workspace.serve("ml", "parse", hour * HOUR + 90, 500, held=with_gpu)
        workspace.serve("ml", "rank", hour * HOUR + 30, 400, held=with_gpu)
    assert workspace.attribute(tmp_path).wrong() == []


def _two_on_a_gpu(*, tails: tuple[int, int]) -> tuple[Workspace, list[tuple[str, str, int, int]]]:
    """Two functions on one GPU whose idle containers live as long as `tails` says, of a window of 600 s."""
    workspace = Workspace()
    workspace.app("ml")
    lives = []
    for name in ("brief", "patient"):
        workspace.function("ml", name, gpus=[["T4", 1]], scaledown_window=600)
    for hour in range(24):
        for offset, name, tail in ((0, "brief", tails[0]), (120, "patient", tails[1])):
            created = hour * HOUR + offset
            container, end = workspace.identity("ta", created), created + 305 + tail
            workspace.log("ml", name, container, [(created + 5, created + 305)], startup=5)
            workspace.bill("ml", name, created, end, T4)
            lives.append((name, container, created, end))
    return workspace, lives


def test_telemetry_tells_how_long_an_idle_container_lived(tmp_path: Path) -> None:
    workspace, lives = _two_on_a_gpu(tails=(30, 600))
    for name, container, begun, end in lives:
        land_telemetry(workspace, "ml", name, container, begun, end)
    # something else lived on, so telemetry did not just break off
    land_telemetry(workspace, "ml", "brief", workspace.identity("ta", 0), DAY - 60, DAY - 1)
    attributed = workspace.attribute(tmp_path)
    assert attributed.wrong() == []
    assert attributed.broken_rules("usage.observed_lives", "usage.containers", "usage.hours", "usage.hourly") == set()


def test_a_list_of_running_containers_is_seen_time_and_what_comes_after_it_is_inferred(tmp_path: Path) -> None:
    workspace, lives = _two_on_a_gpu(tails=(200, 600))
    for name, container, begun, end in lives:
        if name == "patient":
            land_running(workspace, end, (container, "ml", begun))
    attributed = workspace.attribute(tmp_path)
    # the bill leaves just what `brief` lived
    assert attributed.wrong() == []
    assert attributed.broken_rules("usage.observed_lives", "usage.containers", "usage.hours", "usage.hourly") == set()


def test_telemetry_that_breaks_off_shortens_no_life(tmp_path: Path) -> None:
    workspace, lives = _two_on_a_gpu(tails=(600, 600))
    for name, container, begun, _ in lives[:10]:
        land_telemetry(workspace, "ml", name, container, begun, begun + 200)
    assert workspace.attribute(tmp_path).wrong() == []


def test_containers_that_no_call_explains_are_whose_telemetry_says(tmp_path: Path) -> None:
    workspace = Workspace()
    workspace.app("api")
    workspace.function("api", "web", gpus=[["T4", 1]], min_containers=1)
    workspace.function("api", "quiet", gpus=[["T4", 1]])
    workspace.function("api", "batch", gpus=[["T4", 1]])
    land_server(workspace, "api", "llm", gpus=[["T4", 1]])
    # the floor has two containers one after the other, the server one for six hours
    floor = [("web", 0, 15 * HOUR), ("web", 15 * HOUR, DAY)]
    for name, begun, end in (*floor, ("quiet", 3 * HOUR, 9 * HOUR), ("llm", 8 * HOUR, 14 * HOUR)):
        land_telemetry(workspace, "api", name, workspace.identity("ta", begun), begun, end)
        workspace.bill("api", "__server__/llm" if name == "llm" else name, begun, end, T4)
    for hour in range(24):
        workspace.serve("api", "batch", hour * HOUR + 100, 700, held=T4)
    attributed = workspace.attribute(tmp_path)
    assert attributed.wrong() == []
    assert attributed.components("web").keys() == {"warm"}
    assert attributed.components("quiet").keys() == {"idle"}
    usage = ("usage.observed_lives", "usage.containers", "usage.hours", "usage.hourly", "usage.warm_hours")
    assert attributed.broken_rules(*usage, "spend.claims") == set()


def test_a_container_that_failed_lived_as_long_as_telemetry_saw_it(tmp_path: Path) -> None:
    workspace = Workspace()
    workspace.app("ml")
    workspace.function("ml", "broken", gpus=[["T4", 1]], startup_timeout=900)
    workspace.function("ml", "fine", gpus=[["T4", 1]], scaledown_window=900)
    for hour in range(12):
        container = workspace.log_init_failure("ml", "broken", hour * HOUR)
        land_telemetry(workspace, "ml", "broken", container, hour * HOUR, hour * HOUR + 300)
        workspace.bill("ml", "broken", hour * HOUR, hour * HOUR + 300, T4)
        workspace.serve("ml", "fine", hour * HOUR + 60, 200, held=T4, tail=900)
    land_telemetry(workspace, "ml", "fine", workspace.identity("ta", 13 * HOUR), 13 * HOUR, 14 * HOUR)
    workspace.bill("ml", "fine", 13 * HOUR, 14 * HOUR, T4)
    attributed = workspace.attribute(tmp_path)
    assert attributed.wrong() == []
    assert attributed.components("broken").keys() == {"failed"}
