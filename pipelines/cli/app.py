"""The commands and their options; each imports what it does when it is called."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.failures import CommandError, ExitCode
from pipelines.cli.options import CatalogOption, HomeOption, catalog_of, home_of, remember

app = typer.Typer(
    name="tieout",
    help="What each Modal function really costs, tied to the bill to the last digit, and what an optimization saved.",
    epilog="Start with `tieout demo`. Exit codes: 0 ok, 1 the data fails a gate, 2 wrong use.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ScenarioOption = Annotated[
    str, typer.Option(help="The simulated world: coral-x (as the analysis describes it) or as-deployed (as it is).")
]
SeedOption = Annotated[int, typer.Option(min=0, help="The luck; the same seed writes the same files.")]
WeeksOption = Annotated[int, typer.Option(min=1, max=60, help="Weeks to simulate, half of them before the rollout.")]
WeekOption = Annotated[str | None, typer.Option(metavar="2026-W46", help="An ISO week.", show_default=False)]


def main() -> None:
    """Run the command line; mistakes of a user or of the data end in a message, not in a traceback."""
    from pipelines.cli.messages import explain

    try:
        app(prog_name="tieout")
    except Exception as error:
        sys.exit(explain(error))


@app.callback()
def tieout(context: typer.Context, home: HomeOption = None, catalog: CatalogOption = None) -> None:
    """Keep the options that stand before the command."""
    remember(context, home, catalog)


@app.command()
def demo(
    context: typer.Context,
    scenario: ScenarioOption = "coral-x",
    weeks: WeeksOption = 8,
    seed: SeedOption = 1,
    home: HomeOption = None,
    catalog: CatalogOption = None,
) -> None:
    """Simulate a Modal workspace, run everything, and say where the weekly report is.

    Example: tieout demo --scenario as-deployed --home ./as-deployed
    """
    from pipelines.cli.demo import run_demo

    run_demo(home_of(context, home), catalog_of(context, catalog), scenario=scenario, seed=seed, weeks=weeks)


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets landing/ (exports) and truth/ (what was really so).")],
    scenario: ScenarioOption = "coral-x",
    weeks: WeeksOption = 8,
    seed: SeedOption = 1,
) -> None:
    """Write a simulated workspace's exports, as the modal CLI prints them, and the truth beside them.

    Example: tieout simulate --scenario coral-x --seed 7 --weeks 4 --out ./simulated
    """
    from pipelines.cli.demo import run_simulation

    run_simulation(out.absolute(), scenario=scenario, seed=seed, weeks=weeks)


@app.command()
def run(
    context: typer.Context,
    week: WeekOption = None,
    all_weeks: Annotated[bool, typer.Option("--all", help="Build every week anew, changed or not.")] = False,
    home: HomeOption = None,
    catalog: CatalogOption = None,
) -> None:
    """Load what was landed, build the weeks that it changes, and write their reports.

    Example: tieout run --week 2026-W46
    """
    from pipelines.cli.run import run_workspace

    if week and all_weeks:
        raise CommandError("--week and --all exclude each other", remedy="Give one of them, or neither.")
    run_workspace(home_of(context, home), catalog_of(context, catalog), week=week, all_weeks=all_weeks)


@app.command()
def report(
    context: typer.Context, week: WeekOption = None, home: HomeOption = None, catalog: CatalogOption = None
) -> None:
    """Write a week's report from the warehouse as it is, and print its text; without --week the newest one.

    Example: tieout report --week 2026-W46
    """
    from pipelines.cli.report import show_report

    show_report(home_of(context, home), catalog_of(context, catalog), week=week)


@app.command()
def audit(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; figures as text, digit for digit.")] = False,
    home: HomeOption = None,
    catalog: CatalogOption = None,
) -> None:
    """Hold the projection against its own figures, the rate card and, once a warehouse is built, what was measured.

    Example: tieout audit --json
    """
    from pipelines.cli.audit import show_audit

    show_audit(home_of(context, home), catalog_of(context, catalog), as_json=as_json)


@app.command("freeze-baseline")
def freeze_baseline(
    context: typer.Context,
    force: Annotated[bool, typer.Option("--force", help="Put a new baseline in the place of a frozen one.")] = False,
    home: HomeOption = None,
    catalog: CatalogOption = None,
) -> None:
    """Freeze the baseline's daily calls and cost beside the catalog, so that no later correction moves the saving.

    Example: tieout freeze-baseline --catalog ./catalog
    """
    from pipelines.cli.freeze import freeze

    freeze(home_of(context, home), catalog_of(context, catalog), force=force)


@app.command()
def sql(
    context: typer.Context,
    question: Annotated[
        str | None, typer.Argument(help="A canned query's name, or a select in quotes.", show_default=False)
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; money as text, digit for digit.")] = False,
    home: HomeOption = None,
) -> None:
    """Ask the warehouse; without a question, list the canned ones. Nothing that is asked can change anything.

    Example: tieout sql tie_out

    Example: tieout sql "select function, sum(amount_usd) from spend.hourly group by all" --csv
    """
    from pipelines.cli.sql import answer, list_questions

    if as_csv and as_json:
        raise CommandError("--csv and --json exclude each other", remedy="Give one of them.")
    if question is None:
        list_questions()
    else:
        answer(home_of(context, home), question, form="csv" if as_csv else "json" if as_json else "table")


@app.command()
def doctor(context: typer.Context, home: HomeOption = None, catalog: CatalogOption = None) -> None:
    """Look at the installation, the workspace and the catalog, and say what to do about every problem.

    Example: tieout doctor --home ./data
    """
    from pipelines.cli.doctor import examine

    if not examine(home_of(context, home), catalog_of(context, catalog)):
        raise typer.Exit(ExitCode.DATA)


@app.command()
def ui(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 3000,
    home: HomeOption = None,
    catalog: CatalogOption = None,
) -> None:
    """Open the workspace in the Dagster UI, on this machine only; Ctrl-C ends it.

    Example: tieout ui --port 3333
    """
    from pipelines.cli.ui import serve

    serve(home_of(context, home), catalog_of(context, catalog), port=port)
