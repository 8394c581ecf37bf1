"""What a section of the report is called, and which partial templates, queries and address belong to it."""

from dataclasses import dataclass

from tieout.report.formats.sheets import Placed


@dataclass(frozen=True)
class Section:
    """A section of the page and of the text.

    Attributes:
        name: of its module in `report.sections` and of its partials `reports/sections/<name>.html.j2` and `.txt.j2`.
        title: as printed above it.
        queries: the canned questions that give its figures.
        address: what a link to it ends in, where that is not its name; an address that was sent in a mail must stay.
    """

    name: str
    title: str
    queries: tuple[str, ...] = ()
    address: str = ""

    @property
    def anchor(self) -> str:
        """What a link to the section ends in: `tie-out`."""
        return self.address or self.name.replace("_", "-")


@dataclass(frozen=True)
class CostColumn:
    """The column of a sheet whose cells add up to the cost of the week."""

    placed: Placed
    column: int
