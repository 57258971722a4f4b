"""The headlines: two periods beside each other, and a change only where chance is no answer."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from model_support import Warehouse, project

from pipelines.report.headlines import LEVEL, headlines
from pipelines.warehouse.metrics import Metric, load_metrics
from pipelines.words import NONE

METRICS = {metric.name: metric for metric in load_metrics(project())}
DAYS = 60
FIRST = date(2026, 1, 1)


def _days(warehouse: Warehouse, sessions: list[int], paid: list[int]) -> None:
    """Build the two marts that a share by day is read from."""
    connection = warehouse.connection
    connection.execute("create schema if not exists analytics")
    days = [FIRST + timedelta(days=number) for number in range(len(sessions))]
    connection.execute(
        "create or replace table analytics.session_conversion_daily as select cohort_date, "
        "sessions, paid_within_48h_sessions, 1.0 as paid_within_48h_rate from (select "
        "unnest($1::date[]) as cohort_date, unnest($2::bigint[]) as sessions, "
        "unnest($3::bigint[]) as paid_within_48h_sessions)",
        [days, sessions, paid],
    )
    connection.execute(
        "create or replace table analytics.dim_dates as select cohort_date as date, "
        "true as is_over from analytics.session_conversion_daily"
    )


SHARE = METRICS["paid_within_48h_rate"]


def test_four_weeks_stand_beside_the_four_before(warehouse: Warehouse) -> None:
    """Broken: a period has other days than it says, or the two overlap."""
    _days(warehouse, [100] * DAYS, [30] * 31 + [10] * 28 + [20])
    (found,) = headlines(warehouse.connection, SHARE)
    assert found.period is not None
    assert (found.period.first, found.period.last) == (date(2026, 2, 2), date(2026, 3, 1))
    assert found.now == pytest.approx((27 * 10 + 20) / 2800)
    assert found.before == pytest.approx((27 * 30 + 10) / 2800)
    assert found.is_change


@pytest.mark.parametrize(("days", "length"), [(13, 0), (14, 7), (55, 21), (56, 28), (300, 28)])
def test_a_short_history_has_short_periods(warehouse: Warehouse, days: int, length: int) -> None:
    """Broken: half a period before is compared with a whole one, and looks like growth."""
    _days(warehouse, [100] * days, [30] * days)
    (found,) = headlines(warehouse.connection, SHARE)
    assert (found.period.days if found.period else 0) == length
    assert (found.before is None) == (length == 0)
    assert found.now == pytest.approx(0.3)


def test_where_nothing_changed_a_change_is_told_as_seldom_as_it_says(warehouse: Warehouse) -> None:
    """Broken: dice are told as a trend, page after page."""
    chance = np.random.default_rng(1)
    told = 0
    for _ in range(150):
        _days(warehouse, [80] * 14, [int(paid) for paid in chance.binomial(80, 0.3, 14)])
        (found,) = headlines(warehouse.connection, SHARE)
        told += bool(found.is_change)
    assert told / 150 < (1 - LEVEL) * 3


def test_money_is_compared_by_currency_and_by_its_own_scatter(warehouse: Warehouse) -> None:
    """Broken: one large order makes a month, and euros are added to dollars."""
    connection = warehouse.connection
    _days(warehouse, [1] * DAYS, [0] * DAYS)
    connection.execute(
        "create table analytics.fct_orders as select date '2026-01-04' + (i // 10)::int as "
        "paid_date, if(i % 2 = 0, 'USD', 'EUR') as currency, 10::decimal(18, 4) as total_amount, "
        "true as is_paid, false as is_cancelled from range(570) as r(i)"
    )
    connection.execute(
        "insert into analytics.fct_orders values ('2026-02-20', 'EUR', 300, true, false)"
    )
    by_currency = {found.key: found for found in headlines(connection, METRICS["revenue"])}
    assert {name: float(found.now or 0) for name, found in by_currency.items()} == {
        "EUR": 1700,
        "USD": 1400,
    }
    assert [found.is_change for found in by_currency.values()] == [False, False]
    connection.execute(
        "insert into analytics.fct_orders select '2026-02-20', 'EUR', 10, true, false "
        "from range(120)"
    )
    changed = {found.key: found.is_change for found in headlines(connection, METRICS["revenue"])}
    assert changed == {"EUR": True, "USD": False}


def test_quantiles_are_compared_by_their_intervals(warehouse: Warehouse) -> None:
    """Broken: a median that moved by a tenth of its interval is news."""
    metric: Metric = METRICS["delivery_week_p50_hours"]
    warehouse.connection.execute("create schema if not exists analytics")
    for before, is_change in ((100, False), (40, True)):
        warehouse.connection.execute(
            f"""
            create or replace table analytics.delivery_latency_weekly as
            select 'paid_to_delivered' as stage, v.* from (values
                (date '2026-03-16', null, 300.0, null),
                (date '2026-03-09', 110.0, 100.0, 120.0),
                (date '2026-03-02', {before}.0, {before - 10}.0, {before + 10}.0),
                (date '2026-02-23', 500.0, 490.0, 510.0)
            ) as v (week_start, p50_hours, p50_hours_low, p50_hours_high)
            """  # noqa: S608
        )
        (found,) = headlines(warehouse.connection, metric)
        assert (found.now, found.before, found.is_change) == (110, before, is_change)
        assert found.period is not None
        assert (found.period.days, found.period.last) == (7, date(2026, 3, 15))


def test_one_early_date_among_unknown_ones_begins_no_period(warehouse: Warehouse) -> None:
    """Broken: where logs reach back a month, sales seem to have multiplied since the one before."""
    connection = warehouse.connection
    _days(warehouse, [1] * DAYS, [0] * DAYS)
    connection.execute(
        "create table analytics.fct_orders as "
        "select date '2026-03-01' - (i % 30)::int as paid_date, true as is_paid "
        "from range(300) as r(i) "
        "union all select null, true from range(900) "
        "union all select date '2026-01-03', true"
    )
    (found,) = headlines(connection, METRICS["paid_orders"])
    assert (found.period and found.period.days, found.now, found.before) == (14, 140, 140)
    assert found.is_change is False


@pytest.mark.parametrize(("before", "is_change"), [(95, False), (40, True)])
def test_delivery_is_compared_with_the_four_weeks_before(
    warehouse: Warehouse, before: float, is_change: bool
) -> None:
    """Broken: the page says how long delivery takes, and not whether that is longer than it was."""
    warehouse.connection.execute("create schema if not exists analytics")
    warehouse.connection.execute(
        f"""
        create table analytics.delivery_latency_summary as
        select 'paid_to_delivered' as stage, 'all' as dimension, v.* from (values
            ('all', 300.0, 290.0, 310.0),
            ('last_28_days', 100.0, 90.0, 110.0),
            ('previous_28_days', {before}.0, {before - 10}.0, {before + 10}.0)
        ) as v (period, p50_hours, p50_hours_low, p50_hours_high)
        """  # noqa: S608
    )
    (found,) = headlines(warehouse.connection, METRICS["delivery_p50_hours"])
    assert (found.now, found.before, found.is_change) == (100, before, is_change)


def test_what_is_not_known_is_no_change(warehouse: Warehouse) -> None:
    """Broken: a warehouse without any session ends the page with an error."""
    warehouse.build()
    for metric in METRICS.values():
        for found in headlines(warehouse.connection, metric):
            assert found.is_change is None
            assert found.figures[1] == NONE
