"""Finance's file as an asset: written anew when everything that it shows is built."""

import dagster as dg

from tieout.defs.checks import table_key
from tieout.defs.workspace import OpenWorkspace
from tieout.warehouse.publish import PublishedFile, published_models

PUBLISHED = dg.AssetKey(["finance", "published"])


@dg.asset(
    key=PUBLISHED,
    deps=[table_key(model.name) for model in published_models()],
    description="`finance.duckdb`: what finance queries, in one file that DuckDB 1.2 and later open, replaced whole.",
    group_name="finance",
    kinds={"duckdb", "file"},
    owners=["team:finance"],
    tags={"floor": "finance"},
    pool="warehouse",
)
def published_file(workspace: OpenWorkspace) -> dg.MaterializeResult[None]:
    """Copy the published floors out of the warehouse, and put the file in the place of the one before."""
    return dg.MaterializeResult(metadata=published_metadata(workspace.publish()))


def published_metadata(published: PublishedFile) -> dict[str, dg.MetadataValue]:
    """What is known of the file once it is in place."""
    return {
        "path": dg.MetadataValue.path(str(published.path)),
        "size_bytes": dg.MetadataValue.int(published.size_bytes),
        "seconds": dg.MetadataValue.float(round(published.seconds, 3)),
        "rows": dg.MetadataValue.json(dict(published.rows)),
    }
