"""What a run tells while it runs, for whoever shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Planned:
    """The plan, told before it is carried out. ``quota_left`` by window: minute, day, hour."""

    requests: int | None
    quota_left: dict[str, int]
    text: str


@dataclass(frozen=True)
class PageRead:
    """One more answer. ``rows_total`` is None while the API has not said how many there are."""

    resource: str
    rows_read: int
    rows_total: int | None
    requests: int
    quota_left: dict[str, int]


@dataclass(frozen=True)
class Waiting:
    """The governor pauses: how many seconds, and for what."""

    seconds: float
    reason: str


@dataclass(frozen=True)
class Loaded:
    """A batch is in the warehouse: so many rows, new or looked at again."""

    rows: int


Event = Planned | PageRead | Waiting | Loaded
Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Listen to nothing."""
