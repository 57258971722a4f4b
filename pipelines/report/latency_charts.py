"""Charts of waiting: the delivery curve, and the figures of carriers and countries."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.report import svg
from pipelines.report.axes import LEFT, RIGHT, date_axis, nothing, rate_axis
from pipelines.report.queries import Row
from pipelines.report.svg import Scale
from pipelines.words import count, duration

_HALVES = {"naive_p50_hours": "soft", "p50_hours": "main"}


def delivery_curve(points: Sequence[Row], figures: Row | None) -> str:
    """Draw the share that has arrived by time, the naive line, and who was still under way when."""
    title = "Share of paid orders delivered, by time since payment"
    if not points or figures is None:
        return nothing(title)
    days = svg.ticks(points[-1]["hours"] / 24, 6)
    x, y = Scale(0, days[-1] * 24, LEFT, RIGHT), Scale(0, 1, 232, 46)
    shapes = rate_axis([0, 0.25, 0.5, 0.75, 1], y)
    shapes += [svg.text(x(d * 24), 250, f"{d:g} d", "small muted middle") for d in days[:-1]]
    for column, classes in (
        ("naive", "stroke-muted thin dashed"),
        ("cancelled", "stroke-warm thin"),
        ("ended", "stroke-main"),
    ):
        line = [(x(0), y(0)), *((x(p["hours"]), y(p[column])) for p in points)]
        shapes.append(svg.curve(line, classes, steps=True))
    shapes += _censoring(points, x, y) + _median(figures, x, y)
    shapes += _under_way(points, figures, days, x)
    first = [("curve stroke-main", "delivered"), ("curve stroke-warm thin", "cancelled")]
    second = [("curve stroke-muted dashed thin", "delivered orders alone (naive)")]
    shapes.append(svg.key(LEFT, 16, first) + svg.key(LEFT, 34, second))
    shapes.append(svg.text(RIGHT, 16, "| = still under way", "small muted end"))
    return svg.picture(292, shapes, title)


def _censoring(points: Sequence[Row], x: Scale, y: Scale) -> list[str]:
    """Tick the curve where orders under way are counted no longer."""
    marks = [(x(p["hours"]), y(p["ended"])) for p in points if p["censored"]]
    every = max(len(marks) // 60, 1)
    return [svg.line(at, level - 5, at, level + 5, "stroke-main") for at, level in marks[::every]]


def _median(figures: Row, x: Scale, y: Scale) -> list[str]:
    half = figures["p50_hours"]
    if half is None:
        return []
    note = f"half by {duration(half)} (naive: {duration(figures['naive_p50_hours'])})"
    return [
        svg.dot(x(half), y(0.5), 4.5, "hollow stroke-main"),
        svg.text(x(half) + 9, y(0.5) + 16, note, "small bold"),
    ]


def _under_way(points: Sequence[Row], figures: Row, days: Sequence[float], x: Scale) -> list[str]:
    """Write below the axis how many orders the curve still rests on."""
    shapes = [svg.text(LEFT, 270, "orders still under way and watched:", "small muted")]
    for day in days[:-1]:
        later = [p["at_risk"] for p in points if p["hours"] >= day * 24]
        number = figures["orders"] if not day else (later[0] if later else 0)
        shapes.append(svg.text(x(day * 24), 286, count(number), "small middle"))
    return shapes


def latency(rows: Sequence[Row], title: str) -> str:
    """Draw, for each value, the time of the first half, of 90 and of 95 %, and the naive half."""
    if not rows:
        return nothing(title)
    reached = [
        row[column]
        for row in rows
        for column in ("p50_hours", "p90_hours", "p95_hours", "naive_p50_hours")
        if row[column] is not None
    ]
    days = svg.ticks(max(reached, default=24) / 24, 6)
    x = Scale(0, days[-1] * 24, 100, RIGHT - 42)
    bottom = 34 + 27 * len(rows)
    shapes = [svg.line(x(d * 24), 28, x(d * 24), bottom) for d in days]
    shapes += [svg.text(x(d * 24), bottom + 16, f"{d:g} d", "small muted middle") for d in days]
    for number, row in enumerate(rows):
        shapes += _latency_row(row, 46 + 27 * number, x)
    shapes.append(
        svg.key(
            12,
            16,
            [
                ("main", "half"),
                ("band", "to 90, 95 %"),
                ("hatch", "not reached"),
                ("soft", "naive half"),
            ],
        )
    )
    shapes.append(svg.text(RIGHT, 16, "orders", "small muted end"))
    return svg.picture(bottom + 24, shapes, title)


def _latency_row(row: Row, y: float, x: Scale) -> list[str]:
    p50, p90, p95 = row["p50_hours"], row["p90_hours"], row["p95_hours"]
    tip = f"{row['value']}: 50 % {duration(p50)}, 90 % {duration(p90)}, 95 % {duration(p95)}"
    shapes = [
        svg.text(12, y + 4, str(row["value"])[:13]),
        svg.text(RIGHT, y + 4, count(row["orders"]), "small muted end"),
    ]
    if p50 is None:
        return [*shapes, svg.text(x(0) + 6, y + 4, "half not reached yet", "small muted")]
    for hours in (p90, p95):
        # What is not reached has no end: it fades out at the right edge.
        end, look = (x.end, "hatch") if hours is None else (x(hours), "band")
        shapes.append(svg.bar(x(p50), y - 5, end - x(p50), 10, look, tip))
    if row["naive_p50_hours"] is not None:
        shapes.append(svg.dot(x(row["naive_p50_hours"]), y, 5, "soft", "naive: delivered alone"))
    return [*shapes, svg.dot(x(p50), y, 5, "main", tip)]


def trend(days: Sequence[Row]) -> str:
    """Draw the time by which half has arrived, by day of payment; shaded where half has not."""
    title = "Days until half of a day's paid orders had arrived"
    if not days:
        return nothing(title)
    reached = [row[name] for row in days for name in _HALVES if row[name] is not None]
    marks = svg.ticks(max(reached, default=24) / 24)
    x, y = Scale(0, len(days), LEFT, RIGHT), Scale(0, marks[-1] * 24, 196, 28)
    shapes = [svg.line(LEFT, y(mark * 24), RIGHT, y(mark * 24)) for mark in marks]
    shapes += [svg.text(LEFT - 6, y(m * 24) + 4, f"{m:g} d", "small muted end") for m in marks]
    for i, row in enumerate(days):
        if row["p50_hours"] is None:
            tip = f"{row['cohort_date']}: {count(row['ended'])} of {count(row['orders'])} so far"
            shapes.append(svg.bar(x(i), 28, x(i + 1) - x(i), 168, "hatch", tip))
        for name, classes in _HALVES.items():
            if row[name] is not None:
                tip = f"{row['cohort_date']}: {duration(row[name])}"
                shapes.append(svg.dot(x(i + 0.5), y(row[name]), 3, classes, tip))
    entries = [("main", "half"), ("soft", "naive half"), ("hatch", "not reached yet")]
    shapes.append(svg.key(LEFT, 16, entries))
    shapes += date_axis([row["cohort_date"] for row in days], x, 213)
    return svg.picture(222, shapes, title)
