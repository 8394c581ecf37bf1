"""The weekly mail as a mail program reads it: its parts, its figures, its size, and what cannot get into it."""

import datetime as dt
import email
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from email import policy
from email.message import EmailMessage

import html5lib
import openpyxl
import pytest
from rich.cells import cell_len

from tests.golden.handmade import REPORT, WEEK, usd
from tests.support.pdf_text import pdf_text
from tieout.core.findings import Finding, Severity
from tieout.mail.compose import LARGEST_HTML, Envelope, Mail, Picture, compose_notice, compose_report, subject_of
from tieout.report.contents import WeeklyReport
from tieout.report.digest import digest_of
from tieout.report.formats.charts import draw_charts
from tieout.report.formats.html import render_html, render_text
from tieout.report.formats.pdf import render_pdf
from tieout.report.formats.workbook import render_workbook
from tieout.report.inputs import DayState, ReportDay
from tieout.report.sections.changes import Mover
from tieout.report.sections.restatements import Restatements, UnissuedMove
from tieout.report.sections.revisions import Revision
from tieout.report.sections.savings import Standing
from tieout.report.sections.spend import FunctionSpend, Spend
from tieout.report.sections.tie_out import Gate, GateOutcome
from tieout.report.wording import share_of

RENDERED_AT = dt.datetime(2026, 11, 23, 8, 0, 5, tzinfo=dt.UTC)
ENVELOPE = Envelope("r2", "finance", "tieout@example.com", ("anna@example.com", "ben@example.com"), RENDERED_AT)
[BILL, *_] = draw_charts(REPORT)
PICTURES = (Picture("bill", BILL.alt, BILL.png()), Picture("functions", "Not in the mail.", b"another"))
# The handmade week has a closed gate and open days; this one is issued.
FINAL = replace(
    REPORT,
    days=tuple(ReportDay(day, DayState.SETTLED) for day in WEEK.days()),
    gates=tuple(
        replace(gate, outcome=GateOutcome.PASSED) if gate.outcome is GateOutcome.BLOCKED else gate
        for gate in REPORT.gates
    ),
)
HOSTILE = '<img src=x onerror=alert(1)>"\r\nBcc: everybody@example.com\r\n\r\n\x00\u202e&"'


def compose(report: WeeklyReport = FINAL, envelope: Envelope = ENVELOPE, archive_url: str | None = None) -> Mail:
    return compose_report(report, envelope, pictures=PICTURES, workbook=b"PK workbook", archive_url=archive_url)


def parsed(mail: Mail) -> EmailMessage:
    message = email.message_from_bytes(mail.content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert [part.defects for part in message.walk() if part.defects] == []
    return message


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def words(html: str) -> str:
    """What is to be read of a page, in one line."""
    text = re.sub(r"<(style|title)\b.*?</\1>|<!--.*?-->", "", html, flags=re.DOTALL)
    text = re.sub(r"</(?:p|td|th|li|h1|h2)>", r" \g<0>", text)
    tree = html5lib.parse(text, namespaceHTMLElements=False)
    return " ".join("".join(tree.itertext()).split())


@pytest.fixture(scope="module")
def mail() -> Mail:
    return compose()


@pytest.fixture(scope="module")
def message(mail: Mail) -> EmailMessage:
    return parsed(mail)


def test_its_parts_are_those_that_every_mail_program_expects(message: EmailMessage) -> None:
    def shape(part: EmailMessage) -> Iterator[str]:
        yield part.get_content_type()
        for each in part.iter_parts() if part.is_multipart() else ():
            assert isinstance(each, EmailMessage)
            yield from shape(each)

    assert list(shape(message)) == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "application/pdf",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ]


def test_the_text_is_the_digest_in_80_columns_and_names_no_file_of_ours(message: EmailMessage) -> None:
    text = body(message, "plain")
    assert text.replace("\r\n", "\n") == render_text(FINAL, names_files=False)
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    assert ".html" not in text
    assert len(text.splitlines()) <= 60


def test_every_picture_is_where_the_page_looks_for_it(message: EmailMessage) -> None:
    named = re.findall(r'src="cid:([^"]+)"', body(message, "html"))
    carried = {str(part["Content-ID"]).strip("<>"): part for part in message.walk() if part["Content-ID"]}
    assert named == list(carried)
    assert [carried[cid].get_content() for cid in named] == [PICTURES[0].png]
    assert body(message, "html").count('alt="Bill of 2 weeks, stacked by function') == 1


def test_the_page_and_the_workbook_are_attached_under_the_week_s_name(message: EmailMessage) -> None:
    page, book = message.iter_attachments()
    assert (book.get_filename(), book.get_content()) == ("tieout-2026-W46.xlsx", b"PK workbook")
    assert page.get_filename() == "tieout-2026-W46.pdf"
    assert page.get_content() == render_pdf(FINAL, PICTURES[0].png)
    content = parsed(compose_report(FINAL, ENVELOPE, pictures=(), workbook=render_workbook(FINAL)))
    [_, attachment] = content.iter_attachments()
    assert openpyxl.load_workbook(io.BytesIO(attachment.get_content())).sheetnames


def test_it_is_light_without_and_with_what_is_attached() -> None:
    mail = compose_report(FINAL, ENVELOPE, pictures=PICTURES, workbook=render_workbook(FINAL))
    attached = sum(len(part.as_bytes()) for part in parsed(mail).iter_attachments())
    assert len(mail.content) - attached < 150_000
    assert len(mail.content) < 500_000


def test_somebody_answers_and_takes_readers_off_the_list() -> None:
    message = parsed(compose(envelope=replace(ENVELOPE, reply_to=("billing@example.com", "ops@example.com"))))
    assert message["Reply-To"] == "billing@example.com, ops@example.com"
    assert message["List-Unsubscribe"] == "<mailto:billing@example.com?subject=Tieout%20unsubscribe>"
    assert parsed(compose())["List-Unsubscribe"] is None


def test_nothing_in_it_is_fetched_from_anywhere(message: EmailMessage) -> None:
    html = body(message, "html")
    assert not re.search(r"https?://|url\(|@import|<script|<link|<svg|src=\"(?!cid:)", html)


def test_the_reader_sees_what_counts_first(message: EmailMessage) -> None:
    text = words(body(message, "html"))
    text = text[text.index("CORAL-X · 2026-W46") :]
    order = [
        "9–15 November 2026",
        "Spent",
        "$100.00",
        "−$18.40 against the week before",
        "Saved",
        "$58.50 ± $6.42",
        "Provisional",
        "$9.75 ± $1.07 a day, over 6 measured days; 90% interval",
        "Against the bill",
        "Ties out",
        "Is it proven?",
        "What moved the bill",
        "Next opportunities",
        "To be known",
        FINAL.headline.comparison or "",
        FINAL.inputs.sha256,
    ]
    position = 0
    for part in order:
        assert part in text[position:], f"{part} does not come next"
        position = text.index(part, position)
    for said in (FINAL.as_of_sentence, "Method version 1", FINAL.revision.sentence):
        assert said in text
    assert "tieout sql" not in text
    assert ".html" not in text


def test_a_revision_says_what_moved(mail: Mail, message: EmailMessage) -> None:
    assert ", revision 2:" in mail.subject
    assert f"Revision 2: {FINAL.revision.moved[0]}" in words(body(message, "html"))
    first = compose(replace(FINAL, revision=Revision(1, dt.datetime(2026, 11, 17))))  # noqa: DTZ001 - naive UTC
    assert "revision" not in first.subject
    assert "Revision 1:" not in words(first.preview)


def test_an_earlier_week_that_moved_and_is_not_issued_anew_is_named_also_where_no_other_has_moved() -> None:
    moves = tuple(UnissuedMove(f"2026-W4{week}", usd, ()) for week, usd in ((3, Decimal("-1.25")), (4, Decimal(0))))
    text = words(compose(replace(FINAL, restatements=Restatements(unissued=moves))).preview)
    assert "The cost of 2026-W43 has moved by −$1.25 since it was issued; it is not issued anew yet: its report" in text
    assert "The cost of 2026-W44 has moved between functions since it was issued" in text


def test_the_subject_says_it_all_in_one_line() -> None:
    assert subject_of(FINAL) == (
        "Tieout · CORAL-X · 9–15 November 2026, revision 2: $100.00 spent, $58.50 ± $6.42 avoided, provisional; "
        "ties to the bill"
    )
    nothing = replace(FINAL.headline, avoided_usd=None, standing=Standing("no claim", ("nothing was deployed yet",)))
    assert subject_of(replace(FINAL, headline=nothing)).endswith(": $100.00 spent; ties to the bill")
    lost = replace(FINAL.headline, avoided_usd=usd("-3.20"), standing=Standing("reversed"))
    assert ", −$3.20 ± $6.42 avoided, reversed;" in subject_of(replace(FINAL, headline=lost))
    open_week = replace(FINAL, revision=Revision(1, None))
    assert "November 2026 (provisional):" in subject_of(open_week)
    assert "may still move" in words(compose(open_week).preview)


def test_the_same_week_is_the_same_message_byte_for_byte(mail: Mail) -> None:
    assert compose() == mail
    assert mail.message_id == "<tieout.2026-W46.r2.finance@example.com>"
    assert parsed(mail)["Message-ID"] == mail.message_id
    assert str(parsed(mail)["Date"]) == "Mon, 23 Nov 2026 08:00:05 +0000"
    others = [replace(ENVELOPE, edition="r3"), replace(ENVELOPE, audience="copy-1")]
    assert len({mail.message_id, *(compose(envelope=each).message_id for each in others)}) == 3


def test_it_travels_as_plain_ascii_lines_that_no_server_has_to_touch(mail: Mail) -> None:
    assert mail.content.isascii()
    assert max(len(line) for line in mail.content.split(b"\r\n")) <= 998
    assert b"\n" not in mail.content.replace(b"\r\n", b"")


def test_page_mail_text_and_pdf_say_the_same() -> None:
    digest = digest_of(FINAL)
    said = [words(compose().preview), " ".join(render_text(FINAL).split()), words(render_html(FINAL))]
    for form in (*said, pdf_text(render_pdf(FINAL, PICTURES[0].png))):
        for answer in digest.answers:
            assert answer.figure in form
            assert all(line[1:] in form for line in answer.lines)
        assert all(mover.change in form and mover.now in form for mover in digest.movers)
        assert all(each.figure in form and each.what in form for each in digest.opportunities)
        assert all(caveat in form for caveat in digest.caveats)
        assert digest.proof in form


def test_a_served_archive_is_linked(message: EmailMessage) -> None:
    assert "index.html" not in words(body(message, "html"))
    html = compose(archive_url="https://reports.example.com/coral-x/").preview
    assert '<a href="https://reports.example.com/coral-x/2026-W46/index.html"' in html
    assert '/2026-W46/function-generate-code-modal.html"' in html


def test_it_knows_light_and_dark(message: EmailMessage) -> None:
    html = body(message, "html")
    assert '<meta name="color-scheme" content="light dark">' in html
    assert "@media (prefers-color-scheme: dark)" in html
    assert html.count("style=") > 60


def test_what_is_in_the_style_sheet_is_used(message: EmailMessage) -> None:
    [kept] = re.findall(r"<style[^>]*>(.*?)</style>", body(message, "html"), flags=re.DOTALL)
    assert "max-width: 520px" in kept
    assert "border-collapse" not in kept


# Names of somebody else's choosing


def hostile_week() -> WeeklyReport:
    return replace(
        FINAL,
        programme=HOSTILE,
        spend=Spend(
            usd("1.00"), (FunctionSpend(HOSTILE, usd("1.00"), share_of(1, 1), (), ()),), FINAL.spend.components
        ),
        opportunities=replace(
            FINAL.opportunities, lines=(replace(FINAL.opportunities.lines[0], function=HOSTILE, remedy=HOSTILE),)
        ),
        findings=(Finding("a_code", Severity.WARNING, HOSTILE, HOSTILE),),
    )


@pytest.mark.parametrize("composed", ["report", "notice"])
def test_a_name_cannot_become_a_header_or_a_tag(composed: str) -> None:
    report = hostile_week()
    mail = compose(report) if composed == "report" else compose_notice(replace(report, gates=REPORT.gates), ENVELOPE)
    message = parsed(mail)
    assert message["Bcc"] is None
    assert [str(each) for each in message.get_all("To", [])] == ["anna@example.com, ben@example.com"]
    assert "\N{REPLACEMENT CHARACTER}" in str(message["Subject"])
    for part in message.walk():
        if part.get_content_maintype() == "text":
            content = str(part.get_content())
            assert "<img src=x" not in content or part.get_content_subtype() == "plain"
            assert "\x00" not in content
            assert "\u202e" not in content
    if composed == "report":
        assert "&lt;img src=x onerror=alert(1)&gt;" in body(message, "html")


def crowd(functions: int, name: str) -> WeeklyReport:
    """A week of many functions with long names, and something to say about each."""
    names = [f"{name}_{i}" for i in range(functions)]
    assert FINAL.changes is not None
    movers = tuple(Mover(n, usd("1.00"), usd("2.00"), "the reason is long and winding " * 40) for n in names)
    line = replace(FINAL.opportunities.lines[0], remedy="so it is " * 100)
    return replace(
        FINAL,
        changes=replace(FINAL.changes, cost=replace(FINAL.changes.cost, movers=movers)),
        opportunities=replace(FINAL.opportunities, lines=tuple(replace(line, function=n) for n in names)),
        findings=tuple(Finding("a_code", Severity.WARNING, n, "it is so. " * 100) for n in names),
    )


@pytest.fixture(scope="module")
def crowded() -> str:
    return body(parsed(compose(crowd(300, "function"))), "html")


def test_many_functions_do_not_make_it_longer_than_a_mail_may_be(crowded: str) -> None:
    assert len(crowded.encode()) <= LARGEST_HTML < 102_000
    assert words(crowded).count("the reason is long and winding") <= 3 * 40


def test_nor_do_names_that_fill_a_page() -> None:
    html = body(parsed(compose(crowd(25, "<" * 10_000))), "html")
    assert len(html.encode()) <= LARGEST_HTML


def test_the_pdf_is_one_page_whatever_is_in_the_week() -> None:
    for report in (FINAL, hostile_week(), crowd(300, "x" * 200)):
        pdf = render_pdf(report, PICTURES[0].png)
        assert pdf.startswith(b"%PDF-")
        assert re.findall(rb"/Count (\d+)", pdf) == [b"1"]
        assert len(pdf) < 150_000
        assert render_pdf(report, PICTURES[0].png) == pdf
        assert b"/JavaScript" not in pdf
        assert b"/URI" not in pdf


# The notice to operators


def test_operators_are_told_why_a_week_is_held_back_and_what_to_do() -> None:
    mail = compose_notice(REPORT, replace(ENVELOPE, edition="blocked-1", audience="operators"))
    message = parsed(mail)
    assert mail.subject == "Tieout · CORAL-X · 2026-W46 is held back: G4 not passed"
    assert message.get_content_type() == "text/plain"
    text = body(message, "plain")
    flat = " ".join(text.split())
    assert REPORT.blocked_sentence is not None
    assert REPORT.blocked_sentence in flat
    assert "2026-11: difference −$0.01000000." in flat
    assert "Finance has not been mailed" in flat
    assert "tieout sql months" in text
    assert "tieout run --week 2026-W46" in text
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    assert "$58.50" not in text


@pytest.mark.parametrize("code", ["G1", "G2", "G3", "G4", "G5", "G6", "G9"])
def test_every_gate_that_can_close_has_a_remedy_and_a_query_that_exists(code: str) -> None:
    from tieout.core.resources import resource_path

    gate = Gate(code, "A gate", GateOutcome.BLOCKED, "It is closed.")
    text = compose_notice(replace(REPORT, gates=(gate,)), ENVELOPE).preview
    assert "What to do: " in text
    [query] = re.findall(r"tieout sql (\w+)", text)
    assert (resource_path("sql") / "queries" / f"{query}.sql").exists()
