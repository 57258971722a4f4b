"""The funnel: how many sessions reach each step."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.report import svg
from pipelines.report.axes import RIGHT, nothing
from pipelines.report.queries import Row
from pipelines.words import count, percent

_STEPS = {
    "sessions": "Created",
    "ordered": "Ordered",
    "paid": "Paid",
    "shipped": "Shipped",
    "delivered": "Delivered",
}


def funnel(steps: Sequence[Row]) -> str:
    """Draw what is left of the sessions at each step; one that can still grow has no rate."""
    title = "How far the sessions came that can no longer become an order"
    total = steps[0]["sessions"] if steps else 0
    if not total:
        return nothing(title)
    shapes = []
    scale = svg.Scale(0, 1, 12, RIGHT)
    for number, step in enumerate(steps):
        y = 8 + number * 46
        fill = "hatch" if step["rate"] is None else "main"
        shapes += [
            svg.text(12, y + 12, _STEPS[step["step"]], "bold"),
            svg.text(RIGHT, y + 12, _reached(step), "small muted end"),
            svg.bar(12, y + 18, RIGHT - 12, 16, "soft"),
            svg.bar(12, y + 18, scale(step["sessions"] / total) - 12, 16, fill),
            *_interval(step, scale, y + 26),
        ]
    return svg.picture(8 + 46 * len(steps), shapes, title)


def _interval(step: Row, scale: svg.Scale, y: float) -> list[str]:
    """Draw how far chance alone moves the rate; the first step has no rate of anything."""
    if step["step"] == "sessions" or step["rate_low"] is None:
        return []
    low, high = scale(step["rate_low"]), scale(step["rate_high"])
    return [svg.whisker(low, y, high, y, "stroke-ink")]


def _reached(step: Row) -> str:
    """Return how many sessions got to a step, and which share they are as far as it is known."""
    sessions = count(step["sessions"])
    if step["rate"] is None:
        return f"{sessions} so far"
    if step["step"] == "sessions":
        return sessions
    interval = f"{percent(step['rate_low'])} to {percent(step['rate_high'])}"
    return f"{sessions} · {percent(step['rate'])} ({interval})"
