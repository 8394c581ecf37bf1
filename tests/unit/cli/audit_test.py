"""`tieout audit`: the claim on the terminal, without a warehouse and with one."""

import json
from decimal import Decimal
from pathlib import Path

from rich.cells import cell_len

from tests.conftest import Tieout
from tieout.core.home import Home


def test_the_audit_needs_no_warehouse(tieout: Tieout, tmp_path: Path) -> None:
    said = tieout("audit", "--home", tmp_path)
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith("  The daily saving, published as $4,140"))
    assert lines[place + 1].strip() == "$4,137.60."
    assert lines[place + 2] == "    6,540 − 2,402.40 = 4,137.60"
    assert "measured" not in said.out


def test_the_audit_fits_the_terminal(tieout: Tieout, measured_home: Home) -> None:
    said = tieout("audit", "--home", measured_home.root)
    assert max(cell_len(line) for line in said.out.splitlines()) <= 80


def test_a_warehouse_adds_what_was_measured(tieout: Tieout, measured_home: Home) -> None:
    said = tieout("audit", "--home", measured_home.root)
    text = " ".join(said.out.split())
    assert "is more than the whole measured spend" in text
    assert "The figure to use is the measured avoided cost: $132." in text
    assert "The claim beside what was measured up to 2026-W44" in text


def test_json_has_every_figure_digit_for_digit(tieout: Tieout, measured_home: Home) -> None:
    found = json.loads(tieout("audit", "--json", "--home", measured_home.root).out)
    saving = next(entry for entry in found["entries"] if entry["code"] == "saving_per_day")
    assert saving["published"] == {
        "text": "$4,140",
        "low": "4140.000000000000",
        "high": "4140.000000000000",
        "unit": "usd_per_day",
    }
    assert saving["computed"]["low"] == "4137.600000000000"
    assert found["week"] == "2026-W44"
    [code] = [line for line in found["measured"] if line["function"] == "generate_code_modal"]
    restated = Decimal(code["published_usd_per_day"]) * Decimal(code["seconds_per_call"]) / 3600
    assert abs(restated - Decimal(code["restated_usd_per_day"])) < Decimal("0.000001")


def test_a_catalog_without_a_projection_has_nothing_to_audit(tieout: Tieout, tmp_path: Path) -> None:
    from tieout.core.resources import resource_path

    for path in resource_path("catalog").glob("*.yaml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "projection.yaml").write_text("title: No claim\n")
    said = tieout("audit", "--home", tmp_path, "--catalog", tmp_path)
    assert said.code == 0
    assert "nothing to audit" in said.out
