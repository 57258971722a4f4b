"""What rotation and zipping put into the names of a ledger's files, and which file is older."""

from __future__ import annotations

import re

#: What a rotation puts into a name: `sessions.1.jsonl`, `sessions.jsonl.2`, `….2026-06-01`.
_ROTATED = re.compile(
    r"\.(?:(?P<number>[1-9]\d{0,2})|(?P<date>\d{4}-?\d\d-?\d\d[\w-]*))"
    r"(?=(?:\.(?:jsonl|ndjson|json|csv|tsv|parquet))?$)"
)


def family(name: str) -> str:
    """Return the name without what zipping and rotation put into it."""
    return _ROTATED.sub("", re.sub(r"\.gz$", "", name, flags=re.IGNORECASE), count=1)


def reading_order(name: str) -> tuple[str, bool, int, str]:
    """Return what sorts files by age: of a rotation, the highest number is the oldest file."""
    rotated = _ROTATED.search(re.sub(r"\.gz$", "", name, flags=re.IGNORECASE))
    if rotated is None:
        return family(name), True, 0, ""
    return family(name), False, -int(rotated["number"] or 0), rotated["date"] or ""
