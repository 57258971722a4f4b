"""Keeps secrets out of whatever this process prints, should they ever get into a text."""

from __future__ import annotations

import sys
from typing import Any, TextIO, cast

MARK = "[hidden]"
_secrets: set[str] = set()


class _Redacted:
    """A stream whose text has lost its secrets; all else is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        return self._stream.write(redact(text))


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
    if not isinstance(sys.stdout, _Redacted):
        sys.stdout = cast(TextIO, _Redacted(sys.stdout))
        sys.stderr = cast(TextIO, _Redacted(sys.stderr))
