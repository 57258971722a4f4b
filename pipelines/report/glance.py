"""The headlines as tiles: each figure beside the one before, and what the difference is worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from pipelines.report import page
from pipelines.report.headlines import Headline, headlines
from pipelines.warehouse import Metric
from pipelines.words import counted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: What somebody who has half a minute wants to know, in this order.
SHOWN = (
    "paid_within_48h_rate",
    "paid_orders",
    "revenue",
    "delivery_p50_hours",
    "delivered_within_7_days",
    "orders_overdue",
    "webhook_first_attempt_rate",
    "ledger_coverage",
)


def glance(connection: DuckDBPyConnection, metrics: Mapping[str, Metric]) -> str:
    """Return the tiles, and how they are to be read."""
    found = [each for name in SHOWN for each in headlines(connection, metrics[name])]
    tiles = page.tiles(_tile(headline) for headline in found)
    note = (
        "More than chance: a difference as large would come about by chance in fewer than one of "
        "100 such pairs of periods, if one sale, session or event has nothing to do with the next."
    )
    return f'<div class="wide">{tiles}{page.paragraph(note, "note")}</div>'


def words_of(metrics: Mapping[str, Metric]) -> Iterator[tuple[str, str]]:
    """Return what each headline means, and what it does not."""
    for name in SHOWN:
        metric = metrics[name]
        yield metric.label, metric.text


def _tile(headline: Headline) -> tuple[str, str, list[str]]:
    now, before = headline.figures
    return headline.metric.label, now, [*_comparison(headline, before), _days(headline)]


def _days(headline: Headline) -> str:
    period = headline.period
    if period is None:
        return "of all days so far" if headline.metric.time else "as of now"
    days = counted(period.days, "day")
    return f"{days} to {period.last:%-d %b}" if period.last else days


def _comparison(headline: Headline, before: str) -> list[str]:
    """Return the figure before, and what the difference is worth."""
    if headline.period is None:
        return []
    if headline.before is None or headline.now is None:
        return ["nothing before to compare with"]
    if not headline.is_change:
        return [f"before: {before}", "no more than chance" if headline.is_change is False else ""]
    direction = "up" if headline.now > headline.before else "down"
    return [f"before: {before}", f"{direction}, more than chance"]
