"""One figure a week, with its interval, on a ground that is hatched while the week is young."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from pipelines.report import svg
from pipelines.report.axes import LEFT, RIGHT, date_axis, nothing
from pipelines.report.svg import Scale
from pipelines.words import count

_TOP, _BOTTOM, _VOLUME = 28, 190, 40


@dataclass(frozen=True)
class Week:
    """A week's value and its 95 % interval; None where there is none, or none yet.

    ``volume`` is how many it rests on, or may rest on once it is no longer young.
    """

    start: date
    value: float | None
    low: float | None
    high: float | None
    volume: int
    is_young: bool


@dataclass(frozen=True)
class Reading:
    """How a chart of weeks is read: what it shows, of how many what, in which words."""

    title: str
    name: str
    volume: str
    words: Callable[[float | None], str]
    step: float = 1.0


def weekly(weeks: Sequence[Week], reading: Reading) -> str:
    """Draw the weeks, oldest first."""
    if all(week.value is None for week in weeks):
        return nothing(reading.title)  # an axis without a figure has numbers that nothing carries
    tops = [week.high if week.high is not None else week.value for week in weeks]
    marks = [
        mark * reading.step
        for mark in svg.ticks(max((top for top in tops if top), default=1.0) / reading.step)
    ]
    x, y = Scale(0, len(weeks), LEFT, RIGHT), Scale(0, marks[-1], _BOTTOM, _TOP)
    shapes = [svg.line(LEFT, y(mark), RIGHT, y(mark)) for mark in marks]
    labels = ((y(mark), reading.words(mark).replace(".0 ", " ") if mark else "0") for mark in marks)
    shapes += [svg.text(LEFT - 6, at + 4, label, "small muted end") for at, label in labels]
    shapes += [_young(i, week, x, reading) for i, week in enumerate(weeks) if week.is_young]
    shapes += _line(weeks, x, y)
    for i, week in enumerate(weeks):
        shapes += _point(week, x(i + 0.5), y, reading)
    shapes += _volumes(weeks, x, reading)
    entries = [("main", reading.name), ("whisker", "95 % interval"), ("hatch", "too young to tell")]
    shapes.append(svg.key(LEFT, 16, entries))
    return svg.picture(_BOTTOM + _VOLUME + 34, shapes, reading.title)


def _young(i: int, week: Week, x: Scale, reading: Reading) -> str:
    tip = f"Week of {week.start}: {count(week.volume)} {reading.volume} so far"
    height = _BOTTOM - _TOP + 12 + _VOLUME
    return svg.bar(x(i), _TOP, x(i + 1) - x(i), height, "hatch", tip)


def _line(weeks: Sequence[Week], x: Scale, y: Scale) -> list[str]:
    """Join weeks that follow each other; a week without a value is a gap, not a slope."""
    shapes = []
    for i, (one, next_one) in enumerate(pairwise(weeks)):
        if one.value is not None and next_one.value is not None:
            ends = [(x(i + 0.5), y(one.value)), (x(i + 1.5), y(next_one.value))]
            shapes.append(svg.curve(ends, "stroke-main thin"))
    return shapes


def _point(week: Week, at: float, y: Scale, reading: Reading) -> list[str]:
    if week.value is None:
        return []
    words = reading.words
    tip = f"Week of {week.start}: {words(week.value)} of {count(week.volume)} {reading.volume}"
    shapes = []
    if week.low is not None:
        high = y.high if week.high is None else min(week.high, y.high)
        tip += f", {words(week.low)} to {'open' if week.high is None else words(week.high)}"
        shapes.append(svg.whisker(at, y(week.low), at, y(high), "stroke-main"))
    return [*shapes, svg.dot(at, y(week.value), 4, "main", tip)]


def _volumes(weeks: Sequence[Week], x: Scale, reading: Reading) -> list[str]:
    top = max(week.volume for week in weeks)
    height, floor = Scale(0, max(top, 1), 0, _VOLUME - 6), _BOTTOM + 12 + _VOLUME
    bars = [
        svg.bar(
            x(i) + 1,
            floor - height(week.volume),
            x(i + 1) - x(i) - 2,
            height(week.volume),
            "soft",
            f"Week of {week.start}: {count(week.volume)} {reading.volume}",
        )
        for i, week in enumerate(weeks)
    ]
    label = f"{reading.volume}, {count(top)} at most"
    texts = [svg.text(LEFT, _BOTTOM + 12, label, "small muted")]
    return [*bars, *texts, *date_axis([week.start for week in weeks], x, floor + 16)]
