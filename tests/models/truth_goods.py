"""What a few given shops sell, for models that no other way fills: made up by the order's id."""

from __future__ import annotations

import json
import zlib
from typing import Any

Row = dict[str, Any]

#: As APIs write them, and as none should.
_LINES: tuple[Any, ...] = (
    [{"sku": "MUG", "quantity": 2, "unit_price": 12.5}, {"sku": "CAP", "quantity": 1, "price": 9}],
    [{"productId": 7, "quantity": "3", "unitPrice": "4.10", "total": 12.3, "currency": "eur"}],
    [{"variant": {"id": "v-1"}, "quantity": 2.0, "unit_price": "12,50", "id": {"a": [1, 2]}}],
    ["<text>", 7, None, [{"sku": "A"}]],
    {"sku": "A"},
    None,
)


def number(name: str) -> int:
    """Return a number that only depends on an id."""
    return zlib.crc32(name.encode())


def of_order(order_id: str) -> Row:
    """Return what the orders list tells of an order besides its six fields."""
    chance = number(order_id)
    return {
        "customer_pseudonym": f"{chance % 40:032x}" if chance % 9 else None,
        "items": json.dumps(_LINES[chance % len(_LINES)]),
        "creator": json.dumps({"id": f"crt_{chance % 5}"} if chance % 2 else None),
    }


def of_event(order_id: str) -> Row:
    """Return the payload of an order's event, where the list tells less."""
    chance = number(order_id)
    data = {"items": _LINES[chance % 3], "creator": {"id": f"crt_{chance % 7}"}}
    return {"payload": json.dumps({"data": data}), "customer_pseudonym": f"{chance % 50:032x}"}


def of_session(session_id: str) -> Row:
    """Return what the ledger says of a session in the fields that a setting lists."""
    chance = number(session_id)
    said = {"campaign": ("spring", "été 2026", "7")[chance % 3], "other": "x"}
    return {"fields": json.dumps(said) if chance % 4 else None}
