"""What happens every day by itself: the pull, then the same run as `tieout run`.

It happens as soon as a Dagster daemon runs (`tieout ui` starts one). The two are runs of their own: a pull may take
long and leaves the warehouse to others. A sensor asks for the second after the first.
"""

import dagster as dg

from tieout.core.home import Home
from tieout.defs.jobs import pull
from tieout.defs.pull import PULLED
from tieout.defs.runs import run
from tieout.modal.client import ModalError, Session
from tieout.modal.retry_policy import RetryPolicy, RetryPolicyError

# After the six hours in which yesterday's bill settles, and before the mail of a Monday.
PULL_HOUR = 7
SENSOR_SECONDS = 180


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
    job=run,
    minimum_interval_seconds=SENSOR_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="After a pull: load what it brought, build the weeks that this changes, report and publish.",
)
def run_after_pull(_: dg.SensorEvaluationContext, event: dg.EventLogEntry) -> dg.RunRequest:
    """Ask for a run that brings everything up to date, once for every pull."""
    return dg.RunRequest(run_key=event.run_id)
