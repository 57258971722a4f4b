"""All that Dagster knows of this project, put together."""

from __future__ import annotations

import os

import dagster as dg

from assets.certificates import certificate_checks
from assets.checks import model_checks
from assets.ingestion import raw_assets
from assets.models import model_assets
from assets.published import published_asset
from assets.schedules import main_job, main_schedule
from assets.settings import Automation, load_automation
from pipelines.files import keep_to_owner
from pipelines.warehouse import Project, load_project


def definitions(project: Project, automation: Automation) -> dg.Definitions:
    """Return the definitions of a project."""
    job = main_job()
    return dg.Definitions(
        assets=[raw_assets(automation), model_assets(project), published_asset(project)],
        asset_checks=[model_checks(project), certificate_checks(automation)],
        jobs=[job],
        schedules=[main_schedule(job, automation)],
    )


keep_to_owner()
defs = definitions(load_project(), load_automation(os.environ))
