"""Progress is one line for each stage where there is no terminal, such as in a log of cron."""

import pytest

from tieout.cli.steps import show_steps


def test_without_a_terminal_each_stage_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with show_steps() as steps:
        steps.stage("Loading landed files")
        steps.stage("Building 2026-W41 to 2026-W44", 2)
        steps.step("staging.prices")
        steps.step("spend.hourly")
    said = capsys.readouterr()
    assert (said.out, said.err.splitlines()) == ("", ["Loading landed files …", "Building 2026-W41 to 2026-W44 …"])
