"""The main job, and the schedule that runs it."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

from assets.settings import Automation
from pipelines.clock import SystemClock, utc
from pipelines.errors import ConfigurationError

JOB = "printora"

#: A run whose process died with its machine is "in progress" for ever: it must not end all runs.
#: That two of them do not meet in the database is the lock's business, not the schedule's.
STUCK_AFTER = timedelta(hours=6)

_IN_PROGRESS = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def main_job() -> dg.UnresolvedAssetJobDefinition:
    """Return the job that does it all: sync, build, check."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.all(),
        description="The main job: sync, build, check. The same as `printora run`.",
        tags={"printora/job": "main"},
    )


def main_schedule(
    job: dg.UnresolvedAssetJobDefinition, automation: Automation
) -> dg.ScheduleDefinition:
    """Return the schedule of the main job.

    It runs unless PRINTORA_SCHEDULE is off: a pipeline that was deployed and forgotten to be
    switched on is found out too late. A run with nothing to do costs a few requests.
    """
    status = dg.DefaultScheduleStatus
    try:
        return dg.ScheduleDefinition(
            name=JOB,
            job=job,
            cron_schedule=automation.cron,
            execution_timezone=automation.time_zone,
            default_status=status.RUNNING if automation.is_scheduled else status.STOPPED,
            execution_fn=_tick,
            description="Runs the main job, unless it still runs.",
        )
    except dg.DagsterInvalidDefinitionError as error:
        raise ConfigurationError(
            f"PRINTORA_SCHEDULE_CRON is {automation.cron!r}, which is no cron expression.",
            hint="Write it like */15 * * * * (every quarter of an hour).",
        ) from error


def _tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    from pipelines.settings import load_settings

    try:
        load_settings()
    except ConfigurationError as error:
        return dg.SkipReason(str(error))
    running = _run_in_progress(context.instance)
    if running:
        return dg.SkipReason(f"Run {running} of this job is in progress.")
    return dg.RunRequest(tags={"printora/trigger": "schedule"})


def _run_in_progress(instance: dg.DagsterInstance) -> str | None:
    filters = dg.RunsFilter(
        job_name=JOB,
        statuses=_IN_PROGRESS,
        updated_after=utc(SystemClock().now()) - STUCK_AFTER,
    )
    records = instance.get_run_records(filters, limit=1)
    return records[0].dagster_run.run_id if records else None
