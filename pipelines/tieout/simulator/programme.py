"""The catalog of a simulated workspace that the built-in one does not describe, as the text of its files.

All other files, such as the prices, are those of the built-in catalog; `write_programme` puts them beside.
"""

import datetime as dt
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tieout.core.resources import resource_path
from tieout.simulator.cli_format import rfc3339
from tieout.simulator.configuration import ContainerConfiguration

_GUARDRAILS = '{error_rate: "0.01", timeout_rate: "0.01", oom_rate: "0.01", p50_ratio: "1.25", p95_ratio: "1.25"}'


@dataclass(frozen=True, slots=True)
class ProgrammeFunction:
    """A function of a programme with its configuration before and after; None after means: it stays.

    `after_app` is the app that it runs on after the rollout, None for the same one.
    """

    name: str
    app: str
    before: ContainerConfiguration
    after: ContainerConfiguration | None = None
    after_app: str | None = None


def no_programme(environment: str = "main") -> Mapping[str, str]:
    """Return the catalog of a workspace in which nothing is being optimized."""
    return programme("No programme", (), environment=environment)


def programme(
    name: str,
    functions: Sequence[ProgrammeFunction],
    *,
    deployed_at: dt.datetime | None = None,
    environment: str = "main",
) -> Mapping[str, str]:
    """Return the files of a programme with one phase, or with none.

    Args:
        name: the programme's name.
        functions: what it covers; the phase has those with a configuration after it.
        deployed_at: when the phase is rolled out, None for no phase.
        environment: the environment that it runs in.
    """
    listed = "functions: []\n" if not functions else "functions:\n" + "".join(map(_function, functions))
    phases = "phases: []\n" if deployed_at is None else _phases(functions, deployed_at)
    return {
        "functions.yaml": f"environment: {environment}\n{listed}",
        "rollout.yaml": f"programme: {name}\nguardrails: {_GUARDRAILS}\n{phases}",
        "projection.yaml": f"title: {name}\nlines: []\n",
        "adjustments.yaml": "adjustments: []\n",
    }


def write_programme(files: Mapping[str, str], folder: Path) -> None:
    """Write a catalog into a folder, and beside it what it shares with the built-in one."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    for shared in sorted(resource_path("catalog").glob("*.yaml")):
        if shared.name not in files:
            shutil.copyfile(shared, folder / shared.name)


def _function(function: ProgrammeFunction) -> str:
    lines = [
        f"  - name: {function.name}\n    configurations:\n",
        _configuration("baseline", function.app, function.before),
    ]
    if function.after is not None:
        lines.append(_configuration("phase-1", function.after_app or function.app, function.after))
    return "".join(lines)


def _configuration(phase: str, app: str, configuration: ContainerConfiguration) -> str:
    fields = [f"phase: {phase}", f"app: {app}"]
    if configuration.gpus:
        fields += [f"gpu: {configuration.gpus[0][0]}", f"gpu_count: {configuration.gpus[0][1]}"]
    if configuration.cpu_millicores is not None:
        fields.append(f'cpu_cores: "{configuration.cpu_millicores / 1000:g}"')
    if configuration.memory_mib is not None:
        fields.append(f"memory_mib: {configuration.memory_mib}")
    fields.append(f"timeout_seconds: {configuration.timeout_seconds}")
    fields.append(f"scaledown_window_seconds: {configuration.scaledown_window_seconds}")
    return f"      - {{{', '.join(fields)}}}\n"


def _phases(functions: Sequence[ProgrammeFunction], deployed_at: dt.datetime) -> str:
    names = ", ".join(function.name for function in functions if function.after is not None)
    return (
        "phases:\n"
        "  - id: phase-1\n"
        "    name: Phase 1\n"
        f"    deployed_at: {rfc3339(deployed_at)}\n"
        f"    functions: [{names}]\n"
        '    promised_usd_per_day: {low: "1", high: "100"}\n'
        "    risk: low\n"
    )
