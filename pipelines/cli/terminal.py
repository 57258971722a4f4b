"""What is written where: answers to standard output, all talk to standard error."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment
from rich.text import Text

from pipelines.cli import streams
from pipelines.text import printable_lines

_NOT_ASCII = re.compile(r"[^\x00-\x7e]")


@dataclass
class Wishes:
    """What the command line asked for, for the whole process."""

    json: bool = False
    """Standard output holds one JSON document and nothing else."""
    traceback: bool = False
    """An error shows where in the code it happened, before its paragraph."""


wishes = Wishes()


class _Console(Console):
    """A console that no text of the data can steer."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for part in super().render(renderable, options):
            yield part if part.control else Segment(printable_lines(part.text), part.style)


def errors() -> Console:
    """Return the console for whoever watches: progress, notes and errors."""
    return _Console(stderr=True, highlight=False)


def show(*parts: RenderableType) -> None:
    """Print an answer for a person, unless a machine asked for it."""
    console = _Console(highlight=False, quiet=wishes.json)
    for part in parts:
        console.print(part)


def note(text: str) -> None:
    """Tell whoever watches. A file or pipe gets it unbroken, so that it greps."""
    console = errors()
    console.print(Text(text), soft_wrap=not console.is_terminal)


def paragraph(lead: str, text: str) -> None:
    """Print one paragraph to standard error, its lead in a style of its own."""
    console = errors()
    console.print(f"{lead} {escape(text)}".strip(), soft_wrap=not console.is_terminal)


def print_json(document: Any) -> None:
    """Print the one document of ``--json``."""
    # One line for a file or a pipe, so that runs can be appended to one file of JSON lines.
    indent = 2 if sys.stdout.isatty() else None
    escaped = not streams.is_utf8()  # a `?` in place of a character would be another text
    text = json.dumps(document, indent=indent, default=_plain, ensure_ascii=escaped)
    sys.stdout.write(_NOT_ASCII.sub(_visible, text) + "\n")


def _visible(letter: re.Match[str]) -> str:
    """Return a character of a JSON text, escaped if it would not be seen as what it is."""
    return letter[0] if letter[0].isprintable() else json.dumps(letter[0])[1:-1]


def _plain(value: Any) -> Any:
    """Return what JSON has no type for as text that loses nothing."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal | Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
