"""`tieout init DIR`: a first catalog from what is deployed on Modal."""

from pathlib import Path

from pipelines.cli.failures import CommandError
from pipelines.cli.messages import say
from pipelines.cli.pull import modal_problem, read_patience, utc_now
from pipelines.cli.steps import show_steps
from pipelines.core.catalog import load_catalog
from pipelines.core.mail_settings import load_mail_settings
from pipelines.core.resources import resource_path
from pipelines.modal_pull.first_catalog import first_catalog
from pipelines.modal_pull.looks import Deployed, look_at_deployed
from pipelines.modal_pull.plan import first_bill_day
from pipelines.modal_pull.session import ModalError


def write_first_catalog(directory: Path) -> None:
    """Write the catalog's files into a folder, and say what is in them and what to do next.

    Raises:
        CommandError: a catalog is there already, or Modal cannot be asked.
    """
    _refuse_to_overwrite(directory)
    now = utc_now()
    try:
        with show_steps() as steps:
            steps.stage("Asking Modal what is deployed")
            deployed = look_at_deployed(read_patience(), now)
    except ModalError as error:
        raise modal_problem(error.cause, str(error)) from None
    built_in = load_catalog(resource_path("catalog"))
    files = first_catalog(deployed, built_in, today=now.date(), valid_from=first_bill_day(now.date()))
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        with (directory / name).open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    load_catalog(directory)
    load_mail_settings(directory, {})
    questions = sum(text.count("# QUESTION:") for text in files.values())
    _say_written(directory, deployed, questions)


def _refuse_to_overwrite(directory: Path) -> None:
    there = sorted(path.name for path in directory.glob("*.yaml")) if directory.is_dir() else []
    if there:
        raise CommandError(
            f"{directory} holds a catalog already: {', '.join(there)}",
            remedy="Name an empty folder; `tieout init` changes nothing that is there.",
        )


def _say_written(directory: Path, deployed: Deployed, questions: int) -> None:
    apps = sorted({function.app.name for function in deployed.functions})
    say(
        f"Written to {directory}: {len(deployed.functions)} functions of {len(apps)} apps in the environment "
        f"{deployed.environment} of {deployed.workspace}, and {len(deployed.rates)} rates."
    )
    if not deployed.is_billed:
        say(
            "The token may not read the bill, without which nothing can be tied out: ask an owner or a manager for one."
        )
    for app in deployed.unlisted:
        say(f"Billed lately, but no function of it is deployed: {app}")
    say(f"It works as it is. {questions} lines marked QUESTION wait for what only people know.")
    say(f"Next: tieout pull --catalog {directory}, then tieout run --catalog {directory}")
