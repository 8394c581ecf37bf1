"""The soak in miniature: a few mutations of a landed file, none of which is a defect."""

import json
import random
from pathlib import Path

from benchmarks.sections import section, write_section
from benchmarks.soak import fuzz, tables
from tests.support.landing_folder import LandingFolder

SAMPLES = Path(__file__).parents[2] / "data" / "modal-cli-samples"


def test_mutations_are_loaded_or_refused_in_words(tmp_path: Path) -> None:
    folder = LandingFolder(tmp_path)
    path = folder.put_sample(SAMPLES / "billing_summary.json", "billing_summary/2026-10.json")
    fuzzed = fuzz.fuzz("billing_summary", [path], tmp_path / "landing", files=60, seed=1)
    assert fuzzed.defects == []
    assert (fuzzed.files, fuzzed.loaded + fuzzed.refused.total()) == (60, 60)
    assert fuzzed.loaded and len(fuzzed.refused) > 3


def test_what_is_mutated_leaves_nothing_behind_for_the_next() -> None:
    """Values that are put in are lists and objects, and are mutated themselves in their turn."""
    content, before = json.dumps({"a": [{}], "b": {"c": []}}).encode(), repr(fuzz._VALUES)
    for seed in range(2_000):
        fuzz.mutate_values(content, random.Random(seed))
    assert repr(fuzz._VALUES) == before


def test_the_same_seed_mutates_alike(tmp_path: Path) -> None:
    content = json.dumps([{"cost": "1.50", "day": "2026-11-02"}]).encode()
    for mutate in (fuzz.mutate, fuzz.mutate_values):
        first, second = (mutate(content, random.Random(7)) for _ in range(2))
        assert first == second != content


def test_what_was_not_done_yet_stands_in_the_results_beside_what_was(tmp_path: Path) -> None:
    done = tables.Imaged(0, 0, ()).plus(10, 226, ()).plus(10, 220, ["send, image at stop 3 of 220: mailed twice"])
    text = tables.images({"send": done}, 200)
    assert "| `send` of two weeks to three readers | 20 | 50 | 226 | 1 |" in text
    assert "| `publish` | 0 | 20 |  | 0 |" in text
    assert text.endswith("\n- send, image at stop 3 of 220: mailed twice")
    told = tables.fuzz(
        {"invoices": {"files": 1000, "loaded": 108, "refused": 892, "defects": 0, "cpu_seconds": 0.8}}, 2000
    )
    assert "| invoices | 1,000 | 108 | 892 | 0 | 1 |" in told and "| telemetry | 0 | 0 | 0 | 0 | 0 |" in told
    assert told.endswith("All: 1,000 of 44,000 files.")
    results = tmp_path / "results.md"
    for name, written in (("fuzz", told), ("images", text), ("fuzz", "new")):
        write_section(results, "# Results", ("images", "year", "fuzz"), name, section(name, written))
    kept = results.read_text()
    assert kept.startswith("# Results\n\n## Images\n\n") and kept.endswith("\n\nnew\n") and "invoices" not in kept
