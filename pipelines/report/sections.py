"""The sections of the report: their charts and tables, with what to know to read each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pipelines.report import latency_charts, page, queries
from pipelines.report.queries import Row
from pipelines.words import EVIDENCE, NONE, count, duration, moment, percent

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: A 95 % quantile of fewer orders rests on less than five: int_latency_estimates has none then.
ENOUGH_FOR_P95 = 100
_STAGES = {
    "created_to_paid": "from order to payment",
    "paid_to_shipped": "from payment to shipping",
    "shipped_to_delivered": "from shipping to delivery",
    "paid_to_delivered": "from payment to delivery",
}


def sessions(
    connection: DuckDBPyConnection, pictures: Mapping[str, str], rows: Sequence[str]
) -> list[str]:
    """Return how many sessions become orders."""
    return [
        page.card(
            "From session to order",
            pictures["analytics.session_funnel"],
            "Sessions in the ledger that can no longer become an order. A session counts as "
            "paid when one of its orders was paid, cancelled later or not. In brackets and as "
            "a line: the 95 % interval. A step that orders under way may still reach is "
            "hatched, and has no rate yet.",
        ),
        page.card(
            "Paid within 48 hours, by week",
            pictures["analytics.session_conversion_daily"],
            "Each week is judged at the same age. Two weeks whose intervals overlap may well "
            "not differ.",
        ),
        page.card(
            "By where they come from",
            _sources(queries.sources(connection)),
            "Compares, and does not explain: those who come by one way are other people. The "
            "setting session_fields adds fields of the ledger, such as utm_source.",
            wide=True,
        ),
        *rows,
    ]


def _sources(found: Sequence[Row]) -> str:
    shown = (
        [
            row["dimension"].replace("_", " "),
            row["value"],
            count(row["sessions"]),
            percent(row["paid_rate"]),
            f"{percent(row['paid_rate_low'])} to {percent(row['paid_rate_high'])}",
        ]
        for row in found
    )
    names = ["", "", "sessions", "paid", "95 % interval"]
    return page.table(names, shown, texts=frozenset({1}))


def waiting(
    connection: DuckDBPyConnection, pictures: Mapping[str, str], rows: Sequence[str]
) -> list[str]:
    """Return how long people wait."""
    rivals = queries.rivals(connection, "shipped_to_delivered")
    return [
        page.card(
            "From payment to delivery",
            pictures["analytics.delivery_latency_curve"],
            "Orders under way count for as long as they have been watched, and cancelled ones "
            "never arrive. The dashed line leaves both out, and looks better.",
        ),
        page.card(
            "Half of a week's orders delivered within",
            pictures["analytics.delivery_latency_weekly"],
            "By week of payment. A week of which half has not arrived is too young.",
        ),
        page.card(
            "Delivered within 7 days, by week of payment",
            pictures["analytics.delivery_sla_weekly"],
            "Cancelled orders count as not delivered.",
        ),
        page.card(
            "By country, from payment to delivery",
            pictures["analytics.delivery_latency_summary"],
            f"Countries with {latency_charts.ENOUGH} orders or more. never: so many were "
            "cancelled that 90 % will not arrive; not yet: those under way may still.",
        ),
        page.card(
            "Carriers where they compete, from shipping to delivery",
            latency_charts.groups(rivals, "Carriers by country"),
            "Only within a country: over all, a carrier looks slow that serves the far one.",
        ),
        page.card(
            "Arriving in the next 14 days",
            pictures["analytics.delivery_forecast_daily"],
            "Of the orders that are paid by now, if things go on as in the last 28 days. No bar: "
            "too many of them have been under way for longer than anybody watched one.",
        ),
        *rows,
        page.card(
            "Every stage",
            _stages(queries.summary(connection, "all")),
            "not told: the looks are too far apart for a figure, and leave open all that "
            "the interval spans.",
            wide=True,
        ),
    ]


def _stages(overall: Sequence[Row]) -> str:
    names = ["", "orders", "done", "cancelled", "open", "half within", "95 % interval"]
    rows = (
        [
            _STAGES[row["stage"]],
            *(count(row[name]) for name in ("orders", "ended", "cancelled", "open")),
            _quantile(row, "p50"),
            f"{duration(row['p50_hours_low'])} to {duration(row['p50_hours_high'])}",
            _quantile(row, "p90"),
            _quantile(row, "p95"),
            duration(row["naive_p50_hours"]),
        ]
        for row in sorted(overall, key=lambda row: [*_STAGES].index(row["stage"]))
    )
    return page.table([*names, "90 % within", "95 % within", "half of the done"], rows)


def _quantile(row: Row, name: str) -> str:
    """Return a quantile, or why there is none: a p95 of few orders, or looks too far apart."""
    hours, state = row[f"{name}_hours"], row[f"{name}_state"]
    if hours is not None:
        return duration(hours)
    if state != "reached":
        return str(state or NONE)
    return "too few to tell" if name == "p95" and row["orders"] < ENOUGH_FOR_P95 else "not told"


def webhooks(
    connection: DuckDBPyConnection, pictures: Mapping[str, str], rows: Sequence[str]
) -> list[str]:
    """Return whether webhooks arrive."""
    return [
        page.card(
            "What went wrong, by week",
            pictures["analytics.webhook_health_daily"],
            "Shares of the week's events; what the first attempt delivered is left out. Never "
            "sent: the order's state implies the event, and no log shows it.",
        ),
        *rows,
        page.card(
            "By event",
            _events(queries.webhook_types(connection)),
            "Events, not attempts or logs. Too old to tell: the API may have dropped the log, or "
            "never sends such events.",
            wide=True,
        ),
    ]


def _events(types: Sequence[Row]) -> str:
    names = {
        "events": "events",
        "delivered": "delivered",
        "first_attempt": "at once",
        "retrying": "trying",
        "failed": "failed",
        "lost": "never sent",
        "repeated": "sent twice",
        "out_of_order": "in wrong order",
        "orphans": "of no order",
        "explained": "too old to tell",
    }
    rows = ([row["event_type"], *(count(row[name]) for name in names)] for row in types)
    return page.table(["event", *names.values()], rows)


def data(freshness: Sequence[Row], rows: Sequence[str]) -> list[str]:
    """Return how complete the data is."""
    names = ["", "complete as of", "because", "last sync", "stored", "in the source"]
    sources = (
        [
            row["resource"].replace("_", " "),
            moment(row["complete_as_of"]),
            EVIDENCE.get(row["evidence"], row["evidence"]),
            row["last_outcome"] or "none",
            count(row["rows_stored"]),
            count(row["rows_reported"]),
            count(row["rows_quarantined"]),
            row["last_reason"] or "",
        ]
        for row in freshness
    )
    shown = page.table([*names, "unreadable", "why not"], sources, texts=frozenset({1, 2, 3, 7}))
    note = (
        "Same counts: what changed was read, and the API counts as many rows of each status as are "
        "stored. Every page, every line: all of it was read."
    )
    return [page.card("By source", shown, note, wide=True), *rows]
