"""The soak in miniature: a few mutations of a landed file, none of which is a defect."""

import json
import random
from pathlib import Path

from benchmarks.soak import fuzz
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
