"""Charts of the sessions: the funnel, and conversion by cohort."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pipelines.report import svg
from pipelines.report.axes import LEFT, RIGHT, date_axis, nothing, rate_axis
from pipelines.report.queries import Row
from pipelines.report.svg import Scale
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
    title = "Funnel of mature sessions"
    total = steps[0]["sessions"] if steps else 0
    if not total:
        return nothing(title)
    shapes = []
    for number, step in enumerate(steps):
        y = 8 + number * 46
        width = (RIGHT - 12) * step["sessions"] / total
        fill = "hatch" if step["rate"] is None else "main"
        shapes += [
            svg.text(12, y + 12, _STEPS[step["step"]], "bold"),
            svg.text(RIGHT, y + 12, _reached(step), "small muted end"),
            svg.bar(12, y + 18, RIGHT - 12, 16, "soft"),
            svg.bar(12, y + 18, width, 16, fill),
        ]
    return svg.picture(8 + 46 * len(steps), shapes, title)


def _reached(step: Row) -> str:
    """Return how many sessions got to a step, and which share they are as far as that is known."""
    sessions = count(step["sessions"])
    if step["rate"] is None:
        return f"{sessions} so far"
    label = f"{sessions} · {percent(step['rate'])}"
    if step["rate_of_previous"] is None or step["step"] == "ordered":
        return label
    return f"{label}, {percent(step['rate_of_previous'])} of those above"


def conversion(days: Sequence[Row]) -> str:
    """Draw the paid rate by cohort with its interval; cohorts that can still convert are shaded."""
    title = "Share of sessions paid, by day of creation"
    if not days:
        return nothing(title)
    x = Scale(0, len(days), LEFT, RIGHT)
    mature = [(i, day) for i, day in enumerate(days) if day["paid_rate"] is not None]
    marks = svg.ticks(max((day["paid_rate_high"] for _, day in mature), default=1.0))
    y = Scale(0, marks[-1], 196, 28)
    shapes = rate_axis(marks, y)
    shapes += [_immature(i, day, x) for i, day in enumerate(days) if not day["is_mature"]]
    for run in _runs(mature):
        middle = [(x(i + 0.5), day) for i, day in run]
        low = [(at, y(day["paid_rate_low"])) for at, day in middle]
        high = [(at, y(day["paid_rate_high"])) for at, day in middle]
        points = [(at, y(day["paid_rate"])) for at, day in middle]
        shapes += [svg.area(high, low), svg.curve(points, "stroke-main")]
        shapes += [svg.dot(*point, 2, "main") for point in points]
    shapes += _session_bars(days, x)
    shapes.append(
        svg.key(
            LEFT,
            16,
            [
                ("curve stroke-main", "paid rate"),
                ("band", "95 % interval"),
                ("hatch", "can still convert"),
            ],
        )
    )
    return svg.picture(286, shapes, title)


def _immature(i: int, day: Row, x: Scale) -> str:
    tip = f"{day['cohort_date']}: {count(day['paid_sessions'])} of {count(day['sessions'])} so far"
    return svg.bar(x(i), 28, x(i + 1) - x(i), 234, "hatch", tip)


def _runs(mature: Sequence[tuple[int, Row]]) -> list[list[tuple[int, Row]]]:
    """Split where days are missing, so that no line is drawn across them."""
    runs = [[mature[0]]] if mature else []
    for before, this in pairwise(mature):
        if this[0] == before[0] + 1:
            runs[-1].append(this)
        else:
            runs.append([this])
    return runs


def _session_bars(days: Sequence[Row], x: Scale) -> list[str]:
    top = max(day["sessions"] for day in days)
    height = Scale(0, top, 0, 46)
    bars = [
        svg.bar(
            x(i) + 0.5,
            262 - height(day["sessions"]),
            x(i + 1) - x(i) - 1,
            height(day["sessions"]),
            "soft",
            f"{day['cohort_date']}: {count(day['sessions'])} sessions",
        )
        for i, day in enumerate(days)
    ]
    label = svg.text(LEFT, 211, f"sessions, {count(top)} at most", "small muted")
    return [*bars, label, *date_axis([day["cohort_date"] for day in days], x, 278)]
