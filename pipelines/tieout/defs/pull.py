"""The pull as the first asset of all.

The pull needs Modal and no warehouse. How old the landed bill and the spend may be is said here, too: the pull of every
day is what keeps them fresh.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from typing import Any

import dagster as dg

from tieout.catalog.load import load_catalog
from tieout.core.home import Home
from tieout.defs.checks import table_key
from tieout.defs.workspace import NamedWorkspace
from tieout.modal.client import ModalError
from tieout.modal.pull import PullOutcome, pull
from tieout.modal.retry_policy import RetryPolicy, RetryPolicyError
from tieout.modal.visit import PULLED_SOURCES, CatalogedFunctions, Wanted

PULLED = dg.AssetKey(["modal", "pull"])
_AGEING = frozenset({dg.AssetKey(["landing", "billing_report"]), table_key("spend.hourly")})
_LATE, _TOO_LATE = dt.timedelta(hours=26), dt.timedelta(hours=50)


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
        "not_pulled": dg.MetadataValue.int(len(outcome.failures) + outcome.unasked),
        "what_failed": dg.MetadataValue.md(failed or "nothing"),
        "notes": dg.MetadataValue.md("\n".join(f"- {note}" for note in outcome.notes) or "none"),
    }


def with_freshness(home: Home, assets: Iterable[dg.AssetsDefinition | dg.AssetSpec]) -> list[Any]:
    """Say how old the landed bill and the spend may be; a simulated workspace does not age."""
    if home.simulation.exists():
        return list(assets)
    policy = dg.FreshnessPolicy.time_window(fail_window=_TOO_LATE, warn_window=_LATE)
    return list(
        dg.map_asset_specs(
            lambda spec: spec.replace_attributes(freshness_policy=policy) if spec.key in _AGEING else spec, assets
        )
    )
