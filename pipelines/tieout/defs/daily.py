"""What happens every day by itself: the pull, then the loading of what it brought, then the weeks that this changes.

It happens as soon as a Dagster daemon runs (`tieout ui` starts one). The three are runs of their own: a pull may take
long and leaves the warehouse to others, and a run builds for weeks or for none. A sensor asks for each after the first.
"""

from collections.abc import Iterator, Mapping

import dagster as dg

from tieout.core.home import Home
from tieout.core.periods import IsoWeek
from tieout.defs.calendar import week_key
from tieout.defs.execution import reported_and_published_assets
from tieout.defs.jobs import load_pulled, pull, week
from tieout.defs.pull import CHANGED_WEEKS, PULLED
from tieout.modal.client import ModalError, Session
from tieout.modal.retry_policy import RetryPolicy, RetryPolicyError
from tieout.warehouse.weeks import consecutive

# After the six hours in which yesterday's bill settles, and before the mail of a Monday.
PULL_HOUR = 7


def daily_schedule(home: Home) -> dg.ScheduleDefinition:
    """Declare the daily pull; without a token, and in a simulated workspace, it says why there is none."""

    def ask(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if home.simulation.exists():
            return dg.SkipReason("This workspace is simulated; nothing is pulled into it.")
        try:
            with Session(RetryPolicy.from_environment()) as session:
                has_token = session.settings().has_token
        except (ModalError, RetryPolicyError) as error:
            return dg.SkipReason(f"Modal's configuration cannot be read: {error}")
        if not has_token:
            return dg.SkipReason("No Modal token is configured; exported files are loaded by hand.")
        return dg.RunRequest(run_key=f"{context.scheduled_execution_time:%Y-%m-%d}")

    return dg.ScheduleDefinition(
        name="daily_pull",
        job=pull,
        cron_schedule=f"0 {PULL_HOUR} * * *",
        execution_timezone="UTC",
        execution_fn=ask,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Every day at {PULL_HOUR}:00 UTC, when yesterday's bill has settled: pull, load and build.",
    )


@dg.asset_sensor(
    asset_key=PULLED,
    job=load_pulled,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="After a pull: load what it brought.",
)
def load_what_was_pulled(_: dg.SensorEvaluationContext, event: dg.EventLogEntry) -> dg.RunRequest:
    """Ask for a run that loads, once for every pull."""
    return dg.RunRequest(run_key=f"{event.run_id} load")


@dg.asset_sensor(
    asset_key=CHANGED_WEEKS,
    job=week,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="After what was pulled is loaded: build the weeks that it changes, then report what shows them.",
)
def build_changed_weeks(
    _: dg.SensorEvaluationContext, event: dg.EventLogEntry
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Ask for runs for the weeks that the last step of loading has named."""
    materialization = event.asset_materialization
    if materialization is not None:
        yield from _requests(event.run_id, materialization.metadata)


def _requests(run_id: str, metadata: Mapping[str, dg.MetadataValue]) -> Iterator[dg.RunRequest | dg.SkipReason]:
    stale, known = (_weeks(metadata[name]) for name in ("weeks", "known"))
    if not stale:
        yield dg.SkipReason("What was pulled changes no week.")
        return
    for first, last in consecutive(stale):
        yield dg.RunRequest(run_key=f"{run_id} build {first.label}", tags=_range(first, last))
    # A report shows its months whole and carries the corrections of the weeks before it.
    month = stale[0].start.replace(day=1)
    shown = [week for week in known if week.end > month]
    yield dg.RunRequest(
        run_key=f"{run_id} report",
        tags=_range(shown[0], shown[-1]),
        asset_selection=reported_and_published_assets(),
    )


def _weeks(value: dg.MetadataValue) -> list[IsoWeek]:
    labels = value.value
    return sorted(IsoWeek.parse(str(label)) for label in labels) if isinstance(labels, list) else []


def _range(first: IsoWeek, last: IsoWeek) -> dict[str, str]:
    return {"dagster/asset_partition_range_start": week_key(first), "dagster/asset_partition_range_end": week_key(last)}
