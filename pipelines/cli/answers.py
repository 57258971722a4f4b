"""The answers that the product exists for, read from the warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_FUNNEL = """
    select step, sessions, rate, rate_low, rate_high, rate_of_previous
    from analytics.session_funnel
    order by position
"""

_LEFT_OUT = """
    select
        count(case when source = 'ledger' and not is_mature then 1 end),
        count(case when source <> 'ledger' then 1 end)
    from analytics.fct_sessions
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
    """Read how many sessions reached each step, and how many are not judged."""
    steps = [Step(*row) for row in _rows(connection, _FUNNEL)]
    return Funnel(steps, *_rows(connection, _LEFT_OUT)[0])


def latencies(connection: DuckDBPyConnection) -> list[Latency]:
    """Return the latency of each stage over all orders, in the order that they happen."""
    return [Latency(*row) for row in _rows(connection, _LATENCY)]


def _rows(connection: DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()
