"""The site of Great Expectations about a workspace, written to a folder."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import duckdb

from tieout.core.resources import resource_path
from tieout.validation.gx_context import LentConnection, ephemeral_context, warehouse_source
from tieout.validation.gx_expectations import build_expectation
from tieout.validation.runner import shared_computed
from tieout.validation.suites import Suite


def write_data_docs(
    con: duckdb.DuckDBPyConnection, suites: Iterable[Suite], directory: Path, *, days: tuple[date, date]
) -> Path:
    """Evaluate suites on their tables as they are, and write Great Expectations' site about them.

    The pages are those of Great Expectations in templates of our own: its own fetch styles, scripts and pictures from
    half a dozen places, and show nothing without them.

    Args:
        con: a connection to a built warehouse; only read from.
        suites: what is expected of which tables.
        directory: where the site goes; what was in it before is replaced.
        days: the UTC days that the tables were built for, end exclusive.

    Returns:
        The first page.

    Raises:
        ValidationError: an expectation cannot be built; the message names suite file and line.
    """
    context = ephemeral_context()
    import great_expectations as gx
    from great_expectations.render.renderer.site_builder import SiteBuilder
    from jinja2 import ChoiceLoader, FileSystemLoader

    source = warehouse_source(context, LentConnection(con))
    for suite in suites:
        asset = source.add_query_asset(suite.table, query=f"select * from {suite.table}")  # noqa: S608 - our own names
        rows = asset.add_batch_definition_whole_table("rows")
        expectations = [build_expectation(suite, expectation, days) for expectation in suite.expectations]
        kept = context.suites.add(gx.ExpectationSuite(name=suite.table, expectations=expectations))
        definition = context.validation_definitions.add(
            gx.ValidationDefinition(name=suite.table, data=rows, suite=kept)
        )
        with shared_computed(con, suite, suite.table, days):
            definition.run()
    store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(directory.absolute())}
    site = SiteBuilder(context, store, site_name="every table that is built")
    templates = FileSystemLoader(resource_path("reports") / "data_docs")
    for pages in (*site.site_section_builders.values(), site.site_index_builder):
        environment = pages.view_class.env
        environment.loader = ChoiceLoader([templates, environment.loader])
    site.clean_site()
    site.build()
    return directory / "index.html"
