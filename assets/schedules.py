"""The main job, and what starts it: a schedule, and a sensor of the session ledger."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import dagster as dg

from assets.resources import KEYS, sync_settings
from assets.settings import Automation
from pipelines.clock import SystemClock, utc
from pipelines.errors import ConfigurationError, PrintoraError
from pipelines.words import counted

if TYPE_CHECKING:
    from pipelines.settings import Settings

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

    It waits to be switched on, here or by PRINTORA_SCHEDULE: each run uses up a part of the
    account's quota, and who opens the UI to look has not asked for that.
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
            description="Runs the main job, unless it still runs. Uses the account's quota.",
            required_resource_keys=set(KEYS),
        )
    except dg.DagsterInvalidDefinitionError as error:
        raise ConfigurationError(
            f"PRINTORA_SCHEDULE_CRON is {automation.cron!r}, which is no cron expression.",
            hint="Write it like */15 * * * * (every quarter of an hour).",
        ) from error


def _tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    try:
        _settings(context)
    except ConfigurationError as error:
        return dg.SkipReason(str(error))
    running = _run_in_progress(context.instance)
    if running:
        return dg.SkipReason(f"Run {running} of this job is in progress.")
    return dg.RunRequest(tags={"printora/trigger": "schedule"})


def new_files_sensor(job: dg.UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    """Return the sensor of the session ledger; it waits to be switched on, as the schedule does."""
    return dg.SensorDefinition(
        name="new_ledger_files",
        job=job,
        evaluation_fn=_look_at_ledger,
        minimum_interval_seconds=60,
        required_resource_keys=set(KEYS),
        description="Runs the main job when a file of the session ledger is new or has grown.",
    )


def _look_at_ledger(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    from pipelines.source.ledger_files import list_files

    try:
        setting = _settings(context).session_ledger
        files = list_files(setting)[0] if setting else []
    except PrintoraError as error:
        return dg.SkipReason(str(error))
    if not setting:
        return dg.SkipReason("No session ledger is set.")
    seen = sha256(repr([(f.name, f.size, f.modified) for f in files]).encode()).hexdigest()
    if seen == context.cursor:
        return dg.SkipReason("No file of the session ledger has changed.")
    if not context.cursor:  # What was there before the sensor is the schedule's business.
        return dg.SensorResult(
            skip_reason=f"{counted(len(files), 'file')}, from now on.", cursor=seen
        )
    request = dg.RunRequest(run_key=seen, tags={"printora/trigger": "ledger"})
    return dg.SensorResult(run_requests=[request], cursor=seen)


def _settings(context: dg.ScheduleEvaluationContext | dg.SensorEvaluationContext) -> Settings:
    found = context.resources
    return sync_settings(found.partner, found.client, found.warehouse)


def _run_in_progress(instance: dg.DagsterInstance) -> str | None:
    filters = dg.RunsFilter(
        job_name=JOB,
        statuses=_IN_PROGRESS,
        updated_after=utc(SystemClock().now()) - STUCK_AFTER,
    )
    records = instance.get_run_records(filters, limit=1)
    return records[0].dagster_run.run_id if records else None
