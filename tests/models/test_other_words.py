# ruff: noqa: E501 - a row of a table is one line
"""Statuses that no text of the API has and other shops do: what they show for certain counts."""

from __future__ import annotations

from model_support import Warehouse

WORDS = """
    order_id | session_id | status             | total_amount | currency | created_at  | _seen_at
    o1       | s1         | refunded           | 10           | USD      | 03-01 10:00 | 03-10 10:00
    o2       | s2         | partially_refunded | 20           | USD      | 03-01 10:00 | 03-10 10:00
    o3       | s3         | returned           | 30           | USD      | 03-01 10:00 | 03-10 10:00
    o4       | s4         | out_for_delivery   | 40           | USD      | 03-01 10:00 | 03-10 10:00
    o5       | s5         | on_hold            | 50           | USD      | 03-01 10:00 | 03-10 10:00
    o6       | s6         | cancelled          | 60           | USD      | 03-01 10:00 | 03-10 10:00
"""


def given(warehouse: Warehouse) -> None:
    """Give an order of each word, first seen in it, with its session."""
    warehouse.given("orders", WORDS)
    sessions = "\n".join(f"s{n} | 03-01 09:00" for n in range(1, 7))
    warehouse.given("sessions", f"session_id | created_at\n{sessions}")
    warehouse.looked_at("03-10 10:00")


def test_who_got_the_money_back_had_paid(warehouse: Warehouse) -> None:
    """An order first seen as refunded was sold and given back: it is no order that nobody paid."""
    given(warehouse)
    warehouse.expect(
        "analytics.fct_orders",
        """
        order_id | milestone | is_paid | is_refunded | is_net_paid | is_open
        o1       | paid      | true    | true        | false       | false
        o2       | paid      | true    | false       | true        | true
        o3       | shipped   | true    | false       | true        | true
        o4       | shipped   | true    | false       | true        | true
        o5       | created   | false   | false       | false       | true
        o6       | cancelled | false   | false       | false       | false
        """,
    )
    warehouse.expect(
        "analytics.orders_daily",
        """
        date_basis | date  | orders | paid_orders | revenue | net_revenue
        created    | 03-01 | 6      | 4           | 100.00  | 90.00
        paid       | -     | 4      | 4           | 100.00  | 90.00
        """,
    )
    warehouse.expect(
        "analytics.session_conversion_daily",
        "cohort_date | paid_sessions | net_paid_sessions | revenue | net_revenue\n 03-01 | 4 | 3 | 100.00 | 90.00",
    )
    warehouse.expect(
        "analytics.session_revenue_daily",
        "paid_orders | cancelled_orders | cancelled_revenue | net_revenue\n 4 | 1 | 10.00 | 90.00",
    )


def test_they_keep_their_words_and_claim_no_event(warehouse: Warehouse) -> None:
    """A refund is no cancellation: its webhook must not be asked for."""
    given(warehouse)
    warehouse.given(
        "order_history",
        "order_id | status | first_seen_at | origin\n o1 | refunded | 03-10 10:00 | list",
    )
    warehouse.expect(
        "analytics.order_status_history",
        "status | is_last\n refunded | true",
        where="order_id = 'o1' and is_last",
    )
    assert not warehouse.rows(
        "analytics.webhook_gaps",
        "event_type",
        where="event_type = 'order.cancelled' and order_id <> 'o6'",
    )


def test_words_that_spelling_alone_makes_different_are_one(warehouse: Warehouse) -> None:
    """Broken: a carrier named N/A, or five countries that are one, each with a few parcels."""
    told = {
        ("UPS®", " United  States"): ("UPS", "US"),
        ("RoyalMail", "Estados Unidos"): ("Royal Mail", "US"),
        ("Deutsche Post DHL", "Korea, Republic of"): ("DHL", "KR"),
        ("N/A", "Cote d'Ivoire"): ("-", "CI"),
        ("none", "Trinidad & Tobago"): ("-", "TT"),
        ("Bob's Vans", "XX"): ("Bob's Vans", "-"),
        ("bobs-vans", "日本"): ("Bob's Vans", "JP"),
    }
    rows = [f"{number} | shipped | {' | '.join(words)}" for number, words in enumerate(told)]
    warehouse.given("orders", "\n".join(["order_id | status | carrier | country", *rows]))
    names = [" | ".join((str(number), *names)) for number, names in enumerate(told.values())]
    warehouse.expect("analytics.fct_orders", "\n".join(["order_id | carrier | country", *names]))
