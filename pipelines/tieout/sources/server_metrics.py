"""`modal server metrics APP/SERVER --group … --bucket-size 5m --since … --until … --json`: as of a function."""

from tieout.sources import function_metrics
from tieout.sources.fields import ParsedFile
from tieout.sources.landing import LandingFile, Sidecar
from tieout.sources.tables import Table

TABLE = Table(
    "server_metrics",
    "One row per series of a server over one window; app and server are in raw.files.",
    function_metrics.TABLE.columns,
)


def parse(text: str, file: LandingFile, sidecar: Sidecar | None) -> ParsedFile:
    """Read the series of one window into a row each.

    Raises:
        RejectionError: as for the series of a function.
    """
    return function_metrics.parse(text, file, sidecar)
