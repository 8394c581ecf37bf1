"""`tieout init DIR`: a first catalog from what is deployed on Modal."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from tieout.catalog.load import load_catalog
from tieout.catalog.mail_settings import load_mail_settings
from tieout.cli.failures import CommandError
from tieout.cli.messages import say
from tieout.cli.pull import modal_problem, utc_now
from tieout.cli.steps import show_steps
from tieout.cli.stopping import stoppable
from tieout.core.files import write_whole
from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.modal.client import ModalError
from tieout.modal.discovery import Deployed, look_at_deployed
from tieout.modal.first_catalog import first_catalog
from tieout.modal.plan import first_bill_day
from tieout.modal.retry_policy import RetryPolicy
from tieout.report.wording import count


def write_first_catalog(directory: Path) -> None:
    """Write the catalog's files into a folder, and say what is in them and what to do next.

    Raises:
        CommandError: a catalog is there already, or Modal cannot be asked.
    """
    _refuse_to_overwrite(directory)
    now = utc_now()
    try:
        with stoppable("Stopped; nothing was written."), show_steps() as steps:
            steps.stage("Asking Modal what is deployed")
            deployed = look_at_deployed(RetryPolicy.from_environment(), now)
    except ModalError as error:
        raise modal_problem(error.cause, str(error)) from None
    built_in = load_catalog(resource_path("catalog"))
    files = first_catalog(deployed, built_in, today=now.date(), valid_from=first_bill_day(now.date()))
    with tempfile.TemporaryDirectory(prefix="tieout-") as scratch:
        _write(files, Path(scratch))
        load_catalog(Path(scratch))
        load_mail_settings(Path(scratch), {})
    directory.mkdir(parents=True, exist_ok=True)
    _write(files, directory)
    questions = sum(text.count("# QUESTION:") for text in files.values())
    _say_written(directory, deployed, questions)


def _write(files: Mapping[str, str], directory: Path) -> None:
    for name, text in files.items():
        write_whole(directory / name, text)


def _refuse_to_overwrite(directory: Path) -> None:
    there = sorted(path.name for path in directory.glob("*.yaml")) if directory.is_dir() else []
    if there:
        raise CommandError(
            f"{directory} holds a catalog already: {', '.join(there)}",
            remedy="Name an empty folder; `tieout init` changes nothing that is there.",
        )


def _say_written(directory: Path, deployed: Deployed, questions: int) -> None:
    apps = len({function.app.name for function in deployed.functions})
    functions = len({function.name for function in deployed.functions})
    say(
        f"Written to {directory}: {count(functions, 'function')} in {count(len(deployed.functions), 'configuration')} "
        f"of {count(apps, 'app')} in the environment {deployed.environment} of {deployed.workspace}, and "
        f"{count(len(deployed.rates), 'rate')}."
    )
    if not deployed.rates:
        say("The token may not read the rates: prices.yaml has the list prices that come with Tieout.")
    if not deployed.is_billed:
        say(
            "The token may not read the bill, without which nothing can be tied out: ask an owner or a manager for one."
        )
    if deployed.elsewhere:
        say(f"Also billed, in other environments that the catalog does not describe: {', '.join(deployed.elsewhere)}")
    for app in deployed.unlisted:
        say(f"Billed lately, but no function of it is deployed: {app}")
    say(f"It works as it is. {questions} lines marked QUESTION wait for what only people know.")
    say(f"Next: tieout pull {_options(directory)}, then tieout run {_options(directory)}")


def _options(directory: Path) -> str:
    """Say how the other commands find a catalog: unasked when it lies in the workspace itself."""
    home = Home(directory.parent)
    return f"--home {home.root}" if directory == home.catalog else f"--catalog {directory}"
