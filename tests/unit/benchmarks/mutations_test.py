"""What becomes of corrupted data: a few kinds of the mutation benchmark, and how it judges all of them."""

import re
from collections import Counter

import pytest

from benchmarks import mutations
from benchmarks.mutations.trial import CONTROL_TOTAL, Kind, Run, Workspace
from tieout.simulator import SCENARIOS, larger
from tieout.validation.suites import all_suites

CLEAN = Run(
    warned=("raw.app_history: Everything deployed was committed",), tables={"spend.attributed": 1, "usage.hours": 1}
)
NAMED = Kind("a cost × 100", "billing_report", "", ("A pool costs what its container time can cost",))
HARMLESS = Kind("a byte order mark", "billing_report", "")
BEYOND_PROOF = Kind("one digit", "billing_report", "", CONTROL_TOTAL)
LOUD = (*CLEAN.warned, "spend.claims: A pool costs what its container time can cost")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    few_calls = larger(SCENARIOS["coral-x"], functions=7, calls_per_day=400)
    return Workspace(tmp_path_factory.mktemp("mutations"), few_calls)


@pytest.fixture(scope="module")
def clean(workspace: Workspace) -> Run:
    return workspace.arrive(lambda _exports: None)


def named(name: str, where: str) -> Kind:
    [kind] = (kind for kind in mutations.KINDS if (kind.name, kind.where) == (name, where))
    return kind


@pytest.mark.parametrize(
    ("name", "where", "outcome"),
    [
        ("JSON cut off", "function_calls", mutations.REFUSED),
        ("a cost set to null", "raw.billing_report", mutations.BLOCKED),
        ("an hour dropped from both reports", "billing_report", mutations.WARNED),
    ],
)
def test_corrupted_data_is_noticed_under_a_name_that_leads_to_it(
    name: str, where: str, outcome: str, workspace: Workspace, clean: Run
) -> None:
    kind = named(name, where)
    verdict = mutations.judge(kind, workspace.arrive(kind.change), clean)
    assert verdict.outcome == outcome
    assert verdict.caught_by


def test_what_is_blocked_stays_as_it_was_to_the_last_byte(workspace: Workspace, clean: Run) -> None:
    run = workspace.arrive(named("one digit of a cost, in the breakdown", "billing_report").change)
    assert run.blocked
    assert "spend.attributed" in run.kept
    assert run.disturbed == ()
    assert clean.tables["spend.attributed"] != run.tables["spend.attributed"]  # it would have moved, had it been built


def test_clean_data_arrives_in_silence(clean: Run) -> None:
    assert (clean.refused, clean.blocked, clean.warned) == ((), (), ())


@pytest.mark.parametrize(
    ("kind", "run", "outcome"),
    [
        (NAMED, Run(warned=LOUD, tables={"spend.attributed": 2}), mutations.WARNED),
        (NAMED, Run(blocked=LOUD), mutations.BLOCKED),
        (NAMED, Run(refused=LOUD), mutations.REFUSED),
        (NAMED, Run(warned=CLEAN.warned, tables={"spend.attributed": 2}), mutations.MISSED),
        (NAMED, Run(warned=("spend.hourly: Another name",), tables={"spend.attributed": 2}), mutations.MISSED),
        (NAMED, Run(blocked=("spend.hourly: Another name",)), mutations.MISSED),
        (HARMLESS, Run(tables={"spend.attributed": 1, "usage.hours": 2}), mutations.UNCHANGED),
        (HARMLESS, Run(tables={"spend.attributed": 2}), mutations.MISSED),
        (HARMLESS, Run(refused=("a.json: the file is empty",)), mutations.MISSED),
        (BEYOND_PROOF, Run(tables={"spend.attributed": 2}), mutations.UNDETECTABLE),
    ],
)
def test_a_corruption_that_moves_the_figures_has_to_be_called_by_its_name(kind: Kind, run: Run, outcome: str) -> None:
    assert mutations.judge(kind, run, CLEAN).outcome == outcome


def test_what_clean_data_says_too_catches_nothing() -> None:
    everyday = Kind("a dirty tree", "app_history", "", ("Everything deployed was committed",))
    assert mutations.judge(everyday, Run(warned=CLEAN.warned, tables={}), CLEAN).outcome == mutations.MISSED


def test_every_kind_stands_once_and_there_are_a_hundred() -> None:
    kinds = Counter((kind.where, kind.name) for kind in mutations.KINDS)
    assert len(kinds) == len(mutations.KINDS) >= 100


def test_every_check_that_a_kind_leads_to_exists() -> None:
    checks = {f"{suite.table}: {each.name}" for suite in all_suites().values() for each in suite.expectations}
    said = {part for kind in mutations.KINDS for part in kind.leads_to if re.match(r"[a-z]+\.[a-z_]+: ", part)}
    assert said <= checks
