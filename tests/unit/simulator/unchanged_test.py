"""The first scenarios write what they always wrote: published figures and issued demos depend on it."""

import hashlib
from pathlib import Path

import polars as pl
import pytest

from tieout.simulator import SCENARIOS, simulate

WRITTEN = {
    ("coral-x", 1): ("395ea8005dffc827", "0dfaa78bf1600393"),
    ("coral-x", 7): ("89d02e1099178562", "708f8c2a74600ae1"),
    ("as-deployed", 1): ("88d136cc4f623d71", "4239374422c4cf50"),
}


def exports_below(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)}\0".encode())
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def truth_in(folder: Path) -> str:
    tables = [pl.read_parquet(folder / f"{name}.parquet").write_csv() for name in ("cost_hourly", "avoided_daily")]
    return hashlib.sha256("".join(tables).encode()).hexdigest()[:16]


@pytest.mark.parametrize(("scenario", "seed"), WRITTEN)
def test_exports_and_truth_are_what_they_always_were(scenario: str, seed: int, tmp_path: Path) -> None:
    simulate(SCENARIOS[scenario], seed=seed, weeks=2, out=tmp_path)
    assert (exports_below(tmp_path / "landing"), truth_in(tmp_path / "truth")) == WRITTEN[scenario, seed]
