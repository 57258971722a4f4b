"""What the report shows, read from the marts. No figure is computed anywhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Row = Mapping[str, Any]

#: The marts that are read here.
MARTS = frozenset(
    f"analytics.{name}"
    for name in (
        "data_freshness",
        "delivery_latency_curve",
        "delivery_latency_daily",
        "delivery_latency_summary",
        "dim_dates",
        "fct_sessions",
        "session_conversion_daily",
        "session_funnel",
        "session_revenue_daily",
        "webhook_gaps",
        "webhook_health_daily",
    )
)

#: As many points of a curve as can be told apart on a screen.
_POINTS = 300
#: As many days as fit side by side.
_DAYS = 90


def rows(connection: DuckDBPyConnection, sql: str, *parameters: Any) -> list[Row]:
    """Run a query and return its rows by column."""
    cursor = connection.execute(sql, list(parameters))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def funnel(connection: DuckDBPyConnection) -> list[Row]:
    """Return the steps of the sessions that can no longer convert, first to last."""
    return rows(
        connection,
        """
        select step, sessions, rate, rate_low, rate_high, rate_of_previous, net_sessions
        from analytics.session_funnel
        order by position
        """,
    )


def conversion(connection: DuckDBPyConnection) -> list[Row]:
    """Return the last cohorts, oldest first."""
    return rows(
        connection,
        """
        select cohort_date, sessions, paid_sessions, paid_rate, paid_rate_low, paid_rate_high,
            is_mature, ledger_coverage
        from analytics.session_conversion_daily
        where sessions > 0
        order by cohort_date desc
        limit ?
        """,
        _DAYS,
    )[::-1]


def coverage(connection: DuckDBPyConnection) -> float | None:
    """Return the share of the sessions with an order that the ledger has."""
    share: float | None = rows(
        connection,
        """
        select avg(case when source = 'ledger' then 1.0 else 0.0 end) as share
        from analytics.fct_sessions
        where is_ordered
        """,
    )[0]["share"]
    return share


def revenue(connection: DuckDBPyConnection) -> list[Row]:
    """Return the money by currency."""
    return rows(
        connection,
        """
        select currency, sum(revenue) as revenue, sum(net_revenue) as net_revenue
        from analytics.session_revenue_daily
        group by currency
        order by sum(paid_orders) desc
        """,
    )


def curve(connection: DuckDBPyConnection, stage: str) -> list[Row]:
    """Return the stage's curve, thinned to the last point of each of many equal bins."""
    return rows(
        connection,
        """
        with points as (
            select *, max(case when ended > 0 then hours end) over () as last_hours
            from analytics.delivery_latency_curve
            where stage = $1 and period = 'all'
        )
        select
            max(hours) as hours,
            min(at_risk) as at_risk,
            max(cumulative_incidence) as ended,
            max(cumulative_cancelled) as cancelled,
            max(naive_share) as naive,
            sum(censored) as censored
        from points
        where hours <= last_hours
        group by floor(hours / last_hours * $2)
        order by hours
        """,
        stage,
        _POINTS,
    )


def summary(connection: DuckDBPyConnection, dimension: str, stage: str = "%") -> list[Row]:
    """Return the latency figures of a dimension; of values, those with the most orders."""
    return rows(
        connection,
        """
        select stage, value, orders, ended, cancelled, open, untimed, p50_hours, p90_hours,
            p95_hours, naive_p50_hours
        from analytics.delivery_latency_summary
        where dimension = ? and stage like ? and period = 'all' and orders > 0
        order by orders desc, value
        limit 12
        """,
        dimension,
        stage,
    )


def latency_days(connection: DuckDBPyConnection, stage: str) -> list[Row]:
    """Return the last cohorts of a stage, oldest first."""
    return rows(
        connection,
        """
        select cohort_date, orders, ended, p50_hours, naive_p50_hours
        from analytics.delivery_latency_daily
        where stage = ?
        order by cohort_date desc
        limit ?
        """,
        stage,
        _DAYS,
    )[::-1]


def webhook_days(connection: DuckDBPyConnection) -> list[Row]:
    """Return the events of the last days by outcome, oldest first."""
    return rows(
        connection,
        """
        select
            event_date,
            sum(events) as events,
            coalesce(sum(delivered_first_attempt), 0) as first_attempt,
            sum(delivered) - coalesce(sum(delivered_first_attempt), 0) as later,
            sum(retrying) as retrying,
            sum(failed) as failed
        from analytics.webhook_health_daily
        group by event_date
        order by event_date desc
        limit ?
        """,
        _DAYS,
    )[::-1]


def webhook_types(connection: DuckDBPyConnection) -> list[Row]:
    """Return the events by type, with what is missing."""
    return rows(
        connection,
        """
        with health as (
            select event_type, sum(events) as events, sum(delivered) as delivered,
                sum(delivered_first_attempt) as first_attempt, sum(retrying) as retrying,
                sum(failed) as failed, sum(repeated) as repeated,
                sum(out_of_order) as out_of_order, sum(orphans) as orphans
            from analytics.webhook_health_daily
            group by event_type
        ),
        gaps as (
            select event_type,
                count(case when explanation = 'none' then 1 end) as lost,
                count(case when explanation <> 'none' then 1 end) as explained
            from analytics.webhook_gaps
            group by event_type
        )
        select coalesce(health.event_type, gaps.event_type) as event_type, events, delivered,
            first_attempt, retrying, failed, repeated, out_of_order, orphans,
            coalesce(lost, 0) as lost, coalesce(explained, 0) as explained
        from health
        full outer join gaps on health.event_type = gaps.event_type
        order by coalesce(events, 0) desc, event_type
        """,
    )


def gap_days(connection: DuckDBPyConnection) -> list[Row]:
    """Return the events that nothing explains the absence of, by day."""
    return rows(
        connection,
        """
        select dates.date, count(gaps.order_id) as gaps
        from analytics.dim_dates as dates
        left join analytics.webhook_gaps as gaps
            on gaps.expected_at >= dates.starts_at
            and gaps.expected_at < dates.ends_at
            and gaps.explanation = 'none'
        group by dates.date
        order by dates.date desc
        limit ?
        """,
        _DAYS,
    )[::-1]


def freshness(connection: DuckDBPyConnection) -> list[Row]:
    """Return how far the data can be trusted."""
    return rows(connection, "select * from analytics.data_freshness order by resource")
