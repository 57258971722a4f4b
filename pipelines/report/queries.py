"""What the report shows, read from the marts. No figure is computed anywhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from pipelines.report.headlines import judged_days
from pipelines.report.weekly import Week
from pipelines.source.schema import SKIPPED
from pipelines.warehouse.macros import expanded
from pipelines.warehouse.metrics import Metric

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Row = Mapping[str, Any]

#: The marts that the pictures are read from.
MARTS = frozenset(
    f"analytics.{name}"
    for name in (
        "delivery_forecast_daily",
        "delivery_latency_curve",
        "delivery_latency_summary",
        "delivery_latency_weekly",
        "delivery_sla_weekly",
        "dim_dates",
        "session_conversion_daily",
        "session_funnel",
        "webhook_gaps",
        "webhook_health_daily",
    )
)

#: As many points of a curve as can be told apart on a screen.
_POINTS = 300
#: Half a year side by side.
_WEEKS = 26


def rows(connection: DuckDBPyConnection, sql: str, *parameters: Any) -> list[Row]:
    """Run a query and return its rows by column."""
    cursor = connection.execute(expanded(sql, "pipelines/report"), list(parameters))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def settings(connection: DuckDBPyConnection) -> Row:
    """Return the settings of the build that the marts are of."""
    return rows(connection, "select report_time_zone from staging.build_settings")[0]


def funnel(connection: DuckDBPyConnection) -> list[Row]:
    """Return the steps of the sessions that can no longer convert, first to last."""
    return rows(
        connection,
        """
        select step, sessions, rate, rate_low, rate_high
        from analytics.session_funnel
        order by position
        """,
    )


def weekly_share(connection: DuckDBPyConnection, metric: Metric) -> list[Week]:
    """Return a share's last weeks; those that are not whole, or still change, have no value."""
    _, last = judged_days(connection, metric)
    found = rows(
        connection,
        f"""
        with counts as (
            select
                cast(date_trunc('week', {metric.time}) as date) as week_start,
                {metric.numerator} as k,
                {metric.denominator} as n
            from {metric.model}
            where {metric.where or "true"}
            group by cast(date_trunc('week', {metric.time}) as date)
        )
        select week_start, k, n, wilson_low(k, n) as low, wilson_high(k, n) as high
        from counts
        """,  # noqa: S608 - our own file's names
    )
    by_week = {row["week_start"]: row for row in found if row["n"]}
    return [_week(start, by_week.get(start), last) for start in _weeks(connection)]


def _week(start: date, row: Row | None, last: date | None) -> Week:
    is_young = last is None or start + timedelta(days=6) > last
    volume = int(row["n"]) if row else 0
    if row is None or is_young:
        return Week(start, None, None, None, volume, is_young)
    value = float(row["k"]) / float(row["n"])
    return Week(start, value, row["low"], row["high"], volume, is_young=False)


def _weeks(connection: DuckDBPyConnection) -> list[date]:
    """Return the Mondays of the last weeks that have begun, oldest first."""
    found = rows(
        connection,
        """
        select distinct week_start from analytics.dim_dates order by week_start desc limit ?
        """,
        _WEEKS,
    )
    return [row["week_start"] for row in found][::-1]


def weekly_latency(connection: DuckDBPyConnection, stage: str) -> list[Week]:
    """Return the time of the first half by week of payment; none where it is not reached."""
    found = rows(
        connection,
        """
        select week_start, orders, p50_hours, p50_hours_low, p50_hours_high, p50_state
        from analytics.delivery_latency_weekly
        where stage = ?
        """,
        stage,
    )
    by_week = {row["week_start"]: row for row in found}
    weeks = []
    for start in _weeks(connection):
        row = by_week.get(start) or dict.fromkeys(("p50_hours", "p50_hours_low", "p50_hours_high"))
        figures = (row["p50_hours"], row["p50_hours_low"], row["p50_hours_high"])
        is_young = row.get("p50_state") == "not yet"
        if figures[0] is None:
            figures = (None, None, None)
        weeks.append(Week(start, *figures, row.get("orders") or 0, is_young))
    return weeks


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
            max(cumulative_incidence_low) as low,
            max(cumulative_incidence_high) as high,
            max(cumulative_cancelled) as cancelled,
            max(naive_share) as naive
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
        select stage, value, orders, ended, cancelled, open, p50_hours, p50_hours_low,
            p50_hours_high, p50_state, p90_hours, p90_state, p95_hours, p95_state, naive_p50_hours
        from analytics.delivery_latency_summary
        where dimension = ? and stage like ? and period = 'all' and orders > 0
        order by orders desc, value
        limit 12
        """,
        dimension,
        stage,
    )


def rivals(connection: DuckDBPyConnection, stage: str) -> list[Row]:
    """Return the carriers in the countries in which several compete, country by country."""
    return rows(
        connection,
        """
        with routes as (
            select *, split_part(value, ' in ', 2) as country
            from analytics.delivery_latency_summary
            where dimension = 'carrier in country' and stage = ? and period = 'all'
                and orders >= 20 and value not like '%unknown%'
        ),
        competing as (
            select *, count(*) over (partition by country) as carriers,
                sum(orders) over (partition by country) as country_orders
            from routes
        )
        select country || ' · ' || split_part(value, ' in ', 1) as value, orders, p50_hours,
            p50_hours_low, p50_hours_high, p50_state, p90_hours, p90_state
        from competing
        where carriers > 1
        order by country_orders desc, country, p50_hours
        limit 12
        """,
        stage,
    )


def forecast(connection: DuckDBPyConnection) -> list[Row]:
    """Return the deliveries to expect, day by day; none where not even bounds are told."""
    return rows(
        connection,
        """
        select date, expected_deliveries, low, high
        from analytics.delivery_forecast_daily
        where high is not null
        order by date
        """,
    )


def sources(connection: DuckDBPyConnection) -> list[Row]:
    """Return which sessions become orders, by what they were made from and the ledger's fields."""
    return rows(
        connection,
        """
        select dimension, value, sessions, paid_rate, paid_rate_low, paid_rate_high
        from analytics.session_conversion_by
        where is_final
        order by dimension = 'mode' desc, dimension, sessions desc, value
        limit 40
        """,
    )


def webhook_weeks(connection: DuckDBPyConnection) -> list[Row]:
    """Return the events of the last weeks by what went wrong, oldest first."""
    return rows(
        connection,
        """
        with health as (
            select
                cast(date_trunc('week', event_date) as date) as week_start,
                sum(events) as events,
                sum(delivered) - coalesce(sum(delivered_first_attempt), 0) as later,
                sum(retrying) as retrying,
                sum(failed) as failed
            from analytics.webhook_health_daily
            group by cast(date_trunc('week', event_date) as date)
        ),
        gaps as (
            select dates.week_start, count(*) as lost
            from analytics.webhook_gaps as gaps
            inner join analytics.dim_dates as dates
                on gaps.expected_at >= dates.starts_at and gaps.expected_at < dates.ends_at
            where gaps.explanation = 'none'
            group by dates.week_start
        )
        select health.*, coalesce(gaps.lost, 0) as lost
        from health
        left join gaps on health.week_start = gaps.week_start
        order by health.week_start desc
        limit ?
        """,
        _WEEKS,
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


def read(freshness: Sequence[Row]) -> list[Row]:
    """Return the resources that the last sync dealt with: without a ledger sessions are skipped."""
    return [row for row in freshness if row["last_outcome"] not in (None, SKIPPED)]


def freshness(connection: DuckDBPyConnection) -> list[Row]:
    """Return how far the data can be trusted."""
    return rows(connection, "select * from analytics.data_freshness order by resource")
