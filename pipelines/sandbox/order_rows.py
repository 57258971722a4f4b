"""Orders as the API shows them."""

from __future__ import annotations

from typing import Any

from pipelines.sandbox import ids, market
from pipelines.sandbox.behaviour import Behaviour
from pipelines.sandbox.names import in_case
from pipelines.sandbox.state import status_texts
from pipelines.sandbox.times import NEVER, Array, iso_list
from pipelines.sandbox.world import World

CURRENCY = "USD"

_SITE = "https://shop.printora.example"
_STEPS = ("paid", "shipped", "delivered", "cancelled")


def money(cents: int, style: str) -> float | str:
    """Return an amount; as a number it is written with its exact decimals."""
    # The nearest double to a number of cents prints as that number of cents.
    return f"{cents // 100}.{cents % 100:02d}" if style == "text" else cents / 100


def order_rows(world: World, rows: Array, at: int, behaviour: Behaviour) -> list[dict[str, Any]]:
    """Return these orders as they are at that time, in the API's shape."""
    short = _short_rows(world, rows, at, behaviour)
    if behaviour.fields == "minimal":
        full: list[dict[str, Any]] = [{} for _ in short]
    else:
        full = full_fields(world, rows, at, behaviour)
    named = {"order_id": behaviour.order_id_field}
    return [
        in_case({**row, **more}, behaviour.case, named)
        for row, more in zip(short, full, strict=True)
    ]


def _short_rows(world: World, rows: Array, at: int, behaviour: Behaviour) -> list[dict[str, Any]]:
    """Return the six fields of the vendor's example."""
    orders = world.orders.take(rows)
    columns = zip(
        ids.ORDER.of(orders["serial"]),
        ids.SESSION.of(world.sessions["serial"][orders["session"]]),
        status_texts(world, rows, at),
        orders["cents"].tolist(),
        iso_list(orders["created"]),
        strict=True,
    )
    return [
        {
            "order_id": order,
            "session_id": session,
            "status": status,
            "total_amount": money(cents, behaviour.money),
            "currency": CURRENCY,
            "created_at": created,
        }
        for order, session, status, cents, created in columns
    ]


def full_fields(world: World, rows: Array, at: int, behaviour: Behaviour) -> list[dict[str, Any]]:
    """Return what a full order has besides the six: people, address, items, times, parcel."""
    orders = {name: column.tolist() for name, column in world.orders.take(rows).items()}
    order_ids = ids.ORDER.of(world.orders["serial"][rows])
    people = ids.CUSTOMER.of(world.orders["customer"][rows])
    parcels = ids.TRACKING.of(world.orders["serial"][rows])
    tokens = ids.TOKEN.of(world.orders["serial"][rows])
    steps = {name: iso_list(_known(world.orders[name][rows], at)) for name in _STEPS}
    return [
        {
            "order_number": f"PR-{serial >> 32}-{100_000 + serial % 2**32}",
            "customer": customer(people[i]),
            "shipping_address": address(people[i], orders["place"][i]),
            "items": _items(orders, i, behaviour),
            "payment_method": tuple(market.PAYMENTS)[orders["payment"][i]],
            **({f"{name}_at": steps[name][i] for name in _STEPS} if behaviour.order_times else {}),
            **_parcel(orders["carrier"][i], parcels[i], steps["shipped"][i] is not None),
            "creator": creator(orders["creator"][i]),
            "payment_url": f"{_SITE}/pay/{order_ids[i]}?token={tokens[i]}",
        }
        for i, serial in enumerate(orders["serial"])
    ]


def customer(person: str) -> dict[str, str]:
    """Return a made-up customer."""
    digits = person.removeprefix(ids.CUSTOMER.prefix)
    return {
        "email": f"{person}@example.com",
        "name": f"Customer {digits[:6]}",
        "phone": f"+1555{int(digits[:6], 16) % 10**7:07d}",
    }


def address(person: str, place: int) -> dict[str, str]:
    """Return where a made-up customer lives."""
    town = market.PLACES[place]
    digits = person.removeprefix(ids.CUSTOMER.prefix)
    return {
        "name": f"Customer {digits[:6]}",
        "street": f"{int(digits[6:9], 16) + 1} Example Street",
        "city": town.city,
        "state": town.state,
        "postal_code": town.postal_code,
        "country": town.country,
    }


def creator(number: int) -> dict[str, str] | None:
    """Return the creator whose design was ordered, or None."""
    return None if number < 0 else {"id": f"crt_{number:03d}", "name": f"Creator {number:03d}"}


def _items(orders: dict[str, list[int]], i: int, behaviour: Behaviour) -> list[dict[str, Any]]:
    """Return the order's lines."""
    lines = [
        (market.PRODUCTS[orders[f"product_{line}"][i]], orders[f"quantity_{line}"][i])
        for line in (1, 2)
    ]
    return [
        {
            "sku": product.sku,
            "name": product.name,
            "quantity": quantity,
            "unit_price": money(product.cents, behaviour.money),
        }
        for product, quantity in lines
        if quantity
    ]


def _parcel(carrier: int, number: str, is_shipped: bool) -> dict[str, str | None]:
    """Return the parcel's fields, empty until it has left."""
    return {
        "carrier": market.CARRIERS[carrier] if is_shipped else None,
        "tracking_number": number if is_shipped else None,
        "tracking_url": f"https://track.example/{number}" if is_shipped else None,
    }


def _known(times: Array, at: int) -> Array:
    """Return the times that have come by then; the others are not known yet."""
    shown = times.copy()
    shown[shown > at] = NEVER
    return shown
