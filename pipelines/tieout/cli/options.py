"""The options that all commands share, accepted before the command and after it."""

from pathlib import Path
from typing import Annotated

import typer

from tieout.cli.failures import CommandError
from tieout.cli.hints import remember_catalog, remember_home, remember_options
from tieout.core.environment import (
    CATALOG_VARIABLE,
    HOME_VARIABLE,
    catalog_or_default,
    home_or_default,
)
from tieout.core.home import Home

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
        help=f"The programme (${CATALOG_VARIABLE}; else HOME/catalog, ./catalog, or none: spend only).",
        show_default=False,
    ),
]

WeekOption = Annotated[str | None, typer.Option(metavar="2026-W46", help="An ISO week.", show_default=False)]
ScenarioOption = Annotated[
    str,
    typer.Option(
        help="The simulated world: coral-x (as the analysis describes it), as-deployed (as it is), "
        "or field (a busy workspace where Modal keeps to no rule)."
    ),
]
SeedOption = Annotated[int, typer.Option(min=0, help="The luck; the same seed writes the same files.")]
WeeksOption = Annotated[int, typer.Option(min=1, max=60, help="Weeks to simulate, half of them before the rollout.")]
AddressesOption = Annotated[
    list[str] | None, typer.Option(metavar="ADDRESS", help="Send it to this address instead.", show_default=False)
]
ResendOption = Annotated[
    list[str] | None,
    typer.Option(metavar="ADDRESS", help="Try again whose mail is in doubt or refused.", show_default=False),
]
ConfirmOption = Annotated[
    list[str] | None,
    typer.Option(metavar="ADDRESS", help="Record that whose mail is in doubt has it.", show_default=False),
]


def remember(context: typer.Context, home: Path | None, catalog: Path | None) -> None:
    """Keep what was given before the command."""
    context.obj = {"home": home, "catalog": catalog}
    remember_options(home=home, catalog=catalog)


def home_of(context: typer.Context, given: Path | None) -> Home:
    """Return the workspace; what stands after the command wins."""
    remember_home(given)
    return home_or_default(given or (context.obj or {}).get("home"))


def catalog_of(context: typer.Context, given: Path | None, home: Path | None) -> Path:
    """Return the catalog's folder; what stands after the command wins."""
    remember_catalog(given)
    return catalog_or_default(_given(context, given), home_of(context, home))


def own_catalog_of(context: typer.Context, given: Path | None, home: Path | None) -> Path:
    """Return the catalog's folder as `catalog_of` does, for a pull, which asks for what the catalog names.

    Raises:
        CommandError: there is none.
    """
    directory = catalog_of(context, given, home)
    if directory.is_dir():
        return directory
    workspace = home_of(context, home)
    raise CommandError(
        f"{workspace.root} has no catalog, and a pull asks for the environment and the functions that a catalog names",
        remedy="`tieout init` writes one from landed files, or from what is deployed; "
        f"--catalog DIR or ${CATALOG_VARIABLE} name one that is elsewhere.",
    )


def _given(context: typer.Context, given: Path | None) -> Path | None:
    return given or (context.obj or {}).get("catalog")
