"""The pull as the first asset of all.

The pull needs Modal and no warehouse.
"""

import datetime as dt
from collections import Counter

import dagster as dg

from tieout.catalog.load import load_catalog
from tieout.defs.workspace import NamedWorkspace
from tieout.modal.client import ModalError
from tieout.modal.pull import PullOutcome, pull
from tieout.modal.retry_policy import RetryPolicy, RetryPolicyError
from tieout.modal.visit import PULLED_SOURCES, CatalogedFunctions, Wanted

PULLED = dg.AssetKey(["modal", "pull"])
NOT_PULLED, WHAT_FAILED = "not_pulled", "what_failed"
"""In the metadata of a pull: how many exports did not come, and which, as Markdown."""


@dg.asset(
    key=PULLED,
    description="Everything that is missing or may still change, from Modal into `landing/`: `tieout pull`.",
    group_name="modal",
    kinds={"modal", "python"},
    owners=["team:platform"],
    tags={"floor": "modal"},
    pool="modal",
)
def pulled(context: dg.AssetExecutionContext, modal: NamedWorkspace) -> dg.MaterializeResult[None]:
    """Pull, and say what came; what did not is an error that the next pull makes good."""
    home = modal.home
    if home.simulation.exists():
        raise dg.Failure("This workspace is simulated; real exports do not mix with it.", allow_retries=False)
    try:
        outcome = pull(
            home.landing,
            CatalogedFunctions.of(load_catalog(modal.catalog)),
            Wanted(),
            policy=RetryPolicy.from_environment(),
            clock=lambda: dt.datetime.now(dt.UTC),
        )
    except (ModalError, RetryPolicyError) as error:
        raise dg.Failure(
            f"Nothing was pulled: {error.located}. `tieout doctor --modal` says more.", allow_retries=False
        ) from None
    metadata = _metadata(outcome)
    for note in outcome.notes:
        context.log.info(note)
    if not outcome.landed and not outcome.is_complete:
        raise dg.Failure("Nothing was pulled.", metadata=metadata, allow_retries=False)
    # What arrived is loaded in any case: a function that Modal does not answer for must not keep the bill back.
    for failure in outcome.failures:
        context.log.error(f"Not pulled: {failure.what}: {failure.message}")
    return dg.MaterializeResult(metadata=metadata)


def _metadata(outcome: PullOutcome) -> dict[str, dg.MetadataValue]:
    files = Counter(file.source for file in outcome.landed)
    failed = "\n".join(f"- {failure.what}: {failure.message}" for failure in outcome.failures)
    return {
        "files": dg.MetadataValue.int(len(outcome.landed)),
        "files_by_source": dg.MetadataValue.json({source: files[source] for source in PULLED_SOURCES if files[source]}),
        "calls": dg.MetadataValue.int(sum(file.rows or 0 for file in outcome.landed)),
        "seconds": dg.MetadataValue.float(round(outcome.seconds, 1)),
        NOT_PULLED: dg.MetadataValue.int(len(outcome.failures) + outcome.unasked),
        WHAT_FAILED: dg.MetadataValue.md(failed or "nothing"),
        "notes": dg.MetadataValue.md("\n".join(f"- {note}" for note in outcome.notes) or "none"),
    }
