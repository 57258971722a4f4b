"""Keeps secrets out of whatever this process prints, should they ever get into a text."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TextIO, cast

from pipelines.cli.streams import Steady
from pipelines.text import without_steering

MARK = "[hidden]"
_secrets: set[str] = set()


def hide(*secrets: str | None) -> None:
    """Never print these from now on. What is too short to be a secret would garble the rest."""
    _secrets.update(secret for secret in secrets if secret and len(secret) >= 8)


def redact(text: str) -> str:
    """Return the text with every secret replaced."""
    for secret in _secrets:
        text = text.replace(secret, MARK)
    return text


def install() -> None:
    """Put the filter before standard output and standard error, once."""
    if not isinstance(sys.stdout, Steady):
        sys.stdout = cast(TextIO, Steady(sys.stdout, _change(sys.stdout)))
        sys.stderr = cast(TextIO, Steady(sys.stderr, _change(sys.stderr)))


def _change(stream: TextIO | None) -> Callable[[str], str]:
    """Return what is done to a text: on a terminal, nothing that hides in it reaches the eye."""
    if stream is None or not stream.isatty():
        return redact
    return lambda text: redact(without_steering(text))
