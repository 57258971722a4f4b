"""Takes what nobody may read out of the API's own words, before they get into an error."""

from __future__ import annotations

import re

from pipelines.text import printable

_LONGEST = 300
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,47}")
_HIDDEN = (
    (re.compile(r"\b(?:[sp]k|whsec)_\w+"), "[key]"),
    (re.compile(r"\S*(?://|\bwww\.)\S*"), "[link]"),
    (re.compile(r"\S+@\S+"), "[e-mail]"),
    # What is long and has a digit is a token, or part of one; a UUID is an id, and is kept.
    (
        re.compile(
            r"(?![0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b)"
            r"\b(?=\w*[-_.]*\w*\d)[\w.-]{32,}"
        ),
        "[token]",
    ),
    (re.compile(r"\s+"), " "),
)


def without_secrets(text: str, key: str) -> str:
    """Return the text on one line, shortened, without the key, links, addresses and tokens."""
    # First, so that no key hides behind letters that nobody sees.
    text = printable(text[: 20 * _LONGEST])
    if key:
        text = text.replace(key, "[key]")
    for pattern, mark in _HIDDEN:
        text = pattern.sub(mark, text)
    return text.strip()[:_LONGEST]


def plain_code(code: str | None, key: str) -> str | None:
    """Return the API's error code if it is one: ``INVALID_API_KEY``, not a sentence or a key."""
    if code and _CODE.fullmatch(code) and without_secrets(code, key) == code:
        return code
    return None
