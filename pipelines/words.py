"""Numbers, lengths and times as people read them, on the command line as in the report."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pendulum

#: Stands for what is missing: not reached, not known, nothing to divide by.
NONE = "–"  # noqa: RUF001 - a hyphen would be a minus

#: What proves a list complete, as certificates call it, and as people say it.
EVIDENCE = {
    "counts equal": "same counts",
    "whole walk": "every page read",
    "end seen twice": "every page read twice",
    "whole ledger": "every line read",
}


def count(value: float | None) -> str:
    """Return a whole number with commas between thousands."""
    return NONE if value is None else f"{value:,.0f}"


def counted(number: float, one: str, many: str | None = None) -> str:
    """Return a number with its noun: "1 row", "2,000 rows"."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share in 0..1 as "34.1 %"."""
    return NONE if share is None else f"{share * 100:.{digits}f} %"


def moment(at: datetime | None, *, seconds: bool = False) -> str:
    """Return a moment in UTC, to the minute or the second."""
    pattern = "%Y-%m-%d %H:%M:%S UTC" if seconds else "%Y-%m-%d %H:%M UTC"
    return NONE if at is None else at.astimezone(UTC).strftime(pattern)


def money(value: float | Decimal | None, currency: str | None) -> str:
    """Return an amount without its cents, which nobody compares, with its currency."""
    return NONE if value is None else f"{value:,.0f} {currency or 'of unknown currency'}"


def duration(hours: float | None) -> str:
    """Return hours in the unit that reads best: "41 s", "12 min", "5.2 h", "34 h", "3.4 d"."""
    if hours is None:
        return NONE
    for unit, length in (("d", 24.0), ("h", 1.0), ("min", 1 / 60)):
        amount = hours / length
        if amount >= 2:
            digits = 0 if amount >= 10 else 1
            return f"{amount:.{digits}f}".removesuffix(".0") + f" {unit}"
    return f"{hours * 3600:.0f} s"


def spoken(age: timedelta) -> str:
    """Return an age as `duration` has it; what is yet to come is no age."""
    return duration(max(age, timedelta()) / timedelta(hours=1))


def length(seconds: float) -> str:
    """Return a length of time in full words, such as "2 hours 5 minutes", a second at least."""
    return str(pendulum.duration(seconds=max(round(abs(seconds)), 1)).in_words())
