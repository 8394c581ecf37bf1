import pickle
import pkgutil
from importlib import import_module

import pytest

import tieout
from tieout.catalog.models import CatalogError
from tieout.cli.failures import CommandError, ExitCode
from tieout.cli.messages import explain
from tieout.core.errors import TieoutError


def test_an_error_says_where_what_and_what_to_do_next() -> None:
    error = TieoutError("no such phase: 'phase-9'", place="functions.yaml:12", remedy="Name one of rollout.yaml.")
    assert error.located == "functions.yaml:12: no such phase: 'phase-9'"
    assert str(error) == "functions.yaml:12: no such phase: 'phase-9'. Name one of rollout.yaml."


def test_an_error_without_place_and_remedy_is_its_problem() -> None:
    assert str(TieoutError("nothing is landed")) == "nothing is landed"


def test_a_class_of_errors_has_a_usual_remedy_and_one_of_them_may_have_a_better_one() -> None:
    assert str(CatalogError("it is gone")) == "it is gone. Correct the catalog, then run the command again."
    assert str(CatalogError("it is gone", remedy="Look in git.")) == "it is gone. Look in git."


def test_an_error_survives_the_way_between_processes() -> None:
    error = pickle.loads(pickle.dumps(CommandError("no", place="a", remedy="b.", code=ExitCode.DATA)))
    assert (error.located, error.remedy, error.code) == ("a: no", "b.", ExitCode.DATA)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CatalogError("wrong", place="prices.yaml:3", remedy="Write 2.10."), ExitCode.USAGE),
        (CommandError("wrong", place="prices.yaml:3", remedy="Write 2.10.", code=ExitCode.DATA), ExitCode.DATA),
    ],
)
def test_the_command_line_prints_every_error_alike(
    error: TieoutError, code: ExitCode, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain(error) is code
    assert capsys.readouterr().err == "Error: prices.yaml:3: wrong\nWrite 2.10.\n"


def test_every_error_of_the_package_has_the_one_base() -> None:
    modules = [import_module(module.name) for module in pkgutil.walk_packages(tieout.__path__, "tieout.")]
    others = {
        f"{found.__module__}.{found.__name__}"
        for module in modules
        for found in vars(module).values()
        if isinstance(found, type)
        and issubclass(found, Exception)
        and found.__module__.startswith("tieout.")
        and not issubclass(found, TieoutError)
        and not found.__name__.startswith("_")
    }
    assert not others, f"derive these from TieoutError, so that people get place and remedy: {sorted(others)}"
