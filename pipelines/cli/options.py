"""The options that all commands share, accepted before the command and after it."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.core.home import Home
from pipelines.defs.surroundings import CATALOG_VARIABLE, HOME_VARIABLE, catalog_or_default, home_or_default

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        help=f"The workspace: landed files, warehouse, reports (${HOME_VARIABLE}; else ./data).",
        show_default=False,
    ),
]
CatalogOption = Annotated[
    Path | None,
    typer.Option(
        "--catalog",
        metavar="DIR",
        help=f"The programme (${CATALOG_VARIABLE}; else ./catalog, else the built-in CORAL-X).",
        show_default=False,
    ),
]


def remember(context: typer.Context, home: Path | None, catalog: Path | None) -> None:
    """Keep what was given before the command."""
    context.obj = {"home": home, "catalog": catalog}


def home_of(context: typer.Context, given: Path | None) -> Home:
    """Return the workspace; what stands after the command wins."""
    return home_or_default(given or (context.obj or {}).get("home"))


def catalog_of(context: typer.Context, given: Path | None) -> Path:
    """Return the catalog's folder; what stands after the command wins."""
    return catalog_or_default(given or (context.obj or {}).get("catalog"))
