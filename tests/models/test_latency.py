# ruff: noqa: E501 - a row of a table is one line
"""The latency marts: open orders censored, cancellation competing, nothing after the as-of time."""

from __future__ import annotations

from model_support import Warehouse

SUMMARY = "analytics.delivery_latency_summary"
DAILY = "analytics.delivery_latency_daily"
CURVE = "analytics.delivery_latency_curve"
OF_ALL_TIME = "period = 'all'"
TO_DELIVERED = f"stage = 'paid_to_delivered' and {OF_ALL_TIME}"
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
        paid_to_shipped      | country   | DE      | 2      | 24        | false
        paid_to_shipped      | country   | unknown | 1      | -         | false
        shipped_to_delivered | carrier   | DHL     | 1      | 24        | true
        shipped_to_delivered | carrier   | UPS     | 1      | 96        | true
        shipped_to_delivered | country   | DE      | 2      | 24        | true
        """,
        where="dimension in ('carrier', 'country') and period = 'all' "
        "and stage in ('paid_to_shipped', 'shipped_to_delivered')",
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
        where=f"dimension = 'all' and {OF_ALL_TIME}",
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
        where=f"dimension = 'all' and {OF_ALL_TIME}",
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
        where=f"stage = 'created_to_paid' and {OF_ALL_TIME}",
    )
    warehouse.expect(
        SUMMARY,
        "orders | p50_hours | p90_hours \n 3 | 0 | -",
        where=f"dimension = 'all' and stage = 'created_to_paid' and {OF_ALL_TIME}",
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


def test_a_deleted_order_was_there_at_every_proof_before_it_was_missed(
    warehouse: Warehouse,
) -> None:
    """A parcel that was under way for a month counts for the two days until it was last read."""
    warehouse.given(
        "orders",
        """
        order_id | status | created_at  | _seen_at    | deleted_at
        o1       | paid   | 03-01 00:00 | 03-03 00:00 | 03-20 12:03
        """,
    )
    warehouse.given(
        "sync_runs",
        """
        sync_id | resource | ended_at    | complete_as_of | outcome
        r1      | orders   | 03-10 12:05 | 03-10 12:00    | complete
        r2      | orders   | 03-15 12:05 | -              | partial
        r3      | orders   | 03-20 12:03 | 03-20 12:00    | complete
        """,
    )
    warehouse.expect("analytics.fct_orders", "observed_until \n 03-10 12:00")


def test_delivered_and_cancelled_at_the_same_moment_is_delivered(warehouse: Warehouse) -> None:
    """Times of whole seconds tie; the parcel that has arrived did not fail to."""
    _orders(warehouse, ("03-03 00:00", "03-03 00:00", "cancelled"))
    warehouse.looked_at("03-11 00:00")
    warehouse.expect(SUMMARY, "ended | cancelled | p50_hours \n 1 | 0 | 48", where=OVERALL)


def test_a_time_that_the_looks_cannot_tell_is_null_and_has_bounds(warehouse: Warehouse) -> None:
    """Paid within a minute, looked at once a day: the middle of the day says twelve hours."""
    for number in range(20):
        day = f"03-{number + 2:02}"
        warehouse.given(
            "orders", f"order_id | status | created_at \n o{number} | paid | {day} 00:00"
        )
        warehouse.given(
            "order_history",
            f"order_id | status | first_seen_at \n o{number} | paid | 03-{number + 3:02} 00:00",
        )
    warehouse.given("orders", "order_id | status | created_at \n first | pending | 03-01 00:00")
    warehouse.given(
        "order_history", "order_id | status | first_seen_at \n first | pending | 03-02 00:00"
    )
    warehouse.looked_at("03-25 00:00")
    warehouse.expect(
        SUMMARY,
        """
        ended | imputed | p50_hours | p50_hours_low | p50_hours_high | p50_state | naive_p50_hours
        20    | 20      | -         | 0             | 24             | reached   | 12
        """,
        where="stage = 'created_to_paid' and dimension = 'all' and period = 'all'",
    )


def test_two_steps_of_one_look_took_any_time_up_to_the_looks(warehouse: Warehouse) -> None:
    """Both get the same middle: paid to shipped in no time, whatever it took."""
    warehouse.given("orders", "order_id | status | created_at \n o1 | shipped | 03-01 00:00")
    warehouse.given(
        "order_history",
        """
        order_id | status  | not_before  | first_seen_at
        o1       | pending | -           | 03-01 01:00
        o1       | shipped | 03-01 01:00 | 03-05 01:00
        """,
    )
    warehouse.looked_at("03-11 00:00")
    warehouse.expect(
        SUMMARY,
        "ended | imputed | p50_hours | p50_hours_low | p50_hours_high \n 1 | 1 | - | 0 | -",
        where=f"stage = 'paid_to_shipped' and dimension = 'all' and {OF_ALL_TIME}",
    )


def test_who_was_there_before_anybody_watched_enters_late(warehouse: Warehouse) -> None:
    """Those that had ended by the first look are unknown: the ones still open would stand alone."""
    warehouse.given(
        "orders",
        """
        order_id | status  | created_at
        gone     | paid    | 03-01 00:00
        stuck    | pending | 03-01 00:00
        watched  | paid    | 03-10 00:00
        """,
    )
    warehouse.given(
        "order_history",
        """
        order_id | status  | not_before  | first_seen_at | changed_at
        gone     | paid    | -           | 03-09 00:00   | -
        stuck    | pending | -           | 03-09 00:00   | -
        watched  | pending | -           | 03-10 01:00   | -
        watched  | paid    | 03-10 01:00 | 03-10 03:00   | 03-10 02:00
        """,
    )
    warehouse.looked_at("03-11 00:00")
    warehouse.expect(
        CURVE,
        """
        hours | at_risk | ended | censored | cumulative_incidence
        2     | 1       | 1     | 0        | 0
        240   | 1       | 0     | 1        | 0
        """,
        where=f"stage = 'created_to_paid' and {OF_ALL_TIME}",
    )
    warehouse.expect(
        SUMMARY,
        "orders | ended | open | untimed \n 2 | 1 | 1 | 1",
        where=f"stage = 'created_to_paid' and dimension = 'all' and {OF_ALL_TIME}",
    )


def test_who_all_entered_late_tell_only_how_long_it_takes_at_most(warehouse: Warehouse) -> None:
    """Of the first of March only the slow are left: the day would seem to take nine days."""
    warehouse.given(
        "orders",
        "order_id | status | created_at \n gone | paid | 03-01 00:00 \n slow | paid | 03-01 00:00",
    )
    warehouse.given(
        "order_history",
        """
        order_id | status  | not_before  | first_seen_at | changed_at
        gone     | paid    | -           | 03-09 00:00   | -
        slow     | pending | -           | 03-09 00:00   | -
        slow     | paid    | 03-09 00:00 | 03-10 03:00   | 03-10 00:00
        """,
    )
    warehouse.looked_at("03-11 00:00")
    for mart in (SUMMARY, "analytics.delivery_latency_weekly", "analytics.delivery_latency_daily"):
        where = "stage = 'created_to_paid'"
        where += f" and dimension = 'all' and {OF_ALL_TIME}" if mart == SUMMARY else ""
        warehouse.expect(
            mart,
            """
            orders | ended | untimed | final_share | p50_hours | p50_hours_low
            1      | 1     | 1       | -           | -         | -
            """,
            where=where,
        )


def test_not_yet_and_never_are_told_apart(warehouse: Warehouse) -> None:
    """A dash for both lets a reader wait for a figure that cannot come."""
    closed = [("03-02 00:00", "-", "delivered")] * 8 + [("-", "03-01 12:00", "cancelled")] * 2
    _orders(warehouse, *closed)
    warehouse.looked_at("03-11 00:00")
    states = "final_share | p50_state | p90_state | p90_hours"
    warehouse.expect(SUMMARY, f"{states} \n 0.8 | reached | never | -", where=OVERALL)
    warehouse.expect(
        DAILY, f"{states} \n 0.8 | reached | never | -", where="orders = 10 and ended = 8"
    )


def test_what_is_still_open_may_get_there(warehouse: Warehouse) -> None:
    """As never it would be given up while it is on its way."""
    _orders(warehouse, *[("03-02 00:00", "-", "delivered")] * 2, *[("-", "-", "shipped")] * 8)
    warehouse.looked_at("03-02 12:00")
    warehouse.expect(
        "analytics.delivery_latency_weekly",
        """
        week_start | orders | final_share | p50_state
        02-23      | 10     | 0.2         | not yet
        """,
        where="stage = 'paid_to_delivered'",
    )


def test_a_p95_needs_a_hundred_orders(warehouse: Warehouse) -> None:
    """Of twenty orders it is the slowest one, and chance."""
    for number in range(20):
        _orders_named(warehouse, f"a{number}", "DHL")
    for number in range(100):
        _orders_named(warehouse, f"b{number}", "UPS")
    warehouse.looked_at("03-11 00:00")
    warehouse.expect(
        SUMMARY,
        """
        value | p90_hours | p95_hours | p95_state
        DHL   | 24        | -         | reached
        UPS   | 24        | 24        | reached
        """,
        where=f"stage = 'shipped_to_delivered' and dimension = 'carrier' and {OF_ALL_TIME}",
    )


def _orders_named(warehouse: Warehouse, name: str, carrier: str) -> None:
    warehouse.given(
        "orders",
        f"""
        order_id | status    | created_at  | paid_at     | shipped_at  | delivered_at | carrier
        {name}   | delivered | 03-01 00:00 | 03-01 00:00 | 03-01 00:00 | 03-02 00:00  | {carrier}
        """,
    )


def test_a_carrier_is_compared_where_it_delivers(warehouse: Warehouse) -> None:
    """The one that serves the far country alone would be the slowest of all."""
    routes = [("DHL", "BR", 9), ("UPS", "BR", 10), ("DHL", "US", 2), ("UPS", "US", 3)]
    shares = {"DHLBR": 8, "UPSBR": 2, "DHLUS": 2, "UPSUS": 8}
    for carrier, country, days in routes:
        for number in range(shares[carrier + country]):
            warehouse.given(
                "orders",
                f"""
                order_id | status | created_at | paid_at | shipped_at | delivered_at | carrier | country
                {carrier}{country}{number} | delivered | 03-01 00:00 | 03-01 00:00 | 03-01 00:00 | 03-{days + 1:02} 00:00 | {carrier} | {country}
                """,
            )
    warehouse.looked_at("03-20 00:00")
    where = f"stage = 'shipped_to_delivered' and {OF_ALL_TIME}"
    warehouse.expect(
        SUMMARY,
        """
        value | p50_hours | standardised_p50_hours | benchmark_p50_hours
        DHL   | 216       | 132                    | 144
        UPS   | 72        | 156                    | 144
        """,
        where=f"dimension = 'carrier' and {where}",
    )
    warehouse.expect(
        SUMMARY,
        """
        value     | p50_hours
        DHL in BR | 216
        UPS in BR | 240
        DHL in US | 48
        UPS in US | 72
        """,
        where=f"dimension = 'carrier in country' and {where}",
    )


def test_one_time_that_is_missing_takes_no_figure_from_a_small_shop(warehouse: Warehouse) -> None:
    """Broken: of forty parcels one has no time of shipping, and nobody is told how long any took."""
    rows = [
        f"o{n} | delivered | 02-{1 + n % 20:02} 10:00 | 02-{1 + n % 20:02} 11:00 | {shipped} | 02-25 10:00"
        for n in range(40)
        for shipped in ["-" if n == 7 else f"02-{2 + n % 20:02} 10:00"]
    ]
    head = "order_id | status | created_at | paid_at | shipped_at | delivered_at"
    warehouse.given("orders", "\n".join([head, *rows]))
    warehouse.looked_at("03-01 00:00")
    warehouse.expect(
        SUMMARY,
        """
        stage                | orders | untimed | p50_hours
        created_to_paid      | 40     | 0       | 1
        paid_to_shipped      | 39     | 1       | 23
        """,
        where=f"dimension = 'all' and {OF_ALL_TIME} and stage in ('created_to_paid', 'paid_to_shipped')",
    )
