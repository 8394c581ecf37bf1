"""What the commands, the findings and the reports say is in sentences as short as those of the README."""

import ast
import builtins
import re
from collections.abc import Iterator
from pathlib import Path

import tieout
from tests.support.prose import MEAN_WORDS, mean_words, sentences, too_long

PACKAGE = Path(tieout.__file__).parent
# All texts of these are printed; elsewhere, what is handed to an error, a finding or a printer.
PRINTED = ("cli", "report", "audit")
SPEAKERS = frozenset({"Diagnosis", "Finding", "note", "refuse", "say", "stage", "warn"})
HELP = PACKAGE / "cli" / "app.py"

_NOT_FOR_PEOPLE = re.compile(r"\bselect\b.*\bfrom\b|^\s*trap ", re.DOTALL)
_FEWEST_WORDS = 3


def texts(node: ast.AST, *, with_docstrings: bool) -> Iterator[str]:
    """Every text below a node, with X where a value stands."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
    elif with_docstrings or not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        for child in ast.iter_child_nodes(node):
            yield from texts(child, with_docstrings=with_docstrings)


def spoken(tree: ast.AST) -> Iterator[str]:
    """The texts that are handed to an error, a finding or a printer."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _speaks(node.func):
            for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
                yield from texts(argument, with_docstrings=False)


def _speaks(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in SPEAKERS or (name.endswith("Error") and not hasattr(builtins, name))


def messages() -> dict[str, str]:
    """Every sentence of a message, with the module that it stands in."""
    found: dict[str, str] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name, tree = path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))
        is_printed = name.startswith(PRINTED)
        said = texts(tree, with_docstrings=path == HELP) if is_printed else spoken(tree)
        for text in said:
            if not _NOT_FOR_PEOPLE.search(text):
                found |= {each: name for each in sentences(text) if len(each.split()) >= _FEWEST_WORDS}
    return found


def test_no_message_has_a_long_sentence_and_most_are_short() -> None:
    said = messages()
    assert {"cli/pull.py", "report/sections/findings.py", "sources/fields.py"} <= set(said.values())
    assert [(said[sentence], sentence) for sentence in too_long(said)] == []
    assert mean_words(said) < MEAN_WORDS


def test_a_long_message_would_be_noticed() -> None:
    words = "word " * 31
    tree = ast.parse(f"raise CommandError(f'{words}{{value}}', remedy='Do.')\nraise ValueError('{words}')")
    assert too_long([each for text in spoken(tree) for each in sentences(text)]) == [words + "X"]
