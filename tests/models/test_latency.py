# ruff: noqa: E501 - a row of a table is one line
"""The latency marts: open orders censored, cancellation competing, nothing after the as-of time."""

from __future__ import annotations

from model_support import Warehouse

SUMMARY = "analytics.delivery_latency_summary"
DAILY = "analytics.delivery_latency_daily"
CURVE = "analytics.delivery_latency_curve"
TO_DELIVERED = "stage = 'paid_to_delivered'"
OVERALL = f"{TO_DELIVERED} and dimension = 'all'"


def _orders(warehouse: Warehouse, *fates: tuple[str, str, str]) -> None:
    """Add orders paid on 1 March at midnight: (delivered, cancelled, status)."""
    for number, (delivered, cancelled, status) in enumerate(fates):
        warehouse.given(
            "orders",
            f"""
            order_id  | status   | created_at  | paid_at     | delivered_at | cancelled_at
            o{number} | {status} | 03-01 00:00 | 03-01 00:00 | {delivered}  | {cancelled}
            """,
        )


def test_open_orders_pull_the_median_up(warehouse: Warehouse) -> None:
    """Left out, two fast parcels of five would make the median look like 36 hours."""
    _orders(
        warehouse,
        ("03-02 00:00", "-", "delivered"),
        ("03-03 00:00", "-", "delivered"),
        ("-", "-", "shipped"),
        ("-", "-", "shipped"),
        ("-", "-", "paid"),
    )
    warehouse.looked_at("03-11 00:00")
    warehouse.expect(
        SUMMARY,
        """
        orders | ended | cancelled | open | p50_hours | naive_p50_hours
        5      | 2     | 0         | 3    | -         | 36
        """,
        where=OVERALL,
    )


def test_a_cancelled_order_never_arrives(warehouse: Warehouse) -> None:
    """As a mere censoring it would count as if it still could: the half would be reached sooner."""
    _orders(
        warehouse,
        ("03-02 00:00", "-", "delivered"),
        ("-", "03-01 12:00", "cancelled"),
        ("-", "03-01 12:00", "cancelled"),
        ("03-05 00:00", "-", "delivered"),
    )
    warehouse.looked_at("03-11 00:00")
    warehouse.expect(
        CURVE,
        """
        hours | at_risk | ended | cancelled | censored | cumulative_incidence | cumulative_cancelled
        12    | 4       | 0     | 2         | 0        | 0                    | 0.5
        24    | 2       | 1     | 0         | 0        | 0.25                 | 0.5
        96    | 1       | 1     | 0         | 0        | 0.5                  | 0.5
        """,
        where=TO_DELIVERED,
    )
    warehouse.expect(SUMMARY, "cancelled | p50_hours | p90_hours \n 2 | 96 | -", where=OVERALL)


def test_a_tie_counts_before_the_censoring_at_the_same_time(warehouse: Warehouse) -> None:
    """The order that arrives at the last look still saw the other one at risk."""
    _orders(
        warehouse,
        ("03-03 00:00", "-", "delivered"),
        ("-", "-", "shipped"),
    )
    warehouse.looked_at("03-03 00:00")
    warehouse.expect(
        CURVE,
        """
        hours | at_risk | ended | censored | cumulative_incidence
        48    | 2       | 1     | 1        | 0.5
        """,
        where=TO_DELIVERED,
    )
    warehouse.expect(SUMMARY, "p50_hours | p90_hours \n 48 | -", where=OVERALL)


def test_what_happened_after_the_proven_time_does_not_count_yet(warehouse: Warehouse) -> None:
    """A partial load reads first what moved: these orders alone would look fast."""
    _orders(warehouse, ("03-09 00:00", "-", "delivered"), ("-", "-", "paid"))
    warehouse.looked_at("03-08 00:00")
    warehouse.expect(SUMMARY, "orders | ended | open \n 2 | 0 | 2", where=OVERALL)


def test_without_a_proof_each_order_is_known_until_it_was_last_seen(warehouse: Warehouse) -> None:
    """An order read on the first day of a long first load may have arrived since."""
    warehouse.given(
        "orders",
        """
        order_id | status | created_at  | paid_at     | _seen_at
        o1       | paid   | 03-01 00:00 | 03-01 00:00 | 03-02 00:00
        o2       | paid   | 03-01 00:00 | 03-01 00:00 | 03-04 00:00
        """,
    )
    warehouse.expect(
        CURVE, "hours | at_risk | censored \n 24 | 2 | 1 \n 72 | 1 | 1", where=TO_DELIVERED
    )


def test_an_end_at_an_unknown_time_is_left_out_and_counted(warehouse: Warehouse) -> None:
    """Dated by the look that found it, it would be weeks too long; as open, never ended."""
    _orders(warehouse, ("-", "-", "delivered"), ("03-02 00:00", "-", "delivered"))
    warehouse.looked_at("03-11 00:00")
    warehouse.expect(SUMMARY, "orders | ended | open | untimed \n 1 | 1 | 0 | 1", where=OVERALL)


def test_carrier_and_country_are_summed_up_on_their_own(warehouse: Warehouse) -> None:
    """A slow carrier disappears in the mean over all."""
    warehouse.given(
        "orders",
        """
        order_id | status    | created_at  | paid_at     | shipped_at  | delivered_at | carrier | country
        o1       | delivered | 03-01 00:00 | 03-01 00:00 | 03-02 00:00 | 03-03 00:00  | DHL     | DE
        o2       | delivered | 03-01 00:00 | 03-01 00:00 | 03-02 00:00 | 03-06 00:00  | UPS     | DE
        o3       | paid      | 03-01 00:00 | 03-01 00:00 | -           | -            | -       | -
        """,
    )
    warehouse.looked_at("03-11 00:00")
    warehouse.expect(
        SUMMARY,
        """
        stage                | dimension | value   | orders | p50_hours | is_comparable
        paid_to_shipped      | carrier   | DHL     | 1      | 24        | false
        paid_to_shipped      | carrier   | UPS     | 1      | 24        | false
        paid_to_shipped      | carrier   | unknown | 1      | -         | false
        paid_to_shipped      | country   | DE      | 2      | 24        | true
        paid_to_shipped      | country   | unknown | 1      | -         | true
        shipped_to_delivered | carrier   | DHL     | 1      | 24        | true
        shipped_to_delivered | carrier   | UPS     | 1      | 96        | true
        shipped_to_delivered | country   | DE      | 2      | 24        | true
        """,
        where="dimension <> 'all' and stage in ('paid_to_shipped', 'shipped_to_delivered')",
    )


def test_cohorts_are_by_payment_and_by_creation_where_there_is_none(warehouse: Warehouse) -> None:
    """An order that is never paid has no date of payment; without it the stage has no open ones."""
    warehouse.given(
        "orders",
        """
        order_id | status  | created_at  | paid_at
        o1       | paid    | 03-01 23:00 | 03-02 01:00
        o2       | pending | 03-01 23:00 | -
        """,
    )
    warehouse.looked_at("03-11 00:00")
    warehouse.expect(
        DAILY,
        """
        cohort_date | stage             | orders | ended | open | p50_hours
        03-01       | created_to_paid   | 2      | 1     | 1    | 2
        03-02       | paid_to_delivered | 1      | 0     | 1    | -
        03-02       | paid_to_shipped   | 1      | 0     | 1    | -
        """,
    )


def test_an_end_before_its_beginning_takes_no_time(warehouse: Warehouse) -> None:
    """Two clocks disagree by seconds; a negative time would shift every sum."""
    _orders(warehouse, ("02-28 23:59", "-", "delivered"))
    warehouse.looked_at("03-11 00:00")
    warehouse.expect(CURVE, "hours | ended \n 0 | 1", where=TO_DELIVERED)


def test_a_cancellation_later_on_does_not_undo_a_stage_that_ended(warehouse: Warehouse) -> None:
    """Shipped, then cancelled: the payment and the shipping took their time, the way never ended."""
    warehouse.given(
        "orders",
        """
        order_id | status    | created_at  | paid_at     | shipped_at  | cancelled_at
        o1       | cancelled | 03-01 00:00 | 03-01 01:00 | 03-02 01:00 | 03-04 01:00
        """,
    )
    warehouse.looked_at("03-11 00:00")
    warehouse.expect(
        SUMMARY,
        """
        stage                | orders | ended | cancelled | open | p50_hours
        created_to_paid      | 1      | 1     | 0         | 0    | 1
        paid_to_shipped      | 1      | 1     | 0         | 0    | 24
        paid_to_delivered    | 1      | 0     | 1         | 0    | -
        shipped_to_delivered | 1      | 0     | 1         | 0    | -
        """,
        where="dimension = 'all'",
    )


def test_an_order_seen_paid_and_cancelled_later_was_not_cancelled_unpaid(
    warehouse: Warehouse,
) -> None:
    """It was paid, nothing tells when: as a cancellation it would lower the share that pays."""
    warehouse.given(
        "orders",
        """
        order_id | status    | created_at  | cancelled_at
        o1       | cancelled | 03-01 00:00 | 03-05 00:00
        """,
    )
    warehouse.given("order_history", "order_id | status | first_seen_at \n o1 | paid | 03-03 00:00")
    warehouse.looked_at("03-11 00:00")
    warehouse.expect(
        SUMMARY,
        """
        stage           | orders | ended | cancelled | untimed
        created_to_paid | 0      | 0     | 0         | 1
        """,
        where="dimension = 'all'",
    )


def test_a_stage_that_took_no_time_is_ended_and_at_risk(warehouse: Warehouse) -> None:
    """Paid at the moment of creation is the best there is, not a missing time."""
    warehouse.given(
        "orders",
        """
        order_id | status  | created_at  | paid_at
        o1       | paid    | 03-01 00:00 | 03-01 00:00
        o2       | paid    | 03-01 00:00 | 03-01 00:00
        o3       | pending | 03-11 00:00 | -
        """,
    )
    warehouse.looked_at("03-11 00:00")
    warehouse.expect(
        CURVE,
        """
        hours | at_risk | ended | censored | cumulative_incidence
        0     | 3       | 2     | 1        | 0.666667
        """,
        where="stage = 'created_to_paid'",
    )
    warehouse.expect(
        SUMMARY,
        "orders | p50_hours | p90_hours \n 3 | 0 | -",
        where="dimension = 'all' and stage = 'created_to_paid'",
    )


def test_a_deleted_order_is_censored_when_it_was_last_seen(warehouse: Warehouse) -> None:
    """As open until today it would wait for ever and make every figure worse each day."""
    warehouse.given(
        "orders",
        """
        order_id | status | created_at  | paid_at     | deleted_at  | _seen_at
        o1       | paid   | 03-01 00:00 | 03-01 00:00 | 03-09 00:00 | 03-02 00:00
        o2       | paid   | 03-01 00:00 | 03-01 00:00 | -           | 03-02 00:00
        """,
    )
    warehouse.looked_at("03-11 00:00")
    warehouse.expect(
        CURVE, "hours | at_risk | censored \n 24 | 2 | 1 \n 240 | 1 | 1", where=TO_DELIVERED
    )


def test_delivered_and_cancelled_at_the_same_moment_is_delivered(warehouse: Warehouse) -> None:
    """Times of whole seconds tie; the parcel that has arrived did not fail to."""
    _orders(warehouse, ("03-03 00:00", "03-03 00:00", "cancelled"))
    warehouse.looked_at("03-11 00:00")
    warehouse.expect(SUMMARY, "ended | cancelled | p50_hours \n 1 | 0 | 48", where=OVERALL)
