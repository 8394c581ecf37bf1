"""`tieout init`: a first catalog, from landed files or from what is deployed on Modal."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from tieout.catalog.load import load_catalog
from tieout.catalog.mail_settings import load_mail_settings
from tieout.cli.failures import CommandError
from tieout.cli.hints import remember_catalog, remember_home, shown
from tieout.cli.messages import say
from tieout.cli.pull import modal_problem, utc_now
from tieout.cli.steps import show_steps
from tieout.cli.stopping import stoppable
from tieout.core.environment import home_or_default
from tieout.core.files import write_whole
from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.modal.client import Cause, ModalError
from tieout.modal.discovery import look_at_deployed
from tieout.modal.first_catalog import first_catalog
from tieout.modal.retry_policy import RetryPolicy
from tieout.report.wording import count
from tieout.sources.landing import holds_files
from tieout.sources.workspace_snapshot import Deployed, deployed_by_files


def write_first_catalog(directory: Path, home: Home, *, asks_modal: bool) -> None:
    """Write the catalog's files into a folder, and say what is in them and what to do next.

    Args:
        directory: the folder, empty or not there yet.
        home: the workspace; its landed files are read, where it has some.
        asks_modal: whether Modal is asked even then.

    Raises:
        CommandError: a catalog is there already, or Modal cannot be asked.
    """
    _refuse_to_overwrite(directory)
    by_files = not asks_modal and holds_files(home.landing)
    deployed = _read_files(home) if by_files else _ask_modal()
    files = first_catalog(deployed, load_catalog(resource_path("catalog")))
    with tempfile.TemporaryDirectory(prefix="tieout-") as scratch:
        _write(files, Path(scratch))
        load_catalog(Path(scratch))
        load_mail_settings(Path(scratch), {})
    directory.mkdir(parents=True, exist_ok=True)
    _write(files, directory)
    _say_written(directory, deployed, questions=sum(text.count("# QUESTION:") for text in files.values()))
    if by_files:
        _say_missing_in_files(deployed)
    else:
        _say_missing_from_modal(deployed)
    _say_next(directory, home, by_files=by_files)


def _read_files(home: Home) -> Deployed:
    with show_steps() as steps:
        steps.stage(f"Reading {home.landing}")
        return deployed_by_files(home.landing, home.root.name or "workspace", utc_now().replace(tzinfo=None))


def _ask_modal() -> Deployed:
    try:
        with stoppable("Stopped; nothing was written."), show_steps() as steps:
            steps.stage("Asking Modal what is deployed")
            return look_at_deployed(RetryPolicy.from_environment(), utc_now())
    except ModalError as error:
        problem = modal_problem(error.cause, str(error))
        if error.cause is not Cause.NO_TOKEN:
            raise problem from None
        raise CommandError(
            f"{problem.problem}, and there are no landed files to read instead",
            remedy=f"{problem.remedy} Or put exports into the folder landing of a workspace, then `tieout init` again.",
        ) from None


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


def _say_written(directory: Path, deployed: Deployed, *, questions: int) -> None:
    apps = len({function.app for function in deployed.functions})
    functions = len({function.name for function in deployed.functions})
    say(
        f"Written to {directory}: {count(functions, 'function')} in {count(len(deployed.functions), 'configuration')} "
        f"of {count(apps, 'app')} in the environment {deployed.environment} of {deployed.workspace}, and "
        f"{count(len(deployed.rates), 'rate')}."
    )
    if deployed.elsewhere:
        say(f"Also billed, in other environments that the catalog does not describe: {', '.join(deployed.elsewhere)}")
    for app in deployed.unlisted:
        say(f"Billed lately, but no function of it is known: {app}")
    say(f"It works as it is. {count(questions, 'line')} marked QUESTION wait for what only people know.")


def _say_missing_in_files(deployed: Deployed) -> None:
    unknown = [f"{each.app}/{each.name}" for each in deployed.functions if not each.info]
    if unknown:
        say(f"No configuration is landed of: {', '.join(unknown)}. `modal function info APP/FUNC --json` prints it.")
    if not deployed.rates:
        say("No rates are landed: prices.yaml has the list prices that come with Tieout.")
    if not deployed.is_billed:
        say("No bill is landed, without which nothing can be tied out.")
    if deployed.refused:
        say(f"{count(len(deployed.refused), 'landed file')} cannot be read; `tieout run` says why.")


def _say_missing_from_modal(deployed: Deployed) -> None:
    if not deployed.rates:
        say("The token may not read the rates: prices.yaml has the list prices that come with Tieout.")
    if not deployed.is_billed:
        say(
            "The token may not read the bill, without which nothing can be tied out: ask an owner or a manager for one."
        )


def _say_next(directory: Path, home: Home, *, by_files: bool) -> None:
    """Say what to type next; a catalog that lies in the workspace itself is found unasked."""
    remember_home(None if home == home_or_default(None) else shown(home.root))
    remember_catalog(None if directory == home.catalog else shown(directory))
    say("Next: `tieout run`" if by_files else "Next: `tieout pull`, then `tieout run`")
