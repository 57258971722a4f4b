"""What a text may do where it is shown: be read, and nothing else."""

from __future__ import annotations

import re
import unicodedata

#: What steers a terminal or hides in a line, and is not of ASCII: no library of ours prints it.
_STEERING = re.compile(r"[^\x00-\x7f]")


def printable(text: str) -> str:
    """Return the text without what steers a terminal or hides in a line.

    Controls, format characters (text that runs backwards, letters of no width), halves of surrogate
    pairs and characters without a meaning go; line and paragraph separators become blanks.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(letter) for letter in text)


def printable_lines(text: str) -> str:
    """Return the text line by line as ``printable`` has it, the line breaks kept."""
    return "\n".join(map(printable, text.split("\n")))


def without_steering(text: str) -> str:
    """Return the text as ``printable`` has it, with all of ASCII kept: colours and movements."""
    return text if text.isascii() else _STEERING.sub(lambda letter: _shown(letter[0]), text)


def _shown(letter: str) -> str:
    if letter.isspace():
        return letter if letter.isprintable() else " "
    return "" if unicodedata.category(letter)[0] == "C" else letter
