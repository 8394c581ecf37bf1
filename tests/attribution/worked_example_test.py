"""The hour that docs/method.md works by hand is what the attribution makes of it, figure by figure."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from tests.attribution.attributed import Attributed
from tests.attribution.workspace import HOUR, Held, Workspace

PAGE = Path(__file__).parents[2] / "docs" / "method.md"
JOB = Held(gpu="A10G", cores=Decimal(2), memory_mib=4096)
TEN = 10 * HOUR


@pytest.fixture(scope="module")
def attributed(tmp_path_factory: pytest.TempPathFactory) -> Attributed:
    workspace = Workspace()
    workspace.app("api")
    workspace.function("api", "job", gpus=[["A10G", 1]], cpu=2.0, memory_mib=4096, scaledown_window=60)
    workspace.function("api", "web", gpus=[["A10G", 1]], min_containers=1)
    container = workspace.identity("ta", TEN)
    workspace.log("api", "job", container, [(TEN + 10, TEN + 1210), (TEN + 1240, TEN + 1830)], startup=10)
    workspace.bill("api", "job", TEN, TEN + 1850, JOB)
    for hour in range(24):
        workspace.bill("api", "web", hour * HOUR, (hour + 1) * HOUR, Held(gpu="A10G"))
    return workspace.attribute(tmp_path_factory.mktemp("hour"))


def _paid(attributed: Attributed) -> dict[tuple[str, str], Decimal]:
    rows = attributed.findings(
        "select resource, component, sum(amount_usd) from spend.hourly "
        "where function = 'job' and hour = '2026-11-16 10:00:00' and resource != 'rounding' group by all"
    )
    return {(resource, component): amount for resource, component, amount in rows}


def _table() -> list[tuple[str, str, Decimal]]:
    """The rows of the worked example: resource, component, dollars."""
    example = PAGE.read_text(encoding="utf-8").partition("### One hour by hand")[2].partition("\n### ")[0]
    found = re.findall(r"^\| (GPU|CPU|memory) \| (\w+) \|.*\| \$([0-9.]+) \|$", example, re.MULTILINE)
    names = {"GPU": "A10G", "CPU": "CPU", "memory": "Memory"}
    return [(names[resource], component, Decimal(usd)) for resource, component, usd in found]


def test_every_line_of_the_example_is_what_the_function_pays(attributed: Attributed) -> None:
    said = {(resource, component): usd for resource, component, usd in _table()}
    paid = {key: amount.quantize(Decimal("0.000001")) for key, amount in _paid(attributed).items()}
    assert said == paid
    assert len(said) == 9


def test_the_example_adds_up_to_the_cents_that_the_page_says(attributed: Attributed) -> None:
    total = sum(_paid(attributed).values(), Decimal(0)).quantize(Decimal("0.000001"))
    assert f"${total}, which is {total.quantize(Decimal('0.01')) * 100:.0f} cents" in PAGE.read_text(encoding="utf-8")


def test_nobody_else_pays_for_it(attributed: Attributed) -> None:
    assert attributed.wrong() == []
