"""The commands and their options; each imports what it does when it is called."""

import gc
import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from tieout.cli.app_export import export_app
from tieout.cli.failures import CommandError, ExitCode
from tieout.cli.options import (
    AddressesOption,
    CatalogOption,
    ConfirmOption,
    HomeOption,
    ResendOption,
    ScenarioOption,
    SeedOption,
    WeekOption,
    WeeksOption,
    catalog_of,
    home_of,
    own_catalog_of,
    remember,
)
from tieout.core.home import CATALOG_FOLDER, Home

app = typer.Typer(
    name="tieout",
    help="What each Modal function really costs, tied to the bill to the last digit, and what an optimization saved.",
    epilog="Start with `tieout demo`. Exit codes: 0 ok, 1 the data fails a gate, 2 wrong use, 130 stopped.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(export_app, name="export")

# Importing Dagster and Great Expectations makes half a million objects that stay. Python looks through all of them for
# garbage at every 700 new ones, which is a tenth of a daily run; what is large here is no garbage of cycles.
_OBJECTS_BETWEEN_COLLECTIONS = 1_000_000


def run_command() -> None:
    """Run the command line; mistakes of a user or of the data end in a message, not in a traceback."""
    from tieout.cli.messages import explain

    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, *gc.get_threshold()[1:])
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a character shows a question mark
    try:
        app(prog_name="tieout")
    except Exception as error:
        sys.exit(explain(error))


def _print_version(is_asked: bool) -> None:
    if is_asked:
        import importlib.metadata

        print(f"tieout {importlib.metadata.version('tieout')}")
        raise typer.Exit


@app.callback()
def tieout(
    context: typer.Context,
    home: HomeOption = None,
    catalog: CatalogOption = None,
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Say it.")] = False,
) -> None:
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
    from tieout.cli.demo import run_demo

    run_demo(
        home_of(context, home),
        lambda: catalog_of(context, catalog, home),
        scenario=scenario,
        seed=seed,
        weeks=weeks,
    )


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
    from tieout.cli.demo import run_simulation

    run_simulation(out.absolute(), scenario=scenario, seed=seed, weeks=weeks)


@app.command()
def init(
    context: typer.Context,
    directory: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="Gets the catalog's files; else HOME/catalog.", show_default=False),
    ] = None,
    modal: Annotated[
        bool, typer.Option("--modal", help="Ask Modal, even if the workspace has landed files to read.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Write a first catalog: apps, functions, resources and prices, from landed files or from Modal.

    Example: tieout init --home mine
    """
    from tieout.cli.init import write_first_catalog

    workspace = home_of(context, home)
    folder = workspace.catalog if directory is None else directory.absolute()
    if home is None and folder.name == CATALOG_FOLDER:
        workspace = Home(folder.parent)  # `tieout init mine/catalog` is about the workspace `mine`
    write_first_catalog(folder, workspace, asks_modal=modal)


@app.command()
def pull(
    context: typer.Context,
    since: Annotated[
        str | None,
        typer.Option(metavar="2026-11-02", help="First UTC day; pulled again even if settled.", show_default=False),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="2026-11-09", help="First UTC day that is left out.", show_default=False)
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SOURCE", help="One export, like function_calls; give it again for more.", show_default=False
        ),
    ] = None,
    home: HomeOption = None,
    catalog: CatalogOption = None,
) -> None:
    """Bring from Modal what is missing or may still change: bill, apps, functions and calls.

    Example: tieout pull --since 2026-11-02 --until 2026-11-09 --only function_calls
    """
    from tieout.cli.pull import run_pull

    run_pull(home_of(context, home), own_catalog_of(context, catalog, home), since=since, until=until, only=only)


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
    from tieout.cli.run import run_workspace

    if week and all_weeks:
        raise CommandError("--week and --all exclude each other", remedy="Give one of them, or neither.")
    run_workspace(home_of(context, home), catalog_of(context, catalog, home), week=week, all_weeks=all_weeks)


@app.command()
def report(
    context: typer.Context,
    week: WeekOption = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="2026-11-17",
            help="Print it as it stood at the end of this UTC day, or at a time; nothing is written.",
            show_default=False,
        ),
    ] = None,
    home: HomeOption = None,
    catalog: CatalogOption = None,
) -> None:
    """Write a week's report from the warehouse as it is, and print its text; without --week the newest one.

    Example: tieout report --week 2026-W46

    Example: tieout report --week 2026-W46 --as-of 2026-11-17
    """
    from tieout.cli.report import show_report, show_report_as_of

    if as_of is None:
        show_report(home_of(context, home), catalog_of(context, catalog, home), week=week)
    else:
        show_report_as_of(home_of(context, home), catalog_of(context, catalog, home), week=week, as_of=as_of)


@app.command()
def send(  # noqa: PLR0913 - a parameter for every option
    context: typer.Context,
    week: WeekOption = None,
    to: AddressesOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Open the mail in the browser; send nothing.")] = False,
    provisional: Annotated[bool, typer.Option("--provisional", help="Send a week that may still change.")] = False,
    resend: ResendOption = None,
    confirm: ConfirmOption = None,
    home: HomeOption = None,
    catalog: CatalogOption = None,
) -> None:
    """Mail a week's report to those that catalog/mail.yaml names, once; without --week the newest final one.

    Example: tieout send --week 2026-W46 --dry-run
    """
    from tieout.cli.send import Request, preview, send

    request = Request(week, tuple(to or ()), tuple(resend or ()), tuple(confirm or ()), provisional)
    if dry_run and (request.resend or request.confirm):
        raise CommandError("--dry-run decides nothing", remedy="Leave out --dry-run, or --resend and --confirm.")
    (preview if dry_run else send)(home_of(context, home), catalog_of(context, catalog, home), request)


@app.command()
def outbox(context: typer.Context, week: WeekOption = None, home: HomeOption = None) -> None:
    """Show every mail that was rendered, and what became of it with each recipient.

    Example: tieout outbox --week 2026-W46
    """
    from tieout.cli.send import show_outbox

    show_outbox(home_of(context, home), week=week)


@app.command()
def alerts(
    context: typer.Context,
    send: Annotated[bool, typer.Option("--send", help="Tell operators and webhooks what is new.")] = False,
    resend: ResendOption = None,
    confirm: ConfirmOption = None,
    home: HomeOption = None,
    catalog: CatalogOption = None,
) -> None:
    """Show what operators are alerted to: failed runs and mails, calls about to be lost, unusual days.

    Example: tieout alerts --send
    """
    from tieout.cli.alerts import send_alerts, show_alerts

    workspace, programme = home_of(context, home), catalog_of(context, catalog, home)
    if send or resend or confirm:
        send_alerts(workspace, programme, resend=tuple(resend or ()), confirm=tuple(confirm or ()))
    else:
        show_alerts(workspace, programme)


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
    from tieout.cli.audit import show_audit

    show_audit(home_of(context, home), catalog_of(context, catalog, home), as_json=as_json)


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
    from tieout.cli.freeze import freeze

    freeze(home_of(context, home), catalog_of(context, catalog, home), force=force)


@app.command()
def sql(  # noqa: PLR0913 - a parameter for every option
    context: typer.Context,
    question: Annotated[
        str | None, typer.Argument(help="A canned query's name, or a select in quotes.", show_default=False)
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, as programs read it.")] = False,
    as_excel_csv: Annotated[
        bool, typer.Option("--excel-csv", help="Print CSV that Excel opens with a double click (byte order mark).")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; money as text, digit for digit.")] = False,
    xlsx: Annotated[
        Path | None, typer.Option("--xlsx", metavar="FILE", help="Write an Excel workbook.", show_default=False)
    ] = None,
    parquet: Annotated[
        Path | None, typer.Option("--parquet", metavar="FILE", help="Write Parquet, exact.", show_default=False)
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0.1, metavar="SECONDS", help="Stop after so long.", show_default=False)
    ] = None,
    home: HomeOption = None,
) -> None:
    """Ask the warehouse; without a question, list the canned ones. Nothing that is asked can change anything.

    Questions about the tables of `finance` are answered from finance.duckdb, also while a run writes the warehouse.

    Example: tieout sql tie_out

    Example: tieout sql spend_by_week --xlsx weeks.xlsx

    Example: tieout sql "select function, sum(amount_usd) from spend.hourly group by all" --csv
    """
    from tieout.cli.sql import answer, list_questions, save

    given = {"csv": as_csv, "excel-csv": as_excel_csv, "json": as_json, "xlsx": xlsx, "parquet": parquet}
    forms = [form for form, is_given in given.items() if is_given]
    if len(forms) > 1:
        named = " and ".join(f"--{form}" for form in forms)
        raise CommandError(f"{named} exclude each other", remedy="Give one of them.")
    file = xlsx or parquet
    if question is None:
        list_questions()
    elif file is not None:
        save(home_of(context, home), question, file, form=forms[0], seconds=timeout)
    else:
        answer(home_of(context, home), question, form=forms[0] if forms else "table", seconds=timeout)


@app.command()
def doctor(
    context: typer.Context,
    modal: Annotated[
        bool, typer.Option("--modal", help="Insist on a Modal token; else it is looked at if there is one.")
    ] = False,
    home: HomeOption = None,
    catalog: CatalogOption = None,
) -> None:
    """Look at the installation, the workspace, the catalog and Modal, and say what to do about every problem.

    Example: tieout doctor --modal --home ./data
    """
    from tieout.cli.doctor import examine

    if not examine(home_of(context, home), catalog_of(context, catalog, home), needs_modal=modal):
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
    from tieout.cli.ui import serve

    serve(home_of(context, home), catalog_of(context, catalog, home), port=port)
