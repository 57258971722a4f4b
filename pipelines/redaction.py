"""Takes what nobody may read out of the API's own words, before they get into an error."""

from __future__ import annotations

import re

from pipelines.text import printable

_LONGEST = 300
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,47}")
_KEY = re.compile(r"\b(?:[sp]k|whsec)_\w+")
_LINK = re.compile(r"//|\bwww\.")
_ADDRESS = re.compile(r".@.")
#: What is long and has a digit is a token, or part of one; a UUID is an id, and is kept.
_LONG = re.compile(r"[\w.-]{32,}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def without_secrets(text: str, key: str) -> str:
    """Return the text on one line, shortened, without the key, links, addresses and tokens."""
    # First, so that no key hides behind letters that nobody sees.
    text = printable(text[: 20 * _LONGEST])
    if key:
        text = text.replace(key, "[key]")
    return " ".join(map(_masked, text.split()))[:_LONGEST]


def _masked(word: str) -> str:
    # Word by word: a pattern that looks for the word's ends takes hours over a hostile text.
    word = _KEY.sub("[key]", word)
    if _LINK.search(word):
        return "[link]"
    if _ADDRESS.search(word):
        return "[e-mail]"
    return _LONG.sub(_without_token, word)


def _without_token(found: re.Match[str]) -> str:
    is_plain = not re.search(r"\d", found[0]) or _UUID.fullmatch(found[0].strip(".-"))
    return found[0] if is_plain else "[token]"


def plain_code(code: str | None, key: str) -> str | None:
    """Return the API's error code if it is one: ``INVALID_API_KEY``, not a sentence or a key."""
    if code and _CODE.fullmatch(code) and without_secrets(code, key) == code:
        return code
    return None
