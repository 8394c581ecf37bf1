"""One quantity prints as one number on every surface: pages, digest, workbook, archive and queries."""

from dataclasses import replace

import pytest

from tests.conftest import LAST_WEEK
from tests.support.edge_workspaces import LOSS, EdgeWorkspace, with_a_loss
from tests.support.printed_figures import ALL, Figures, printed_figures
from tests.support.trusting import Trusting
from tieout.catalog.load import load_catalog
from tieout.core.home import Home
from tieout.core.periods import IsoWeek
from tieout.workspace import Workspace

SMALL_LOSS = replace(LOSS, weeks_before=2, calls_per_day=40.0)
SPEND = {("cost of the week", ALL): 15, ("without a call", ALL): 6, ("cost of all months", ALL): 2}
SAVING = {
    ("avoided", ALL): 9,
    ("avoided so far", ALL): 6,
    ("avoided a measured day", ALL): 2,
    ("counterfactual", ALL): 3,
    ("cost of what claims", ALL): 2,
}


def figures_of(edge: EdgeWorkspace) -> Figures:
    with Workspace(edge.home, edge.catalog) as workspace:
        return printed_figures(edge.home, workspace.report(edge.week.label), load_catalog(edge.catalog))


@pytest.fixture(params=["two weeks of CORAL-X", "a loss"], scope="module")
def figures(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Figures:
    if request.param == "two weeks of CORAL-X":
        built_workspace: Home = request.getfixturevalue("built_workspace")
        return figures_of(EdgeWorkspace(built_workspace, IsoWeek.parse(LAST_WEEK), built_workspace.catalog))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tieout.validation.runner.Validator", lambda _con: Trusting())
        return figures_of(with_a_loss(tmp_path_factory.mktemp("loss"), SMALL_LOSS))


@pytest.mark.slow
def test_one_quantity_is_one_number_wherever_it_is_printed(figures: Figures) -> None:
    assert not figures.contradictions, "\n".join(figures.contradictions)
    surfaces = {key: len(found) for key, found in figures.found.items()}
    expected = SPEND | (SAVING if ("avoided", ALL) in surfaces else {})
    assert {key: number for key, number in expected.items() if surfaces.get(key, 0) < number} == {}
    of_functions = {key: number for key, number in surfaces.items() if key[0] == "cost of the week" and key[1] != ALL}
    assert len([number for number in of_functions.values() if number >= 8]) > 4
