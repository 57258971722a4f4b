"""What a tidy sandbox never does, done to its history before anybody looks at it."""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any

Row = dict[str, Any]

#: What the API still said of a delivery when the world was last looked at, and its attempts.
_UNSETTLED = (("retrying", 2), ("pending", 0), ("failed", 5), ("queued", 0))


def several_currencies(orders: list[Row]) -> list[Row]:
    """Sell some orders in euro, and let the list say nothing of the currency of a few."""
    named = {0: "EUR", 1: None}
    return [
        order | {"currency": named.get(number % 9, order["currency"])}
        for number, order in enumerate(orders)
    ]


def unsettled(logs: list[Row], seed: int) -> list[Row]:
    """Leave some deliveries under way, some failed, and some in a status nobody has heard of."""
    chance = random.Random(seed)  # noqa: S311 - a test's choice
    return [_unsettled(log, chance) if chance.random() < 0.05 else log for log in logs]


def _unsettled(log: Row, chance: random.Random) -> Row:
    status, attempts = chance.choice(_UNSETTLED)
    return log | {"status": status, "attempts": attempts, "delivered_at": None}


def without_some(orders: list[Row]) -> list[Row]:
    """Drop orders from the list before it was ever read: their events remain."""
    return [order for number, order in enumerate(orders) if number % 31]


def deleted_between(orders: list[Row], last_seen: datetime, found_out: datetime) -> list[Row]:
    """Let the API forget some old orders between two looks."""
    return [
        order | {"deleted_at": found_out, "last_seen_at": last_seen}
        if number % 17 == 0 and order["created_at"] < last_seen
        else order
        for number, order in enumerate(orders)
    ]
