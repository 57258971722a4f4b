"""The report: what the marts say, as one page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.files import for_readers
from pipelines.report import latency_charts, page, queries, session_charts, webhook_charts
from pipelines.report.queries import Row
from pipelines.words import NONE as DASH
from pipelines.words import count, duration, moment, money, percent

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_STAGE = "paid_to_delivered"
_STAGES = ("created_to_paid", "paid_to_shipped", "shipped_to_delivered", _STAGE)
_TITLE = "Printora: sessions and deliveries"


@for_readers()
def write_report(connection: DuckDBPyConnection, path: Path) -> Path:
    """Write the report as one HTML file that loads nothing, and return its path.

    The marts must have been built. The connection may be read-only.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page.document(_TITLE, _parts(connection)), encoding="utf-8")
    return path


def plots(connection: DuckDBPyConnection) -> dict[str, str]:
    """Return a picture for each mart that has one: the mart's qualified name to SVG."""
    overall = {row["stage"]: row for row in queries.summary(connection, "all")}
    curve = latency_charts.delivery_curve(queries.curve(connection, _STAGE), overall.get(_STAGE))
    carriers = queries.summary(connection, "carrier", "shipped_to_delivered")
    health = webhook_charts.webhook_health(queries.webhook_days(connection))
    conversion = session_charts.conversion(queries.conversion(connection))
    return {
        "analytics.session_funnel": session_charts.funnel(queries.funnel(connection)),
        "analytics.session_conversion_daily": conversion,
        "analytics.delivery_latency_curve": curve,
        "analytics.delivery_latency_daily": latency_charts.trend(
            queries.latency_days(connection, _STAGE)
        ),
        "analytics.delivery_latency_summary": latency_charts.latency(carriers, "By carrier"),
        "analytics.webhook_health_daily": health,
        "analytics.webhook_gaps": webhook_charts.gaps(queries.gap_days(connection)),
    }


def _parts(connection: DuckDBPyConnection) -> Iterator[str]:
    pictures = plots(connection)
    overall = queries.summary(connection, "all")
    freshness = queries.freshness(connection)
    types = queries.webhook_types(connection)
    yield _header(freshness)
    yield _tiles(connection, overall, types)
    yield _sessions(pictures)
    yield _waiting(connection, pictures, overall)
    yield _webhooks(pictures, types)
    yield _trust(freshness)


def _header(freshness: Sequence[Row]) -> str:
    synced = [row for row in freshness if row["last_sync_id"] is not None]
    complete = bool(synced) and all(row["is_complete"] for row in synced)
    as_of = max((row["as_of"] for row in freshness if row["as_of"]), default=None)
    behind = "; ".join(
        f"{row['resource']}: {row['last_reason'] or 'not proven'}"
        for row in synced
        if not row["is_complete"]
    )
    state = "complete" if complete else "partial" if synced else "not certified"
    style, detail = ("good", "") if complete else ("poor", f" {behind}")
    return (
        f"<header><h1>{_TITLE}</h1>"
        f'<p class="muted">As the API showed it at {moment(as_of)}</p>'
        f'<span class="state {style}">Data {state}</span>{page.plain(detail)}</header>'
    )


def _tiles(connection: DuckDBPyConnection, overall: Sequence[Row], types: Sequence[Row]) -> str:
    paid = next(step for step in queries.funnel(connection) if step["step"] == "paid")
    waiting = next((row for row in overall if row["stage"] == _STAGE), None)
    events = sum(row["events"] or 0 for row in types)
    delivered = sum(row["delivered"] or 0 for row in types)
    lost = sum(row["lost"] for row in types)
    incomes = queries.revenue(connection)
    income = incomes[0] if incomes else {"revenue": None, "net_revenue": None, "currency": None}
    others = f", and {len(incomes) - 1} more currencies" if len(incomes) > 1 else ""
    naive = duration(waiting["naive_p50_hours"]) if waiting else DASH
    return page.tiles(
        [
            (
                percent(paid["rate"]),
                "of sessions paid",
                f"{count(paid['net_sessions'])} of {count(paid['sessions'])} were not cancelled",
            ),
            (
                duration(waiting["p50_hours"]) if waiting else DASH,
                "until half have arrived",
                f"{naive} if you leave out the others",
            ),
            (
                count(waiting["open"]) if waiting else DASH,
                "paid orders under way",
                f"of {count(waiting['orders']) if waiting else DASH}",
            ),
            (
                money(income["revenue"], income["currency"]),
                "revenue",
                f"{money(income['net_revenue'], income['currency'])} net{others}",
            ),
            (
                percent(delivered / events if events else None),
                "of webhook events delivered",
                f"{count(lost)} more were never logged",
            ),
            (
                percent(queries.coverage(connection)),
                "of ordering sessions in the ledger",
                "rates are about these",
            ),
        ]
    )


def _sessions(pictures: dict[str, str]) -> str:
    return page.section(
        "How many sessions become orders",
        [
            page.card(
                "From session to order",
                pictures["analytics.session_funnel"],
                "Sessions in the ledger that can no longer convert. A session counts as paid when "
                "one of its orders was paid, cancelled later or not. A step that orders under way "
                "may still reach is hatched, and has no rate yet.",
            ),
            page.card(
                "Conversion by day",
                pictures["analytics.session_conversion_daily"],
                "Days on the hatched ground have sessions that can still convert: a rate would be "
                "too low, so there is none yet.",
            ),
        ],
    )


def _waiting(
    connection: DuckDBPyConnection, pictures: dict[str, str], overall: Sequence[Row]
) -> str:
    countries = queries.summary(connection, "country", _STAGE)
    names = ["stage", "orders", "ended", "cancelled", "open", "half", "90 %", "95 %", "naive half"]
    stages = (
        [
            row["stage"].replace("_", " "),
            *(count(row[name]) for name in ("orders", "ended", "cancelled", "open")),
            *(duration(row[f"{name}_hours"]) for name in ("p50", "p90", "p95", "naive_p50")),
        ]
        for row in sorted(overall, key=lambda row: _STAGES.index(row["stage"]))
    )
    return page.section(
        "How long people wait",
        [
            page.card(
                "From payment to delivery",
                pictures["analytics.delivery_latency_curve"],
                "Orders under way count for as long as they have been watched (ticks), and "
                "cancelled ones never arrive. The dashed line leaves both out, and looks better.",
            ),
            page.card(
                "From payment to delivery, by day of payment",
                pictures["analytics.delivery_latency_daily"],
                "Young days have a naive half as soon as one order has arrived; the half of all "
                "their orders comes later.",
            ),
            page.card(
                "By carrier, from shipping to delivery",
                pictures["analytics.delivery_latency_summary"],
            ),
            page.card(
                "By country, from payment to delivery",
                latency_charts.latency(countries, "By country"),
            ),
            page.card("Every stage", page.table(names, stages), wide=True),
        ],
    )


def _webhooks(pictures: dict[str, str], types: Sequence[Row]) -> str:
    names = {
        "events": "events",
        "delivered": "delivered",
        "first_attempt": "first attempt",
        "retrying": "trying",
        "failed": "failed",
        "repeated": "repeated",
        "out_of_order": "disordered",
        "orphans": "orphans",
        "lost": "never logged",
        "explained": "not due",
    }
    rows = ([row["event_type"], *(count(row[name]) for name in names)] for row in types)
    return page.section(
        "Whether webhooks arrive",
        [
            page.card("By day", pictures["analytics.webhook_health_daily"]),
            page.card(
                "Never logged",
                pictures["analytics.webhook_gaps"],
                "The order's state implies these events, and no log shows them: ask for a resend.",
            ),
            page.card(
                "By event",
                page.table(["event", *names.values()], rows),
                "Events, not attempts or logs. Not due: older than the first log, or of a "
                "type that was never logged.",
                wide=True,
            ),
        ],
    )


def _trust(freshness: Sequence[Row]) -> str:
    names = [
        "resource",
        "complete as of",
        "evidence",
        "last sync",
        "lag",
        "stored",
        "in the source",
    ]
    rows = (
        [
            row["resource"],
            moment(row["complete_as_of"]),
            row["evidence"],
            row["last_outcome"] or "none",
            duration(row["lag_seconds"] / 3600) if row["lag_seconds"] is not None else "never",
            count(row["rows_stored"]),
            count(row["rows_reported"]),
            count(row["rows_quarantined"]),
            row["last_reason"] or "",
        ]
        for row in freshness
    )
    shown = page.table([*names, "in quarantine", "why not"], rows, texts=frozenset({1, 2, 3, 8}))
    return page.section(
        "How fresh and complete the data is", [page.card("By resource", shown, wide=True)]
    )
