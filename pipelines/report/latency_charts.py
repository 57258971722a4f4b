"""Charts of waiting: the delivery curve, and the figures of countries and carriers."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.report import svg
from pipelines.report.axes import LEFT, RIGHT, date_axis, nothing, rate_axis
from pipelines.report.queries import Row
from pipelines.report.svg import Scale
from pipelines.words import count, duration

#: Fewer orders than these tell no median worth a line of its own.
ENOUGH = 20


def delivery_curve(points: Sequence[Row], figures: Row | None) -> str:
    """Draw the share that has arrived by time, the naive line, and who was still under way when."""
    title = "Share of paid orders delivered, by time since payment"
    if not points or figures is None:
        return nothing(title)
    days = svg.ticks(points[-1]["hours"] / 24, 6)
    x, y = Scale(0, days[-1] * 24, LEFT, RIGHT), Scale(0, 1, 232, 46)
    shapes = rate_axis([0, 0.25, 0.5, 0.75, 1], y)
    shapes += [svg.text(x(d * 24), 250, f"{d:g} d", "small muted middle") for d in days[:-1]]
    shapes.append(_band(points, x, y))
    for column, classes in (
        ("naive", "stroke-muted thin dashed"),
        ("cancelled", "stroke-warm thin"),
        ("ended", "stroke-main"),
    ):
        line = [(x(0), y(0)), *((x(p["hours"]), y(p[column])) for p in points)]
        shapes.append(svg.curve(line, classes, steps=True))
    shapes += _median(figures, x, y) + _under_way(points, figures, days, x)
    first = [
        ("curve stroke-main", "delivered"),
        ("band", "95 % interval"),
        ("curve stroke-warm thin", "cancelled"),
    ]
    second = [("curve stroke-muted dashed thin", "if only delivered orders counted")]
    shapes.append(svg.key(LEFT, 16, first) + svg.key(LEFT, 34, second))
    return svg.picture(292, shapes, title)


def _band(points: Sequence[Row], x: Scale, y: Scale) -> str:
    known = [p for p in points if p["low"] is not None and p["high"] is not None]
    ends = [[(x(p["hours"]), y(p[end])) for p in known] for end in ("high", "low")]
    return svg.area(*ends)


def _median(figures: Row, x: Scale, y: Scale) -> list[str]:
    half = figures["p50_hours"]
    if half is None:
        return []
    return [
        svg.dot(x(half), y(0.5), 4.5, "hollow stroke-main"),
        svg.text(x(half) + 9, y(0.5) + 16, f"half within {duration(half)}", "small bold"),
    ]


def _under_way(points: Sequence[Row], figures: Row, days: Sequence[float], x: Scale) -> list[str]:
    """Write below the axis how many orders the curve still rests on."""
    shapes = [svg.text(LEFT, 270, "orders still under way and watched:", "small muted")]
    for day in days[:-1]:
        later = [p["at_risk"] for p in points if p["hours"] >= day * 24]
        number = figures["orders"] if not day else (later[0] if later else 0)
        shapes.append(svg.text(x(day * 24), 286, count(number), "small middle"))
    return shapes


def groups(rows: Sequence[Row], title: str) -> str:
    """Draw, for each value, the time of the first half with its interval, and that of 90 %."""
    known = [row for row in rows if row["orders"] >= ENOUGH]
    if not known:
        return nothing(title)
    columns = ("p50_hours", "p50_hours_high", "p90_hours")
    reached = [row[column] for row in known for column in columns if row[column] is not None]
    days = svg.ticks(max(reached, default=24) / 24, 5)
    x = Scale(0, days[-1] * 24, 112, RIGHT - 44)
    bottom = 34 + 27 * len(known)
    shapes = [svg.line(x(d * 24), 28, x(d * 24), bottom) for d in days]
    shapes += [svg.text(x(d * 24), bottom + 16, f"{d:g} d", "small muted middle") for d in days]
    for number, row in enumerate(known):
        shapes += _group(row, 46 + 27 * number, x)
    entries = [("main", "half"), ("whisker", "its 95 % interval"), ("band", "to 90 %")]
    shapes.append(svg.key(12, 16, entries))
    shapes.append(svg.text(RIGHT, 16, "orders", "small muted end"))
    return svg.picture(bottom + 24, shapes, title)


def _group(row: Row, y: float, x: Scale) -> list[str]:
    p50, low, high, p90 = (
        row[name] for name in ("p50_hours", "p50_hours_low", "p50_hours_high", "p90_hours")
    )
    ninety = duration(p90) if p90 is not None else row["p90_state"]
    tip = f"{row['value']}: half within {duration(p50)}, 90 % {ninety}"
    shapes = [
        svg.text(12, y + 4, str(row["value"])[:16]),
        svg.text(RIGHT, y + 4, count(row["orders"]), "small muted end"),
    ]
    if p50 is None:
        return [*shapes, svg.text(x(0) + 6, y + 4, f"half: {row['p50_state']}", "small muted")]
    if p90 is not None:
        shapes.append(svg.bar(x(p50), y - 6, x(p90) - x(p50), 12, "band", tip))
    if low is not None:
        shapes.append(
            svg.whisker(x(low), y, x(high if high is not None else x.high), y, "stroke-main")
        )
    shapes.append(svg.dot(x(p50), y, 4.5, "main", tip))
    if p90 is None:
        # Beside the interval, on the side that has room.
        right, text = x(high if high is not None else x.high), f"90 %: {row['p90_state']}"
        is_right = right < RIGHT - 130
        place = right + 9 if is_right else x(low if low is not None else p50) - 9
        shapes.append(svg.text(place, y + 4, text, f"small muted {'' if is_right else 'end'}"))
    return shapes


def forecast(days: Sequence[Row]) -> str:
    """Draw how many of the parcels under way will arrive on each of the next days."""
    title = "Expected deliveries of the orders that are paid by now"
    if not days:
        return nothing(title)
    marks = svg.ticks(max(max(day["high"] for day in days), 1), 4)
    x, y = Scale(0, len(days), LEFT, RIGHT), Scale(0, marks[-1], 190, 28)
    shapes = [svg.line(LEFT, y(mark), RIGHT, y(mark)) for mark in marks]
    shapes += [svg.text(LEFT - 6, y(mark) + 4, f"{mark:g}", "small muted end") for mark in marks]
    for i, day in enumerate(days):
        expected, interval = day["expected_deliveries"], (y(day["low"]), y(day["high"]))
        if expected is not None:
            tip = f"{day['date']}: {expected:.0f}, {day['low']:.0f} to {day['high']:.0f}"
            width = x(i + 1) - x(i) - 2
            shapes.append(svg.bar(x(i) + 1, y(expected), width, y(0) - y(expected), "soft", tip))
        shapes.append(svg.whisker(x(i + 0.5), interval[0], x(i + 0.5), interval[1], "stroke-main"))
    shapes.append(svg.key(LEFT, 16, [("soft", "expected"), ("whisker", "95 % interval")]))
    shapes += date_axis([day["date"] for day in days], x, 207)
    return svg.picture(216, shapes, title)
