"""The licence of every locked package, as its own metadata says it, held against what fits Apache-2.0.

`make check-licences`: exit 1 names each package whose licence does not fit, is not said, or is not known here.
"""

import importlib.metadata
import re
import sys
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

LOCK = Path(__file__).parent.parent / "requirements.lock"

FITTING = frozenset(
    {"0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "CNRI-Python", "HPND", "ISC"}
    | {"MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib"}
)
"""SPDX names; MPL-2.0 asks for changes to its own files only. Metadata without a number of clauses say `BSD`."""

_OLDER_NAMES = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
_SAYS_NOTHING = "OSI Approved"
_READ = {"axe-playwright-python": "MIT"}
"""Packages whose metadata name no licence; their file LICENSE was read."""


def licences_of(metadata: importlib.metadata.PackageMetadata | Message) -> tuple[str, ...]:
    """Return what a package says of its licence: alternatives, of which one has to fit, each an SPDX expression."""
    if metadata["Name"] in _READ:
        return (_READ[metadata["Name"]],)
    if metadata["License-Expression"]:
        return tuple(metadata["License-Expression"].strip("()").split(" OR "))
    classifiers = [c.split(" :: ")[-1] for c in metadata.get_all("Classifier") or () if c.startswith("License ::")]
    named = tuple(_OLDER_NAMES.get(each, each) for each in classifiers if each != _SAYS_NOTHING)
    text = (metadata["License"] or "").strip()
    return named or ((_OLDER_NAMES.get(text.splitlines()[0], text.splitlines()[0]),) if text else ())


def fits(expression: str) -> bool:
    """Tell whether all parts of an expression fit."""
    return all(part.strip("() ") in FITTING for part in expression.split(" AND "))


def problems(lock: str) -> Iterator[str]:
    """Yield a line for each locked package that does not fit; those of other systems are not installed and not seen."""
    for name in re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE):
        try:
            metadata = importlib.metadata.metadata(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        found = licences_of(metadata)
        if not any(fits(each) for each in found):
            yield f"{name}: {' or '.join(found) or 'no licence is named'}"


def main() -> int:
    """Print what does not fit, and return the exit code."""
    found = list(problems(LOCK.read_text(encoding="utf-8")))
    for line in found:
        print(f"licence does not fit Apache-2.0: {line}. Leave the package out, or read its licence and say so here.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
