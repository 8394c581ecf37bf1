"""Files of a catalog that would never end, or hold what nobody writes."""

import os
import shutil
from pathlib import Path

import pytest

from tieout.catalog.load import load_catalog
from tieout.catalog.models import CatalogError
from tieout.core.bounded import UnboundedFileError
from tieout.core.resources import resource_path
from tieout.measure.daily_work import read_lock


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return Path(shutil.copytree(resource_path("catalog"), tmp_path / "catalog"))


@pytest.mark.parametrize("name", ["functions.yaml", "settings.yaml"])
def test_a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for(catalog: Path, name: str) -> None:
    (catalog / name).unlink()
    os.mkfifo(catalog / name)
    with pytest.raises(CatalogError, match=f"{name}: it is a pipe"):
        load_catalog(catalog)


def test_a_baseline_without_an_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "baseline.lock").symlink_to("/dev/zero")
    with pytest.raises(UnboundedFileError, match=r"baseline\.lock: it is a device"):
        read_lock(tmp_path)


def test_a_year_out_of_reach_is_refused_by_its_line(catalog: Path) -> None:
    prices = (catalog / "prices.yaml").read_text().replace("valid_from: 20", "valid_from: 90", 1)
    (catalog / "prices.yaml").write_text(prices)
    line = next(number for number, text in enumerate(prices.splitlines(), start=1) if "valid_from: 90" in text)
    with pytest.raises(CatalogError, match=rf"prices\.yaml:{line}: .*the year 90\d\d is not between"):
        load_catalog(catalog)
