"""A hint can be copied and typed: it names the workspace and the catalog as the command itself was told."""

from pathlib import Path

import pytest

from tests.conftest import Tieout
from tieout.cli.hints import as_typed, remember_options


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("`tieout run` again", "`tieout run --home mine --catalog my/catalog` again"),
        ("`tieout sql tie_out`", "`tieout sql tie_out --home mine`"),
        ("`tieout export focus`", "`tieout export focus --home mine`"),
        ("`tieout run --week 2026-W46`", "`tieout run --week 2026-W46 --home mine --catalog my/catalog`"),
        ("`tieout pull; tieout run`", "`tieout pull --home mine --catalog my/catalog; "
         "tieout run --home mine --catalog my/catalog`"),
        ("`tieout demo` shows", "`tieout demo` shows"),
        ("tieout run without quotes, `modal token new`", "tieout run without quotes, `modal token new`"),
        ("`tieout init --home other`", "`tieout init --home other`"),
    ],
)  # fmt: skip
def test_a_command_gets_the_options_that_this_one_was_given(text: str, typed: str) -> None:
    remember_options(home=Path("mine"), catalog=Path("my/catalog"))
    assert as_typed(text) == typed


def test_without_options_a_hint_has_none() -> None:
    remember_options(home=None, catalog=None)
    assert as_typed("`tieout run` again") == "`tieout run` again"


def test_a_path_with_a_space_is_quoted() -> None:
    remember_options(home=Path("my files"), catalog=None)
    assert as_typed("`tieout run`") == "`tieout run --home 'my files'`"


@pytest.mark.parametrize("is_before", [True, False])
def test_the_home_of_a_command_is_in_its_hints(tieout: Tieout, tmp_path: Path, is_before: bool) -> None:
    home = ("--home", tmp_path / "mine")
    said = tieout(*home, "report") if is_before else tieout("report", *home)
    assert f"`tieout run --home {tmp_path / 'mine'}`" in said.err
    assert "--home" not in tieout("report").err
