"""Sentences of prose, and how long they may be: one home for the limits that pages and messages keep."""

import re
from collections.abc import Collection

MOST_WORDS, MEAN_WORDS = 30, 18

_FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_NO_PROSE = re.compile(r"^(\||#|!\[|<!--)")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_CODE = re.compile(r"`[^`]*`")
_END = re.compile(r"(?<=[.?!:])\**\s+(?=[A-Z\[`*\"])")


def sentences(page: str) -> list[str]:
    """The sentences of a page in Markdown; code counts as one word, tables and headings are left out."""
    text = _FENCED.sub("\n\n", page)
    lines = ["" if _NO_PROSE.match(line) else re.sub(r"^(> |- |\d+\. )", "\n\n", line) for line in text.splitlines()]
    paragraphs = re.split(r"\n\s*\n", "\n".join(lines))
    plain = [" ".join(_CODE.sub("Code", _LINK.sub(r"\1", each)).split()) for each in paragraphs]
    return [sentence for each in plain for sentence in _END.split(each) if sentence]


def too_long(said: Collection[str]) -> list[str]:
    """Those of these sentences that have more words than any may have."""
    return [sentence for sentence in said if len(sentence.split()) > MOST_WORDS]


def mean_words(said: Collection[str]) -> float:
    """How many words they have on average."""
    return sum(len(sentence.split()) for sentence in said) / len(said)
