"""Charts of the webhooks: what became of the events, and which never came."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.report import svg
from pipelines.report.axes import LEFT, RIGHT, date_axis, nothing, rate_axis
from pipelines.report.queries import Row
from pipelines.report.svg import Scale
from pipelines.words import count

_OUTCOMES = (
    ("first_attempt", "second", "first attempt"),
    ("later", "main", "later, or not told when"),
    ("retrying", "warm", "trying"),
    ("failed", "bad", "failed"),
)


def webhook_health(days: Sequence[Row]) -> str:
    """Draw each day's events by what became of them, as shares."""
    title = "Webhook events by day and outcome"
    if not days:
        return nothing(title)
    x, y = Scale(0, len(days), LEFT, RIGHT), Scale(0, 1, 190, 28)
    shapes = rate_axis([0, 0.25, 0.5, 0.75, 1], y)
    for i, day in enumerate(days):
        below = 0.0
        for column, classes, name in _OUTCOMES:
            share = float(day[column]) / float(day["events"])
            tip = f"{day['event_date']}: {count(day[column])} {name} of {count(day['events'])}"
            top, height = y(below + share), y(below) - y(below + share)
            shapes.append(svg.bar(x(i) + 0.5, top, x(i + 1) - x(i) - 1, height, classes, tip))
            below += share
    shapes.append(svg.key(LEFT, 16, [(classes, name) for _, classes, name in _OUTCOMES]))
    shapes += date_axis([day["event_date"] for day in days], x, 207)
    return svg.picture(216, shapes, title)


def gaps(days: Sequence[Row]) -> str:
    """Draw the events that no log shows, by the day on which they happened."""
    title = "Events that were never logged, by day"
    if not days:
        return nothing(title)
    marks = svg.ticks(max(max(day["gaps"] for day in days), 1), 3)
    x, y = Scale(0, len(days), LEFT, RIGHT), Scale(0, marks[-1], 120, 14)
    shapes = [svg.line(LEFT, y(mark), RIGHT, y(mark)) for mark in marks]
    shapes += [svg.text(LEFT - 6, y(m) + 4, f"{m:g}", "small muted end") for m in marks]
    shapes += [
        svg.bar(
            x(i) + 0.5,
            y(day["gaps"]),
            x(i + 1) - x(i) - 1,
            y(0) - y(day["gaps"]),
            "bad",
            f"{day['date']}: {count(day['gaps'])} events",
        )
        for i, day in enumerate(days)
    ]
    shapes += date_axis([day["date"] for day in days], x, 138)
    return svg.picture(148, shapes, title)
