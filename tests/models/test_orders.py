# ruff: noqa: E501 - a row of a table is one line
"""fct_orders and order_status_history: which times an order gets, and from where."""

from __future__ import annotations

import pytest
from model_support import Warehouse

ORDERS = "analytics.fct_orders"


def test_the_orders_own_time_wins_over_the_events(warehouse: Warehouse) -> None:
    """Without the precedence, a delayed event would overwrite what the order itself says."""
    warehouse.given(
        "orders",
        """
        order_id | status  | created_at  | paid_at     | shipped_at
        o1       | shipped | 03-01 10:00 | 03-01 10:05 | -
        """,
    )
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type    | event_at
        l1             | o1       | order.paid    | 03-01 10:09
        l2             | o1       | order.shipped | 03-02 08:00
        """,
    )
    warehouse.expect(
        ORDERS,
        """
        order_id | paid_at     | paid_at_source | shipped_at  | shipped_at_source | delivered_at_source
        o1       | 03-01 10:05 | order          | 03-02 08:00 | event             | -
        """,
    )


def test_a_repeated_event_counts_with_its_earliest_time(warehouse: Warehouse) -> None:
    """A resend days later would otherwise move the payment."""
    warehouse.given("orders", "order_id | status | created_at \n o1 | paid | 03-01 10:00")
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type | event_at
        l2             | o1       | order.paid | 03-04 12:00
        l1             | o1       | order.paid | 03-01 10:01
        """,
    )
    warehouse.expect(ORDERS, "order_id | paid_at \n o1 | 03-01 10:01")


def test_a_log_without_a_payload_time_counts_with_its_own(warehouse: Warehouse) -> None:
    """Some APIs leave the payload's timestamp out: the order would have no time at all."""
    warehouse.given("orders", "order_id | status | created_at \n o1 | paid | 03-01 10:00")
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type    | event_at | created_at  | _seen_at
        l1             | o1       | order.paid    | -        | 03-01 10:02 | 03-05 00:00
        l2             | o1       | order.shipped | -        | -           | 03-05 00:00
        """,
    )
    warehouse.expect(
        ORDERS,
        """
        order_id | paid_at     | paid_at_source | shipped_at
        o1       | 03-01 10:02 | event          | -
        """,
    )


def test_a_change_between_two_looks_gets_both_bounds_and_their_middle(warehouse: Warehouse) -> None:
    """Taking either bound as the time would shift every latency by half a sync's interval."""
    warehouse.given("orders", "order_id | status | created_at \n o1 | processing | 03-01 10:00")
    warehouse.given(
        "order_history",
        """
        order_id | status     | not_before  | first_seen_at
        o1       | pending    | -           | 03-01 11:00
        o1       | processing | 03-01 11:00 | 03-01 12:00
        """,
    )
    warehouse.expect(
        ORDERS,
        """
        order_id | paid_at     | paid_at_source | paid_not_before | paid_not_after
        o1       | 03-01 11:30 | interval       | 03-01 11:00     | 03-01 12:00
        """,
    )


def test_what_was_so_at_the_first_look_has_bounds_and_no_time(warehouse: Warehouse) -> None:
    """A first load would otherwise date every old delivery halfway to the day of the load."""
    warehouse.given(
        "orders",
        """
        order_id | status    | created_at  | paid_at     | _seen_at
        o1       | delivered | 03-01 10:00 | 03-01 10:05 | 06-01 00:00
        """,
    )
    warehouse.given(
        "order_history", "order_id | status | first_seen_at \n o1 | delivered | 06-01 00:00"
    )
    warehouse.expect(
        ORDERS,
        """
        order_id | delivered_at | delivered_at_source | delivered_not_before | delivered_not_after
        o1       | -            | unknown             | 03-01 10:05          | 06-01
        """.replace("06-01\n", "06-01 00:00\n"),
    )


def test_an_order_made_under_watch_was_paid_after_its_creation(warehouse: Warehouse) -> None:
    """Most orders are paid before the next sync: without a time only the slow ones would count."""
    warehouse.given(
        "orders",
        """
        order_id | status  | created_at
        o1       | pending | 03-01 09:00
        o2       | paid    | 03-01 10:10
        """,
    )
    warehouse.given(
        "order_history",
        """
        order_id | status  | not_before | first_seen_at
        o1       | pending | -          | 03-01 10:00
        o2       | paid    | -          | 03-01 10:30
        """,
    )
    warehouse.expect(
        ORDERS,
        """
        order_id | paid_at     | paid_at_source | paid_not_before | paid_not_after
        o1       | -           | -              | -               | -
        o2       | 03-01 10:20 | interval       | 03-01 10:10     | 03-01 10:30
        """,
    )


def test_a_skipped_status_is_implied_and_bounded_by_its_neighbours(warehouse: Warehouse) -> None:
    """An order seen pending and then delivered was paid and shipped in between."""
    warehouse.given("orders", "order_id | status | created_at \n o1 | delivered | 03-01 10:00")
    warehouse.given(
        "order_history",
        """
        order_id | status    | not_before  | first_seen_at
        o1       | pending   | -           | 03-02 00:00
        o1       | delivered | 03-02 00:00 | 03-04 00:00
        """,
    )
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type    | event_at
        l1             | o1       | order.shipped | 03-02 12:00
        """,
    )
    warehouse.expect(
        ORDERS,
        """
        order_id | paid_at     | paid_not_after | shipped_at  | delivered_not_before | delivered_at
        o1       | 03-02 06:00 | 03-02 12:00    | 03-02 12:00 | 03-02 12:00          | 03-03 06:00
        """,
    )


@pytest.mark.parametrize("word", ["paid", "processing"])
def test_both_vocabularies_mean_paid(warehouse: Warehouse, word: str) -> None:
    """v1.0 says processing, v1.1 says paid: one of them would show no payment."""
    warehouse.given("orders", f"order_id | status | created_at \n o1 | {word} | 03-01 10:00")
    warehouse.expect(
        ORDERS,
        f"""
        order_id | status | milestone | is_paid | is_open
        o1       | {word} | paid      | true    | true
        """,
    )


def test_an_unknown_status_is_kept_and_means_nothing(warehouse: Warehouse) -> None:
    """A status of tomorrow must not lose the order, nor count as paid."""
    warehouse.given("orders", "order_id | status | created_at \n o1 | on_hold | 03-01 10:00")
    warehouse.expect(
        ORDERS,
        """
        order_id | status   | milestone | is_paid | is_open
        o1       | on_hold | created   | false   | true
        """,
    )


def test_a_cancelled_order_was_paid_only_if_something_shows_it(warehouse: Warehouse) -> None:
    """The status cancelled alone says nothing about the payment."""
    warehouse.given(
        "orders",
        """
        order_id | status    | created_at  | cancelled_at
        o1       | cancelled | 03-01 10:00 | 03-01 11:00
        o2       | cancelled | 03-01 10:00 | 03-01 11:00
        """,
    )
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type | event_at
        l1             | o2       | order.paid | 03-01 10:01
        """,
    )
    warehouse.expect(
        ORDERS,
        """
        order_id | is_paid | is_cancelled | is_open
        o1       | false   | true         | false
        o2       | true    | true         | false
        """,
    )


def test_a_deleted_order_stays_and_is_watched_only_until_it_was_last_seen(
    warehouse: Warehouse,
) -> None:
    """Dropping it would rewrite the past; waiting for it would stretch every latency."""
    warehouse.given(
        "orders",
        """
        order_id | status | created_at  | paid_at     | deleted_at  | _seen_at
        o1       | paid   | 03-01 10:00 | 03-01 10:05 | 03-09 00:00 | 03-05 00:00
        """,
    )
    warehouse.looked_at("03-10 00:00")
    warehouse.expect(
        ORDERS,
        """
        order_id | is_paid | is_open | observed_until
        o1       | true    | false   | 03-05 00:00
        """,
    )


def test_the_ledgers_kind_of_session_id_is_found_through_the_order(warehouse: Warehouse) -> None:
    """The payload's sessionId is another kind of id: no order would join the ledger."""
    warehouse.given("sessions", "session_id | created_at \n cc89-e4 | 03-01 09:00")
    warehouse.given(
        "orders",
        """
        order_id | session_id | status | created_at
        o1       | sess_1     | paid   | 03-01 10:00
        o2       | sess_2     | paid   | 03-01 10:00
        """,
    )
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | session_id | payload_session_id | event_type | event_at
        l1             | o1       | sess_1     | cc89-e4            | order.paid | 03-01 10:01
        l2             | o2       | sess_2     | dd00-00            | order.paid | 03-01 10:01
        """,
    )
    warehouse.expect(
        ORDERS,
        """
        order_id | session_id
        o1       | cc89-e4
        o2       | sess_2
        """,
    )


def test_an_order_without_a_session_takes_its_logs(warehouse: Warehouse) -> None:
    """v1.1 lists orders without their session; only the events name it."""
    warehouse.given("orders", "order_id | status | created_at \n o1 | paid | 03-01 10:00")
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | session_id | event_type | event_at
        l1             | o1       | sess_1     | order.paid | 03-01 10:01
        """,
    )
    warehouse.expect(ORDERS, "order_id | session_id \n o1 | sess_1")


def test_carrier_and_country_come_from_the_events_where_the_list_has_none(
    warehouse: Warehouse,
) -> None:
    """v1.1 tells the carrier and the country only in the payloads of its events."""
    warehouse.given("orders", "order_id | status | created_at \n o1 | shipped | 03-01 10:00")
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type    | event_at    | country | carrier
        l1             | o1       | order.paid    | 03-01 10:01 | DE      | -
        l2             | o1       | order.shipped | 03-02 10:01 | -       | DHL
        l3             | o1       | order.shipped | 03-04 10:01 | -       | UPS
        """,
    )
    warehouse.expect(ORDERS, "order_id | carrier | country \n o1 | DHL | DE")


def test_the_history_tells_how_long_an_order_stayed_in_each_status(warehouse: Warehouse) -> None:
    """One row per status, unknown ones too, each with the hours until the next."""
    warehouse.given(
        "orders",
        """
        order_id | status  | created_at  | paid_at     | shipped_at
        o1       | shipped | 03-01 10:00 | 03-01 10:30 | 03-03 10:30
        """,
    )
    warehouse.given(
        "order_history",
        """
        order_id | status     | not_before  | first_seen_at | changed_at  | origin
        o1       | processing | -           | 03-01 11:00   | -           | list
        o1       | on_hold    | 03-01 11:00 | 03-02 11:00   | 03-02 10:30 | list
        o1       | shipped    | 03-02 11:00 | 03-04 11:00   | -           | list
        """,
    )
    warehouse.expect(
        "analytics.order_status_history",
        """
        status  | position | entered_at  | source | hours_in_status | is_last
        created | 1        | 03-01 10:00 | order  | 0.5             | false
        paid    | 2        | 03-01 10:30 | order  | 24              | false
        on_hold | 3        | 03-02 10:30 | order  | 24              | false
        shipped | 4        | 03-03 10:30 | order  | -               | true
        """,
    )


def test_a_log_without_any_time_still_names_the_session(warehouse: Warehouse) -> None:
    """It tells no time, and all the same whose order it is about."""
    warehouse.given("orders", "order_id | status | created_at \n o1 | paid | 03-01 10:00")
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | session_id | event_type | _seen_at
        l1             | o1       | sess_1     | order.paid | 03-05 00:00
        """,
    )
    warehouse.expect(
        ORDERS,
        """
        session_id | is_event_seen | paid_at | paid_at_source
        sess_1     | true          | -       | unknown
        """,
    )


def test_of_several_ids_in_an_orders_logs_the_ledgers_wins(warehouse: Warehouse) -> None:
    """An API that changes its ids between two events of one order would lose the conversion."""
    warehouse.given("sessions", "session_id | created_at \n uuid-9 | 03-01 09:00")
    warehouse.given("orders", "order_id | status | created_at \n o1 | paid | 03-01 10:00")
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | session_id | payload_session_id | event_type    | event_at
        l1             | o1       | sess_1     | sess_1             | order.created | 03-01 10:00
        l2             | o1       | sess_1     | uuid-9             | order.paid    | 03-01 10:01
        """,
    )
    warehouse.expect(ORDERS, "order_id | session_id \n o1 | uuid-9")


def test_a_delivered_order_was_paid_though_no_event_says_so(warehouse: Warehouse) -> None:
    """The event was lost: an unpaid delivery would be missing from conversion and revenue."""
    warehouse.given("orders", "order_id | status | created_at \n o1 | shipped | 03-01 10:00")
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type      | event_at
        l1             | o1       | order.delivered | 03-04 10:00
        l2             | o1       | order.shipped   | 03-02 10:00
        """,
    )
    warehouse.expect(
        ORDERS,
        """
        milestone | is_paid | paid_at | paid_at_source | paid_not_before | paid_not_after | is_open
        delivered | true    | -       | unknown        | 03-01 10:00     | 03-02 10:00    | false
        """,
    )


def test_a_later_event_shows_the_earlier_steps_though_the_list_is_behind(
    warehouse: Warehouse,
) -> None:
    """The list was read before the parcel left: by its word alone the order is not even paid."""
    warehouse.given("orders", "order_id | status | created_at \n o1 | pending | 03-01 10:00")
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type    | event_at
        l1             | o1       | order.shipped | 03-02 10:00
        """,
    )
    warehouse.expect(
        ORDERS,
        """
        status  | milestone | is_paid | paid_at_source | paid_not_after | shipped_at_source
        pending | shipped   | true    | unknown        | 03-02 10:00    | event
        """,
    )
    warehouse.expect(
        "analytics.webhook_gaps",
        """
        event_type    | implied_by      | order_status | expected_at
        order.created | order time      | pending      | 03-01 10:00
        order.paid    | later milestone | pending      | 03-02 10:00
        """,
    )


def test_the_orders_own_country_and_carrier_win_over_its_events(warehouse: Warehouse) -> None:
    """The list is the later word: an address corrected after payment is where the parcel went."""
    warehouse.given(
        "orders",
        """
        order_id | status  | created_at  | country | carrier
        o1       | shipped | 03-01 10:00 | FR      | -
        o2       | shipped | 03-01 10:00 | -       | UPS
        """,
    )
    for order in ("o1", "o2"):
        warehouse.given(
            "webhook_logs",
            f"""
            webhook_log_id | order_id | event_type    | event_at    | country | carrier
            {order}-1      | {order}  | order.paid    | 03-01 10:01 | DE      | -
            {order}-2      | {order}  | order.shipped | 03-02 10:01 | -       | DHL
            """,
        )
    warehouse.expect(ORDERS, "order_id | country | carrier \n o1 | FR | DHL \n o2 | DE | UPS")


def test_the_words_for_a_carrier_and_a_country_are_one_each(warehouse: Warehouse) -> None:
    """UPS, ups and "UPS Ground" would be three carriers, US and "United States" two countries."""
    warehouse.given(
        "orders",
        """
        order_id | status  | carrier       | country
        o1       | shipped | UPS           | US
        o2       | shipped | ups           | usa
        o3       | shipped | UPS Ground    | United States
        o4       | shipped | DHL_EXPRESS   | Deutschland
        o5       | shipped | usps          | U.K.
        o6       | shipped | Acme Couriers | Atlantis
        o7       | shipped | ACME COURIERS | ATLANTIS
        """,
    )
    warehouse.expect(
        ORDERS,
        """
        order_id | carrier       | carrier_word  | country  | country_word
        o1       | UPS           | UPS           | US       | US
        o2       | UPS           | ups           | US       | usa
        o3       | UPS           | UPS Ground    | US       | United States
        o4       | DHL           | DHL_EXPRESS   | DE       | Deutschland
        o5       | USPS          | usps          | GB       | U.K.
        o6       | ACME COURIERS | Acme Couriers | ATLANTIS | Atlantis
        o7       | ACME COURIERS | ACME COURIERS | ATLANTIS | ATLANTIS
        """,
    )


def test_the_currency_comes_from_the_events_where_the_list_has_none(warehouse: Warehouse) -> None:
    """Nothing names it is not USD: money of nobody knows what would be in the books."""
    warehouse.given("orders", "order_id | status | total_amount \n o1 | paid | 5 \n o2 | paid | 5")
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type | event_at    | currency
        l1             | o1       | order.paid | 03-01 10:01 | eur
        """,
    )
    warehouse.expect(ORDERS, "order_id | currency \n o1 | EUR \n o2 | -")


def test_an_older_warehouse_keeps_what_its_payloads_told(warehouse: Warehouse) -> None:
    """Carriers and countries of v1.1 would be gone until every log is read again."""
    for column in ("country", "carrier", "currency", "total_amount"):
        warehouse.connection.execute(f"alter table printora_raw.webhook_logs drop column {column}")
    warehouse.given("orders", "order_id | status | created_at \n o1 | shipped | 03-01 10:00")
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type    | payload
        l1             | o1       | order.paid    | {"data": {"shippingAddress": {"country": "DE"}, "currency": "eur", "totalAmount": 5.5}}
        l2             | o1       | order.shipped | {"data": {"carrier": "DHL"}}
        """,
    )
    warehouse.expect(ORDERS, "order_id | carrier | country | currency \n o1 | DHL | DE | EUR")


def test_an_amount_that_was_changed_keeps_its_history(warehouse: Warehouse) -> None:
    """A refund in part would rewrite the revenue of a closed month, and nobody could see why."""
    warehouse.given(
        "orders",
        """
        order_id | status | total_amount | currency | created_at  | _seen_at
        o1       | paid   | 15.50        | USD      | 03-01 10:00 | 03-09 00:00
        """,
    )
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type    | event_at    | total_amount | currency
        l1             | o1       | order.created | 03-01 10:00 | 20.00        | usd
        l2             | o1       | order.paid    | 03-01 10:01 | 20.00        | usd
        l3             | o1       | order.shipped | 03-03 10:00 | 15.50        | usd
        """,
    )
    warehouse.expect(
        "analytics.order_amounts",
        """
        total_amount | currency | first_told_at | last_told_at | events | is_current
        20.00        | USD      | 03-01 10:00   | 03-01 10:01  | 2      | false
        15.50        | USD      | 03-03 10:00   | 03-03 10:00  | 1      | true
        """,
    )


def test_an_amount_that_only_the_list_showed_is_kept(warehouse: Warehouse) -> None:
    """Broken: a correction between two syncs restates the books of a month that was closed."""
    warehouse.given("orders", "order_id | total_amount | currency \n o1 | 15.50 | USD")
    warehouse.given(
        "order_amount_history",
        """
        order_id | total_amount | currency | not_before  | first_seen_at
        o1       | 20.00        | -        | 03-01 10:00 | 03-01 11:00
        o1       | 18.00        | USD      | 03-02 10:00 | 03-02 11:00
        """,
    )
    warehouse.expect(
        "analytics.order_amounts",
        """
        total_amount | currency | events | is_current | list_showed_until | list_changed_by
        20.00        | USD      | 0      | false      | 03-01 10:00       | 03-01 11:00
        18.00        | USD      | 0      | false      | 03-02 10:00       | 03-02 11:00
        15.50        | USD      | 0      | true       | -                 | -
        """,
    )
