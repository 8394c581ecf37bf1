"""What `settings.yaml` changes, and what it leaves alone."""

import re
import shutil
from pathlib import Path

import duckdb
import pytest

from tieout.catalog.load import load_catalog
from tieout.catalog.models import CatalogError
from tieout.catalog.settings import WorkspaceSettings
from tieout.core.resources import resource_path
from tieout.warehouse.catalog_tables import write_catalog


@pytest.fixture
def catalog_dir(tmp_path: Path) -> Path:
    return Path(shutil.copytree(resource_path("catalog"), tmp_path / "catalog"))


def write(catalog_dir: Path, text: str) -> None:
    (catalog_dir / "settings.yaml").write_text(text, encoding="utf-8")


def test_the_file_that_comes_along_says_the_defaults(catalog_dir: Path) -> None:
    assert "settle_hours: 6" in (catalog_dir / "settings.yaml").read_text(encoding="utf-8")
    assert load_catalog(catalog_dir).settings == WorkspaceSettings()


def test_a_file_that_says_the_defaults_is_as_good_as_none(catalog_dir: Path) -> None:
    with_file = load_catalog(catalog_dir).sha256
    (catalog_dir / "settings.yaml").unlink()
    assert load_catalog(catalog_dir).sha256 == with_file


def test_another_setting_is_another_programme(catalog_dir: Path) -> None:
    before = load_catalog(catalog_dir).sha256
    write(catalog_dir, "settle_hours: 12")
    twelve = load_catalog(catalog_dir)
    assert twelve.settings.settle_hours == 12
    write(catalog_dir, "log_coverage: {least_percent: 70}")
    assert len({before, twelve.sha256, load_catalog(catalog_dir).sha256}) == 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# hours\nsettle_hours: 0", "settings.yaml:2: settle_hours: must be greater than or equal to 1"),
        ("settle_hour: 6", "settings.yaml:1: settle_hour: there is no such field; did you mean settle_hours"),
        ("log_coverage: {least_percent: 120}", "settings.yaml:1: log_coverage.least_percent: "),
    ],
)
def test_a_mistake_is_reported_with_its_line(catalog_dir: Path, text: str, says: str) -> None:
    write(catalog_dir, text)
    with pytest.raises(CatalogError, match=re.escape(says)):
        load_catalog(catalog_dir)


def test_sql_reads_the_settings(catalog_dir: Path) -> None:
    write(catalog_dir, "settle_hours: 12\nlog_coverage: {least_percent: 70, most_percent: 140}")
    with duckdb.connect() as con:
        con.execute("create schema catalog")
        write_catalog(con, load_catalog(catalog_dir))
        rows = con.execute("select settle_hours, least_coverage_percent, most_coverage_percent from catalog.settings")
        assert rows.fetchall() == [(12, 70, 140)]
