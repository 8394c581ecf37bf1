"""Every section of the report is in the list, is read, and is shown on a page of evidence."""

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import fields
from importlib.util import find_spec

import pytest

from tests.golden.handmade import REPORT
from tieout.catalog.vocabulary import COMPONENTS
from tieout.core.resources import resource_path
from tieout.report.contents import SECTIONS, SHEETS, WeeklyReport, read_contents
from tieout.report.formats.html import render_pages
from tieout.report.pages import EVIDENCE
from tieout.report.reasons import FORMS
from tieout.report.section import Section
from tieout.report.sections.definitions import DEFINITIONS
from tieout.savings.counterfactual import ModelForm
from tieout.savings.status import Status

_INCLUDED = re.compile(r'include "sections/(\w+)\.(\w+)\.j2"')


def partials() -> dict[tuple[str, str], str]:
    """The text of every partial, by section and format."""
    paths = (resource_path("reports") / "sections").glob("*.j2")
    return {(path.name.split(".")[0], path.name.split(".")[1]): path.read_text(encoding="utf-8") for path in paths}


def shown_in(text: str) -> Iterator[tuple[str, str]]:
    yield from _INCLUDED.findall(text)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_a_section_is_a_module_and_a_partial(section: Section) -> None:
    assert find_spec(f"tieout.report.sections.{section.name}")
    assert (section.name, "html") in partials(), f"write reports/sections/{section.name}.html.j2"


def test_every_partial_is_shown() -> None:
    shown = {(section.name, "html") for section in SECTIONS}
    shown |= {name for text in partials().values() for name in shown_in(text)}
    orphans = sorted(set(partials()) - shown)
    assert not orphans, f"include these in a section, or delete them: {orphans}"


def test_sections_and_sheets_have_names_of_their_own() -> None:
    assert len({section.name for section in SECTIONS}) == len({section.anchor for section in SECTIONS}) == len(SECTIONS)
    assert len({tab.name for tab in SHEETS}) == len(SHEETS)


def test_every_field_of_a_report_is_read() -> None:
    tree = ast.parse(inspect.getsource(read_contents))
    [call] = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == "WeeklyReport"]
    forgotten = {field.name for field in fields(WeeklyReport)} - {keyword.arg for keyword in call.keywords}
    assert not forgotten, f"read {forgotten} in read_contents; its default would be printed for every week"


def test_every_section_stands_on_one_page_of_evidence() -> None:
    placed = [name for page in EVIDENCE for name in page.sections]
    assert sorted(placed) == sorted(section.name for section in SECTIONS)
    anchors = {section.name: section.anchor for section in SECTIONS}
    pages = dict(render_pages(REPORT))
    for page in EVIDENCE:
        shown = re.findall(r'<section aria-labelledby="([\w-]+)">', pages[page.file])
        assert shown == [anchors[name] for name in page.sections]


def test_every_word_that_a_component_or_a_check_has_is_defined() -> None:
    terms = {definition.term.lower() for definition in DEFINITIONS}
    assert {component.name for component in COMPONENTS} | {"gate", "guardrail", "witness", "baseline"} <= terms
    assert {status.value for status in Status} | {FORMS[ModelForm.REPLAYED], FORMS[ModelForm.PROPORTIONAL]} <= terms
