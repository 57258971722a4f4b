"""Telling people of a run that failed: by e-mail, or as JSON to a URL. Neither, unless it is set.

Slack's and Mattermost's incoming webhooks take the JSON as it is: its ``text`` is the message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import dagster as dg

from pipelines.errors import ConfigurationError

RUNNING = dg.DefaultSensorStatus.RUNNING
_EMAIL = ("TO", "FROM", "HOST", "PASSWORD")


@dataclass(frozen=True)
class Alerts:
    """Where to tell it; ``url`` and ``password`` are secrets."""

    url: str | None = field(default=None, repr=False)
    email_to: tuple[str, ...] = ()
    email_from: str = ""
    smtp_host: str = ""
    smtp_password: str = field(default="", repr=False)


def load_alerts(environment: Mapping[str, str]) -> Alerts:
    """Read the settings.

    Raises:
        ConfigurationError: the URL is none, or e-mail is set in part.
    """
    url = environment.get("PRINTORA_ALERT_URL") or None
    if url and not url.startswith(("https://", "http://")):
        raise ConfigurationError(
            "PRINTORA_ALERT_URL is no web address.", hint="Write it like https://hooks.…"
        )
    email = {name: environment.get(f"PRINTORA_ALERT_EMAIL_{name}", "") for name in _EMAIL}
    missing = [f"PRINTORA_ALERT_EMAIL_{name}" for name, text in email.items() if not text]
    if 0 < len(missing) < len(_EMAIL):
        raise ConfigurationError(f"{missing[0]} is not set.", hint="E-mail needs all four of them.")
    to = tuple(address.strip() for address in email["TO"].split(",") if address.strip())
    return Alerts(url, to, email["FROM"], email["HOST"], email["PASSWORD"])


def alert_sensors(alerts: Alerts) -> list[dg.SensorDefinition]:
    """Return the sensors that tell; none where nothing is set."""
    sensors = []
    if alerts.url:
        sensors.append(_to_url(alerts.url))
    if alerts.email_to:
        sensors.append(
            dg.make_email_on_run_failure_sensor(
                email_from=alerts.email_from,
                email_password=alerts.smtp_password,
                email_to=list(alerts.email_to),
                smtp_host=alerts.smtp_host,
                email_subject_fn=lambda context: f"printora: {context.dagster_run.job_name} failed",
                email_body_fn=_text,
                name="alert_by_email",
                default_status=RUNNING,
            )
        )
    return sensors


def _to_url(url: str) -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name="alert_to_url",
        default_status=RUNNING,
        description="Posts each failed run to PRINTORA_ALERT_URL.",
    )
    def alert_to_url(context: dg.RunFailureSensorContext) -> None:
        import httpx

        run = context.dagster_run
        document = {"text": _text(context), "job": run.job_name, "run_id": run.run_id}
        httpx.post(url, json=document, timeout=10.0).raise_for_status()

    return alert_to_url


def _text(context: dg.RunFailureSensorContext) -> str:
    run = context.dagster_run
    return f"printora: run {run.run_id} of {run.job_name} failed. {context.failure_event.message}"
