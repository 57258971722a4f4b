# ruff: noqa: E501 - a row of a table is one line
"""fct_sessions and session_conversion_daily: who counts, from when on, and what is said of it."""

from __future__ import annotations

from model_support import Warehouse

SESSIONS = "analytics.fct_sessions"
DAILY = "analytics.session_conversion_daily"
FUNNEL = "analytics.session_funnel"
REVENUE = "analytics.session_revenue_daily"


def test_a_session_whose_only_paid_order_was_cancelled_is_converted(warehouse: Warehouse) -> None:
    """Cancellation is a question of its own: it must not undo the conversion."""
    warehouse.given("sessions", "session_id | created_at \n s1 | 03-01 10:00 \n s2 | 03-01 10:00")
    warehouse.given(
        "orders",
        """
        order_id | session_id | status    | created_at  | paid_at     | cancelled_at
        o1       | s1         | cancelled | 03-01 11:00 | 03-01 11:05 | 03-02 00:00
        o2       | s2         | cancelled | 03-01 11:00 | -           | 03-02 00:00
        """,
    )
    warehouse.expect(
        SESSIONS,
        """
        session_id | is_ordered | is_converted | is_converted_net | paid_orders | net_paid_orders
        s1         | true       | true         | false            | 1           | 0
        s2         | true       | false        | false            | 0           | 0
        """,
    )


def test_a_session_with_several_orders_counts_once(warehouse: Warehouse) -> None:
    """Counting orders instead of sessions would give rates above 1."""
    warehouse.given("sessions", "session_id | created_at \n s1 | 03-01 10:00")
    warehouse.given(
        "orders",
        """
        order_id | session_id | status  | total_amount | currency | created_at  | paid_at
        o1       | s1         | pending | 5.00         | USD      | 03-01 10:30 | -
        o2       | s1         | paid    | 10.10        | USD      | 03-01 11:00 | 03-01 11:10
        o3       | s1         | paid    | 20.20        | USD      | 03-01 11:30 | 03-01 11:01
        """,
    )
    warehouse.looked_at("03-09 00:00")
    warehouse.expect(
        SESSIONS,
        """
        orders | paid_orders | first_order_at | first_paid_at | seconds_to_order | seconds_to_paid | revenue
        3      | 2           | 03-01 10:30    | 03-01 11:01   | 1800             | 3660            | 30.30
        """,
    )
    warehouse.expect(
        DAILY, "sessions | ordered_sessions | paid_rate | revenue \n 1 | 1 | 1 | 30.30"
    )


def test_an_immature_cohort_has_counts_and_no_rates(warehouse: Warehouse) -> None:
    """Sessions that can still convert would be counted as lost: today always looks bad."""
    warehouse.given(
        "sessions",
        """
        session_id | created_at
        s1         | 03-01 10:00
        s2         | 03-02 00:00
        s3         | 03-02 00:01
        """,
    )
    warehouse.looked_at("03-03 00:15")
    warehouse.expect(
        SESSIONS,
        """
        session_id | is_mature
        s1         | true
        s2         | true
        s3         | false
        """,
    )
    warehouse.expect(
        DAILY,
        """
        cohort_date | sessions | mature_sessions | is_mature | paid_rate | paid_rate_low | order_rate
        03-01       | 1        | 1               | true      | 0         | 0             | 0
        03-02       | 2        | 1               | false     | -         | -             | -
        """,
    )


def test_maturity_is_a_setting(warehouse: Warehouse) -> None:
    """A partner whose sessions live longer would otherwise see rates too early."""
    warehouse.settings = {"session_maturity_minutes": 2880}
    warehouse.given("sessions", "session_id | created_at \n s1 | 03-01 10:00")
    warehouse.looked_at("03-03 09:59")
    warehouse.expect(SESSIONS, "session_id | is_mature \n s1 | false")


def test_rates_carry_the_wilson_interval(warehouse: Warehouse) -> None:
    """3 of 10 is not 30 % for certain. Expected: the textbook's 0.1078 to 0.6032."""
    for number in range(10):
        warehouse.given("sessions", f"session_id | created_at \n s{number} | 03-01 10:00")
    for number in range(3):
        warehouse.given(
            "orders",
            f"""
            order_id  | session_id | status | created_at
            o{number} | s{number}  | paid   | 03-01 11:00
            """,
        )
    warehouse.looked_at("03-09 00:00")
    warehouse.expect(
        DAILY, "paid_rate | paid_rate_low | paid_rate_high \n 0.3 | 0.107791 | 0.603222"
    )


def test_sessions_outside_the_ledger_are_told_apart(warehouse: Warehouse) -> None:
    """All of them have an order: in the denominator they would make any rate look better."""
    warehouse.given("sessions", "session_id | created_at \n s1 | 03-01 10:00 \n s2 | 03-01 10:00")
    warehouse.given(
        "orders",
        """
        order_id | session_id | status | total_amount | currency | created_at
        o1       | s1         | paid   | 10           | USD      | 03-01 11:00
        o2       | s8         | paid   | 20           | USD      | 03-01 12:00
        """,
    )
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | session_id | event_type | event_at
        l1             | o9       | s9         | order.paid | 03-01 13:00
        """,
    )
    warehouse.looked_at("03-09 00:00")
    warehouse.expect(
        SESSIONS,
        """
        session_id | source | created_at  | is_converted | seconds_to_order
        s1         | ledger | 03-01 10:00 | true         | 3600
        s2         | ledger | 03-01 10:00 | false        | -
        s8         | order  | 03-01 12:00 | true         | -
        s9         | event  | 03-01 13:00 | false        | -
        """,
    )
    warehouse.expect(
        DAILY,
        """
        sessions | paid_sessions | paid_rate | revenue | unledgered_sessions | ledger_coverage
        2        | 1             | 0.5       | 10.00   | 2                   | 0.5
        """,
    )


def test_the_status_is_told_or_derived_and_says_which(warehouse: Warehouse) -> None:
    """A ledger writes pending once and never again: years later it would still say so."""
    warehouse.given(
        "sessions",
        """
        session_id | created_at  | status    | accessed_at
        ordered    | 03-05 09:00 | pending   | -
        told       | 03-05 09:00 | cancelled | -
        old        | 03-01 09:00 | pending   | -
        runout     | 03-04 11:50 | -         | 03-04 11:51
        opened     | 03-05 09:00 | -         | 03-05 09:01
        maybe      | 03-05 09:00 | -         | -
        fresh      | 03-05 11:50 | -         | -
        active     | 03-05 09:00 | active    | -
        """,
    )
    warehouse.given(
        "orders",
        """
        order_id | session_id | status  | created_at
        o1       | ordered    | pending | 03-05 10:00
        """,
    )
    warehouse.looked_at("03-05 12:00")
    warehouse.expect(
        SESSIONS,
        """
        session_id | status    | status_source
        active     | active    | told
        fresh      | pending   | derived
        maybe      | active    | derived
        old        | expired   | derived
        opened     | active    | derived
        ordered    | completed | derived
        runout     | expired   | derived
        told       | cancelled | told
        """,
    )


def test_currencies_are_never_added_up(warehouse: Warehouse) -> None:
    """10 USD and 10 EUR are not 20 of anything."""
    warehouse.given("sessions", "session_id | created_at \n s1 | 03-01 10:00 \n s2 | 03-02 10:00")
    warehouse.given(
        "orders",
        """
        order_id | session_id | status    | total_amount | currency | created_at  | paid_at
        o1       | s1         | paid      | 10.05        | USD      | 03-01 11:00 | 03-01 11:00
        o2       | s1         | paid      | 10.00        | EUR      | 03-01 11:00 | 03-01 11:00
        o3       | s2         | paid      | 0.10         | EUR      | 03-02 11:00 | 03-02 11:00
        o4       | s2         | cancelled | 0.20         | EUR      | 03-02 11:00 | 03-02 11:00
        """,
    )
    warehouse.expect(
        SESSIONS,
        """
        session_id | currency | revenue | net_revenue
        s1         | -        | -       | -
        s2         | EUR      | 0.30    | 0.10
        """,
    )
    warehouse.expect(
        DAILY,
        """
        cohort_date | currency | revenue | net_revenue
        03-01       | -        | -       | -
        03-02       | -        | -       | -
        """,
    )
    warehouse.expect(
        REVENUE,
        """
        cohort_date | source | currency | paid_orders | revenue | cancelled_orders | net_revenue
        03-01       | ledger | EUR      | 1           | 10.00   | 0                | 10.00
        03-01       | ledger | USD      | 1           | 10.05   | 0                | 10.05
        03-02       | ledger | EUR      | 2           | 0.30    | 1                | 0.10
        """,
    )


def test_a_report_zone_changes_dates_and_never_times(warehouse: Warehouse) -> None:
    """In Los Angeles 02:00 UTC is yesterday; the time itself is the same moment."""
    warehouse.settings = {"report_time_zone": "America/Los_Angeles"}
    warehouse.given("sessions", "session_id | created_at \n s1 | 03-02 02:00")
    warehouse.expect(SESSIONS, "session_id | created_at | cohort_date \n s1 | 03-02 02:00 | 03-01")


def test_maturity_is_exact_across_a_change_of_clocks(warehouse: Warehouse) -> None:
    """24 h 15 min are that long on a day of 23 hours, too."""
    warehouse.settings = {"report_time_zone": "America/New_York"}
    warehouse.given("sessions", "session_id | created_at \n s1 | 03-08 06:00 \n s2 | 03-08 06:01")
    warehouse.looked_at("03-09 06:15")
    warehouse.expect(SESSIONS, "session_id | is_mature \n s1 | true \n s2 | false")


def test_rates_without_a_proof_say_so(warehouse: Warehouse) -> None:
    """Orders that are not loaded yet make a rate too low; nobody could see it."""
    warehouse.given("sessions", "session_id | created_at \n s1 | 03-01 10:00")
    warehouse.given("orders", "order_id | status | _seen_at \n o1 | paid | 03-09 00:00")
    warehouse.expect(DAILY, "paid_rate | is_mature | is_proven \n 0 | true | false")


def test_a_day_that_is_not_over_is_no_mature_cohort(warehouse: Warehouse) -> None:
    """A day of 25 hours: its first session is mature before its last one is created."""
    warehouse.settings = {"report_time_zone": "Europe/Berlin"}
    warehouse.given("sessions", "session_id | created_at \n s1 | 2025-10-25 22:00")
    warehouse.looked_at("2025-10-26 22:20")
    warehouse.expect(
        DAILY,
        "mature_sessions | is_mature | paid_rate \n 1 | false | -",
    )


def test_the_interval_of_none_and_of_all_stays_within_0_and_1(warehouse: Warehouse) -> None:
    """A last digit of a float beyond 1 fails every reader that checks for a share."""
    for day, (sessions, is_paid) in enumerate([(11, True), (14, True), (21, True), (21, False)]):
        for number in range(sessions):
            name, at = f"{day}-{number}", f"03-0{day + 1} 10:00"
            warehouse.given("sessions", f"session_id | created_at \n {name} | {at}")
            if is_paid:
                warehouse.given(
                    "orders",
                    f"order_id | session_id | status | created_at \n {name} | {name} | paid | {at}",
                )
    warehouse.looked_at("06-01 00:00")
    warehouse.build(DAILY)
    found = warehouse.connection.execute(
        f"select distinct case when paid_rate = 0 then paid_rate_low else paid_rate_high end "  # noqa: S608
        f"from {DAILY}"
    ).fetchall()
    assert sorted(found) == [(0.0,), (1.0,)]


def test_money_without_a_currency_is_not_added_to_money_with_one(warehouse: Warehouse) -> None:
    """The list of v1.1 names no currency: 5 of something and 10 USD are not 15 USD."""
    warehouse.given("sessions", "session_id | created_at \n s1 | 03-01 10:00 \n s2 | 03-02 10:00")
    warehouse.given("sessions", "session_id | created_at \n s3 | 03-02 10:00")
    warehouse.given(
        "orders",
        """
        order_id | session_id | status | total_amount | currency | created_at
        o1       | s1         | paid   | 10.00        | USD      | 03-01 11:00
        o2       | s1         | paid   | 5.00         | -        | 03-01 11:00
        o3       | s2         | paid   | 7.00         | -        | 03-02 11:00
        o4       | s3         | paid   | 8.00         | USD      | 03-02 11:00
        """,
    )
    warehouse.expect(
        SESSIONS,
        """
        session_id | currency | revenue
        s1         | -        | -
        s2         | -        | 7.00
        s3         | USD      | 8.00
        """,
    )
    warehouse.expect(DAILY, "cohort_date | currency | revenue \n 03-01 | - | - \n 03-02 | - | -")
    warehouse.expect(
        REVENUE,
        """
        cohort_date | currency | revenue
        03-01       | USD      | 10.00
        03-01       | unknown  | 5.00
        03-02       | USD      | 8.00
        03-02       | unknown  | 7.00
        """,
    )


def test_an_event_of_an_unlisted_order_finds_its_session_in_the_ledger(
    warehouse: Warehouse,
) -> None:
    """By the other kind of id it would be a session that the ledger misses, and the first expired."""
    warehouse.given("sessions", "session_id | created_at \n cc89-e4 | 03-01 10:00")
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | session_id | payload_session_id | event_type | event_at
        l1             | o9       | sess_9     | cc89-e4            | order.paid | 03-01 13:00
        """,
    )
    warehouse.looked_at("03-09 00:00")
    warehouse.expect(
        SESSIONS,
        """
        session_id | source | status    | is_ordered
        cc89-e4    | ledger | completed | false
        """,
    )
    warehouse.expect("analytics.fct_webhook_deliveries", "session_id | is_orphan \n cc89-e4 | true")


def test_without_a_ledger_there_are_orders_and_no_rates(warehouse: Warehouse) -> None:
    """Every session that is known has ordered: a rate of 100 % would be made of nothing."""
    warehouse.given(
        "orders",
        """
        order_id | session_id | status | total_amount | currency | created_at
        o1       | s1         | paid   | 10           | USD      | 03-01 11:00
        """,
    )
    warehouse.looked_at("03-09 00:00")
    warehouse.expect(
        DAILY,
        """
        sessions | paid_sessions | is_mature | order_rate | paid_rate | paid_rate_low | revenue | unledgered_sessions | ledger_coverage
        0        | 0             | true      | -          | -         | -             | 0.00    | 1                   | 0
        """,
    )


def test_cohorts_are_compared_at_equal_age(warehouse: Warehouse) -> None:
    """Late payments still raise the rate of an old cohort: the youngest would always be worst."""
    warehouse.given(
        "sessions",
        """
        session_id | created_at
        s1         | 03-01 10:00
        s2         | 03-01 10:00
        s3         | 03-02 10:00
        """,
    )
    warehouse.given(
        "orders",
        """
        order_id | session_id | status | created_at  | paid_at
        o1       | s1         | paid   | 03-01 11:00 | 03-03 09:59
        o2       | s2         | paid   | 03-01 11:00 | 03-03 10:01
        o3       | s3         | paid   | 03-02 11:00 | 03-02 11:00
        """,
    )
    warehouse.looked_at("03-04 12:00")
    warehouse.expect(
        DAILY,
        """
        cohort_date | is_mature | paid_rate | paid_within_48h_sessions | paid_within_48h_rate
        03-01       | true      | 1         | 1                        | 0.5
        03-02       | true      | 1         | 1                        | -
        """,
    )


def test_a_first_payment_that_may_have_been_another_is_unknown(warehouse: Warehouse) -> None:
    """The later of two orders would tell the time of the first payment, days too late."""
    warehouse.given("sessions", "session_id | created_at \n s1 | 03-01 10:00")
    warehouse.given(
        "orders",
        """
        order_id | session_id | status  | created_at  | paid_at     | _seen_at
        o1       | s1         | shipped | 03-01 11:00 | -           | 03-09 00:00
        o2       | s1         | paid    | 03-01 12:00 | 03-05 12:00 | 03-09 00:00
        """,
    )
    warehouse.expect(
        SESSIONS,
        """
        paid_orders | first_paid_at | is_paid_within_48h
        2           | -             | -
        """,
    )


def test_a_paid_order_without_an_amount_is_counted(warehouse: Warehouse) -> None:
    """Left out, the orders of a day would not add up to those of the books."""
    warehouse.given("sessions", "session_id | created_at \n s1 | 03-01 10:00")
    warehouse.given(
        "orders",
        """
        order_id | session_id | status | total_amount | currency | created_at
        o1       | s1         | paid   | 5.10         | USD      | 03-01 11:00
        o2       | s1         | paid   | -            | USD      | 03-01 11:00
        """,
    )
    warehouse.expect(
        REVENUE,
        "paid_orders | orders_without_amount | revenue | net_revenue \n 2 | 1 | 5.10 | 5.10",
    )


def test_a_step_that_can_still_grow_has_a_count_and_no_rate(warehouse: Warehouse) -> None:
    """Its interval is of chance, and what is missing is time: 21.7 % became 27.5 % in four months."""
    warehouse.given("sessions", "session_id | created_at \n s1 | 03-01 10:00 \n s2 | 03-01 10:00")
    warehouse.given(
        "orders",
        """
        order_id | session_id | status    | created_at
        o1       | s1         | delivered | 03-01 11:00
        o2       | s2         | shipped   | 03-01 11:00
        """,
    )
    warehouse.looked_at("03-09 00:00")
    warehouse.expect(
        FUNNEL,
        """
        position | step      | sessions | rate | rate_low | rate_of_previous | is_final
        1        | sessions  | 2        | 1    | 0.34238  | -                | true
        2        | ordered   | 2        | 1    | 0.34238  | 1                | true
        3        | paid      | 2        | 1    | 0.34238  | 1                | true
        4        | shipped   | 2        | 1    | 0.34238  | 1                | true
        5        | delivered | 1        | -    | -        | -                | false
        """,
    )


def test_the_funnel_judges_mature_sessions_of_the_ledger(warehouse: Warehouse) -> None:
    """A young session would count as lost, and one that only an order shows as won."""
    warehouse.given(
        "sessions",
        "session_id | created_at \n s1 | 03-01 10:00 \n s2 | 03-01 10:00 \n s3 | 03-08 23:00",
    )
    warehouse.given(
        "orders",
        """
        order_id | session_id | status    | created_at  | paid_at     | cancelled_at
        o1       | s1         | cancelled | 03-01 11:00 | 03-01 11:00 | 03-02 11:00
        o2       | s9         | delivered | 03-01 11:00 | 03-01 11:00 | -
        """,
    )
    warehouse.looked_at("03-09 00:00")
    warehouse.expect(
        FUNNEL,
        """
        step      | sessions | net_sessions | rate | rate_low | rate_high | rate_of_previous
        sessions  | 2        | 0            | 1    | 0.34238  | 1         | -
        ordered   | 1        | 0            | 0.5  | 0.094531 | 0.905469  | 0.5
        paid      | 1        | 0            | 0.5  | 0.094531 | 0.905469  | 1
        shipped   | 0        | 0            | 0    | 0        | 0.65762   | 0
        delivered | 0        | 0            | 0    | 0        | 0.65762   | -
        """,
    )


def test_an_empty_funnel_has_its_steps_and_no_rates(warehouse: Warehouse) -> None:
    """On the first day there is nothing to divide by; a missing step would break whoever reads it."""
    assert warehouse.rows(FUNNEL, "sessions", "rate", "rate_of_previous") == [("0", "-", "-")] * 5


def test_every_order_is_in_the_money_by_day(warehouse: Warehouse) -> None:
    """Orders without a session, a time, an amount or a currency would be missing from the books."""
    warehouse.given(
        "orders",
        """
        order_id | status    | total_amount | currency | created_at  | paid_at     | cancelled_at
        o1       | paid      | 10.00        | USD      | 03-01 11:00 | 03-02 11:00 | -
        o2       | cancelled | 20.00        | USD      | 03-01 12:00 | 03-02 11:00 | 03-03 00:00
        o3       | pending   | 5.00         | USD      | 03-01 13:00 | -           | -
        o4       | paid      | -            | USD      | 03-02 13:00 | 03-02 14:00 | -
        o5       | paid      | 7.00         | -        | -           | -           | -
        """,
    )
    warehouse.looked_at("03-09 00:00")
    warehouse.expect(
        "analytics.orders_daily",
        """
        date  | date_basis | currency | orders | paid_orders | orders_without_amount | revenue | net_revenue | average_order_value
        03-01 | created    | USD      | 3      | 2           | 0                     | 30.00   | 10.00       | 15
        03-02 | created    | USD      | 1      | 1           | 1                     | 0.00    | 0.00        | -
        03-02 | paid       | USD      | 3      | 3           | 1                     | 30.00   | 10.00       | 15
        -     | created    | unknown  | 1      | 1           | 0                     | 7.00    | 7.00        | 7
        -     | paid       | unknown  | 1      | 1           | 0                     | 7.00    | 7.00        | 7
        """,
    )
