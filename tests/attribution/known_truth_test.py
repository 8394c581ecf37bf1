"""Who pays, in small workspaces whose truth is known: each is a thing that the call log alone does not tell."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.attribution.workspace import DAY, HOUR, Held, Workspace

T4 = Held(gpu="T4")
A10G = Held(gpu="A10G")
L4 = Held(gpu="L4")


def test_a_function_that_is_kept_warm_pays_for_its_warmth_also_between_its_calls(tmp_path: Path) -> None:
    workspace = Workspace()
    workspace.app("api")
    workspace.function("api", "web", gpus=[["T4", 1]], min_containers=1)
    workspace.function("api", "batch", gpus=[["T4", 1]])
    # One container lives all day and is called twice; a second one helps out for a while.
    web = workspace.identity("ta", 0)
    workspace.log("api", "web", web, [(8 * HOUR, 8 * HOUR + 20), (9 * HOUR, 9 * HOUR + 30)], startup=4)
    workspace.bill("api", "web", 0, DAY, T4)
    workspace.serve("api", "web", 8 * HOUR + 5, 10, held=T4)
    for hour in range(24):
        workspace.serve("api", "batch", hour * HOUR + 300, 290, held=T4)
    attributed = workspace.attribute(tmp_path)
    assert attributed.wrong() == []
    assert attributed.components("web")["warm"] > 13


def test_keeping_warm_costs_a_function_on_cpu_alone_what_it_holds(tmp_path: Path) -> None:
    workspace = Workspace()
    workspace.app("api")
    workspace.function("api", "hook", cpu=2.0, memory_mib=4096, min_containers=3)
    workspace.function("api", "job", cpu=1.0, memory_mib=1024)
    for _ in range(3):
        workspace.bill("api", "hook", 0, DAY, Held(cores=Decimal(2), memory_mib=4096))
    for hour in range(24):
        workspace.serve("api", "job", hour * HOUR + 60, 600, held=Held(cores=Decimal(1), memory_mib=1024))
    attributed = workspace.attribute(tmp_path)
    assert attributed.wrong() == []
    assert attributed.components("hook").keys() == {"warm"}


def test_a_warm_function_begins_to_pay_when_its_app_is_deployed_and_ends_when_it_is_stopped(tmp_path: Path) -> None:
    workspace = Workspace()
    workspace.app("api", created=6 * HOUR + 600, stopped=12 * HOUR + 600)
    workspace.app("other")
    workspace.function("api", "web", gpus=[["T4", 1]], min_containers=2)
    for _ in range(2):
        workspace.bill("api", "web", 6 * HOUR + 600, 12 * HOUR + 600, T4)
    assert workspace.attribute(tmp_path).wrong() == []


def test_a_change_of_min_containers_without_a_deployment_counts_from_when_it_is_seen(tmp_path: Path) -> None:
    workspace = Workspace()
    workspace.app("api")
    workspace.function("api", "web", gpus=[["T4", 1]])
    workspace.function("api", "web", gpus=[["T4", 1]], min_containers=1, seen=10 * HOUR)
    workspace.function("api", "batch", gpus=[["T4", 1]])
    workspace.bill("api", "web", 10 * HOUR, DAY, T4)
    for hour in range(24):
        workspace.serve("api", "batch", hour * HOUR, 1000, held=T4)
    assert workspace.attribute(tmp_path).wrong() == []


def test_containers_that_wait_beside_those_at_work_are_their_functions(tmp_path: Path) -> None:
    workspace = Workspace()
    workspace.app("api")
    workspace.function("api", "bursty", gpus=[["A10G", 1]], buffer_containers=2)
    workspace.function("api", "plain", gpus=[["A10G", 1]])
    for hour in range(8, 16):
        begun = hour * HOUR + 100
        workspace.serve("api", "bursty", begun, 1000, held=A10G)
        for _ in range(2):
            workspace.bill("api", "bursty", begun, begun + 1065, A10G)
        workspace.serve("api", "plain", begun + 20, 400, held=A10G)
    assert workspace.attribute(tmp_path).wrong() == []


def test_a_disk_is_billed_as_memory_at_a_twentieth_of_it(tmp_path: Path) -> None:
    workspace = Workspace()
    workspace.app("ml")
    workspace.function("ml", "unpack", cpu=1.0, memory_mib=1024, ephemeral_disk_mib=1024 * 1024)
    workspace.function("ml", "plain", cpu=1.0, memory_mib=8192)
    for hour in range(12):
        workspace.serve("ml", "unpack", hour * HOUR, 1500, held=Held(cores=Decimal(1), memory_mib=1024 * 1024 // 20))
        workspace.serve("ml", "plain", hour * HOUR + 60, 1500, held=Held(cores=Decimal(1), memory_mib=8192))
    assert workspace.attribute(tmp_path).wrong() == []


@pytest.mark.parametrize("shown", [1, 4])
def test_a_cluster_pays_for_all_its_containers_whatever_the_log_shows(tmp_path: Path, shown: int) -> None:
    workspace = Workspace()
    workspace.app("ml")
    workspace.function("ml", "train", gpus=[["H100", 8]], cluster_info={"size": 4}, scaledown_window=60)
    workspace.function("ml", "test", gpus=[["H100", 1]])
    for hour in (2, 5):
        call = workspace.identity("fc", hour * HOUR)
        for member in range(4):
            created = hour * HOUR
            if member < shown:
                container = workspace.identity("ta", created)
                workspace.log("ml", "train", container, [(created + 20, created + 3020)], startup=20, call=call)
            workspace.bill("ml", "train", created, created + 3080, Held(gpu="H100", gpus=8))
        workspace.serve("ml", "test", hour * HOUR + 30, 500, held=Held(gpu="H100"))
    assert workspace.attribute(tmp_path).wrong() == []


def test_a_second_that_its_own_gpu_pays_for_claims_no_other(tmp_path: Path) -> None:
    workspace = Workspace()
    workspace.app("ml")
    workspace.function("ml", "asks", gpus=[["H100", 1]])
    workspace.function("ml", "upgraded", gpus=[["L4", 1]])
    for hour in range(6):
        workspace.serve("ml", "asks", hour * HOUR, 2000, held=Held(gpu="H100"))
        # asked for an L4 and got an A10G, that nobody asks for
        workspace.serve("ml", "upgraded", hour * HOUR + 100, 900, held=A10G)
    attributed = workspace.attribute(tmp_path)
    assert attributed.wrong() == []
    assert attributed.components("asks").keys() == {"startup", "execution", "idle"}


def test_functions_with_several_choices_share_what_the_pools_can_bear(tmp_path: Path) -> None:
    workspace = Workspace()
    workspace.app("ml")
    workspace.function("ml", "wide", gpus=[["H100", 1], ["A100-80GB", 1], ["A10G", 2]])
    workspace.function("ml", "narrow", gpus=[["A100-80GB", 1], ["L4", 1]])
    workspace.function("ml", "first", gpus=[["H100", 1]])
    workspace.function("ml", "last", gpus=[["L4", 1]])
    for hour in range(6):
        begun = hour * HOUR
        workspace.serve("ml", "wide", begun, 2500, held=Held(gpu="A10G", gpus=2))
        workspace.serve("ml", "narrow", begun + 10, 1800, held=Held(gpu="A100-80GB"))
        workspace.serve("ml", "first", begun + 20, 300, held=Held(gpu="H100"))
        workspace.serve("ml", "last", begun + 30, 700, held=L4)
    assert workspace.attribute(tmp_path).wrong() == []


def test_the_time_in_a_container_id_before_its_placement_is_paid_last(tmp_path: Path) -> None:
    workspace = Workspace()
    workspace.app("ml")
    workspace.function("ml", "scarce", gpus=[["H100", 1]])
    workspace.function("ml", "steady", gpus=[["H100", 1]])
    for hour in range(6):
        queued, placed = hour * HOUR, hour * HOUR + 1200
        container = workspace.identity("ta", queued)
        workspace.log("ml", "scarce", container, [(placed + 15, placed + 400)], startup=15)
        workspace.bill("ml", "scarce", placed, placed + 460, Held(gpu="H100"))
        workspace.serve("ml", "steady", hour * HOUR + 60, 240, held=Held(gpu="H100"))
    assert workspace.attribute(tmp_path).wrong() == []


@pytest.mark.parametrize("lived", [25, 300])
def test_containers_that_fail_to_come_up_pay_for_what_they_lived(tmp_path: Path, lived: int) -> None:
    workspace = Workspace()
    workspace.app("ml")
    workspace.function("ml", "broken", gpus=[["A10G", 1]], startup_timeout=300)
    workspace.function("ml", "fine", gpus=[["A10G", 1]])
    workspace.function("ml", "once", gpus=[["A10G", 1]], single_use_containers=True, scaledown_window=1200)
    for hour in range(12):
        for attempt in range(3):
            created = hour * HOUR + attempt * 600
            workspace.log_init_failure("ml", "broken", created)
            workspace.bill("ml", "broken", created, created + lived, A10G)
        workspace.serve("ml", "fine", hour * HOUR + 50, 30, held=A10G)
        workspace.serve("ml", "once", hour * HOUR + 70, 40, held=A10G, tail=0)
    attributed = workspace.attribute(tmp_path)
    assert attributed.wrong() == []
    assert attributed.components("broken").keys() == {"failed"}


def test_tails_that_the_bill_refutes_cost_nothing(tmp_path: Path) -> None:
    workspace = Workspace()
    workspace.app("ml")
    workspace.function("ml", "patient", gpus=[["T4", 1]], scaledown_window=1200)
    workspace.function("ml", "long", gpus=[["T4", 1]], scaledown_window=2)
    for hour in range(8):
        workspace.serve("ml", "patient", hour * HOUR, 100, held=T4, tail=0)
        workspace.serve("ml", "long", hour * HOUR + 20, 900, held=T4, tail=2)
    attributed = workspace.attribute(tmp_path)
    assert attributed.wrong(tolerance=Decimal("0.005")) == []
    assert "idle" not in attributed.components("patient")


def test_what_nobody_claims_is_the_apps_rest_with_its_cpu_and_memory(tmp_path: Path) -> None:
    workspace = Workspace()
    workspace.app("api")
    workspace.function("api", "job", gpus=[["A10G", 1]])
    workspace.bill("api", "server", 0, 20 * HOUR, Held(gpu="A10G", cores=Decimal(1), memory_mib=4096))
    for hour in range(20):
        workspace.serve("api", "job", hour * HOUR, 600, held=Held(gpu="A10G", cores=Decimal(1), memory_mib=4096))
    attributed = workspace.attribute(tmp_path)
    # a tenth of its own claims is the most that stays unexplained
    assert attributed.wrong(strangers=["server"], tolerance=Decimal("0.10")) == []


@pytest.mark.parametrize("held", [A10G, Held(cores=Decimal(2), memory_mib=4096)])
def test_what_is_billed_while_nobody_was_called_is_not_the_only_functions(tmp_path: Path, held: Held) -> None:
    workspace = Workspace()
    workspace.app("api")
    workspace.function("api", "job", gpus=[["A10G", 1]])
    workspace.bill("api", "server", 0, DAY, held)
    for hour in range(8, 18):
        workspace.serve("api", "job", hour * HOUR + 180, 110, held=Held("A10G", 1, Decimal(1), 1024))
    attributed = workspace.attribute(tmp_path)
    assert attributed.wrong(strangers=["server"], tolerance=Decimal("0.10")) == []
    assert "unlogged" not in attributed.components("job")


@pytest.mark.parametrize("settings", [{"cpu": 2.0, "memory_mib": 4096}, {}])
def test_what_a_container_cannot_have_used_is_not_its_functions(tmp_path: Path, settings: dict[str, Any]) -> None:
    workspace = Workspace()
    workspace.app("api")
    workspace.function("api", "job", **settings)
    held = Held(None, 1, Decimal(2), 4096) if settings else Held()
    workspace.bill("api", "server", 0, DAY, Held(None, 1, Decimal(8), 32768))
    for hour in range(24):
        workspace.serve("api", "job", hour * HOUR + 180, 300, held=held)
    assert workspace.attribute(tmp_path).wrong(strangers=["server"]) == []


def test_a_run_beside_the_deployed_app_is_nobodys(tmp_path: Path) -> None:
    workspace = Workspace()
    workspace.app("ml")
    run = workspace.app("ml", created=3 * HOUR, stopped=9 * HOUR, state="ephemeral")
    workspace.function("ml", "train", gpus=[["H100", 1]])
    for hour in range(3, 9):
        workspace.serve("ml", "train", hour * HOUR, 600, held=Held(gpu="H100"))
        workspace.bill("ml", "run", hour * HOUR, hour * HOUR + 3000, Held(gpu="H100"), object_id=run)
    attributed = workspace.attribute(tmp_path)
    assert attributed.wrong(strangers=["run"]) == []
    assert attributed.costs()["ml", "__no_calls__"] == pytest.approx(attributed.truth["ml", "run"], abs=Decimal("1e-4"))


def test_environments_are_apart(tmp_path: Path) -> None:
    workspace = Workspace()
    workspace.app("api")
    workspace.app("api", environment="dev")
    for environment, seconds in (("main", 600), ("dev", 60)):
        workspace.function("api", "web", environment=environment, gpus=[["T4", 1]])
        for hour in range(5):
            workspace.serve("api", "web", hour * HOUR, seconds, held=T4, environment=environment)
    attributed = workspace.attribute(tmp_path)
    assert attributed.wrong() == []
    shares = attributed.findings("select environment, sum(amount_usd)::double from spend.hourly group by all")
    assert dict(shares)["main"] / dict(shares)["dev"] == pytest.approx(665 / 125, rel=1e-3)


def test_a_daily_bill_pays_the_same_functions(tmp_path: Path) -> None:
    workspace = Workspace(resolution="d")
    workspace.app("ml")
    workspace.function("ml", "warm", gpus=[["T4", 1]], min_containers=1)
    workspace.function("ml", "flex", gpus=[["H100", 1], ["T4", 1]])
    workspace.function("ml", "job", gpus=[["H100", 1]])
    workspace.bill("ml", "warm", 0, DAY, T4)
    for hour in range(20):
        workspace.serve("ml", "flex", hour * HOUR, 900, held=T4)
        workspace.serve("ml", "job", hour * HOUR + 30, 200, held=Held(gpu="H100"))
    assert workspace.attribute(tmp_path).wrong() == []


def test_a_deployment_in_the_middle_of_an_hour_changes_the_gpu(tmp_path: Path) -> None:
    workspace = Workspace()
    workspace.app("ml")
    workspace.deploy("ml", 5 * HOUR + 1800)
    workspace.function("ml", "moves", gpus=[["A10G", 1]])
    workspace.function("ml", "moves", gpus=[["L4", 1]], seen=6 * HOUR)
    workspace.function("ml", "stays", gpus=[["A10G", 1]])
    for hour in range(10):
        for half in (0, 1800):
            moment = hour * HOUR + half
            workspace.serve("ml", "moves", moment, 700, held=A10G if moment < 5 * HOUR + 1800 else L4)
            workspace.serve("ml", "stays", moment + 30, 300, held=A10G)
    assert workspace.attribute(tmp_path).wrong() == []


def test_a_container_in_the_logs_of_two_methods_counts_once_and_is_told(tmp_path: Path) -> None:
    workspace = Workspace()
    workspace.app("ml")
    workspace.function("ml", "Model.*", gpus=[["A10G", 1]])
    workspace.function("ml", "other", gpus=[["A10G", 1]])
    for hour in range(6):
        created = hour * HOUR
        container = workspace.identity("ta", created)
        inputs = [(created + 10, created + 200), (created + 300, created + 900)]
        workspace.log("ml", "Model.*", container, inputs, startup=10)
        workspace.log("ml", "Model.embed", container, inputs[1:])
        workspace.bill("ml", "Model.*", created, created + 960, A10G)
        workspace.serve("ml", "other", created + 100, 400, held=A10G)
    attributed = workspace.attribute(tmp_path)
    assert attributed.wrong() == []
    assert attributed.broken_rules("usage.containers") == {"usage.containers: A container serves one function"}


def test_the_hours_before_midnight_are_its_too_when_the_first_input_starts_after(tmp_path: Path) -> None:
    workspace = Workspace(days=8)
    workspace.app("ml")
    workspace.function("ml", "late", gpus=[["A10G", 1]])
    workspace.function("ml", "early", gpus=[["A10G", 1]])
    sunday = 7 * DAY - 600
    workspace.serve("ml", "late", sunday, 300, held=A10G, startup=900)
    workspace.serve("ml", "early", sunday - 600, 60, held=A10G)
    attributed = workspace.attribute(tmp_path, built_days=7)
    paid = attributed.findings("select sum(amount_usd)::double from spend.hourly where function = 'late'")
    assert paid[0][0] == pytest.approx(600 * (1.10 + 0.125 * 0.0473 + 0.125 * 0.008) / 3600, rel=0.02)


@pytest.mark.parametrize("tail", [0, 20])
def test_without_any_configuration_idle_is_what_gaps_there_are_and_what_the_bill_pays_for(
    tmp_path: Path, tail: int
) -> None:
    workspace = Workspace()
    workspace.app("api")
    for hour in range(6):
        created = hour * HOUR
        inputs = [(created + 5, created + 605), (created + 625, created + 905)]
        workspace.log("api", "job", workspace.identity("ta", created), inputs, startup=5)
        workspace.bill("api", "job", created, created + 905 + tail, A10G)
    attributed = workspace.attribute(tmp_path)
    assert attributed.wrong() == []
    paid = attributed.findings(
        "select sum(amount_usd) from spend.hourly where function = 'job' and component = 'idle' and resource = 'A10G'"
    )
    # a gap of 20 s in each of six hours, at $1.10 an hour
    assert paid[0][0] == pytest.approx(Decimal((20 + tail) * 6) * Decimal("1.10") / HOUR, abs=Decimal("0.0001"))


def test_container_series_tell_who_keeps_containers_that_nobody_called(tmp_path: Path) -> None:
    workspace = Workspace(days=1)
    workspace.app("api")
    workspace.function("api", "quiet", gpus=[["T4", 1]])
    workspace.function("api", "busy", gpus=[["T4", 1]])
    workspace.bill("api", "quiet", 0, DAY, T4)
    for hour in range(24):
        workspace.serve("api", "busy", hour * HOUR + 100, 900, held=T4)
    workspace.series("api", "quiet", [1.0] * 288)
    attributed = workspace.attribute(tmp_path)
    assert attributed.wrong() == []
