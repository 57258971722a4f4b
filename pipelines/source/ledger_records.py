"""Which values of a ledger are sessions, and which only hold some: envelopes, wrapped lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.source.fields import decoded
from pipelines.source.names import snake
from pipelines.source.parse import SESSION_ID
from pipelines.source.values import BadValueError, identifier

#: What envelopes call the sessions in them. Under another name only a `session_id` tells one.
_HOLDERS = frozenset(
    {"sessions", "partner_sessions", "session", "data", "results", "records", "rows", "entries"}
)
_NAMES = "|".join(sorted(_HOLDERS))
#: What events and messages call what they are about.
_WRAPPERS = frozenset({"data", "message", "payload", "record", "body", "detail", "value"})
_DEEPEST = 3
#: What streams and log services carry as text.
_OBJECT = re.compile(r"\s*[\[{]")
#: The begin of an envelope, up to its list; and what may follow that. What was matched is never
#: tried another way (`+` behind a quantifier): a file of blanks would take hours.
ENVELOPE = re.compile(
    r'\{\s*+(?:(?!"(?:'
    + f"{_NAMES}|items"
    + r')"\s*+:\s*+\[)"[\w.-]*+"\s*+:\s*+(?:"[^"\\]*+"|[\w.+-]++|\{)\s*+,?\s*+)*+'
    r'"[\w.-]*+"\s*+:\s*+\[\s*+(?=\{)'
)
ENVELOPE_END = re.compile(
    r'\s*+(?:,?\s*+"[\w.-]*+"\s*+:\s*+'
    r'(?:"[^"\\]*+"|[\w.+-]++|\{[^{}]*+\}|\[[^\[\]{}]*+\])\s*+)*+\}'
)
#: An envelope says little before its list.
LONGEST_BEGIN = 1 << 14


def has_key(record: Any) -> bool:
    """Tell whether a record names a session."""
    return isinstance(record, Mapping) and any(
        snake(str(name)) in SESSION_ID and _is_id(value) for name, value in record.items()
    )


def _is_id(value: Any) -> bool:
    try:
        return identifier(value) is not None
    except BadValueError:
        return False


def opened(value: Any) -> list[Any] | None:
    """Return the sessions that an object holds and is not itself; None where it holds none."""
    if isinstance(value, str):  # a line that was written as JSON twice
        value = {"data": value}
    if not isinstance(value, Mapping) or value.get(SESSION_ID[0]):
        return None
    if has_key(value):
        return _wrapped(value)
    found = list(_inside(value, 0))
    return found if found or _is_empty(value) else None


def _wrapped(value: Mapping[str, Any]) -> list[Any] | None:
    """Return the sessions in an event that has an id of its own; None where that is a session's."""
    if any(snake(str(name)) == SESSION_ID[0] for name in value):
        return None
    inner = {name: part for name, part in value.items() if snake(str(name)) in _WRAPPERS}
    found = list(_inside(inner, 0))
    return found if found and all(map(_is_explicit, found)) else None


def _is_explicit(record: Any) -> bool:
    """Tell whether a record is surely a session, and no order or delivery that names one."""
    names = {snake(str(name)) for name in record} if isinstance(record, Mapping) else set()
    return SESSION_ID[0] in names and not names & {"order_id", "event"}


def _inside(value: Mapping[str, Any], deep: int) -> Iterator[Any]:
    for name, part in value.items():
        part = decoded(part) if isinstance(part, str) and _OBJECT.match(part) else part
        if name == "edges" and isinstance(part, list):  # GraphQL's
            for edge in part:
                yield from _inside(edge, deep + 1) if isinstance(edge, Mapping) else ()
        elif isinstance(part, list) and any(_is_session(record, name) for record in part):
            yield from part
        elif _is_session(part, name):
            yield part
        elif isinstance(part, Mapping) and deep < _DEEPEST:
            yield from _inside(part, deep + 1)


def _is_session(record: Any, holder: str) -> bool:
    if not has_key(record):
        return False
    # Users and items have an `id`, too.
    return snake(holder) in {*_HOLDERS, "node"} or any(
        snake(str(name)) == SESSION_ID[0] for name in record
    )


def _is_empty(value: Mapping[str, Any]) -> bool:
    """Tell whether it is an envelope of nothing."""
    inner = value.get("data")
    holders = (value, inner) if isinstance(inner, Mapping) else (value,)
    return any(holder.get(name) == [] for holder in holders for name in _HOLDERS)
