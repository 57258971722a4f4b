"""All that Dagster knows of this project, put together."""

from __future__ import annotations

import os

import dagster as dg

from assets.alerts import alert_sensors
from assets.certificates import certificate_checks
from assets.checks import model_checks
from assets.freshness import freshness_checks
from assets.ingestion import raw_assets
from assets.models import model_assets
from assets.published import published_asset
from assets.resources import Resources, resources
from assets.running import EXECUTOR
from assets.schedules import main_job, main_schedule, new_files_sensor
from assets.settings import Automation, load_automation
from pipelines.files import keep_to_owner
from pipelines.warehouse import Project, load_project


def definitions(
    project: Project, automation: Automation, configured: Resources | None = None
) -> dg.Definitions:
    """Return the definitions of a project; ``configured`` are resources in place of the usual."""
    job = main_job()
    return dg.Definitions(
        assets=[
            raw_assets(automation),
            model_assets(project, automation),
            published_asset(project, automation),
        ],
        asset_checks=[
            model_checks(project),
            certificate_checks(automation),
            freshness_checks(project, automation),
        ],
        jobs=[job],
        schedules=[main_schedule(job, automation)],
        sensors=[new_files_sensor(job), *alert_sensors(automation.alerts)],
        resources={**resources(), **(configured or {})},
        executor=EXECUTOR,
    )


keep_to_owner()
defs = definitions(load_project(), load_automation(os.environ))
