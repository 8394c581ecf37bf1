"""The ingest floor: landing files become typed rows in the `raw` schema.

What belongs here: finding files, their sidecars and their identity (`landing.py`), what each Modal export looks like
and how it goes wrong (one module per export), the raw tables (`raw_schema.py`), and loading them (`load.py`, with the
books in `ledger.py`). Rows arrive exactly as Modal wrote them: nothing is renamed, merged, priced or dropped, and what
cannot be read exactly is refused with the file, the row, the value and what to do.

What does not belong here: fetching from Modal (`modal`), choosing between snapshots or normalizing labels
(`sql/staging`), anything that knows about functions, phases or savings.
"""

from tieout.sources.load import LoadResult, load_landing
from tieout.sources.raw_schema import create_raw_schema

__all__ = ["LoadResult", "create_raw_schema", "load_landing"]
