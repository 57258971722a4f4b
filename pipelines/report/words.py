"""Numbers and times as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

DASH = "\u2013"


def count(value: float | None) -> str:
    """Write a count with thin spaces between thousands."""
    return DASH if value is None else f"{value:,.0f}".replace(",", "\u202f")


def percent(share: float | None, digits: int = 1) -> str:
    """Write a share as a percentage."""
    return DASH if share is None else f"{share * 100:.{digits}f}\u202f%"


def moment(value: datetime | None) -> str:
    """Write a moment in UTC, to the minute."""
    return DASH if value is None else value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def money(value: Decimal | None, currency: str | None) -> str:
    """Write an amount with its currency."""
    return DASH if value is None else f"{count(float(value))} {currency or ''}".strip()


def duration(hours: float | None) -> str:
    """Write a duration in the unit that suits its size."""
    if hours is None:
        return "not reached"
    for limit, unit, size in ((1 / 60, "s", 1 / 3600), (1.5, "min", 1 / 60), (48, "h", 1)):
        if hours < limit:
            return f"{hours / size:.0f}\u202f{unit}"
    return f"{hours / 24:.1f}\u202fd"


def lag(seconds: float | None) -> str:
    """Write how far one time lies behind another."""
    return "never" if seconds is None else duration(timedelta(seconds=seconds) / timedelta(hours=1))
