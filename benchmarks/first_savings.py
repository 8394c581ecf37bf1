"""What the first version of Tieout says of rollouts that save nothing, on the worlds of *False verification*.

It is taken from the repository and reads the same exports, with a baseline frozen over the same days.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import polars as pl

from benchmarks.first_version import first_version
from benchmarks.rows import ROOT, Rows, code_version
from tieout.core.money import format_usd
from tieout.simulator import write_exports
from tieout.simulator.rollout import run_rollout
from tieout.simulator.rollout_setting import RolloutKind, RolloutSetting

_SIDE = Path(__file__).with_name("first_savings_side.py")
_SIMULATOR = sorted((ROOT / "pipelines/tieout/simulator").glob("**/*.py"))


@dataclass(frozen=True)
class FirstFigure:
    """The total of a rollout's week by the first version, beside what was truly saved; dollars as text."""

    setting: RolloutSetting
    true_usd: str
    avoided_usd: str | None
    half_width_usd: str | None
    status: str

    @property
    def is_covered(self) -> bool:
        """Whether the interval contains the truth; a figure without an interval does not."""
        if self.avoided_usd is None or self.half_width_usd is None:
            return False
        return abs(Decimal(self.avoided_usd) - Decimal(self.true_usd)) <= Decimal(self.half_width_usd)


def measure(settings: Iterable[RolloutSetting], rows: Rows) -> Iterator[FirstFigure]:
    """Have rollouts measured by the first version, one after the other; known ones are taken from their rows."""
    with first_version() as first:
        for setting in settings:
            known = rows.get(key := _key(setting))
            if known is None:
                known = _measured(setting, first)
                rows.put(key, known)
            yield FirstFigure(setting, **known)


def table(figures: Iterable[FirstFigure]) -> str:
    """The results as a Markdown table: a line for each kind."""
    by_kind: dict[RolloutKind, list[FirstFigure]] = defaultdict(list)
    for figure in figures:
        by_kind[figure.setting.kind].append(figure)
    lines = ["| what happens | the first version, of a true saving |", "|---|---|"]
    lines += [f"| {kind.value} | {'; '.join(map(_words, group))} |" for kind, group in by_kind.items()]
    return "\n".join(lines)


def _words(figure: FirstFigure) -> str:
    status = f"**{figure.status}**" if figure.status in ("verified", "provisional") else figure.status
    claimed = f" {_cents(figure.avoided_usd)} ± {_cents(figure.half_width_usd or '0')}" if figure.avoided_usd else ""
    return f"{status},{claimed} of {_cents(figure.true_usd)}"


def _cents(usd: str) -> str:
    return format_usd(Decimal(usd)).replace("$", "")


def _key(setting: RolloutSetting) -> dict[str, str]:
    digest = hashlib.sha256(repr(setting).encode()).hexdigest()[:16]
    code = code_version(Path(__file__), _SIDE, *_SIMULATOR)
    return {"setting": digest, "kind": setting.kind.value, "code": code}


def _measured(setting: RolloutSetting, first: Path) -> dict[str, str]:
    rollout = run_rollout(setting)
    day = setting.deployed_at.date()
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory:
        write_exports(rollout.world, Path(directory))
        bounds = (rollout.world.start.isoformat(), rollout.world.end.isoformat())
        ran = subprocess.run(
            [sys.executable, str(_SIDE), directory, f"{day:%G-W%V}", *bounds],
            cwd=first,
            env=os.environ | {"PYTHONPATH": str(first)},
            capture_output=True,
            check=False,
        )
    if ran.returncode:
        raise RuntimeError(f"the first version failed: {ran.stderr.decode()[-2000:]}")
    true = rollout.daily().filter(pl.col("day") > day)["avoided_usd"].sum()
    return {"true_usd": str(true), **json.loads(ran.stdout)}
