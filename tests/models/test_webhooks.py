# ruff: noqa: E501 - a row of a table is one line
"""The webhook marts: events and not attempts, what is missing, and what came in disorder."""

from __future__ import annotations

import pytest
from model_support import Warehouse

HEALTH = "analytics.webhook_health_daily"
DELIVERIES = "analytics.fct_webhook_deliveries"
GAPS = "analytics.webhook_gaps"


def _order(warehouse: Warehouse, status: str = "paid") -> None:
    warehouse.given(
        "orders",
        f"order_id | status | created_at | _seen_at \n o1 | {status} | 03-01 10:00 | 03-02 00:00",
    )


def test_an_event_with_two_logs_is_one_event(warehouse: Warehouse) -> None:
    """A resend that succeeds makes the event delivered; counting logs would give a half."""
    _order(warehouse)
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type | status | attempts | event_at    | created_at  | delivered_at
        l1             | o1       | order.paid | failed | 5        | 03-01 10:00 | 03-01 10:00 | -
        l2             | o1       | order.paid | sent   | 1        | 03-01 10:00 | 03-02 09:00 | 03-02 09:00
        """,
    )
    warehouse.looked_at("03-05 00:00")
    warehouse.expect(
        HEALTH,
        """
        events | delivered | delivered_first_attempt | retrying | failed | repeated | logs | p50_seconds
        1      | 1         | 0                       | 0        | 0      | 1        | 2    | 82800
        """,
    )


def test_pending_and_retrying_are_still_trying(warehouse: Warehouse) -> None:
    """As failures they would raise an alarm every quarter of an hour."""
    _order(warehouse)
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type    | status   | attempts | event_at
        l1             | o1       | order.created | pending  | 0        | 03-01 10:00
        l2             | o1       | order.paid    | retrying | 2        | 03-01 10:00
        l3             | o1       | order.shipped | failed   | 5        | 03-01 10:00
        """,
    )
    warehouse.expect(
        HEALTH,
        """
        event_type    | events | delivered | retrying | failed
        order.created | 1      | 0         | 1        | 0
        order.paid    | 1      | 0         | 1        | 0
        order.shipped | 1      | 0         | 0        | 1
        """,
    )


def test_events_still_trying_are_censored_and_failures_never_arrive(warehouse: Warehouse) -> None:
    """The delivered ones alone would say: half of all events within half a minute."""
    fates = [
        ("sent", "03-01 10:00:01"),
        ("sent", "03-01 10:01:00"),
        ("failed", "-"),
        ("retrying", "-"),
        ("retrying", "-"),
    ]
    for number, (status, delivered) in enumerate(fates):
        warehouse.given(
            "webhook_logs",
            f"""
            webhook_log_id | order_id  | event_type | status   | attempts | event_at    | created_at  | delivered_at
            l{number}      | o{number} | order.paid | {status} | 3        | 03-01 10:00 | 03-01 10:00 | {delivered}
            """,
        )
    warehouse.looked_at("03-01 10:20")
    warehouse.expect(
        HEALTH,
        """
        events | delivered | failed | p50_seconds | p95_seconds | naive_p50_seconds | orphans
        5      | 2         | 1      | -           | -           | 30.5              | 5
        """,
    )


def test_the_time_of_delivery_comes_from_the_timetable_where_no_log_tells(
    warehouse: Warehouse,
) -> None:
    """At once, then after 1, 5, 30 and 120 minutes: the third attempt was 6 minutes in."""
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type    | status | attempts | event_at    | created_at     | last_attempt_at
        l1             | o1       | order.created | sent   | 3        | 03-01 10:00 | 03-01 10:00:02 | -
        l2             | o1       | order.paid    | sent   | 3        | 03-01 10:00 | 03-01 10:00:02 | 03-01 10:06:04
        l3             | o1       | order.shipped | sent   | 9        | 03-01 10:00 | 03-01 10:00:02 | -
        l4             | o1       | order.sent    | failed | 5        | 03-01 10:00 | 03-01 10:00:02 | 03-01 12:36:02
        """,
    )
    warehouse.given(
        "webhook_log_history",
        """
        webhook_log_id | status | attempts | not_before  | first_seen_at
        l3             | sent   | 9        | 03-01 11:00 | 03-01 12:00
        """,
    )
    warehouse.expect(
        DELIVERIES,
        """
        webhook_log_id | delivered_at   | delivered_at_source | seconds_to_deliver
        l1             | 03-01 10:06:02 | schedule            | 362
        l2             | 03-01 10:06:04 | log                 | 364
        l3             | 03-01 11:30    | interval            | 5400
        l4             | -              | -                   | -
        """,
    )


def test_only_a_success_at_the_first_attempt_counts_as_such(warehouse: Warehouse) -> None:
    """One attempt that failed, and a success at the second, are neither."""
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type    | status   | attempts
        l1             | o1       | order.created | sent     | 1
        l2             | o1       | order.paid    | sent     | 2
        l3             | o1       | order.shipped | retrying | 1
        l4             | o1       | order.sent    | pending  | 0
        """,
    )
    warehouse.expect(
        DELIVERIES,
        """
        webhook_log_id | first_attempt_delivered
        l1             | true
        l2             | false
        l3             | false
        l4             | -
        """,
    )


def test_a_log_of_a_known_order_has_the_orders_session(warehouse: Warehouse) -> None:
    """The log may call the session by another kind of id, and join nothing."""
    warehouse.given(
        "orders", "order_id | session_id | status | created_at \n o1 | sess_1 | paid | 03-01 10:00"
    )
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | session_id | event_type | status
        l1             | o1       | cc89-e4    | order.paid | sent
        l2             | o9       | sess_9     | order.paid | sent
        """,
    )
    warehouse.expect(
        DELIVERIES,
        """
        webhook_log_id | session_id | is_orphan
        l1             | sess_1     | false
        l2             | sess_9     | true
        """,
    )


def test_an_event_delivered_after_a_later_one_is_out_of_order(warehouse: Warehouse) -> None:
    """A receiver that takes the last event for the state would step back to paid."""
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type    | status | attempts | event_at    | delivered_at
        l1             | o1       | order.paid    | sent   | 4        | 03-01 10:00 | 03-01 10:36
        l2             | o1       | order.shipped | sent   | 1        | 03-01 10:30 | 03-01 10:30
        """,
    )
    warehouse.expect(
        HEALTH,
        """
        event_type    | out_of_order
        order.paid    | 1
        order.shipped | 0
        """,
    )


def test_a_gap_is_an_event_that_the_order_implies_and_no_log_shows(warehouse: Warehouse) -> None:
    """The partner's shop was never told that the order was paid, and nothing said so."""
    _order(warehouse, "shipped")
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type    | event_at
        l1             | o1       | order.created | 03-01 10:00
        l2             | o1       | order.shipped | 03-01 20:00
        l3             | o2       | order.paid    | 03-01 09:00
        """,
    )
    warehouse.looked_at("03-02 00:00")
    warehouse.expect(
        GAPS,
        """
        order_id | event_type | implied_by | order_status | expected_at | explanation
        o1       | order.paid | status     | shipped      | 03-01 20:00 | none
        """,
    )


def test_a_gap_that_has_another_explanation_says_so(warehouse: Warehouse) -> None:
    """An API that never sends a type, or has dropped old logs, has not lost an event."""
    warehouse.given(
        "orders",
        """
        order_id | status    | created_at  | cancelled_at
        o1       | pending   | 03-01 10:00 | -
        o2       | cancelled | 03-03 10:00 | 03-04 10:00
        """,
    )
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type    | event_at
        l1             | o2       | order.created | 03-03 10:00
        """,
    )
    warehouse.expect(
        GAPS,
        """
        order_id | event_type      | implied_by | explanation
        o1       | order.created   | order time | before the first log
        o2       | order.cancelled | order time | type never logged
        """,
    )


def test_what_happened_after_the_last_look_at_the_logs_is_no_gap(warehouse: Warehouse) -> None:
    """Orders are read after the logs: the newest would be a gap at every sync."""
    _order(warehouse, "pending")
    warehouse.looked_at("03-01 09:59")
    warehouse.expect(GAPS, "order_id | event_type")


def test_a_kind_of_event_nobody_has_heard_of_is_in_no_order(warehouse: Warehouse) -> None:
    """It has no place among the steps: every one of them would be out of order."""
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type     | status | attempts | event_at    | delivered_at
        l1             | o1       | order.paid     | sent   | 1        | 03-01 10:00 | 03-01 10:00
        l2             | o1       | order.refunded | sent   | 1        | 03-01 11:00 | 03-01 11:00
        l3             | o1       | -              | sent   | 1        | 03-01 12:00 | 03-01 12:00
        """,
    )
    warehouse.expect(
        HEALTH,
        """
        event_type     | events | out_of_order
        order.paid     | 1      | 0
        order.refunded | 1      | 0
        unknown        | 1      | 0
        """,
    )


def test_a_status_nobody_has_heard_of_is_no_failure(warehouse: Warehouse) -> None:
    """Failed for good asks for a resend; the word of tomorrow may mean that it is on its way."""
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type | status | attempts | event_at
        l1             | o1       | order.paid | queued | 0        | 03-01 10:00
        l2             | o2       | order.paid | failed | 5        | 03-01 10:00
        """,
    )
    warehouse.expect(HEALTH, "events | delivered | retrying | failed \n 2 | 0 | 1 | 1")


def test_without_a_proof_a_delivery_is_known_until_it_was_last_seen(warehouse: Warehouse) -> None:
    """What another log's look proves of this one is nothing: it may have arrived since."""
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type | status   | attempts | event_at    | delivered_at | _seen_at
        l1             | o1       | order.paid | retrying | 2        | 03-01 10:00 | -            | 03-01 10:10
        l2             | o2       | order.paid | sent     | 4        | 03-01 10:00 | 03-01 10:36  | 03-01 12:00
        l3             | o3       | order.paid | retrying | 2        | 03-01 10:00 | -            | 03-01 10:10
        """,
    )
    warehouse.expect(HEALTH, "events | retrying | p50_seconds \n 3 | 2 | 2160")


def test_a_delivery_under_way_was_tried_until_the_proven_time(warehouse: Warehouse) -> None:
    """A certificate says that nothing has changed since the look: it was at risk all the while."""
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type | status   | attempts | event_at    | delivered_at | _seen_at
        l1             | o1       | order.paid | retrying | 2        | 03-01 10:00 | -            | 03-01 10:10
        l2             | o2       | order.paid | sent     | 4        | 03-01 10:00 | 03-01 10:36  | 03-01 10:40
        l3             | o3       | order.paid | retrying | 2        | 03-01 10:00 | -            | 03-01 10:10
        """,
    )
    warehouse.looked_at("03-01 12:00")
    warehouse.expect(HEALTH, "events | p50_seconds \n 3 | -")


def test_an_event_tried_five_times_is_one_event(warehouse: Warehouse) -> None:
    """Divided by attempts, a receiver that was down for an hour would look down for a day."""
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type | status | attempts | event_at    | created_at  | delivered_at
        l1             | o1       | order.paid | sent   | 5        | 03-01 10:00 | 03-01 10:00 | 03-01 12:36
        l2             | o2       | order.paid | sent   | 1        | 03-01 10:00 | 03-01 10:00 | 03-01 10:00
        """,
    )
    warehouse.expect(HEALTH, "events | delivered | delivered_first_attempt | logs \n 2 | 2 | 1 | 2")


def test_the_two_orders_of_one_session_have_events_of_their_own(warehouse: Warehouse) -> None:
    """By session and type, as the vendor says, the second order's payment would be a repeat."""
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | session_id | event_type | status | event_at
        l1             | o1       | s1         | order.paid | sent   | 03-01 10:00
        l2             | o2       | s1         | order.paid | sent   | 03-01 11:00
        """,
    )
    warehouse.expect(HEALTH, "events | repeated \n 2 | 0")


def test_a_late_log_counts_on_the_day_of_its_event(warehouse: Warehouse) -> None:
    """The date is that of the event, in the report's zone; a late log does not move it."""
    warehouse.settings = {"report_time_zone": "Asia/Kolkata"}
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type | status | attempts | event_at    | created_at  | delivered_at
        l1             | o1       | order.paid | sent   | 1        | 03-01 19:00 | 03-02 20:00 | 03-02 20:00
        """,
    )
    warehouse.expect(HEALTH, "event_date | events | p50_seconds \n 03-02 | 1 | 90000")


def test_a_delivery_at_the_last_look_still_saw_the_others_at_risk(warehouse: Warehouse) -> None:
    """Censored first, the one under way would leave the delivered one to be all of them."""
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type | status   | attempts | event_at    | delivered_at
        l1             | o1       | order.paid | retrying | 2        | 03-01 10:00 | -
        l2             | o2       | order.paid | sent     | 3        | 03-01 10:00 | 03-01 10:20
        l3             | o3       | order.paid | retrying | 2        | 03-01 10:00 | -
        """,
    )
    warehouse.looked_at("03-01 10:20")
    warehouse.expect(HEALTH, "events | p50_seconds \n 3 | -")


def test_an_event_that_failed_never_arrives(warehouse: Warehouse) -> None:
    """As a mere censoring it would leave the last one delivered to be the rest of them."""
    fates = [("sent", "03-01 10:00:10"), *[("failed", "-")] * 3, ("sent", "03-01 16:00")]
    for number, (status, delivered) in enumerate(fates):
        warehouse.given(
            "webhook_logs",
            f"""
            webhook_log_id | order_id  | event_type | status   | attempts | event_at    | delivered_at
            l{number}      | o{number} | order.paid | {status} | 5        | 03-01 10:00 | {delivered}
            """,
        )
    warehouse.looked_at("03-02 00:00")
    warehouse.expect(HEALTH, "delivered | failed | p50_seconds \n 2 | 3 | -")


def test_an_event_has_failed_when_the_attempts_of_its_last_log_are_over(
    warehouse: Warehouse,
) -> None:
    """A late log is tried late: counted from the event, it would have failed before it began."""
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type | status   | event_at    | created_at  | delivered_at | _seen_at
        early          | o1       | order.paid | failed   | 03-01 10:00 | 03-01 10:00 | -            | 03-01 20:00
        late           | o2       | order.paid | failed   | 03-01 10:00 | 03-01 14:00 | -            | 03-01 20:00
        trying         | o3       | order.paid | retrying | 03-01 10:00 | 03-01 14:00 | -            | 03-01 14:30
        slow           | o4       | order.paid | sent     | 03-01 10:00 | 03-01 15:30 | 03-01 18:00  | 03-01 20:00
        """,
    )
    warehouse.expect(HEALTH, "failed | retrying | delivered | p50_seconds \n 2 | 1 | 1 | -")


def test_a_resend_with_a_new_timestamp_stays_on_the_day_of_the_event(warehouse: Warehouse) -> None:
    """Moved to the day of its last log, an event would leave a day that is long closed."""
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type | status | attempts | event_at    | delivered_at
        l1             | o1       | order.paid | sent   | 1        | 03-01 10:00 | 03-01 10:01
        l2             | o1       | order.paid | sent   | 1        | 03-04 10:00 | 03-04 10:00
        """,
    )
    warehouse.expect(HEALTH, "event_date | events | logs | p50_seconds \n 03-01 | 1 | 2 | 60")


def test_a_gap_at_the_very_time_of_the_first_log_is_not_before_it(warehouse: Warehouse) -> None:
    """The logs reach back that far: what they lack there is lost, not dropped for its age."""
    warehouse.given(
        "orders",
        """
        order_id | status  | created_at
        o1       | pending | 03-01 09:59
        o2       | pending | 03-01 10:00
        o3       | pending | 03-01 10:00
        """,
    )
    warehouse.given(
        "webhook_logs",
        "webhook_log_id | order_id | event_type | event_at \n l1 | o3 | order.created | 03-01 10:00",
    )
    warehouse.expect(GAPS, "order_id | explanation \n o1 | before the first log \n o2 | none")


def test_a_type_that_was_subscribed_later_has_lost_nothing_before(warehouse: Warehouse) -> None:
    """The first cancellation that is logged would make losses of all the earlier ones."""
    warehouse.given(
        "orders",
        """
        order_id | status    | created_at  | cancelled_at
        o1       | cancelled | 03-01 10:00 | 03-02 10:00
        o2       | cancelled | 03-20 10:00 | 03-21 10:00
        o3       | cancelled | 03-22 10:00 | 03-23 10:00
        """,
    )
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type      | event_at    | created_at
        l1             | o1       | order.created   | 03-01 10:00 | 03-01 10:00
        l2             | o2       | order.created   | 03-20 10:00 | 03-20 10:00
        l3             | o3       | order.created   | 03-22 10:00 | 03-22 10:00
        l4             | o2       | order.cancelled | 03-21 10:00 | 03-21 10:00
        """,
    )
    warehouse.expect(GAPS, "order_id | explanation \n o1 | before the first log \n o3 | none")


def test_an_event_that_may_be_older_than_the_logs_is_no_loss(warehouse: Warehouse) -> None:
    """Its look is of today: a bound from above is not the time at which it happened."""
    warehouse.given(
        "orders",
        """
        order_id | status | created_at  | _seen_at
        o1       | paid   | 03-01 10:00 | 03-20 00:00
        o2       | paid   | 03-11 10:00 | 03-20 00:00
        o3       | paid   | 03-09 10:00 | 03-20 00:00
        """,
    )
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type    | event_at    | created_at
        l2             | o2       | order.created | 03-11 10:00 | 03-11 10:00
        l3             | o3       | order.paid    | 03-10 10:00 | 03-10 10:00
        l4             | o1       | order.created | 03-01 10:00 | 03-15 10:00
        l5             | o3       | order.created | 03-09 10:00 | 03-09 10:00
        """,
    )
    warehouse.looked_at("03-21 00:00")
    warehouse.expect(
        GAPS,
        """
        order_id | event_type | not_before  | not_after   | explanation
        o1       | order.paid | 03-01 10:00 | 03-20 00:00 | may be older than the first log
        o2       | order.paid | 03-11 10:00 | 03-20 00:00 | none
        """,
    )


@pytest.mark.parametrize("made", ["2019-01-01 00:00", "-"])
def test_one_log_with_a_wrong_time_reaches_back_no_further(warehouse: Warehouse, made: str) -> None:
    """A log that is older than its order, or resent where no log says when it was made."""
    days = [f"03-{10 + number // 20} 10:{number % 60:02}" for number in range(200)]
    orders = (f"n{number} | pending | {day}" for number, day in enumerate(days))
    warehouse.given("orders", "\n".join(["order_id | status | created_at", *orders]))
    logs = (
        f"l{number} | n{number} | order.created | {day} | {day if made != '-' else '-'}"
        for number, day in enumerate(days)
    )
    head = "webhook_log_id | order_id | event_type | event_at | created_at"
    warehouse.given("webhook_logs", "\n".join([head, *logs]))
    warehouse.given(
        "orders",
        """
        order_id | status  | created_at
        old      | pending | 02-01 10:00
        resent   | pending | 01-01 10:00
        new      | pending | 03-15 10:00
        """,
    )
    warehouse.given(
        "webhook_logs",
        f"""
        webhook_log_id | order_id | event_type    | event_at    | created_at
        wrong          | resent   | order.created | 01-01 10:00 | {made}
        """,
    )
    warehouse.expect(GAPS, "order_id | explanation \n new | none \n old | before the first log")


@pytest.mark.parametrize("attempts", ["-", "0"])
def test_what_is_not_known_of_deliveries_is_null(warehouse: Warehouse, attempts: str) -> None:
    """Without attempts a receiver would look down for ever; the two that were retried, slow."""
    for number in range(120):
        at = "03-01 11:00" if number < 2 else "-"
        warehouse.given(
            "webhook_logs",
            f"""
            webhook_log_id | order_id  | event_type | status | attempts | event_at    | delivered_at
            l{number}      | o{number} | order.paid | sent   | {attempts} | 03-01 10:00 | {at}
            """,
        )
    warehouse.expect(
        HEALTH,
        """
        delivered | delivered_first_attempt | attempts_known | timed | p50_seconds | naive_p50_seconds
        120       | -                       | 0              | 2     | -           | -
        """,
    )


@pytest.mark.parametrize(("events", "p95"), [(99, "-"), (100, "60")])
def test_a_p95_needs_a_hundred_events(warehouse: Warehouse, events: int, p95: str) -> None:
    """Of fifty events the p99 is the slowest one, whatever it was."""
    for number in range(events):
        warehouse.given(
            "webhook_logs",
            f"""
            webhook_log_id | order_id  | event_type | status | event_at    | delivered_at
            l{number}      | o{number} | order.paid | sent   | 03-01 10:00 | 03-01 10:01
            """,
        )
    warehouse.expect(HEALTH, f"p50_seconds | p95_seconds | p99_seconds \n 60 | {p95} | -")


def test_a_log_without_any_time_stays_where_it_was_first_seen(warehouse: Warehouse) -> None:
    """By its last look all events of a month would lie on today, and tomorrow on tomorrow."""
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type | status | _seen_at
        l1             | o1       | order.paid | sent   | 03-09 00:00
        """,
    )
    warehouse.given(
        "webhook_log_history",
        """
        webhook_log_id | status   | attempts | first_seen_at
        l1             | retrying | 1        | 03-05 00:00
        l1             | sent     | 2        | 03-06 00:00
        """,
    )
    warehouse.expect(
        DELIVERIES,
        "event_at | event_at_source | seconds_to_deliver \n 03-05 00:00 | seen | -",
    )
    warehouse.expect(HEALTH, "event_date | events | timed \n 03-05 | 1 | 0")
