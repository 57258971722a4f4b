# ruff: noqa: E501 - a row of a table is one line
"""Items, customers, cohorts and creators of a few given rows: what is said, and what is not."""

from __future__ import annotations

from model_support import Warehouse

ITEMS = "analytics.fct_order_items"
CUSTOMERS = "analytics.dim_customers"
CREATORS = "analytics.dim_creators"
COHORTS = "analytics.customer_cohorts_monthly"


def items(warehouse: Warehouse, *documents: str, table: str = "orders") -> None:
    """Give an order for each document of lines; the document as a cell may have no bars in it."""
    for number, document in enumerate(documents, start=1):
        warehouse.given(
            table,
            f"order_id | status | currency | created_at  | items\n o{number} | paid | EUR | 03-01 10:00 | {document}",
        )


def test_a_line_has_no_price_that_it_does_not_say(warehouse: Warehouse) -> None:
    """A price beside a quantity of three may be of one or of all: guessed, revenue is threefold."""
    items(
        warehouse,
        '[{"sku": "A", "quantity": 3, "price": 9}, {"sku": "B", "quantity": 1, "price": "8.50"}]',
        '[{"product_id": 7, "quantity": "2", "unitPrice": 1.005, "total": "2.01", "currency": "usd"}]',
        '[{"variant": {"id": "v"}, "quantity": 2.0, "unit_price": 0.1}]',
    )
    warehouse.expect(
        ITEMS,
        """
        order_id | position | lines | sku | product_id | variant_id | quantity | unit_price | line_amount | currency
        o1       | 1        | 2     | A   | -          | -          | 3        | -          | -           | EUR
        o1       | 2        | 2     | B   | -          | -          | 1        | 8.50       | 8.50        | EUR
        o2       | 1        | 1     | -   | 7          | -          | 2        | 1.00       | 2.01        | USD
        o3       | 1        | 1     | -   | -          | v          | 2        | 0.10       | 0.20        | EUR
        """,
    )


def test_what_is_no_line_and_no_number_stops_no_build(warehouse: Warehouse) -> None:
    """One partner's odd order must not cost all figures of all others."""
    items(
        warehouse,
        '"<list>"',
        "null",
        "[]",
        '{"sku": "A"}',
        '["<text>", 7, null, [{"sku": "A"}]]',
        '[{"sku": "<text>", "quantity": "<number>", "unit_price": "12,50", "id": {"a": 1}}]',
        '[{"sku": {"a": 1}, "quantity": -1, "unit_price": 999999999999.9999}]',
        '[{"quantity": 999999, "unit_price": 999999999999.9999}]',
    )
    warehouse.expect(
        ITEMS,
        """
        order_id | position | sku | item_id | quantity | unit_price         | line_amount
        o5       | 1        | -   | -       | -        | -                  | -
        o5       | 2        | -   | -       | -        | -                  | -
        o5       | 3        | -   | -       | -        | -                  | -
        o5       | 4        | -   | -       | -        | -                  | -
        o6       | 1        | -   | -       | -        | -                  | -
        o7       | 1        | -   | -       | -        | 1000000000000.00   | -
        o8       | 1        | -   | -       | 999999   | 1000000000000.00   | 999998999999999900.00
        """,
    )


def test_the_list_wins_over_events_and_the_first_event_over_later_ones(
    warehouse: Warehouse,
) -> None:
    """A resent payment must not sell everything twice."""
    warehouse.given(
        "orders",
        """
        order_id | status | created_at  | items           | creator
        o1       | paid   | 03-01 10:00 | [{"sku": "A"}]  | {"id": "c1", "name": "<text>"}
        o2       | paid   | 03-01 10:00 | []              | -
        o3       | paid   | 03-01 10:00 | -               | {"id": "<text>"}
        """,
    )
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type    | event_at    | payload
        w1             | o1       | order.paid    | 03-01 11:00 | {"data": {"items": [{"sku": "X"}], "creator": {"id": "c9"}}}
        w2             | o2       | order.paid    | 03-01 12:00 | {"data": {"items": [{"sku": "Y"}]}}
        w3             | o2       | order.paid    | 03-01 11:00 | {"data": {"items": [{"sku": "B"}, {"sku": "C"}]}}
        w4             | o3       | order.shipped | 03-01 11:00 | {"data": {"items": [{"sku": "Z"}]}}
        w5             | o3       | order.paid    | 03-01 11:00 | "<text>"
        """,
    )
    warehouse.expect(
        ITEMS,
        """
        order_id | position | source | sku
        o1       | 1        | list   | A
        o2       | 1        | event  | B
        o2       | 2        | event  | C
        """,
    )
    warehouse.expect(CREATORS, "creator_id | orders \n c1 | 1")


def test_money_of_two_currencies_has_no_sum(warehouse: Warehouse) -> None:
    """Ten dollars and ten euros are not twenty of anything, of a customer or of a creator."""
    warehouse.given(
        "orders",
        """
        order_id | status    | total_amount | currency | created_at  | paid_at     | customer_pseudonym | creator      | country
        o1       | paid      | 10           | USD      | 03-01 10:00 | 03-01 10:00 | p1                 | {"id": "c1"} | US
        o2       | paid      | 10           | EUR      | 03-02 10:00 | 03-02 10:00 | p1                 | {"id": "c2"} | DE
        o3       | cancelled | 7            | EUR      | 03-03 10:00 | 03-03 10:00 | p2                 | {"id": "c2"} | DE
        o4       | pending   | 9            | USD      | 03-04 10:00 | -           | p2                 | {"id": "c2"} | DE
        o5       | paid      | 3            | -        | 03-05 10:00 | 03-05 10:00 | p3                 | {"id": "c1"} | -
        o6       | paid      | -            | -        | 03-06 10:00 | 03-06 10:00 | p3                 | -            | FR
        """,
    )
    warehouse.expect(
        CUSTOMERS,
        """
        customer_pseudonym | orders | paid_orders | net_paid_orders | is_returning | country | currency | orders_without_amount | revenue | net_revenue
        p1                 | 2      | 2           | 2               | true         | -       | -        | 0                     | -       | -
        p2                 | 2      | 1           | 0               | false        | DE      | EUR      | 0                     | 7.00    | 0.00
        p3                 | 2      | 2           | 2               | true         | FR      | -        | 1                     | 3.00    | 3.00
        """,
    )
    warehouse.expect(
        CREATORS,
        """
        creator_id | orders | paid_orders | net_paid_orders | currency | revenue | net_revenue
        c1         | 2      | 2           | 2               | -        | -       | -
        c2         | 3      | 2           | 1               | EUR      | 17.00   | 10.00
        """,
    )


def test_a_cohort_is_who_first_paid_and_a_month_that_lasts_has_no_rate(
    warehouse: Warehouse,
) -> None:
    """On the second of a month nobody has come back yet: that is no loss of customers."""
    warehouse.given(
        "orders",
        """
        order_id | status    | created_at  | paid_at     | customer_pseudonym
        o1       | paid      | 01-31 23:00 | 02-01 01:00 | p1
        o2       | paid      | 02-10 10:00 | 02-10 10:00 | p2
        o3       | paid      | 02-11 10:00 | 02-11 10:00 | p2
        o4       | pending   | 01-05 10:00 | -           | p2
        o5       | cancelled | 03-31 10:00 | 03-31 11:00 | p1
        o6       | paid      | 04-01 10:00 | 04-01 10:00 | p3
        o7       | paid      | 02-12 10:00 | 02-12 10:00 | -
        """,
    )
    warehouse.looked_at("04-02 09:30")
    warehouse.expect(
        COHORTS,
        """
        cohort_month | months_since | customers | active_customers | orders | retention_rate | is_final | customer_coverage
        02-01        | 0            | 2         | 2                | 3      | 1              | true     | 0.75
        02-01        | 1            | 2         | 1                | 1      | 0.5            | true     | 0.75
        02-01        | 2            | 2         | 0                | 0      | -              | false    | 0.75
        04-01        | 0            | 1         | 1                | 1      | -              | false    | 1
        """,
    )


def test_a_month_ends_where_the_report_is_read(warehouse: Warehouse) -> None:
    """In Los Angeles March still lasts when April has begun in London."""
    warehouse.settings = {"report_time_zone": "America/Los_Angeles"}
    warehouse.given(
        "orders",
        "order_id | status | created_at | paid_at | customer_pseudonym\n o1 | paid | 04-01 05:00 | 04-01 06:00 | p1",
    )
    warehouse.looked_at("04-01 06:59")
    warehouse.expect(COHORTS, "cohort_month | is_final \n 03-01 | false")


def test_nobody_is_two_people_by_two_sources(warehouse: Warehouse) -> None:
    """The ledger's address may be another than the checkout's: one person would look like two."""
    warehouse.given(
        "sessions",
        "session_id | created_at | customer_pseudonym\n s1 | 03-01 10:00 | u1\n s2 | 03-02 10:00 | u2",
    )
    warehouse.given(
        "orders",
        """
        order_id | session_id | status | created_at  | customer_pseudonym
        o1       | s1         | paid   | 03-01 10:00 | p1
        o2       | s2         | paid   | 03-02 10:00 | -
        """,
    )
    warehouse.expect(CUSTOMERS, "customer_pseudonym | source | orders \n p1 | api | 1")
    warehouse.connection.execute("update printora_raw.orders set customer_pseudonym = null")
    warehouse._built.clear()
    warehouse.expect(
        CUSTOMERS,
        """
        customer_pseudonym | source | orders
        u1                 | ledger | 1
        u2                 | ledger | 1
        """,
    )
