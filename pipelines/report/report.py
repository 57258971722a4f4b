"""The report: what the marts say, as one page that answers before it lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.files import for_readers
from pipelines.report import latency_charts, page, queries, sections, todo, webhook_charts
from pipelines.report.funnel_chart import funnel
from pipelines.report.glance import glance, words_of
from pipelines.report.queries import Row
from pipelines.report.weekly import Reading, weekly
from pipelines.source.schema import SKIPPED
from pipelines.warehouse import Metric, load_metrics
from pipelines.words import duration, moment, percent

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_STAGE = "paid_to_delivered"
_TITLE = "Printora: sessions and deliveries"
_CONTENTS = {
    "todo": "What to do",
    "glance": "At a glance",
    "sessions": "How many sessions become orders",
    "waiting": "How long people wait",
    "webhooks": "Whether webhooks arrive",
    "data": "How complete the data is",
    "words": "What the words mean",
}


@for_readers()
def write_report(connection: DuckDBPyConnection, path: Path) -> Path:
    """Write the report as one HTML file that loads nothing, and return its path.

    The marts must have been built. The connection may be read-only.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page.document(_TITLE, _parts(connection)), encoding="utf-8")
    return path


def plots(
    connection: DuckDBPyConnection, metrics: Mapping[str, Metric] | None = None
) -> dict[str, str]:
    """Return a picture for each mart that has one: the mart's qualified name to SVG."""
    metrics = metrics or _metrics()
    overall = {row["stage"]: row for row in queries.summary(connection, "all")}
    curve = latency_charts.delivery_curve(queries.curve(connection, _STAGE), overall.get(_STAGE))
    conversion = queries.weekly_share(connection, metrics["paid_within_48h_rate"])
    in_time = queries.weekly_share(connection, metrics["delivered_within_7_days"])
    half = queries.weekly_latency(connection, _STAGE)
    countries = queries.summary(connection, "country", _STAGE)
    return {
        "analytics.session_funnel": funnel(queries.funnel(connection)),
        "analytics.session_conversion_daily": weekly(conversion, _CONVERSION),
        "analytics.delivery_latency_curve": curve,
        "analytics.delivery_forecast_daily": latency_charts.forecast(queries.forecast(connection)),
        "analytics.delivery_latency_weekly": weekly(half, _HALF),
        "analytics.delivery_sla_weekly": weekly(in_time, _IN_TIME),
        "analytics.delivery_latency_summary": latency_charts.groups(countries, "By country"),
        "analytics.webhook_health_daily": webhook_charts.troubles(
            queries.webhook_weeks(connection)
        ),
    }


_CONVERSION = Reading(
    "Share of sessions paid within 48 hours, by week of creation", "paid", "sessions", percent
)
_HALF = Reading(
    "Time until half of a week's paid orders had arrived", "half", "orders", duration, step=24
)
_IN_TIME = Reading(
    "Share of orders delivered within 7 days, by week of payment", "in time", "orders", percent
)


def _metrics() -> dict[str, Metric]:
    return {metric.name: metric for metric in load_metrics()}


def _parts(connection: DuckDBPyConnection) -> Iterator[str]:
    metrics = _metrics()
    pictures = plots(connection, metrics)
    freshness = queries.freshness(connection)
    found = todo.find(connection)
    unproven = [row for row in queries.read(freshness) if not row["is_complete"]]
    yield _header(connection, freshness)
    skipped = [row for row in freshness if row["last_outcome"] == SKIPPED]
    yield _section("todo", [todo.actions(found, unproven, skipped)])
    cards = {
        "glance": [glance(connection, metrics), *todo.tables(found, "glance")],
        "sessions": sections.sessions(connection, pictures, todo.tables(found, "sessions")),
        "waiting": sections.waiting(connection, pictures, todo.tables(found, "waiting")),
        "webhooks": sections.webhooks(connection, pictures, todo.tables(found, "webhooks")),
        "data": sections.data(freshness, todo.tables(found, "data")),
        "words": [page.card("", page.definitions(words_of(metrics)), wide=True)],
    }
    for anchor, shown in cards.items():
        yield _section(anchor, shown)


def _section(anchor: str, cards: Sequence[str]) -> str:
    return page.section(anchor, _CONTENTS[anchor], cards)


def _header(connection: DuckDBPyConnection, freshness: Sequence[Row]) -> str:
    synced = queries.read(freshness)
    complete = bool(synced) and all(row["is_complete"] for row in synced)
    state = "complete" if complete else "partial" if synced else "not certified"
    as_of = min((row["as_of"] for row in synced or freshness if row["as_of"]), default=None)
    zone = queries.settings(connection)["report_time_zone"]
    facts = (
        f"As the API showed it at {moment(as_of)}. Days are those of {zone}, weeks begin on "
        f"Monday. printora-elt {version('printora-elt')}"
    )
    return (
        f"<header><h1>{_TITLE}</h1>{page.paragraph(facts, 'muted')}"
        f'<span class="state {"good" if complete else "poor"}">Data {state}</span>'
        f"{page.contents(_CONTENTS.items())}</header>"
    )
