"""The answers that the product exists for, read from the warehouse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: The normal distribution's quantile for an interval that holds the true rate 95 times in 100.
_Z = 1.959963984540054

_FUNNEL = """
    with orders as (
        select
            session_id,
            bool_or(shipped_at_source is not null) as is_shipped,
            bool_or(delivered_at_source is not null) as is_delivered,
            bool_or(is_open) as is_open
        from analytics.fct_orders
        group by session_id
    ),
    sessions as (
        select
            s.source = 'ledger' and s.is_mature as is_counted,
            s.source = 'ledger' and not s.is_mature as is_young,
            s.is_ordered,
            s.is_converted,
            s.is_converted and (o.is_shipped or o.is_delivered) as is_shipped,
            s.is_converted and o.is_delivered as is_delivered,
            s.is_converted and o.is_open as is_open
        from analytics.fct_sessions as s
        left join orders as o on o.session_id = s.session_id
    )
    select
        count(*) filter (where is_counted),
        count(*) filter (where is_counted and is_ordered),
        count(*) filter (where is_counted and is_converted),
        count(*) filter (where is_counted and is_shipped),
        count(*) filter (where is_counted and is_delivered),
        bool_or(is_counted and is_open and not coalesce(is_shipped, false)),
        bool_or(is_counted and is_open and not coalesce(is_delivered, false)),
        count(*) filter (where is_young),
        count(*) filter (where not is_counted and not is_young)
    from sessions
"""

_LATENCY = """
    select
        stage, orders, ended, cancelled, open, p50_hours, p90_hours, p95_hours, naive_p50_hours
    from analytics.delivery_latency_summary
    where dimension = 'all' and period = 'all'
    order by array_position(
        ['created_to_paid', 'paid_to_shipped', 'shipped_to_delivered', 'paid_to_delivered'], stage
    )
"""


@dataclass(frozen=True)
class Step:
    """One step of the funnel.

    Rates are in 0..1; None where there is nothing to divide by, and where sessions that are counted
    may still get there: an interval is about chance, and knows nothing of time.
    """

    name: str
    sessions: int
    rate: float | None
    low: float | None
    high: float | None
    rate_of_previous: float | None


@dataclass(frozen=True)
class Funnel:
    """The ledger's mature sessions by how far they came.

    ``immature`` ones are too young to be judged; of ``unlisted`` ones, only orders or events tell:
    to count them would be to leave out their like that never ordered.
    """

    steps: Sequence[Step]
    immature: int
    unlisted: int


@dataclass(frozen=True)
class Latency:
    """How long one stage takes, in hours. A quantile is None where it is not reached yet."""

    stage: str
    orders: int
    ended: int
    cancelled: int
    open: int
    p50_hours: float | None
    p90_hours: float | None
    p95_hours: float | None
    naive_p50_hours: float | None


def funnel(connection: DuckDBPyConnection) -> Funnel:
    """Count the sessions that reached each step."""
    *counts, shipped_grows, delivered_grows, immature, unlisted = _rows(connection, _FUNNEL)[0]
    names = ("sessions", "ordered", "paid", "shipped", "delivered")
    previous = (counts[0], *counts[:-1])
    grows = (False, False, False, shipped_grows, delivered_grows)
    steps = [
        Step(name, count, None, None, None, None)
        if may_grow
        else _step(name, count, before, total=counts[0])
        for name, count, before, may_grow in zip(names, counts, previous, grows, strict=True)
    ]
    return Funnel(steps, immature, unlisted)


def latencies(connection: DuckDBPyConnection) -> list[Latency]:
    """Return the latency of each stage over all orders, in the order that they happen."""
    return [Latency(*row) for row in _rows(connection, _LATENCY)]


def wilson(hits: int, of: int) -> tuple[float | None, float | None]:
    """Return the 95 % Wilson interval of a rate."""
    if not of:
        return None, None
    rate, weight = hits / of, _Z**2 / of
    middle = rate + weight / 2
    margin = _Z * math.sqrt((rate * (1 - rate) + weight / 4) / of)
    return max((middle - margin) / (1 + weight), 0.0), min((middle + margin) / (1 + weight), 1.0)


def _step(name: str, count: int, previous: int, *, total: int) -> Step:
    low, high = wilson(count, total)
    return Step(
        name,
        count,
        count / total if total else None,
        low,
        high,
        count / previous if previous else None,
    )


def _rows(connection: DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()
