"""What Dagster itself is told: when to run, and when the data counts as late.

These are environment variables because Dagster wants a schedule's times before anything runs:

=============================  ==================  ===========================================
PRINTORA_SCHEDULE              off                 on: the schedule runs from the first start
PRINTORA_SCHEDULE_CRON         ``*/15 * * * *``    when the main job runs
PRINTORA_SCHEDULE_TIME_ZONE    UTC                 the zone that the cron expression means
PRINTORA_WARN_AFTER_MINUTES    60                  data that is proven no later than this is late
PRINTORA_FAIL_AFTER_MINUTES    360                 and that fails the check of the certificate
PRINTORA_OWNERS                team:data           owners of the assets: e-mails or team:name
PRINTORA_REPOSITORY_URL        none                where links to files and docs lead
=============================  ==================  ===========================================

The alerts' settings are in alerts.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from assets.alerts import Alerts, load_alerts
from pipelines.errors import ConfigurationError


@dataclass(frozen=True)
class Automation:
    """When the main job runs, and when its data is late."""

    is_scheduled: bool = False
    cron: str = "*/15 * * * *"
    time_zone: str = "UTC"
    warn_after: timedelta = timedelta(hours=1)
    fail_after: timedelta = timedelta(hours=6)
    owners: tuple[str, ...] = ("team:data",)
    repository_url: str = ""
    alerts: Alerts = field(default_factory=Alerts)


def load_automation(environment: Mapping[str, str]) -> Automation:
    """Read the settings.

    Raises:
        ConfigurationError: one is malformed, or late comes after failed.
    """
    default = Automation()
    warn_after = _minutes(environment, "PRINTORA_WARN_AFTER_MINUTES", default.warn_after)
    fail_after = _minutes(environment, "PRINTORA_FAIL_AFTER_MINUTES", default.fail_after)
    if warn_after >= fail_after:
        raise ConfigurationError(
            "PRINTORA_WARN_AFTER_MINUTES is not less than PRINTORA_FAIL_AFTER_MINUTES.",
            hint="Data is late before it is too late.",
        )
    return Automation(
        is_scheduled=_switch(environment, "PRINTORA_SCHEDULE"),
        cron=environment.get("PRINTORA_SCHEDULE_CRON") or default.cron,
        time_zone=_zone(environment, "PRINTORA_SCHEDULE_TIME_ZONE", default.time_zone),
        warn_after=warn_after,
        fail_after=fail_after,
        owners=_owners(environment),
        repository_url=environment.get("PRINTORA_REPOSITORY_URL", "").rstrip("/"),
        alerts=load_alerts(environment),
    )


def _switch(environment: Mapping[str, str], name: str) -> bool:
    value = (environment.get(name) or "off").lower()
    if value not in ("on", "off"):
        raise ConfigurationError(f"{name} is {value!r}.", hint="Set on or off.")
    return value == "on"


def _owners(environment: Mapping[str, str]) -> tuple[str, ...]:
    owners = environment.get("PRINTORA_OWNERS", "").replace(",", " ").split()
    if not owners:
        return Automation().owners
    for owner in owners:
        if "@" not in owner and not owner.startswith("team:"):
            raise ConfigurationError(
                f"PRINTORA_OWNERS has {owner!r}.", hint="Give e-mail addresses, or team:name."
            )
    return tuple(owners)


def _zone(environment: Mapping[str, str], name: str, default: str) -> str:
    zone = environment.get(name) or default
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigurationError(
            f"{name} is {zone!r}, which is no IANA time zone.", hint="Write it like Europe/Berlin."
        ) from None
    return zone


def _minutes(environment: Mapping[str, str], name: str, default: timedelta) -> timedelta:
    text = environment.get(name)
    if not text:
        return default
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise ConfigurationError(f"{name} is {text!r}.", hint="Give a whole number of minutes.")
    return timedelta(minutes=int(text))
