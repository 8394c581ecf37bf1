"""How long Dagster's record lasts: runs, their events and the ticks of schedules are forgotten after some days.

Nothing of the workspace depends on them. SQLite uses the room of what is forgotten for what comes, so the files grow no
further than the days that are kept.
"""

import datetime as dt

import dagster as dg

from tieout.defs.storage import forget_files

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_MOST_AT_ONCE = 200


def forget_old_record(instance: dg.DagsterInstance, days: int, *, now: dt.datetime) -> int:
    """Delete runs that ended so many days ago, the newest of each job excepted, and return how many.

    The newest one says since when a job fails. A run that deletes many at once would keep others waiting, so the rest
    of a long record goes with the runs that follow.

    Args:
        instance: of the workspace.
        days: that are kept.
        now: UTC.
    """
    before = now - dt.timedelta(days=days)
    old = instance.get_run_records(
        dg.RunsFilter(statuses=_ENDED, created_before=before), limit=_MOST_AT_ONCE, ascending=True
    )
    newest: dict[str, str] = {}
    forgotten = 0
    for record in old:
        run = record.dagster_run
        if run.job_name not in newest:
            [last] = instance.get_run_records(dg.RunsFilter(job_name=run.job_name), limit=1)
            newest[run.job_name] = last.dagster_run.run_id
        if run.run_id != newest[run.job_name]:
            instance.delete_run(run.run_id)
            forget_files(instance, run.run_id)
            forgotten += 1
    for state in instance.all_instigator_state():
        instance.purge_ticks(state.instigator_origin_id, state.selector_id, before.timestamp())
    return forgotten
