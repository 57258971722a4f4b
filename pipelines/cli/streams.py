"""Standard output and standard error, so that no failure to print changes how a command ends.

A character that the terminal's encoding lacks is replaced. Where nobody reads any more (``| head``)
or the log's disk is full, what is printed goes nowhere, and the command goes on to its own end.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast


class Steady:
    """A stream that changes what is written to it, and that goes on when its reader is gone."""

    def __init__(self, stream: TextIO | None, change: Callable[[str], str]) -> None:
        if stream is None:  # closed by whoever started the command
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - as long as we
        with suppress(AttributeError):
            cast(Any, stream).reconfigure(errors="replace")
        self._stream = stream
        self._change = change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text; where that is impossible, to nowhere."""
        with self._going_on():
            self._stream.write(self._change(text))
        return len(text)

    def flush(self) -> None:
        """Hand on what was written; where that is impossible, to nowhere."""
        with self._going_on():
            self._stream.flush()

    @contextmanager
    def _going_on(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            with suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)


def is_utf8() -> bool:
    """Tell whether standard output takes every character."""
    return (sys.stdout.encoding or "").lower().replace("-", "") in ("utf8", "utf8sig")
