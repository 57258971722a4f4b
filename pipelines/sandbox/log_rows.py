"""Webhook logs as the API shows them, with the event that was sent."""

from __future__ import annotations

import json
from typing import Any

from pipelines.sandbox import ids
from pipelines.sandbox.behaviour import Behaviour
from pipelines.sandbox.names import in_case
from pipelines.sandbox.order_rows import CURRENCY, full_fields, money
from pipelines.sandbox.state import Deliveries, deliveries, order_statuses
from pipelines.sandbox.times import Array, iso_list
from pipelines.sandbox.webhooks import EVENTS, LOG_STATUSES, PENDING, SENT
from pipelines.sandbox.world import World

#: What each event's payload has besides the five fields that all have.
_MORE: dict[str, tuple[str, ...]] = {
    "created": ("order_number", "creator"),
    "paid": (
        *("order_number", "creator", "customer", "items"),
        *("shipping_address", "payment_method"),
    ),
    "shipped": (
        *("order_number", "creator", "tracking_number"),
        *("carrier", "tracking_url"),
    ),
    "delivered": ("order_number", "creator"),
    "cancelled": ("order_number", "creator"),
}


def log_rows(world: World, rows: Array, at: int, behaviour: Behaviour) -> list[dict[str, Any]]:
    """Return these log rows as they are at that time, in the API's shape."""
    logs = world.logs.take(rows)
    orders = logs["order"]
    sessions = ids.SESSION.of(world.sessions["serial"][world.orders["session"][orders]])
    state = deliveries(world, rows, at)
    outcomes = _outcomes(state)
    times = _times(state, logs["created"], behaviour)
    payloads = _payloads(world, rows, at, behaviour)
    columns = zip(
        ids.LOG.of(logs["serial"]),
        ids.ORDER.of(world.orders["serial"][orders]),
        sessions,
        logs["event"].tolist(),
        strict=True,
    )
    named = {"webhook_log_id": behaviour.log_id_field, "event": behaviour.event_field}
    return [
        in_case(
            {
                "webhook_log_id": log,
                "order_id": order,
                "session_id": session,
                "event": f"order.{EVENTS[event]}",
                **outcomes[i],
                **times[i],
                **payloads[i],
            },
            behaviour.case,
            named,
        )
        for i, (log, order, session, event) in enumerate(columns)
    ]


def _outcomes(state: Deliveries) -> list[dict[str, Any]]:
    """Return status, attempts, and how the receiver answered the last one."""
    pairs = zip(state.status.tolist(), state.attempts.tolist(), strict=True)
    answers = {PENDING: None, SENT: 200}
    return [
        {
            "status": LOG_STATUSES[status],
            "attempts": attempts,
            "response_status": answers.get(status, 503) if attempts else None,
        }
        for status, attempts in pairs
    ]


def _times(state: Deliveries, created: Array, behaviour: Behaviour) -> list[dict[str, Any]]:
    """Return the times that a log row shows."""
    if behaviour.log_times == "none":
        return [{} for _ in created]
    made = [{"created_at": text} for text in iso_list(created)]
    if behaviour.log_times == "created":
        return made
    ends = zip(iso_list(state.last_attempt), iso_list(state.delivered), strict=True)
    return [
        {**row, "last_attempt_at": last, "delivered_at": delivered}
        for row, (last, delivered) in zip(made, ends, strict=True)
    ]


def _payloads(world: World, rows: Array, at: int, behaviour: Behaviour) -> list[dict[str, Any]]:
    """Return the field with the event as it was sent, for each row."""
    if behaviour.payload == "none":
        return [{} for _ in rows]
    logs = world.logs.take(rows)
    serials = world.sessions["serial"][world.orders["session"][logs["order"]]]
    tops = (ids.uuids if behaviour.payload_session == "uuid" else ids.SESSION.of)(serials)
    columns = zip(
        tops,
        _data(world, rows, at, behaviour),
        logs["event"].tolist(),
        iso_list(logs["at"]),
        strict=True,
    )
    events = [
        {"sessionId": top, "event": f"order.{EVENTS[event]}", "data": data, "timestamp": stamp}
        for top, data, event, stamp in columns
    ]
    as_text = behaviour.payload == "text"
    return [{"payload": json.dumps(event) if as_text else event} for event in events]


def _data(world: World, rows: Array, at: int, behaviour: Behaviour) -> list[dict[str, Any]]:
    """Return what each event said of its order."""
    logs = world.logs.take(rows)
    orders = world.orders.take(logs["order"])
    statuses = order_statuses(world.paid_status)
    columns = zip(
        ids.ORDER.of(orders["serial"]),
        ids.SESSION.of(world.sessions["serial"][orders["session"]]),
        logs["event"].tolist(),
        orders["cents"].tolist(),
        _more(world, rows, at, behaviour),
        strict=True,
    )
    return [
        in_case(
            {
                "order_id": order,
                "session_id": session,
                "status": statuses[event],
                "total_amount": money(cents, behaviour.money),
                "currency": CURRENCY,
                **more,
            },
            behaviour.case,
            {},
        )
        for order, session, event, cents, more in columns
    ]


def _more(world: World, rows: Array, at: int, behaviour: Behaviour) -> list[dict[str, Any]]:
    """Return what each event says besides, where rows are full."""
    if behaviour.fields == "minimal":
        return [{} for _ in rows]
    logs = world.logs.take(rows)
    orders = full_fields(world, logs["order"], at, behaviour)
    columns = zip(orders, logs["event"].tolist(), iso_list(logs["at"]), strict=True)
    return [
        {name: order[name] for name in _MORE[EVENTS[event]]}
        | ({f"{EVENTS[event]}_at": stamp} if event else {})
        for order, event, stamp in columns
    ]
