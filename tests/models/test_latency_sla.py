# ruff: noqa: E501 - a row of a table is one line
"""The share delivered in time: young weeks have none, and nobody is blamed for what nobody saw."""

from __future__ import annotations

from model_support import Warehouse

SLA = "analytics.delivery_sla_weekly"
OF_ALL = "dimension = 'all'"


def test_a_week_has_a_share_once_all_of_it_is_old_enough(warehouse: Warehouse) -> None:
    """Broken: the youngest week is always the worst, because its parcels had no time yet."""
    warehouse.given(
        "orders",
        """
        order_id | status    | created_at  | paid_at     | shipped_at  | delivered_at | cancelled_at
        o1       | delivered | 03-02 00:00 | 03-02 00:00 | 03-03 00:00 | 03-04 00:00  | -
        o2       | shipped   | 03-03 00:00 | 03-03 00:00 | 03-03 00:00 | -            | -
        o3       | delivered | 03-04 00:00 | 03-04 00:00 | 03-05 00:00 | 03-08 12:00  | -
        o4       | cancelled | 03-04 00:00 | 03-04 00:00 | -           | -            | 03-05 00:00
        """,
    )
    warehouse.looked_at("03-14 00:00")
    warehouse.expect(
        SLA,
        """
        week_start | days | orders | delivered | cancelled | share_delivered | share_low | share_high | is_mature
        03-02      | 3    | 4      | 1         | 1         | 0.25            | 0.045587  | 0.699358   | true
        03-02      | 5    | 4      | 2         | 1         | 0.5             | 0.150039  | 0.849961   | true
        03-02      | 7    | 4      | 2         | 1         | -               | -         | -          | false
        03-02      | 10   | 4      | 2         | 1         | -               | -         | -          | false
        03-02      | 14   | 4      | 2         | 1         | -               | -         | -          | false
        """,
        where=OF_ALL,
    )


def test_what_was_under_way_before_anybody_watched_is_in_no_share(warehouse: Warehouse) -> None:
    """Broken: of the weeks before the first look only the late parcels are there to be seen."""
    warehouse.given(
        "orders",
        """
        order_id | status    | created_at  | paid_at
        gone     | delivered | 03-02 00:00 | 03-02 00:00
        late     | shipped   | 03-02 00:00 | 03-02 00:00
        watched  | delivered | 03-06 00:00 | 03-06 00:00
        """,
    )
    warehouse.given(
        "order_history",
        """
        order_id | status    | not_before  | first_seen_at
        gone     | delivered | -           | 03-05 00:00
        late     | shipped   | -           | 03-05 00:00
        watched  | paid      | -           | 03-06 01:00
        watched  | delivered | 03-06 01:00 | 03-08 00:00
        """,
    )
    warehouse.looked_at("03-30 00:00")
    warehouse.expect(
        SLA,
        """
        orders | unwatched | delivered | share_delivered
        1      | 2         | 1         | 1
        """,
        where=f"{OF_ALL} and days = 7",
    )


def test_a_delivery_between_two_looks_widens_the_interval(warehouse: Warehouse) -> None:
    """Broken: looks of every fourth day decide whether a promise of three was kept."""
    for name in ("o1", "o2"):
        warehouse.given(
            "orders",
            f"order_id | status | created_at | paid_at \n {name} | delivered | 03-03 00:00 | 03-03 00:00",
        )
        warehouse.given(
            "order_history",
            f"""
            order_id | status    | not_before  | first_seen_at
            {name}   | paid      | -           | 03-03 00:00
            {name}   | delivered | 03-03 00:00 | 03-07 00:00
            """,
        )
    warehouse.looked_at("03-30 00:00")
    warehouse.expect(
        SLA,
        """
        days | delivered | share_delivered | share_low | share_high
        3    | 2         | -               | 0         | 1
        5    | 2         | 1               | 0.34238   | 1
        """,
        where=f"{OF_ALL} and days <= 5",
    )


def test_each_route_has_its_own(warehouse: Warehouse) -> None:
    """Broken: a carrier that is late in one country hides behind the others."""
    warehouse.given(
        "orders",
        """
        order_id | status    | created_at  | paid_at     | shipped_at  | delivered_at | carrier | country
        o1       | delivered | 03-02 00:00 | 03-02 00:00 | 03-03 00:00 | 03-04 00:00  | DHL     | DE
        o2       | delivered | 03-02 00:00 | 03-02 00:00 | 03-03 00:00 | 03-09 00:00  | UPS     | DE
        o3       | paid      | 03-02 00:00 | 03-02 00:00 | -           | -            | -       | -
        """,
    )
    warehouse.looked_at("03-30 00:00")
    warehouse.expect(
        SLA,
        """
        dimension          | value              | orders | delivered
        all                | all                | 3      | 1
        country            | DE                 | 2      | 1
        country            | unknown            | 1      | 0
        carrier in country | DHL in DE          | 1      | 1
        carrier in country | UPS in DE          | 1      | 0
        carrier in country | unknown in unknown | 1      | 0
        """,
        where="days = 3",
    )
