import json

from pipelines.modal_pull.bill import printed
from pipelines.modal_pull.landed import PLAIN, RESOURCES
from tests.landing_folder import SAMPLES

ITEM = {
    "object_id": "ap-1",
    "description": "Größe",
    "environment": "main",
    "interval_start": "2026-11-02T01:00:00",
    "cost": "1.25E-7",
    "cost_by_resource": {"CPU": "1.2E-7", "Memory": "0E-8"},
    "tags": {"team": "genai"},
}
VOLUME = {**ITEM, "object_id": "vo-1", "cost_by_resource": {}, "tags": {}}


def test_the_plain_report_has_every_object_with_its_cost_digit_for_digit() -> None:
    rows = json.loads(printed([ITEM, VOLUME], PLAIN))
    assert [(row["object_id"], row["cost"]) for row in rows] == [("ap-1", "1.25E-7"), ("vo-1", "1.25E-7")]


def test_the_breakdown_drops_what_has_none_as_the_cli_does() -> None:
    rows = json.loads(printed([ITEM, VOLUME], RESOURCES))
    assert [(row["object_id"], row["resource"], row["cost"]) for row in rows] == [
        ("ap-1", "CPU", "1.2E-7"),
        ("ap-1", "Memory", "0E-8"),
    ]


def test_the_layout_is_the_clis_own() -> None:
    sample = (SAMPLES / "billing_report.hourly.resources.json").read_text(encoding="utf-8")
    first = json.loads(sample)[0]
    item = {**first, "cost_by_resource": {first["resource"]: first["cost"]}, "tags": json.loads(first["tags"])}
    assert printed([item], RESOURCES) == json.dumps([first], indent=2, ensure_ascii=False) + "\n"
    assert "Größe" in printed([ITEM], PLAIN)


def test_a_report_without_anything_billed_is_an_empty_list() -> None:
    assert printed([], PLAIN) == "[]\n"
