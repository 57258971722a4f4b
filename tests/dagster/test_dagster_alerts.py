"""Telling people of a failed run: what is sent, and that nothing is unless somebody set it up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import dagster as dg
import pytest

from assets.alerts import alert_sensors, load_alerts
from pipelines.unknown_settings import refuse_unknown

_EMAIL = {
    "PRINTORA_ALERT_EMAIL_TO": "a@example.com, b@example.com",
    "PRINTORA_ALERT_EMAIL_FROM": "c@example.com",
    "PRINTORA_ALERT_EMAIL_HOST": "smtp.example.com",
    "PRINTORA_ALERT_EMAIL_PASSWORD": "made up",
}


@contextmanager
def _receiver() -> Iterator[tuple[str, list[dict[str, str]]]]:
    got: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", got
        server.shutdown()
        thread.join()


def test_a_failed_run_is_posted_with_its_reason() -> None:
    """At night nobody looks at the UI: the alert must say which run, and why."""

    @dg.op
    def breaks() -> None:
        raise dg.Failure("The key is not known.")

    @dg.job(name="printora")
    def job() -> None:
        breaks()

    with _receiver() as (url, got), dg.DagsterInstance.ephemeral() as instance:
        done = job.execute_in_process(instance=instance, raise_on_error=False)
        (sensor,) = alert_sensors(load_alerts({"PRINTORA_ALERT_URL": url}))
        context = dg.build_run_status_sensor_context(
            sensor_name=sensor.name,
            dagster_event=done.get_run_failure_event(),
            dagster_instance=instance,
            dagster_run=done.dagster_run,
        )
        sensor(context.for_run_failure())
    (document,) = got
    assert document["run_id"] == done.run_id
    assert "of printora failed" in document["text"]
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING


def test_the_settings_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """An alert that was set up would stop each run: settings that nobody knows are refused."""
    for name in (*_EMAIL, "PRINTORA_ALERT_URL", "PRINTORA_OWNERS", "PRINTORA_REPOSITORY_URL"):
        monkeypatch.setenv(name, "x")
    refuse_unknown()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, []), (_EMAIL, ["alert_by_email"]), ({"PRINTORA_ALERT_URL": ""}, [])],
)
def test_nobody_is_told_unless_it_was_asked_for(
    environment: dict[str, str], expected: list[str]
) -> None:
    """An address that nobody set up gets a company's errors."""
    alerts = load_alerts(environment)
    assert [sensor.name for sensor in alert_sensors(alerts)] == expected
    assert "made up" not in repr(alerts)
