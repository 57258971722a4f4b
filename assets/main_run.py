"""The main job in this process, each of its events a line of JSON on standard output.

For programs: ``printora demo`` shows with it how far the run is, without importing Dagster.
Alone: ``DAGSTER_HOME=… python -m assets.main_run``
"""

from __future__ import annotations

import json
import sys
from typing import Any

import dagster as dg
from dagster import DagsterEventType as Type

from assets.definitions import defs
from assets.schedules import JOB


def main() -> int:
    """Run the job; return the exit code."""
    run_id = dg.DagsterRun(job_name=JOB).run_id
    with dg.DagsterInstance.get() as instance:
        instance.add_event_listener(run_id, _tell)
        done = defs.resolve_job_def(JOB).execute_in_process(
            instance=instance, run_id=run_id, raise_on_error=False
        )
    return 0 if done.success else 1


def _tell(entry: dg.EventLogEntry) -> None:
    event = entry.dagster_event
    found = event and _document(event)
    if found:
        sys.stdout.write(f"{json.dumps(found)}\n")
        sys.stdout.flush()


def _document(event: dg.DagsterEvent) -> dict[str, Any] | None:
    if event.event_type is Type.ASSET_MATERIALIZATION:
        return {
            "event": "asset",
            "name": event.asset_key.to_user_string() if event.asset_key else "",
        }
    if event.event_type is Type.ASSET_CHECK_EVALUATION:
        check = event.asset_check_evaluation_data
        return {"event": "check", "name": check.check_name, "passed": check.passed}
    if event.event_type is Type.STEP_FAILURE:
        return {"event": "failure", "name": event.step_key}
    return None


if __name__ == "__main__":
    sys.exit(main())
