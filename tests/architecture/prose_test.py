"""What a newcomer reads first is in short sentences, and the commands in it are commands that there are."""

import re
from pathlib import Path

import pytest

from tests.support.prose import MEAN_WORDS, mean_words, sentences, too_long
from tieout.cli.app import app
from tieout.core.resources import resource_path

ROOT = resource_path("catalog").parent
PAGES = (
    *("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/index.md", "docs/tutorial.md", "docs/live.md"),
    *(
        "docs/finance.md",
        "docs/focus.md",
        "docs/simulator.md",
        "docs/architecture.md",
        "docs/reference/dialects.md",
        "docs/method.md",
    ),
    *(f"docs/guides/{name}.md" for name in ("catalog", "exports", "reports", "security")),
)
_COMMAND = re.compile(r"\btieout ([a-z][a-z-]+)")


def test_sentences_are_told_apart() -> None:
    page = "# Title\n\nOne `a. B` two. Three\nfour?\n\n- Five: [six seven](x.md).\n\n```\nNo. Not.\n```\n| a |\n"
    assert sentences(page) == ["One Code two.", "Three four?", "Five: six seven."]


@pytest.mark.parametrize("page", PAGES)
def test_no_sentence_is_long_and_most_are_short(page: str) -> None:
    said = sentences((ROOT / page).read_text(encoding="utf-8"))
    assert too_long(said) == []
    assert mean_words(said) < MEAN_WORDS


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_is_named_is_there(page: str) -> None:
    known = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    known |= {group.name for group in app.registered_groups if group.name}
    code = " ".join(re.findall(r"```.*?```|`[^`]*`", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL))
    assert set(_COMMAND.findall(code)) - known == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file(page: str) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text(encoding="utf-8"))
    assert [target for target in targets if not ((ROOT / page).parent / Path(target)).exists()] == []
