"""When the schedule runs the job, and when it had better not."""

from __future__ import annotations

import gc
from datetime import UTC, datetime
from unittest.mock import patch

import dagster as dg
import pytest
from dagster_support import Place

from assets import schedules
from assets.definitions import defs
from assets.resources import ClientResource, PartnerResource, WarehouseResource
from assets.schedules import main_job, new_files_sensor

_RESOURCES = {
    "partner": PartnerResource(),
    "client": ClientResource(),
    "warehouse": WarehouseResource(),
}
_SETTINGS = {
    "SOURCES__PRINTORA__API_KEY": "sk_test_made_up_0001",
    "SOURCES__PRINTORA__PARTNER_ID": "partner",
    "SOURCES__PRINTORA__BASE_URL": "http://127.0.0.1:9",
}


@pytest.fixture
def configured(in_place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place whose settings are complete."""
    for name, value in _SETTINGS.items():
        monkeypatch.setenv(name, value)
    return in_place


def _tick(instance: dg.DagsterInstance) -> dg.RunRequest | str:
    """Return the run that a tick asks for, or why it skips.

    The context opens an instance of its own, and closes it only with its block. Left to the garbage
    collector, it put the state of a test that is over back under the one that ran by then.
    """
    with dg.build_schedule_context(
        instance,
        repository_def=defs.get_repository_def(),
        scheduled_execution_time=_now(),
        resources=dict(_RESOURCES),
    ) as context:
        data = defs.resolve_schedule_def(schedules.JOB).evaluate_tick(context)
    return data.run_requests[0] if data.run_requests else str(data.skip_message)


def _now() -> datetime:
    return datetime.now(UTC)


def _run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, job: str) -> None:
    instance.add_run(dg.DagsterRun(job_name=job, run_id=f"{job}-{status.value}", status=status))


def test_a_tick_asks_for_a_run(configured: Place) -> None:
    """Without it nothing ever runs."""
    with configured.instance() as instance:
        request = _tick(instance)
    assert isinstance(request, dg.RunRequest)
    assert request.tags["printora/trigger"] == "schedule"


def test_a_tick_leaves_nothing_to_who_loads_definitions_after_it(configured: Place) -> None:
    """Another test failed of an instance that was closed long before it, if memory was tidied."""
    for _ in range(2):  # Dagster keeps the first.
        with configured.instance() as instance:
            _tick(instance)
    del instance
    with dg.DagsterInstance.ephemeral():
        gc.collect()
        dg.Definitions().resolve_all_job_defs()


@pytest.mark.parametrize("status", ["NOT_STARTED", "STARTING", "STARTED", "CANCELING"])
def test_a_run_in_progress_is_not_overtaken(configured: Place, status: str) -> None:
    """A first load of hours would gather a queue of runs behind it."""
    with configured.instance() as instance:
        _run(instance, dg.DagsterRunStatus(status), schedules.JOB)
        assert "is in progress" in str(_tick(instance))


@pytest.mark.parametrize(
    ("status", "job"),
    [("SUCCESS", schedules.JOB), ("FAILURE", schedules.JOB), ("STARTED", "other")],
)
def test_what_is_over_or_another_job_is_in_nobodys_way(
    configured: Place, status: str, job: str
) -> None:
    """A schedule that stops after a failure has to be found and restarted by hand."""
    with configured.instance() as instance:
        _run(instance, dg.DagsterRunStatus(status), job)
        assert isinstance(_tick(instance), dg.RunRequest)


def test_a_run_whose_machine_died_does_not_stop_the_schedule_for_ever(configured: Place) -> None:
    """Dagster shows such a run as started until somebody looks."""
    with configured.instance() as instance:
        _run(instance, dg.DagsterRunStatus.STARTED, schedules.JOB)
        later = datetime.now(UTC) + schedules.STUCK_AFTER
        with patch("pipelines.clock.SystemClock.now", lambda self: later.timestamp() + 60):
            assert isinstance(_tick(instance), dg.RunRequest)


def test_without_a_key_a_tick_says_what_is_missing(
    configured: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who only looks at the UI must not find a failed run every quarter of an hour."""
    monkeypatch.delenv("SOURCES__PRINTORA__API_KEY")
    with configured.instance() as instance:
        assert "SOURCES__PRINTORA__API_KEY is not set" in str(_tick(instance))


def test_a_ledger_file_that_grows_asks_for_a_run(configured: Place) -> None:
    """Sessions that were written down an hour ago would wait for a slow schedule's next run."""
    sensor = new_files_sensor(main_job())
    cursor: str | None = None

    def look() -> dg.RunRequest | str | None:
        nonlocal cursor
        with dg.build_sensor_context(cursor=cursor, resources=dict(_RESOURCES)) as context:
            found = sensor.evaluate_tick(context)
        cursor = found.cursor or cursor
        return found.run_requests[0] if found.run_requests else found.skip_message

    assert "ledger" in str(look())
    configured.ledger.write_text('{"session_id": "s1", "created_at": "2026-01-01T00:00:00Z"}\n')
    assert look() == "1 file, from now on."
    assert look() == "No file of the session ledger has changed."
    configured.ledger.write_text(configured.ledger.read_text() * 2)
    assert isinstance(look(), dg.RunRequest)
