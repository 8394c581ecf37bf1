"""The one base of every error that Tieout words for people: what is wrong, where, and what to do next."""

from typing import ClassVar


class TieoutError(Exception):
    """Something that a person can put right.

    Attributes:
        problem: what is wrong, with the value where there is one.
        place: where: a file with its line, a folder, a setting; None where the problem says it.
        remedy: what to do next, as a sentence; None where the problem says it.
        usual_remedy: that of a class of errors, where the one who raises it knows no better.
    """

    usual_remedy: ClassVar[str | None] = None

    def __init__(self, problem: str, *, place: object = None, remedy: str | None = None) -> None:
        """Keep the parts apart, so that every place that shows them can lay them out."""
        super().__init__(problem)
        self.problem = problem
        self.place = None if place is None else str(place)
        self.remedy = self.usual_remedy if remedy is None else remedy

    @property
    def located(self) -> str:
        """The problem after its place, as compilers print it: `functions.yaml:12: …`."""
        return self.problem if self.place is None else f"{self.place}: {self.problem}"

    def __str__(self) -> str:
        """All of it on one line: place, problem, remedy."""
        if self.remedy is None:
            return self.located
        stop = "" if self.located.endswith((".", "!", "?", "…")) else "."
        return f"{self.located}{stop} {self.remedy}"
