"""The chart of the webhooks: what went wrong, since most of it does not."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.report import svg
from pipelines.report.axes import LEFT, RIGHT, date_axis, nothing, rate_axis
from pipelines.report.queries import Row
from pipelines.report.svg import Scale
from pipelines.words import count, counted, percent

_TROUBLES = (
    ("later", "main", "a later attempt"),
    ("retrying", "warm", "still trying"),
    ("failed", "bad", "failed"),
    ("lost", "lost", "never sent"),
)


def troubles(weeks: Sequence[Row]) -> str:
    """Draw the events that the first attempt did not deliver, as shares of each week's."""
    title = "Events that the first attempt did not deliver, by week"
    if not weeks:
        return nothing(title)
    shares = [_shares(week) for week in weeks]
    marks = svg.ticks(max(max(sum(share.values()) for share in shares), 0.001) * 100, 4)
    x = Scale(0, len(weeks), LEFT, RIGHT)
    y = Scale(0, marks[-1] / 100, 190, 28)
    shapes = rate_axis([mark / 100 for mark in marks], y)
    for i, (week, share) in enumerate(zip(weeks, shares, strict=True)):
        below = 0.0
        for column, classes, name in _TROUBLES:
            tip = f"Week of {week['week_start']}: {count(week[column])} of "
            tip += f"{counted(week['events'], 'event')}: {name} ({percent(share[column], 2)})"
            top, height = y(below + share[column]), y(below) - y(below + share[column])
            shapes.append(svg.bar(x(i) + 1, top, x(i + 1) - x(i) - 2, height, classes, tip))
            below += share[column]
    shapes.append(svg.key(LEFT - 32, 16, [(classes, name) for _, classes, name in _TROUBLES]))
    shapes += date_axis([week["week_start"] for week in weeks], x, 207)
    return svg.picture(216, shapes, title)


def _shares(week: Row) -> dict[str, float]:
    """Return each trouble as a share of the week's events, lost ones included."""
    events = float(week["events"] + week["lost"]) or 1.0
    return {column: float(week[column]) / events for column, _, _ in _TROUBLES}
