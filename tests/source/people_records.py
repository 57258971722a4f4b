"""Random records of a shop that writes about people under any name, and a marker in each leaf."""

from __future__ import annotations

import json
from decimal import Decimal
from random import Random
from typing import Any

from pipelines.source.privacy import PersonalData

#: A part of each text that names somebody, and of each number.
TEXT, NUMBER = "Kzqvx", "8675309"
MARKS = (TEXT, TEXT.lower(), NUMBER)
SECRET = "sk_live_Wzzyk"
GUARDED: tuple[PersonalData, ...] = ("none", "pseudonymous")

#: Names that a shop may use and no allow-list of ours has.
FOREIGN = (
    *("name", "displayName", "purchaser", "handle", "tel", "msisdn", "clientIp", "userAgent"),
    *("dob", "ssn", "iban", "cardLast4", "notes", "giftMessage", "deliveryInstructions", "tags"),
    *("customText", "artwork", "title", "responseBody", "error", "note", "vorname", "payout"),
    *("email", "phone", "street", "line1", "postal_code", "coordinates", "comment", "company"),
    *("taxId", "signature_text", "greeting", "monogram", "instagram", "x-forwarded-for"),
)
#: Objects, known and unknown ones.
HOLDERS = (
    *("customer", "shippingAddress", "metadata", "items", "creator", "payload", "data", "user"),
    *("client", "delivery", "destination", "location", "shopper", "attributes", "billing", "x"),
)
#: Listed names, of which none is a column at the top of a record: free text does not pass there.
LISTED = ("quantity", "unit_price", "sku", "is_gift", "utm_term", "refund_amount", "expires_at")
LINKS = ("link", "url", "pin", "sig", "auth", "sid", "sessionKey", "hash", "accessCode")


def leaf(random: Random) -> Any:
    """Return something that somebody may have written or is."""
    sentence = f"Ring {TEXT} twice, then {TEXT}'s neighbour; she is in after 6 pm!"
    return random.choice(
        [
            sentence,
            f"{TEXT}@example.com",
            f"Frau {TEXT}, Tel. +49 {NUMBER}",
            int(f"49{NUMBER}{random.randrange(1000):03d}"),
            Decimal(f"{NUMBER}.{NUMBER}"),
            json.dumps({"name": sentence, "tags": [sentence]}),
            [sentence, {"name": sentence}],
            sentence.encode(),
            {f"{TEXT}@example.com": sentence, f"{sentence}": 1, f"+49{NUMBER}": True},
        ]
    )


def tree(random: Random, deep: int = 0) -> dict[str, Any]:
    """Return an object of foreign names, of objects, and of sentences under listed names."""
    found: dict[str, Any] = {}
    for _ in range(random.randint(1, 4)):
        found[random.choice(FOREIGN)] = leaf(random)
        found[random.choice(LISTED)] = f"for {TEXT}: the blue one, please, as told!"
        found[random.choice(LINKS)] = f"/pay/{TEXT}?t={SECRET}"
        if deep < 3:
            inner = tree(random, deep + 1)
            found[random.choice(HOLDERS)] = random.choice(
                [inner, [inner], json.dumps(plain(inner))]
            )
    return found


def order(random: Random, number: int) -> dict[str, Any]:
    """Return an order that can be read, with all that beside what it needs."""
    known = {
        "order_id": f"ord_{number}",
        "session_id": f"sess_{number}",
        "status": "paid",
        "total_amount": "29.90",
        "created_at": "2026-05-01T10:00:00Z",
    }
    return {**tree(random), **known}


def log(random: Random, number: int) -> dict[str, Any]:
    """Return a delivery log whose payload carries as much."""
    known = {
        "webhook_log_id": f"log_{number}",
        "event": "order.paid",
        "status": "sent",
        "attempts": 1,
        "created_at": "2026-05-01T10:01:00Z",
    }
    data = {**tree(random), "order_id": f"ord_{number}", "status": "paid"}
    payload = {"event": "order.paid", "timestamp": "2026-05-01T10:00:59Z", "data": plain(data)}
    return {**tree(random), **known, "payload": random.choice([payload, json.dumps(payload)])}


def plain(value: Any) -> Any:
    """Return the value as JSON has it."""
    return json.loads(json.dumps(value, default=_plain))


def _plain(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else float(value)
