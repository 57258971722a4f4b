"""Drawing: the few shapes that the charts need, as SVG text.

Each picture carries its own colours for light and dark, so that it looks the same inside the page
and alone, as in Dagster's metadata.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

#: Narrow, so that the text is still readable when a phone shrinks it.
WIDTH = 400

#: One set of colours for the page and the pictures: variable to (light, dark).
COLOURS = {
    "ink": ("#1c2733", "#e6eaf0"),
    "muted": ("#64707d", "#97a3b3"),
    "line": ("#d9dfe6", "#323c49"),
    "paper": ("#ffffff", "#161c24"),
    "ground": ("#f3f5f8", "#0e1319"),
    "main": ("#1f6feb", "#6ea8fe"),
    "second": ("#0f9d76", "#4cd4a9"),
    "warm": ("#d97706", "#f5b04c"),
    "bad": ("#c62f3b", "#ff8089"),
}

_STYLE = """
text{font:12.5px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--ink)}
.small{font-size:11px}.muted{fill:var(--muted)}.end{text-anchor:end}.middle{text-anchor:middle}
.bold{font-weight:600}.grid{stroke:var(--line);stroke-width:1}
.main{fill:var(--main)}.second{fill:var(--second)}.warm{fill:var(--warm)}.bad{fill:var(--bad)}
.soft{fill:var(--muted);opacity:.35}.band{fill:var(--main);opacity:.16}
.stroke-main{stroke:var(--main)}.stroke-second{stroke:var(--second)}.stroke-warm{stroke:var(--warm)}
.stroke-muted{stroke:var(--muted)}
.curve{fill:none;stroke-width:2.2;stroke-linejoin:round}.thin{stroke-width:1.4}
.dashed{stroke-dasharray:5 4}.hollow{fill:var(--paper);stroke-width:2}
.hatch{fill:url(#hatch)}.stroke-ink{stroke:var(--ink)}.whisker{stroke-width:1.6}.lost{fill:var(--ink)}
"""


def colour_rules(selector: str) -> str:
    """Return CSS that sets the colours on a selector, in light and in dark."""
    light, dark = (
        ";".join(f"--{name}:{pair[side]}" for name, pair in COLOURS.items()) for side in (0, 1)
    )
    return f"{selector}{{{light}}}@media(prefers-color-scheme:dark){{{selector}{{{dark}}}}}"


def picture(height: float, shapes: Iterable[str], title: str) -> str:
    """Return the whole SVG; the title is what a screen reader says."""
    hatch = (
        '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect width="2" height="6" class="soft"/></pattern>'
    )
    return (
        f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" '
        f'role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>'
        f"<style>{colour_rules('.chart')}{_STYLE}</style><defs>{hatch}</defs>{''.join(shapes)}</svg>"
    )


@dataclass(frozen=True)
class Scale:
    """From values to places along one axis."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        span = self.high - self.low
        share = (value - self.low) / span if span else 0.0
        return self.start + share * (self.end - self.start)


def ticks(high: float, at_most: int = 5) -> list[float]:
    """Return round values from 0 to at least ``high``."""
    if high <= 0:
        return [0.0, 1.0]
    step = 10.0 ** len(str(int(high)))
    while high / step < at_most:
        step /= 10
    step *= next(factor for factor in (1, 2, 5, 10) if high / (step * factor) <= at_most)
    count = -int(-high // step)
    return [step * i for i in range(count + 1)]


def text(x: float, y: float, content: str, classes: str = "") -> str:
    """Return a line of text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{classes}">{escape(content)}</text>'


def bar(x: float, y: float, width: float, height: float, classes: str, tip: str = "") -> str:
    """Return a rectangle; ``tip`` shows when the pointer rests on it."""
    shown = f"<title>{escape(tip)}</title>" if tip else ""
    size = f'width="{max(width, 0):.1f}" height="{max(height, 0):.1f}"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" {size} class="{classes}">{shown}</rect>'


def line(x1: float, y1: float, x2: float, y2: float, classes: str = "grid") -> str:
    """Return a straight line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{classes}"/>'


def whisker(x1: float, y1: float, x2: float, y2: float, classes: str) -> str:
    """Return an interval: a line with a short one across each end."""
    across = 3 if y1 == y2 else 0
    along = 3 - across
    ends = "".join(
        f"M{x - along:.1f} {y - across:.1f}L{x + along:.1f} {y + across:.1f}"
        for x, y in ((x1, y1), (x2, y2))
    )
    path = f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}{ends}"
    return f'<path d="{path}" class="whisker {classes}"/>'


def dot(x: float, y: float, radius: float, classes: str, tip: str = "") -> str:
    """Return a circle."""
    shown = f"<title>{escape(tip)}</title>" if tip else ""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" class="{classes}">{shown}</circle>'


def curve(points: Sequence[tuple[float, float]], classes: str, *, steps: bool = False) -> str:
    """Return a line through the points, or one that steps from each to the next."""
    if not points:
        return ""
    parts = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for x, y in points[1:]:
        parts.append(f"H{x:.1f}V{y:.1f}" if steps else f"L{x:.1f} {y:.1f}")
    return f'<path d="{"".join(parts)}" class="curve {classes}"/>'


def area(upper: Sequence[tuple[float, float]], lower: Sequence[tuple[float, float]]) -> str:
    """Return the band between two lines."""
    if not upper:
        return ""
    points = [*upper, *reversed(lower)]
    return f'<path d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in points)}Z" class="band"/>'


def key(x: float, y: float, entries: Sequence[tuple[str, str]]) -> str:
    """Return a legend in one row: (classes of the sample, label)."""
    shapes = []
    for classes, label in entries:
        if "curve" in classes:
            shapes.append(line(x, y - 4, x + 18, y - 4, classes))
        elif classes == "whisker":
            shapes.append(whisker(x + 5, y - 10, x + 5, y + 1, "stroke-main"))
        else:
            shapes.append(bar(x, y - 9, 11, 11, classes))
        offset = 24 if "curve" in classes else 16
        shapes.append(text(x + offset, y, label, "small muted"))
        x += offset + 5.9 * len(label) + 12
    return "".join(shapes)
