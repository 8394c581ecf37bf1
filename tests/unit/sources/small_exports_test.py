import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.landing_folder import REAL_BILL, SAMPLES, LandingFolder

INFO = "function_info/app=coral-x-production/function=generate_code_modal/2026-11-02.json"
HISTORY = "app_history/app=coral-x-production/2026-11-02.json"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[LandingFolder]:
    with LandingFolder(tmp_path) as folder:
        yield folder


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text())


def info(folder: LandingFolder, columns: str, **fields: object) -> list[tuple[Any, ...]]:
    folder.put(INFO, sample("function_info.json") | fields)
    assert folder.load().rejected == ()
    return folder.rows(f"select {columns} from raw.function_info")


# Billing summary


def test_metered_and_adjustments_of_the_real_month_make_the_billed_amount(folder: LandingFolder) -> None:
    folder.put_sample(REAL_BILL / "billing_summary.2026-07.json", "billing_summary/2026-07.json")
    folder.load()
    assert folder.rows(
        "select kind, sum(amount_usd), count(*) from raw.billing_summary group by kind order by kind"
    ) == [
        ("adjustment", Decimal("-168.52068246"), 4),
        ("billed", Decimal(0), 1),
        ("breakdown", Decimal("168.52068246"), 3),
        ("metered", Decimal("168.52068246"), 1),
    ]
    assert folder.rows("select distinct month::varchar from raw.billing_summary") == [("2026-07-01",)]


def test_the_sidecar_says_the_month_better_than_the_name(folder: LandingFolder) -> None:
    folder.put_sample(SAMPLES / "billing_summary.json", "billing_summary/latest.json")
    folder.put_sidecar(
        "billing_summary/latest.json", range_start="2026-10-01T00:00:00Z", range_end="2026-11-01T00:00:00Z"
    )
    folder.load()
    assert folder.rows("select month::varchar from raw.files") == [("2026-10-01",)]


@pytest.mark.parametrize("name", ["latest.json", "2026-13.json", "20261.json"])
def test_a_summary_of_no_month_is_refused(folder: LandingFolder, name: str) -> None:
    folder.put_sample(SAMPLES / "billing_summary.json", f"billing_summary/{name}")
    assert "which month it is about" in folder.refusal()


def test_the_same_summary_of_two_months_is_two_contents(folder: LandingFolder) -> None:
    for month in ("2026-09", "2026-10"):
        folder.put_sample(SAMPLES / "billing_summary.json", f"billing_summary/{month}.json")
    assert folder.load().loaded == 2


@pytest.mark.parametrize("part", ["metered_cost", "billed_cost", "adjustments", "metered_cost_breakdown"])
def test_a_summary_without_a_part_is_refused(folder: LandingFolder, part: str) -> None:
    summary = sample("billing_summary.json")
    del summary[part]
    folder.put("billing_summary/2026-10.json", summary)
    assert folder.refusal() == f"the file: {part} is missing"


def test_an_adjustment_that_is_no_text_is_refused(folder: LandingFolder) -> None:
    folder.put("billing_summary/2026-10.json", sample("billing_summary.json") | {"adjustments": {"credits": -1.5}})
    assert folder.refusal().startswith("adjustments: credits is -1.5, not a text")


@pytest.mark.parametrize("export", ["billing_summary", "billing_rates"])
def test_a_name_with_half_a_character_is_refused_in_words(folder: LandingFolder, export: str) -> None:
    name = "\ud800credits"
    content = sample("billing_summary.json") | {"adjustments": {name: "-1.50"}}
    folder.put(f"{export}/2026-10.json", content if export == "billing_summary" else {name: "1.10"})
    assert "a name contains half a character (a lone surrogate)" in folder.refusal()


# Rates


def test_a_snapshot_of_rates_keeps_every_price(folder: LandingFolder) -> None:
    folder.put_sample(SAMPLES / "billing_rates.json", "billing_rates/2026-11-01.json")
    folder.load()
    assert folder.rows(
        "select count(*), max(usd_per_hour) filter (rate_name = 'gpu_hour_cost_a100_40gb') from raw.billing_rates"
    ) == [(16, Decimal("2.1"))]


def test_without_a_sidecar_the_date_in_the_name_says_when_rates_were_true(folder: LandingFolder) -> None:
    folder.put_sample(SAMPLES / "billing_rates.json", "billing_rates/2026-11-01.json")
    folder.load()
    assert folder.rows("select range_start::varchar, fetched_at::varchar from raw.deliveries") == [
        ("2026-11-01 00:00:00", "2026-11-23 12:00:00")
    ]


# Function info


def test_a_function_is_described_by_its_deployed_configuration(folder: LandingFolder) -> None:
    assert info(folder, "* exclude (file_id)") == [
        (
            *("generate_code_modal", "fu-3kZp8QxVb1NcR6tYw0LmHj", "ap-6Vw0cXq2mTzr1Yb9LkHn3S"),
            *("A100-40GB", 1, [{"gpu_type": "A100-40GB", "gpu_count": 1}], None, 16384, None, 1800, 0, 60),
            *(None, None, None, False, None, None, None, False),
        )
    ]
    assert folder.rows("select app, function from raw.files") == [("coral-x-production", "generate_code_modal")]


@pytest.mark.parametrize(
    ("gpus", "kept"),
    [([], (None, 0)), (None, (None, 0)), ([["H100", 2]], ("H100", 2)), ([["L4", 1], ["T4", 1]], ("L4", 1))],
)
def test_the_first_of_several_gpus_is_the_preferred_one(
    folder: LandingFolder, gpus: object, kept: tuple[str | None, int]
) -> None:
    assert info(folder, "gpu_type, gpu_count", gpus=gpus) == [kept]


def test_every_choice_of_a_gpu_is_kept(folder: LandingFolder) -> None:
    [(choices,)] = info(folder, "gpus", gpus=[["H100", 2], ["A100-80GB", 4]])
    assert choices == [{"gpu_type": "H100", "gpu_count": 2}, {"gpu_type": "A100-80GB", "gpu_count": 4}]


def test_settings_that_decide_what_is_billed_are_kept(folder: LandingFolder) -> None:
    fields = {
        "ephemeral_disk_mib": 524288,
        "startup_timeout": 900,
        "min_containers": 1,
        "max_containers": 9,
        "buffer_containers": 2,
        "single_use_containers": True,
        "cluster_info": {"size": 4},
    }
    columns = (
        "ephemeral_disk_mib, startup_timeout_seconds, min_containers, max_containers, buffer_containers, "
        "single_use_containers, cluster_size"
    )
    assert info(folder, columns, **fields) == [(524288, 900, 1, 9, 2, True, 4)]


@pytest.mark.parametrize(("cpu", "kept"), [(None, None), (0.125, 125), (4, 4000), ([2.0, 8.0], 2000), (1.0001, 1000)])
def test_the_cpu_request_is_kept_in_thousandths_of_a_core(folder: LandingFolder, cpu: object, kept: int | None) -> None:
    assert info(folder, "cpu_request_millicores", cpu=cpu) == [(kept,)]


@pytest.mark.parametrize(("memory", "kept"), [(None, None), (512, 512), ([1024, 4096], 1024)])
def test_the_memory_request_is_kept_not_the_limit(folder: LandingFolder, memory: object, kept: int | None) -> None:
    assert info(folder, "memory_request_mib", memory_mib=memory) == [(kept,)]


def test_concurrency_and_regions_are_kept(folder: LandingFolder) -> None:
    fields = {"concurrency_info": {"max_inputs": 8, "target_inputs": None}, "regions": ["us-east", "eu"]}
    assert info(folder, "max_concurrent_inputs, regions", **fields) == [(8, ["us-east", "eu"])]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("gpus", "A100"),
        ("gpus", [["A100"]]),
        ("gpus", [["A100", -1]]),
        ("cpu", "4"),
        ("cpu", float("nan")),
        ("cpu", -1),
        ("cpu", 1e300),
        ("memory_mib", True),
        ("memory_mib", 2**40),
        ("timeout", None),
        ("nonpreemptible", "no"),
        ("regions", "us"),
        ("regions", [1]),
        ("concurrency_info", []),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(folder: LandingFolder, field: str, value: object) -> None:
    folder.put(INFO, sample("function_info.json") | {field: value})
    assert folder.refusal()


def test_a_configuration_of_no_function_is_refused(folder: LandingFolder) -> None:
    folder.put("function_info/app=a/2026-11-02.json", sample("function_info.json"))
    assert folder.refusal() == "the path does not say which app and function this is"


# App history and app list


def test_deployments_are_kept_with_their_commit(folder: LandingFolder) -> None:
    folder.put_sample(SAMPLES / "app_history.json", HISTORY)
    folder.load()
    assert folder.rows("select version, deployed_at::varchar, commit_hash, tag from raw.app_history") == [
        ("v3", "2026-11-02 00:00:00", "ef8b3d0", None),
        ("v2", "2026-10-24 00:00:00", "50d245e*", None),
    ]


def test_deployment_times_are_converted_from_the_offset_of_the_machine_that_asked(folder: LandingFolder) -> None:
    history = sample("app_history.json")
    folder.put(HISTORY, [history[0] | {"time_deployed": "2026-11-01 19:00:00-05:00", "tag": "release"}])
    folder.load()
    assert folder.rows("select deployed_at::varchar, tag from raw.app_history") == [("2026-11-02 00:00:00", "release")]


def test_a_history_of_no_app_is_refused(folder: LandingFolder) -> None:
    folder.put_sample(SAMPLES / "app_history.json", "app_history/2026-11-02.json")
    assert folder.refusal() == "the path does not say which app this is"


def test_an_app_is_listed_with_its_running_tasks(folder: LandingFolder) -> None:
    folder.put_sample(SAMPLES / "app_list.json", "app_list/environment=main/2026-11-02.json")
    folder.load()
    assert folder.rows("select description, state, tasks, created_at::varchar, stopped_at from raw.app_list") == [
        ("coral-x-production", "deployed", 2, "2026-09-23 00:00:00", None)
    ]
    assert folder.rows("select environment from raw.files") == [("main",)]


def test_tasks_that_are_no_number_are_refused(folder: LandingFolder) -> None:
    folder.put("app_list/2026-11-02.json", [sample("app_list.json")[0] | {"tasks": "two"}])
    assert folder.refusal() == "row 1: tasks is 'two', not a whole number"
