import re
import shutil
from pathlib import Path

import pytest

from tieout.catalog.load import load_catalog
from tieout.catalog.mail_settings import load_mail_settings
from tieout.catalog.models import CatalogError
from tieout.core.resources import resource_path


@pytest.fixture
def catalog_dir(tmp_path: Path) -> Path:
    return Path(shutil.copytree(resource_path("catalog"), tmp_path / "catalog"))


def _edit(path: Path, old: str, new: str) -> int:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_the_built_in_programme_is_coral_x() -> None:
    catalog = load_catalog(resource_path("catalog"))
    assert catalog.rollout.programme == "CORAL-X"
    assert len(catalog.functions.functions) == 10
    assert sum(line.calls_per_hour for line in catalog.projection.lines) == 123


def test_any_edit_changes_the_hash(catalog_dir: Path) -> None:
    before = load_catalog(catalog_dir).sha256
    _edit(catalog_dir / "prices.yaml", '"2.10"', '"2.11"')
    assert load_catalog(catalog_dir).sha256 != before


@pytest.mark.parametrize(
    ("file", "old", "new", "field", "says"),
    [
        ("prices.yaml", '"0.0473"', "0.0473", "resource 1, price 1: usd_per_hour", "in quotes"),
        (
            "functions.yaml",
            "timeout_seconds: 1800}",
            "timeout: 1800}",
            "function 1, configuration 1: timeout",
            "no such field",
        ),
        (
            "functions.yaml",
            "memory_mib: 16384",
            "memory: 16384",
            "function 1, configuration 1: memory",
            "mean memory_mib",
        ),
        ("rollout.yaml", 'low: "3000"', 'low: "5000"', "phase 1: promised_usd_per_day", "low is more than high"),
        (
            "adjustments.yaml",
            "adjustments: []",
            'adjustments: [{day: 2026-11-02, function: generate_code, amount_usd: "1", cause: c, evidence: e}]',
            "adjustment 1: function",
            "mean generate_code_modal",
        ),
        ("prices.yaml", "2026-08-01", "1.8.2026", "resource 1, price 1: valid_from", "a day like 2026-11-02"),
        ("functions.yaml", "mib: 16384", "mib: 16 GiB", "function 1, configuration 1: memory_mib", "a whole number"),
        ("functions.yaml", "gpu: A100-40GB", "gpu: A100-40G", "function 1, configuration 1: gpu", "mean A100-40GB or"),
        (
            "functions.yaml",
            "gpu: A100-40GB",
            "gpu: 'T4:2'",
            "function 1, configuration 1: gpu",
            "gpu: T4 and gpu_count: 2",
        ),
        ("functions.yaml", "phase: phase-1", "phase: phase-9", "function 1, configuration 2: phase", "no such phase"),
        (
            "functions.yaml",
            "gpu: A100-40GB",
            "gpu: A1000",
            "function 1, configuration 1: gpu",
            "no such resource in prices.yaml: 'A1000'",
        ),
        ("rollout.yaml", "2026-10-19T10:40:00Z", "tomorrow", "phase 1: deployed_at", "write the time"),
        (
            "rollout.yaml",
            "- evaluate_genome_modal",
            "- evaluate_gnome",
            "phase 2, function 1",
            "mean evaluate_genome_modal or",
        ),
        ("rollout.yaml", "id: phase-2", "id: phase-1", "phase 2: id", "is there twice"),
        (
            "projection.yaml",
            "function: save_realtime",
            "function: safe_realtime",
            "line 3: function",
            "no such function",
        ),
    ],
)
def test_a_mistake_is_reported_with_file_line_and_entry(
    catalog_dir: Path, file: str, old: str, new: str, field: str, says: str
) -> None:
    line = _edit(catalog_dir / file, old, new)
    with pytest.raises(CatalogError, match=re.escape(says)) as caught:
        load_catalog(catalog_dir)
    assert f"{file}:{line}: {field}: " in str(caught.value)


def test_a_label_cannot_mean_two_resources(catalog_dir: Path) -> None:
    _edit(catalog_dir / "prices.yaml", "Nvidia L4]", "nvidia t4]")
    with pytest.raises(CatalogError, match="'nvidia t4' already belongs to 'T4'"):
        load_catalog(catalog_dir)


@pytest.mark.parametrize("name", ["rollout", "projection", "adjustments", "billing", "settings", "mail"])
def test_a_file_of_the_programme_may_be_missing(catalog_dir: Path, name: str) -> None:
    for path in catalog_dir.glob("*.yaml"):
        if path.stem not in ("functions", "prices", name):
            path.unlink()
    (catalog_dir / "functions.yaml").write_text("functions: []\n")
    if name in ("projection", "rollout", "adjustments"):
        (catalog_dir / f"{name}.yaml").unlink()
    catalog = load_catalog(catalog_dir)
    assert catalog.rollout.programme == catalog_dir.parent.name
    assert (catalog.rollout.phases, catalog.projection.lines, catalog.adjustments.adjustments) == ((), (), ())
    assert catalog.rollout.guardrails == load_catalog(resource_path("catalog")).rollout.guardrails
    assert load_mail_settings(catalog_dir, {}).timezone == "UTC"


def test_a_file_that_comes_to_a_programme_is_another_programme(catalog_dir: Path) -> None:
    adjustments = (catalog_dir / "adjustments.yaml").read_bytes()
    (catalog_dir / "adjustments.yaml").unlink()
    before = load_catalog(catalog_dir)
    (catalog_dir / "adjustments.yaml").write_bytes(adjustments)
    after = load_catalog(catalog_dir)
    assert before.sha256 != after.sha256
    assert after.file_sha256.keys() - before.file_sha256.keys() == {"adjustments.yaml"}


@pytest.mark.parametrize("name", ["functions", "prices"])
def test_a_missing_file_says_where_it_was_looked_for(catalog_dir: Path, name: str) -> None:
    (catalog_dir / f"{name}.yaml").unlink()
    with pytest.raises(CatalogError, match=re.escape("TIEOUT_CATALOG")):
        load_catalog(catalog_dir)


@pytest.mark.parametrize(
    ("old", "new", "meant"),
    [("rollout.yaml", "rolout.yaml", "rollout.yaml"), ("functions.yaml", "functions.yml", "functions.yaml")],
)
def test_a_file_with_nearly_the_right_name_is_not_passed_over(
    catalog_dir: Path, old: str, new: str, meant: str
) -> None:
    (catalog_dir / old).rename(catalog_dir / new)
    with pytest.raises(CatalogError, match=f"{new}: no file of a catalog has this name; did you mean {meant}"):
        load_catalog(catalog_dir)


def test_a_copy_beside_a_file_is_left_alone(catalog_dir: Path) -> None:
    before = load_catalog(catalog_dir)
    shutil.copy(catalog_dir / "functions.yaml", catalog_dir / "functions-old.yaml")
    assert load_catalog(catalog_dir) == before


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"functions:\n\t- name: x\n", "functions.yaml:2: not YAML: a tab stands where only blanks may"),
        (b"functions:\n  - {name: x\n  - {name: y}\n", "a bracket or a comma missing here, or in the line"),
        (
            b"functions: []\n  - name: x\n",
            "functions.yaml:2: not YAML: an entry of a list stands where none can; is there a []",
        ),
        (b"functions: []\nfunctions: []\n", "functions.yaml:2: not YAML: functions is there twice; keep one"),
        (b"functions:\n  - name: a: b\n", "functions.yaml:2: not YAML: a colon stands where none can; does a text"),
        (b"functions: []\n- name: x\n", "functions.yaml:2: not YAML: "),
        (b"  functions: []\nenvironment: main\n", "functions.yaml:2: not YAML: this line belongs to nothing above it"),
        ("functions: []\n# ü\n".encode("latin-1"), "functions.yaml:2: not UTF-8 text"),
    ],
)
def test_a_slip_of_the_editor_is_named_in_plain_words(catalog_dir: Path, content: bytes, says: str) -> None:
    (catalog_dir / "functions.yaml").write_bytes(content)
    with pytest.raises(CatalogError, match=re.escape(says)):
        load_catalog(catalog_dir)


def test_what_is_not_yaml_is_reported_with_its_line(catalog_dir: Path) -> None:
    (catalog_dir / "adjustments.yaml").write_text("adjustments: []\n  - [\n", encoding="utf-8")
    with pytest.raises(CatalogError, match=r"adjustments\.yaml:2: not YAML"):
        load_catalog(catalog_dir)


def test_a_renamed_function_keeps_its_claim_its_phases_and_its_bill(catalog_dir: Path) -> None:
    old, new = "save_realtime_results_modal", "save_results_modal"
    _edit(catalog_dir / "functions.yaml", f"- name: {old}\n", f"- name: {new}\n    replaces: [{old}]\n")
    catalog = load_catalog(catalog_dir)
    owners = catalog.owners()
    assert owners["coral-x-production", old] == owners["coral-x-production", new] == new
    assert old not in {line.function for line in catalog.projection.lines}
    assert old not in {name for phase in catalog.rollout.phases for name in phase.functions}
    assert ("another-app", new) not in owners


def test_a_name_is_of_one_function(catalog_dir: Path) -> None:
    _edit(catalog_dir / "functions.yaml", "    summary:", "    replaces: [evaluate_genome_modal]\n    summary:")
    with pytest.raises(CatalogError, match="has an entry of its own"):
        load_catalog(catalog_dir)


def test_series_are_the_built_in_ones_unless_the_catalog_says_otherwise(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(resource_path("catalog"), tmp_path / "catalog"))
    with_file = load_catalog(folder)
    (folder / "series.yaml").unlink()
    without = load_catalog(folder)
    assert (without.series, without.sha256) == (with_file.series, with_file.sha256)
    rule = "{measure: containers, units: [pods], aggregations: [avg]}"
    (folder / "series.yaml").write_text(f"rules:\n  - {rule}\n", encoding="utf-8")
    other = load_catalog(folder)
    assert [each.units for each in other.series.rules] == [("pods",)]
    assert other.sha256 != with_file.sha256
    (folder / "series.yaml").write_text(f"rules:\n  - {rule.replace('containers', 'warps')}\n", encoding="utf-8")
    with pytest.raises(CatalogError, match=r"series.yaml:2: rule 1: measure"):
        load_catalog(folder)
