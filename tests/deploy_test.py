"""What deploys Tieout as a service fits the clone and itself, and a backup brings everything back."""

import hashlib
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.support.issued_weeks import FIRST, IssuedWeeks
from tieout.core.home import Home
from tieout.mail.outbox import open_outbox, read_outbox

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
SPEND = "select hour, app, function, component, amount_usd from spend.hourly order by all"
CLOSINGS = "select * from meta.closings order by all"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    services: dict[str, Any] = YAML(typ="safe").load(DEPLOY / "compose.yaml")["services"]
    return services


def test_nothing_of_the_containers_is_reachable_from_another_machine(compose: dict[str, Any]) -> None:
    ports = [port for service in compose.values() for port in service.get("ports", ())]
    assert ports and all(port.startswith("127.0.0.1:") for port in ports)
    assert compose["proxy"]["network_mode"] == "service:pipeline"


def test_the_archive_server_can_change_nothing(compose: dict[str, Any]) -> None:
    [volume] = compose["archive"]["volumes"]
    assert volume["source"].endswith("/reports") and volume["read_only"] is True


def test_the_image_is_made_of_files_that_are_there_and_its_user_is_not_root(compose: dict[str, Any]) -> None:
    build = compose["pipeline"]["build"]
    context = (DEPLOY / build["context"]).resolve()
    text = (context / build["dockerfile"]).read_text()
    copied = [name for line in re.findall(r"^COPY (?!--)(.*) \S+$", text, re.MULTILINE) for name in shlex.split(line)]
    assert [name for name in copied if not (context / name).exists()] == []
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*(Path(each).parts[0] for each in wheel["only-include"]), *wheel["force-include"], "requirements.lock"}
    assert needed <= set(copied)
    [user] = re.findall(r"^USER (\d+)$", text, re.MULTILINE)
    assert int(user) > 0


def test_every_variable_of_the_example_is_one_that_something_reads() -> None:
    named = set(re.findall(r"^([A-Z_]+)=", (DEPLOY / "environment.example").read_text(), re.MULTILINE))
    code = "".join(path.read_text() for path in (ROOT / "pipelines").rglob("*.py"))
    assert named and {name for name in named if name not in code and not name.startswith("MODAL_TOKEN_")} == set()
    assert {name for name in named if "TOKEN" in name} == {"MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET", "TIEOUT_UI_TOKEN"}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        text = re.sub(r"/usr/local/lib/tieout/bin/\w+", sys.executable, unit.read_text())
        (tmp_path / unit.name).write_text(text)
    names = [str(tmp_path / unit.name) for unit in UNITS]
    ended = subprocess.run(["systemd-analyze", "verify", *names], capture_output=True, text=True, check=False)
    about_ours = [line for line in ended.stderr.splitlines() if str(tmp_path) in line or line.startswith("tieout")]
    assert (ended.returncode, about_ours) == (0, []), ended.stderr


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith("outbox.")
    }


@pytest.mark.slow
def test_a_backup_brings_back_the_same_hashes_figures_and_mails(issued_weeks: Path, tmp_path: Path) -> None:
    weeks = IssuedWeeks(shutil.copytree(issued_weeks, tmp_path / "weeks"))
    with open_outbox(weeks.home.outbox) as outbox:
        outbox.look(FIRST, "as it was")
        (weeks.home.outbox / "half.eml.partial").write_text("being written")
        command = [sys.executable, str(DEPLOY / "backup.py"), str(weeks.home.root), str(tmp_path)]
        archive = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    restored = Home(tmp_path / "restored")
    with tarfile.open(archive) as file:
        assert not {name for name in file.getnames() if name.endswith((".partial", ".lock", "-wal"))}
        file.extractall(restored.root)
    for folder in ("landing", "reports"):
        assert hashes(restored.root / folder) == hashes(weeks.home.root / folder)
    with read_outbox(restored.outbox) as outbox:
        assert outbox.looked_at() == {FIRST: "as it was"}
    again = IssuedWeeks(restored.root)
    again.report()
    assert again.ask(SPEND) == weeks.ask(SPEND)
    assert again.ask(CLOSINGS) == weeks.ask(CLOSINGS)
    assert hashes(restored.reports) == hashes(weeks.home.reports)
