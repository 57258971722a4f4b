"""What several charts share: their margins, their axes, and the picture for no data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from pipelines.report import svg
from pipelines.report.svg import WIDTH, Scale
from pipelines.words import percent

LEFT: Final = 44
RIGHT: Final = WIDTH - 12


def nothing(title: str) -> str:
    """Draw a picture for no data."""
    shape = svg.text(WIDTH / 2, 44, "Nothing to show yet", "muted middle")
    return svg.picture(80, [shape], title)


def rate_axis(marks: Sequence[float], y: Scale) -> list[str]:
    """Label an axis of shares, with a line across for each."""
    digits = 0 if round(marks[1] * 100, 6).is_integer() else 1
    lines = [svg.line(LEFT, y(mark), RIGHT, y(mark)) for mark in marks]
    labels = [
        svg.text(LEFT - 6, y(mark) + 4, percent(mark, digits), "small muted end") for mark in marks
    ]
    return lines + labels


def date_axis(dates: Sequence[date], x: Scale, y: float) -> list[str]:
    """Label the first, the middle and the last of the dates; a single one in the middle."""
    last = len(dates) - 1
    middle = [(last // 2, 0.5, "small muted middle")] if last == 0 or last >= 6 else []
    ends = [(0, 0.0, "small muted"), (last, 1.0, "small muted end")] if last else []
    return [
        svg.text(x(i + part), y, dates[i].strftime("%-d %b %Y"), classes)
        for i, part, classes in sorted(middle + ends)
    ]
