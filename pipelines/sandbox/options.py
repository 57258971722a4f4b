"""What kind of history the world has."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.errors import ConfigurationError
from pipelines.sandbox.times import DAY, HOUR, MINUTE, SECOND

SESSIONS_PER_ORDER = 2.9

#: A session's URL lets its user in for so long after the session's creation.
REDIRECT_LIFE = 15 * MINUTE
#: A session lives so long after its first access.
SESSION_LIFE = 24 * HOUR
#: When the vendor tries to deliver an event, counted from the log row's creation.
ATTEMPTS_AFTER = (0, 1 * MINUTE, 6 * MINUTE, 36 * MINUTE, 156 * MINUTE)
#: No receiver is waited for any longer.
RECEIVER_TIMEOUT = 5 * SECOND


@dataclass(frozen=True)
class WorldOptions:
    """Size, seed and the chances of what can go wrong. Shares are in 0..1."""

    orders: int = 2_000
    """Orders that exist at the start."""
    seed: int = 7
    days: float | None = None
    """Length of the history at the start; None: chosen by size, 30 to 365 days."""
    webhooks: bool = True
    """False: a partner without a webhook, so there is no log at all."""
    lost: float = 0.002
    """Share of the events that have no log row."""
    late: float = 0.002
    """Share of the events whose log row is made hours after the event."""
    repeated: float = 0.002
    """Share of the events with two log rows."""
    attempt_failure: float = 0.02
    """Share of the attempts that fail while the receiver is well."""
    days_between_outages: float = 12.0
    """Mean time between two outages of the partner's receiver."""
    after_start: bool = True
    """False: no new sessions arrive after the start; what was planned still happens."""

    def __post_init__(self) -> None:
        if self.orders < 0:
            raise ConfigurationError(f"orders is {self.orders}.", hint="It is 0 or more.")
        if self.days is not None and self.days < 2:
            raise ConfigurationError(f"days is {self.days}.", hint="It is 2 or more.")

    @property
    def span(self) -> int:
        """Length of the history in milliseconds."""
        chosen = min(365.0, max(30.0, self.orders / 40))
        return round((chosen if self.days is None else self.days) * DAY)

    @property
    def sessions(self) -> int:
        """Sessions created in the history."""
        return round(self.orders * SESSIONS_PER_ORDER)
