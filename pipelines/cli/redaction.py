"""Keeps secrets out of whatever this process prints, should they ever get into a text."""

from __future__ import annotations

import sys
from typing import TextIO, cast

from pipelines.cli.streams import Steady

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
        sys.stdout = cast(TextIO, Steady(sys.stdout, redact))
        sys.stderr = cast(TextIO, Steady(sys.stderr, redact))
