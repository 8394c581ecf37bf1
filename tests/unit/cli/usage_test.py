import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Tieout

COMMANDS = (
    *("demo", "simulate", "init", "pull", "run", "report", "send", "outbox"),
    *("audit", "freeze-baseline", "sql", "doctor", "ui"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(tieout: Tieout, command: str) -> None:
    said = tieout(command, "--help")
    assert said.code == 0
    assert f"tieout {command}" in said.out.split("Example", 1)[1]


def test_help_needs_none_of_the_heavy_libraries() -> None:
    program = (
        "import sys; sys.argv = ['tieout', '--help']\n"
        "from tieout.cli import run_command\n"
        "try: run_command()\n"
        "except SystemExit: pass\n"
        "heavy = {'dagster', 'polars', 'pandas', 'great_expectations', 'duckdb', 'numpy'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for command in COMMANDS:
        assert command in done.stdout


@pytest.mark.parametrize("arguments", [("report",), ("sql", "tie_out")])
def test_without_a_warehouse_the_message_says_how_to_get_one(
    tieout: Tieout, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    said = tieout(*arguments, "--home", tmp_path)
    assert said.code == 2
    assert "tieout run" in said.err
    assert "Traceback" not in said.err


def test_without_landed_files_there_is_nothing_to_run(tieout: Tieout, tmp_path: Path) -> None:
    said = tieout("run", "--home", tmp_path)
    assert said.code == 2
    assert f"there are no files in {tmp_path / 'landing'}" in said.err
    assert "tieout demo" in said.err
    assert not (tmp_path / "warehouse.duckdb").exists()


@pytest.mark.parametrize("here", [".", "landing", "landing/billing_report"])
def test_in_the_wrong_folder_the_message_names_the_workspace_that_is_near(
    tieout: Tieout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: str
) -> None:
    (tmp_path / "mine" / "landing" / "billing_report").mkdir(parents=True)
    (tmp_path / "mine" / "landing" / "billing_report" / "bill.json").touch()
    for folder, home in ((tmp_path, "mine"), (tmp_path / "mine" / here, str(tmp_path / "mine"))):
        monkeypatch.chdir(folder)
        said = tieout("run")
        assert said.code == 2
        assert f"There are some in {tmp_path / 'mine' / 'landing'}" in said.err
        if folder != tmp_path / "mine":
            assert f"run --home {home}`" in said.err


def test_exports_beside_the_landing_folder_are_told_where_to_go(tieout: Tieout, tmp_path: Path) -> None:
    (tmp_path / "bill.json").touch()
    said = tieout("run", "--home", tmp_path)
    assert said.code == 2
    assert f"move the exports to {tmp_path / 'landing'}" in said.err


@pytest.mark.parametrize("week", ["2026-46", "2026-W54", "last"])
def test_a_week_that_is_none_is_refused(tieout: Tieout, tmp_path: Path, week: str) -> None:
    said = tieout("run", "--week", week, "--home", tmp_path)
    assert said.code == 2
    assert "--week" in said.err


@pytest.mark.parametrize(
    "arguments",
    [("run", "--week", "2026-W46", "--all"), ("sql", "tie_out", "--csv", "--json"), ("demo", "--weeks", "0"), ("rum",)],
)
def test_wrong_use_exits_with_2(tieout: Tieout, arguments: tuple[str, ...]) -> None:
    assert tieout(*arguments).code == 2


def test_an_unknown_scenario_is_answered_with_those_that_there_are(tieout: Tieout, tmp_path: Path) -> None:
    said = tieout("demo", "--scenario", "coral-y", "--home", tmp_path / "home")
    assert said.code == 2
    assert "coral-x, as-deployed" in said.err
    assert not (tmp_path / "home").exists()


def test_a_broken_catalog_is_named_with_file_and_line(tieout: Tieout, tmp_path: Path) -> None:
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "x.json").write_text("{}")
    for name in ("rollout", "projection", "prices", "adjustments"):
        (tmp_path / f"{name}.yaml").write_text("")
    (tmp_path / "functions.yaml").write_text("environment: main\nfunctions:\n  - {name: [}\n")
    said = tieout("run", "--home", tmp_path, "--catalog", tmp_path)
    assert said.code == 2
    assert f"{tmp_path / 'functions.yaml'}:3" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("before", [True, False])
def test_home_may_stand_before_the_command_or_after_it(tieout: Tieout, tmp_path: Path, before: bool) -> None:
    home = ("--home", tmp_path / "here")
    said = tieout(*home, "run") if before else tieout("run", *home)
    assert str(tmp_path / "here" / "landing") in said.err


def test_home_after_the_command_wins_and_the_environment_comes_last(
    tieout: Tieout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIEOUT_HOME", str(tmp_path / "environment"))
    assert str(tmp_path / "environment" / "landing") in tieout("run").err
    assert str(tmp_path / "before" / "landing") in tieout("--home", tmp_path / "before", "run").err
    said = tieout("--home", tmp_path / "before", "run", "--home", tmp_path / "after")
    assert str(tmp_path / "after" / "landing") in said.err


def test_without_a_home_it_is_data_in_the_current_folder(
    tieout: Tieout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert str(tmp_path / "data" / "landing") in tieout("run").err
