"""A sender that is killed, anywhere: the mail goes out once, or a person is asked."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.mail.mail_server import Postmaster, running

# Killed at the 1st line, the 12th, the 23rd …; `1` kills at each of some 330.
EVERY_LINES = "11"
ROOT = Path(__file__).resolve().parent.parent.parent


def killed_senders(folder: Path, port: int, where: str) -> list[dict[str, Any]]:
    """Kill senders at a point or at every so many lines, let two more follow each, and say what the outboxes hold."""
    command = [sys.executable, "-m", "tests.mail.killed_sender", str(folder), str(port), where]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    entries: list[dict[str, Any]] = json.loads(done.stdout)
    return entries


@pytest.mark.parametrize(
    ("point", "state", "copies"),
    [("before the mark", "sent", 1), ("after the mark", "in doubt", 0), ("before the record", "in doubt", 1)],
)
def test_a_kill_around_the_end_of_the_data(
    tmp_path: Path, postmaster: Postmaster, point: str, state: str, copies: int
) -> None:
    with running(postmaster) as server:
        [entry] = killed_senders(tmp_path, server.settings.port, point)
    assert entry["states"] == {"anna.1@example.com": state, "ben.1@example.com": "sent"}
    assert (postmaster.copies("anna.1@example.com"), postmaster.copies("ben.1@example.com")) == (copies, 1)


def test_a_kill_on_the_way_neither_loses_nor_doubles_a_mail(tmp_path: Path, postmaster: Postmaster) -> None:
    with running(postmaster) as server:
        entries = killed_senders(tmp_path, server.settings.port, EVERY_LINES)
    assert len(entries) > 25
    seen: Counter[tuple[str, int]] = Counter()
    for entry in entries:
        for address, state in entry["states"].items():
            copies = postmaster.copies(address)
            assert (state, copies) in {("sent", 1), ("in doubt", 0), ("in doubt", 1)}, (entry, copies)
            seen[state, copies] += 1
    # Few lines lie between the mark and the record, and nobody else is ever in doubt.
    assert seen["in doubt", 0] + seen["in doubt", 1] < len(entries) // 4
