"""Which pages a week has beside its digest: the evidence, by what it proves, and one for every function."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from tieout.core.findings import Finding
from tieout.core.money import CENT, round_picodollars
from tieout.core.periods import IsoWeek
from tieout.report.contents import WeeklyReport
from tieout.report.section import Section
from tieout.report.sections.functions import FunctionDetail
from tieout.report.sections.guardrails import GuardrailGroup
from tieout.report.sections.ledger import LedgerRow
from tieout.report.sections.opportunities import Opportunity
from tieout.report.sections.savings import SavingLine
from tieout.report.sections.spend import FunctionSpend

MOST_WEEKS = 13
FUNCTION_QUERIES: Mapping[str, tuple[str, ...]] = {
    "cost": ("spend_of_week",),
    "opportunities": ("idle",),
    "calls": ("failures", "unit_costs"),
    "guardrails": ("guardrails",),
    "ledger": ("ledger",),
}
"""What the figures of a function's page answer to, by section."""


@dataclass(frozen=True)
class EvidencePage:
    """A page of evidence.

    Attributes:
        name: of its file, without the ending.
        title: as links call it.
        about: what is to be found on it.
        sections: by name, in their order.
        of_projection: what more is to be found on it where there is a projection.
    """

    name: str
    title: str
    about: str
    sections: tuple[str, ...]
    of_projection: str = ""

    @property
    def file(self) -> str:
        """`tie-out.html`."""
        return f"{self.name}.html"


EVIDENCE = (
    EvidencePage("tie-out", "Tie-out and gates", "bill, months, invoice, every gate", ("tie_out",)),
    EvidencePage(
        "savings",
        "Savings",
        "every function in every phase",
        ("ledger", "bridge", "cumulative"),
        of_projection=", from claim to fact",
    ),
    EvidencePage("guardrails", "Guardrails", "what the rollout must not harm", ("guardrails",)),
    EvidencePage(
        "spend",
        "Spend",
        "by function and component, what changed, opportunities",
        ("spend", "changes", "opportunities"),
    ),
    EvidencePage("data", "Data", "what the call log accounts for, error bars, findings", ("coverage", "findings")),
    EvidencePage("audit", "The projection audited", "its figures, computed anew", ("audit",)),
    EvidencePage("definitions", "Definitions", "what the words mean", ("definitions",)),
)
"""The pages of evidence in their order; every section of the report stands on one of them."""


def pages_of(report: WeeklyReport) -> tuple[EvidencePage, ...]:
    """The pages of evidence that a report has: those with a section that it shows."""
    shown = {section.name for section in report.sections}
    pages = (page for page in EVIDENCE if shown.intersection(page.sections))
    return tuple(
        replace(page, about=page.about + page.of_projection) if report.has_projection else page for page in pages
    )


def sections_of(page: EvidencePage, report: WeeklyReport) -> tuple[Section, ...]:
    """The sections of a page that a report shows, in the page's order."""
    by_name = {section.name: section for section in report.sections}
    return tuple(by_name[name] for name in page.sections if name in by_name)


@dataclass(frozen=True)
class WeekBar:
    """What a function cost in a week, in cents, and how that compares with its dearest week, in whole percent."""

    week: IsoWeek
    amount_usd: Decimal
    percent: int


@dataclass(frozen=True)
class FunctionPage:
    """Everything that a report says of a function; None and empty where it says nothing."""

    detail: FunctionDetail
    spend: FunctionSpend | None
    saving: SavingLine | None
    ledger: tuple[LedgerRow, ...]
    guardrails: GuardrailGroup | None
    opportunities: tuple[Opportunity, ...]
    findings: tuple[Finding, ...]
    weeks: tuple[WeekBar, ...]

    @property
    def file(self) -> str:
        """`function-generate-code-modal.html`."""
        return self.detail.file

    @property
    def has_calls(self) -> bool:
        """Whether any input ended in the week; servers, volumes and other residuals have none."""
        return any(day.inputs for day in self.detail.days)

    @property
    def calls(self) -> int:
        """Successful inputs of the week."""
        return sum(day.successful for day in self.detail.days)

    @property
    def failures(self) -> int:
        """Inputs of the week that ended in an error, a timeout or a memory kill."""
        return sum(day.errors + day.timeouts + day.oom_kills for day in self.detail.days)

    @property
    def unit_usd(self) -> Decimal | None:
        """Its cost of the week over its successful inputs, to the picodollar; None without any."""
        if self.spend is None or not self.calls:
            return None
        return round_picodollars(Fraction(self.spend.amount_usd) / self.calls)


def function_pages(report: WeeklyReport) -> Iterator[FunctionPage]:
    """Gather what the sections say of every function."""
    spend = {each.function: each for each in report.spend.functions}
    savings = {line.function: line for group in report.savings.groups for line in group.lines}
    guardrails = {group.function: group for group in report.guardrails}
    opportunities = (*report.opportunities.lines, *report.opportunities.rest)
    for detail in report.functions:
        name = detail.function
        yield FunctionPage(
            detail=detail,
            spend=spend.get(name),
            saving=savings.get(name),
            ledger=tuple(row for row in report.ledger.rows if row.function == name),
            guardrails=guardrails.get(name),
            opportunities=tuple(line for line in opportunities if line.function == name),
            findings=tuple(finding for finding in report.findings if finding.subject == name),
            weeks=tuple(_weeks(report, name)),
        )


def _weeks(report: WeeklyReport, function: str) -> Iterator[WeekBar]:
    amounts = {
        week.week: sum((each.amount_usd for each in week.functions if each.name == function), Decimal(0))
        for week in report.history.weeks[-MOST_WEEKS:]
    }
    most = max([CENT, *amounts.values()])
    for week, amount in amounts.items():
        yield WeekBar(week, amount, max(0, round(100 * amount / most)))
