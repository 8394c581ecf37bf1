"""What somebody may have meant who wrote a name that there is not."""

import difflib
from collections.abc import Iterable

_MOST = 3


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean a or b?` for names that look like this one, ignoring case; empty where none does."""
    by_lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=_MOST)
    return f"; did you mean {' or '.join(by_lower[each] for each in near)}?" if near else ""
