import base64
import csv
import hashlib
import re
import time
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError
from rich.cells import cell_len

from tests.golden.edges import EMPTY, HOSTILE, LOSS, MANY, with_names
from tests.golden.handmade import REPORT, usd
from tests.golden.regenerate import GOLDEN, golden_files
from tieout.core.findings import Finding, Severity
from tieout.core.resources import resource_path
from tieout.report.contents import WeeklyReport
from tieout.report.file_names import PAGE_NAME
from tieout.report.formats.charts import draw_charts
from tieout.report.formats.html import headline_lines, render_html, render_pages, render_text, write_report
from tieout.report.formats.tables import csv_of, tables_within
from tieout.report.formats.templates import LONGEST_NAME
from tieout.report.sections.coverage import ErrorBar, ErrorBars, draw_error_bars
from tieout.report.sections.spend import PhaseSpend
from tieout.report.sections.tie_out import GateOutcome

EDGES = {"one of everything": REPORT, "no data": EMPTY, "a loss": LOSS, "hostile names": HOSTILE}
EVERY_EDGE = pytest.mark.parametrize("report", EDGES.values(), ids=EDGES.keys())

HOSTILE_NAMES = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "=HYPERLINK(1)",
    "a\nTIE-OUT\nforged: $0.00",
    "a\r\x1b[2J\x07b",
    "right\u202eto left",
    "¦ cell ¦ cell ¦",
    "-",
    "{{ report.week }}",
    "名前" * 60,
    "x" * 5000,
    "lone \udcff surrogate",
)


def named(name: str) -> WeeklyReport:
    """The handmade report with a name of somebody else's choosing wherever a name can stand."""
    group = REPORT.savings.groups[0]
    lines = tuple(replace(line, function=name) for line in group.lines)
    savings = replace(REPORT.savings, groups=(replace(group, lines=lines),), silent_functions=(name, name))
    [first, *others] = REPORT.spend.functions
    assert REPORT.bridge is not None
    bridge = replace(
        REPORT.bridge,
        phases=(name, name),
        functions=tuple(replace(line, function=name, phase=name) for line in REPORT.bridge.functions),
    )
    assert REPORT.normalized is not None
    normalized = replace(
        REPORT.normalized, lines=tuple(replace(line, function=name) for line in REPORT.normalized.lines)
    )
    return replace(
        REPORT,
        programme=name,
        savings=savings,
        ledger=replace(
            REPORT.ledger, rows=tuple(replace(row, function=name, phase=name) for row in REPORT.ledger.rows)
        ),
        bridge=bridge,
        guardrails=tuple(replace(group, function=name) for group in REPORT.guardrails),
        normalized=normalized,
        counterfactuals=tuple(replace(line, function=name) for line in REPORT.counterfactuals),
        audit=tuple(replace(entry, subject=name, statement=f"{name} is rounded.") for entry in REPORT.audit),
        spend=replace(REPORT.spend, functions=(replace(first, function=name), *others)),
        coverage=tuple(replace(line, function=name) for line in REPORT.coverage),
        rollout=tuple(replace(line, function=name, phase=name) for line in REPORT.rollout),
        unattributed=replace(
            REPORT.unattributed,
            lines=tuple(replace(line, app=name, resource=name) for line in REPORT.unattributed.lines),
        ),
        gates=tuple(replace(gate, details=(f"{name}: bill only",)) for gate in REPORT.gates),
        findings=(Finding(code="x", severity=Severity.INFO, subject=name, message=f"{name} is not what it seems"),),
    )


def pages_of(report: WeeklyReport, *, with_charts: bool = False) -> dict[str, str]:
    """Every page of a week by its name."""
    return dict(render_pages(report, draw_charts(report) if with_charts else ()))


class _Page(HTMLParser):
    """Collects what an HTML page is made of, and checks that its elements nest."""

    VOID = frozenset({"meta", "br", "wbr", "img", "link", "source"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


LOOKED_AT = sorted(
    path.relative_to(GOLDEN).as_posix() for kind in ("html", "txt") for path in GOLDEN.rglob(f"*.{kind}")
)


@pytest.fixture(scope="module")
def printed() -> dict[str, str]:
    return golden_files()


def test_every_page_that_is_printed_was_looked_at(printed: dict[str, str]) -> None:
    assert sorted(printed) == LOOKED_AT


@pytest.mark.parametrize("name", LOOKED_AT)
def test_the_report_is_printed_as_it_was_looked_at(name: str, printed: dict[str, str]) -> None:
    assert printed[name] == (GOLDEN / name).read_text(encoding="utf-8"), (
        "the report's form has changed; `python -m tests.golden.regenerate` writes the new one, then look at it"
    )


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """A folder that holds the handmade week."""
    write_report(REPORT, draw_charts(REPORT), tmp_path / "reports")
    return tmp_path / "reports"


def test_every_form_of_a_week_lands_in_its_folder_and_nothing_else(reports: Path) -> None:
    (reports / "2026-W46" / "function-that-is-gone.html").write_text("of an earlier revision")
    files = write_report(REPORT, draw_charts(REPORT), reports)
    assert [path.name for path in files[:2]] == ["index.html", "report.txt"]
    assert {"chart-bill.svg", "chart-bill.png", "spend.html", "function-generate-code-modal.html"} <= {
        path.name for path in files
    }
    assert sorted((reports / "2026-W46").iterdir()) == sorted(files)
    assert sorted(path.name for path in reports.iterdir()) == ["2026-W46", "index.html"]


def test_a_week_that_no_longer_claims_loses_the_pages_of_the_claim(reports: Path) -> None:
    (reports / "2026-W46" / "notes.txt").write_text("of somebody else")
    files = write_report(replace(REPORT, is_spend_only=True), draw_charts(REPORT), reports)
    names = {path.name for path in (reports / "2026-W46").iterdir()}
    assert names == {path.name for path in files} | {"notes.txt"}
    assert not names & {"savings.html", "guardrails.html", "audit.html"}


def test_the_same_week_is_written_with_the_same_bytes(reports: Path) -> None:
    before = {path: path.read_bytes() for path in reports.rglob("*.*") if path.is_file()}
    write_report(REPORT, draw_charts(REPORT), reports)
    assert {path: path.read_bytes() for path in reports.rglob("*.*") if path.is_file()} == before


def test_a_picture_is_of_its_drawing_also_where_a_process_was_killed_between_the_two(reports: Path) -> None:
    week, [changed, *_] = reports / "2026-W46", draw_charts(REPORT)
    drawing, image = week / f"chart-{changed.name}.svg", week / f"chart-{changed.name}.png"
    before = image.read_bytes()
    other = replace(changed, light_svg=changed.light_svg.replace("</svg>", "<title>another</title></svg>"))
    drawing.write_text(other.light_svg)  # and no image yet
    write_report(REPORT, [other], reports)
    assert image.read_bytes() == other.png() != before
    drawing.write_text(changed.light_svg)  # and what changed it has been taken back since
    write_report(REPORT, [changed], reports)
    assert image.read_bytes() == before


def test_what_a_killed_process_left_of_a_file_that_is_not_written_again_is_taken_away(reports: Path) -> None:
    week = reports / "2026-W46"
    (week / ".chart-bill.png.partial").write_bytes(b"half of")
    (week / ".revision-2.partial").mkdir()
    files = write_report(REPORT, draw_charts(REPORT), reports)
    assert sorted(week.iterdir()) == sorted([*files, week / ".revision-2.partial"])


def test_a_report_that_cannot_be_rendered_leaves_the_old_files(reports: Path) -> None:
    before = [path.read_bytes() for path in sorted((reports / "2026-W46").iterdir())]
    with pytest.raises((AttributeError, UndefinedError)):
        write_report(replace(REPORT, spend=None), (), reports)  # type: ignore[arg-type]
    assert [path.read_bytes() for path in sorted((reports / "2026-W46").iterdir())] == before


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_is_inert_in_html(name: str) -> None:
    harmless = pages_of(named("harmless"))
    for file, page in pages_of(named(name)).items():
        tags = [tag for tag, _ in _Page(page).tags if tag != "wbr"]
        assert tags == [tag for tag, _ in _Page(harmless[file]).tags if tag != "wbr"]
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e\ud800-\udfff]", page)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_is_inert_in_text(name: str) -> None:
    text = render_text(named(name))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e\ud800-\udfff]", text)
    assert [line for line in text.splitlines() if line.startswith(("TIE-OUT", "forged"))] == []
    text.encode("utf-8")


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_text_never_runs_over_80_columns(name: str) -> None:
    assert max(cell_len(line) for line in render_text(named(name)).splitlines()) <= 80


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=120))
def test_text_never_runs_over_80_columns_whatever_the_name(name: str) -> None:
    assert max(cell_len(line) for line in render_text(named(name)).splitlines()) <= 80


def test_amounts_are_never_cut_even_when_they_are_huge() -> None:
    huge = usd("123456789012.34")
    text = render_text(replace(REPORT, spend=replace(REPORT.spend, total_usd=huge)))
    assert text.count("$123,456,789,012.34") == 1
    assert max(cell_len(line) for line in text.splitlines()) <= 80


@pytest.mark.parametrize("report", [*EDGES.values(), MANY], ids=[*EDGES, "300 functions"])
def test_the_text_is_read_in_a_minute(report: WeeklyReport) -> None:
    lines = render_text(report).splitlines()
    assert len(lines) <= 60


def test_a_page_needs_nothing_beside_itself_and_runs_nothing_but_its_own() -> None:
    drawn = []
    for name, page in pages_of(REPORT, with_charts=True).items():
        assert not re.search(r"<(?:iframe|object|embed|base|form)\b|url\(|@import", page)
        parsed = _Page(page)
        assert [link["rel"] for link in parsed.all("link")] == ["icon"]
        drawn += [picture["src"] or "" for picture in parsed.all("img")]
        drawn += [source["srcset"] or "" for source in parsed.all("source")]
        [policy] = [m["content"] for m in parsed.all("meta") if "http-equiv" in m]
        scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
        assert len(scripts) == (name != PAGE_NAME)
        allowed = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
        source = "".join(f"; script-src 'sha256-{digest}'" for digest in allowed)
        assert policy == f"default-src 'none'; img-src data:; style-src 'unsafe-inline'{source}"
    assert drawn
    assert all(address.startswith("data:image/svg+xml;base64,") for address in drawn)


def test_every_link_leads_to_a_page_of_the_week_or_to_another_report(reports: Path) -> None:
    pages = pages_of(REPORT, with_charts=True)
    files = {path.name for path in (reports / "2026-W46").iterdir()}
    beyond = set()
    for page in map(_Page, pages.values()):
        ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
        for anchor in page.all("a"):
            target = anchor["href"] or ""
            if target.startswith("#"):
                assert target.removeprefix("#") in ids
            elif not target.startswith("data:text/csv") and target not in files:
                beyond.add(target)
    assert beyond == {"../index.html", "revision-1/index.html"}


def test_every_function_that_costs_links_to_its_page() -> None:
    pages = pages_of(REPORT)
    for function in REPORT.spend.functions:
        link = f'href="{REPORT.pages_of_functions[function.function]}"'
        assert link in pages["spend.html"]
        assert link in pages["savings.html"]


def test_every_table_has_its_rows_as_csv_with_plain_amounts() -> None:
    for name, page in pages_of(REPORT).items():
        assert page.count("<table") == page.count('class="csv"'), name
    rows = csv_of('<tr><th>=cmd</th><td class="n">−$1,234.50</td><td colspan="2">a<br>b</td></tr>')
    assert rows == "'=cmd,-1234.50,a b,\n"


def test_a_table_that_is_cut_has_all_rows_in_a_file_beside_the_page(tmp_path: Path) -> None:
    [first, *_] = REPORT.spend.functions
    functions = tuple(replace(first, function=f"function_{number}") for number in range(100))
    report = replace(REPORT, spend=replace(REPORT.spend, functions=functions, total_usd=first.amount_usd * 100))
    files = {path.name: path for path in write_report(report, (), tmp_path)}
    rows = list(csv.DictReader(files["table-spend-rows.csv"].open()))
    known = {row["Function, phase"].split()[0]: Decimal(row["Cost"]) for row in rows}
    assert {function.function: known[function.function] for function in functions} == {
        function.function: function.amount_usd for function in functions
    }
    assert known["Total"] == report.spend.total_usd
    assert 'href="table-spend-rows.csv" download' in files["spend.html"].read_text()
    assert "data:text/csv" in files["data.html"].read_text()


def test_the_file_of_a_table_that_is_cut_no_more_is_taken_away(tmp_path: Path) -> None:
    write_report(MANY, (), tmp_path)
    assert (tmp_path / "2026-W46" / "table-coverage.csv").exists()
    write_report(REPORT, (), tmp_path)
    assert not (tmp_path / "2026-W46" / "table-coverage.csv").exists()


def test_a_bar_is_no_column_of_the_csv() -> None:
    page = pages_of(REPORT)["data.html"]
    assert 'class="track wide"' in page
    assert tables_within(page)["coverage"].splitlines()[:2] == [
        "Function,Billed,At least,At most,By the log,Coverage",
        "generate_code_modal,90.00,88.10,91.95,88.20,98.0%",
    ]


def test_an_error_bar_is_drawn_in_percent_of_what_was_billed() -> None:
    [known, unbilled] = REPORT.coverage
    unsure = replace(known, low_usd=usd("45.00"), high_usd=usd("900.00"))
    assert draw_error_bars([known, unbilled]) == ErrorBars(110, (ErrorBar(89, 4, 91), None))
    assert draw_error_bars([unsure]) == ErrorBars(300, (ErrorBar(17, 83, 33),))


@pytest.mark.parametrize("form", ["".join(pages_of(REPORT).values()), render_text(REPORT)], ids=["html", "text"])
def test_every_source_is_a_query_that_can_be_run(form: str) -> None:
    named = set(re.findall(r"tieout sql\s(\w+)", form))
    assert named >= {"savings", "movers", "weeks"}
    assert named <= {path.stem for path in (resource_path("sql") / "queries").glob("*.sql")}


def test_a_query_is_shown_with_its_sql() -> None:
    page = pages_of(REPORT)["spend.html"]
    assert "from finance.spend_weekly_cents" in page
    assert "in the cents that the report prints?" in page


@EVERY_EDGE
def test_every_page_is_valid_html(report: WeeklyReport) -> None:
    for page in pages_of(report).values():
        html5lib.HTMLParser(strict=True).parse(page)


def test_every_page_can_be_read_by_everybody() -> None:
    for page in map(_Page, pages_of(REPORT, with_charts=True).values()):
        assert page.all("html") == [{"lang": "en"}]
        assert len(page.all("title")) == len(page.all("h1")) == len(page.all("main")) == 1
        assert len(page.all("caption")) == len(page.all("table"))
        assert all("scope" in header for header in page.all("th"))
        assert all((picture["alt"] or "").endswith(".") for picture in page.all("img"))
        captions = {caption["id"] for caption in page.all("caption")}
        boxes = [div for div in page.all("div") if (div.get("class") or "").startswith("scroll")]
        assert all(box["tabindex"] == "0" and box["aria-labelledby"] in captions for box in boxes)
        ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        assert len(ids) == len(set(ids))


def test_a_long_name_is_shortened_and_its_parts_may_break() -> None:
    page = pages_of(with_names("refresh_" + "very_" * 2_000 + "long_name_modal"))["spend.html"]
    assert "refresh_<wbr>very_<wbr>" in page
    assert len(max(re.findall(r"[^<>]+", page.split("<body>")[1]), key=len)) < 60 * LONGEST_NAME


def test_a_page_of_a_week_is_light() -> None:
    for report in (REPORT, EMPTY, HOSTILE, MANY):
        for page in pages_of(report, with_charts=True).values():
            assert len(page.encode()) <= 300_000


def test_a_table_of_many_functions_scrolls_in_a_box_of_its_own() -> None:
    assert 'class="scroll tall"' in pages_of(MANY)["spend.html"]
    assert 'class="scroll tall"' not in pages_of(REPORT)["spend.html"]


def seconds_to_render(report: WeeklyReport) -> float:
    """Processor time of all pages and the text."""
    began = time.process_time()
    pages_of(report)
    render_text(report)
    return time.process_time() - began


def test_a_week_is_rendered_in_a_moment() -> None:
    assert seconds_to_render(REPORT) < 0.5


def test_a_week_of_300_functions_is_rendered_in_a_moment() -> None:
    assert seconds_to_render(MANY) < 6


def test_a_table_that_is_cut_still_adds_up() -> None:
    [first, *_] = REPORT.spend.functions
    many = tuple(replace(first, function=f"function_{number}") for number in range(100))
    spend = replace(REPORT.spend, functions=many, total_usd=first.amount_usd * 100)
    page = pages_of(replace(REPORT, spend=spend))["spend.html"]
    assert "40 other functions" in page
    assert "$3,600.00" in page


def test_a_negative_saving_is_called_one() -> None:
    page = render_html(LOSS)
    assert "−$58.50" in page
    assert "Negative: the week cost more than the same work would have cost before" in page


def test_a_week_without_data_says_so_on_every_page() -> None:
    pages = "".join(pages_of(EMPTY).values())
    for said in (
        "No saving is claimed for 2026-W48",
        "Nothing billed",
        "Nothing was billed in the landed",
        "No day counts yet",
    ):
        assert said in pages


@EVERY_EDGE
def test_no_table_is_only_a_header(report: WeeklyReport) -> None:
    for page in pages_of(report).values():
        for table in re.findall(r"<table.*?</table>", page, re.DOTALL):
            assert re.search(r"<tbody[^>]*>\s*<tr", table)


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_of_text_has_enough_contrast(scheme: str) -> None:
    blocks = re.findall(r":root \{(.*?)\}", render_html(REPORT), re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[("light", "dark").index(scheme)]))
    for ink in ("ink", "soft", "accent", "passed", "warning", "blocked", "unmeasured"):
        for paper in ("page", "card", "mark"):
            lighter, darker = sorted((_luminance(colours[ink]), _luminance(colours[paper])), reverse=True)
            assert (lighter + 0.05) / (darker + 0.05) >= 4.5, f"{ink} on {paper}"


def test_nothing_is_printed_as_python_writes_it() -> None:
    for form in (*pages_of(REPORT).values(), render_text(REPORT)):
        assert not re.search(r"\bNone\b(?!\.)|Decimal|GateOutcome\.|DayState\.|object at", form)


def test_the_command_line_gets_the_sentences_that_matter_most() -> None:
    assert headline_lines(REPORT) == [
        "Blocked: G4 is not passed. Do not use the figures of this week.",
        "Provisional: avoided cost $58.50 ± $6.42 in 2026-W46, $9.75 ± $1.07 a day over 6 measured days "
        "(90% interval). Not verified, because the bill of 1 day (Sat 14 Nov 2026) may still change.",
        "That is 0.2% of the published $4,140 a day (its own lines add up to $4,137.60), 40.6% of the restated $24.00 "
        "and 39.4% less cost for the same work, claimed 63.3% less.",
        "The published projection of $4,140 a day exceeds the whole measured spend of $195.23 a day in the baseline; "
        "at measured seconds per call it is $24.00 a day, and the figure to use is the measured $9.75 ± $1.07 a day.",
        "Premise not met: 1 of the 3 projected savings rests on a configuration that was not deployed.",
        "168 hours, 1,342 pools: $100.001234567890 billed = attributed, difference $0.000000000000.",
    ]


def test_before_anything_is_measured_the_projection_is_still_held_against_the_spend() -> None:
    early = replace(REPORT.headline, restated_usd_per_day=None)
    assert early.comparison == (
        "The published projection of $4,140 a day exceeds the whole measured spend of $195.23 a day in the baseline."
    )


def test_the_change_of_the_bill_stands_beside_the_saving_and_is_not_called_one() -> None:
    assert REPORT.headline.cash_sentence == (
        "The bill is $12.34 above as many average baseline days. "
        "Part of that is the number of calls, so it is not the saving."
    )


def test_a_projection_below_the_measured_spend_is_not_called_impossible() -> None:
    possible = replace(REPORT.headline, baseline_usd_per_day=usd("4140.00"))
    assert possible.comparison is None
    assert "whole measured spend" not in render_text(replace(REPORT, headline=possible))


def test_a_week_that_passes_is_not_called_blocked() -> None:
    gates = tuple(replace(gate, outcome=GateOutcome.PASSED) for gate in REPORT.gates)
    assert "Blocked" not in render_html(replace(REPORT, gates=gates))


def test_an_attribution_that_is_off_is_said_with_its_size() -> None:
    tie_out = replace(REPORT.tie_out, pools_off=1, attributed_usd=usd("100.001234567891"))
    assert tie_out.sentence == (
        "168 hours, 1,342 pools, 1 pool off: $100.001234567890 billed, $100.001234567891 attributed, "
        "difference $0.000000000001."
    )


def test_a_function_without_a_phase_has_one_column_of_costs() -> None:
    name = REPORT.functions[0].function
    functions = tuple(
        replace(each, phases=(PhaseSpend("none", each.amount_usd, each.components),)) if each.function == name else each
        for each in REPORT.spend.functions
    )

    def head(report: WeeklyReport) -> str:
        page = dict(render_pages(report))[REPORT.functions[0].file]
        return page[page.index('<th scope="col">Component') :].partition("</thead>")[0]

    assert head(REPORT).count('class="n"') > 1
    outside = replace(REPORT, spend=replace(REPORT.spend, functions=functions))
    assert head(outside).count('class="n"') == 1 and ">none<" not in head(outside)
