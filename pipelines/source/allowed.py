"""The allow-list: every name whose value may enter a JSON column, with its kind and the reason.

Whatever is not here keeps its name and its type, so that a new field is seen, and never its value.
A value that does not look like its kind is treated as if its name were not here: free text does
not come in under the name of a number. Review each line that is added as you would a permission.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final, Literal

Kind = Literal[
    "id",
    "amount",
    "count",
    "flag",
    "word",
    "reply",
    "term",
    "label",
    "time",
    "currency",
    "object",
    "person",
]

#: Names in snake case, their kind, and why they may stay.
TABLE: Final[tuple[tuple[str, Kind, str], ...]] = (
    ("id order_id session_id partner_session_id", "id", "joins orders, sessions and events"),
    ("webhook_log_id log_id event_id", "id", "joins deliveries"),
    ("order_number tracking_number", "id", "what support and the carrier call an order"),
    ("creator_id merch_id design_id partner_id", "id", "revenue is told by creator and design"),
    ("product_id variant_id item_id line_id sku", "id", "what was sold"),
    ("blake2b", "id", "names a ledger line that is no JSON without showing it"),
    ("total_amount total amount price unit_price", "amount", "revenue"),
    ("subtotal discount tax shipping_cost fee refund_amount", "amount", "revenue"),
    ("quantity count attempts attempt attempt_count bytes", "count", "how many"),
    ("response_status status_code response_code http_status", "reply", "why a delivery failed"),
    ("currency currency_code", "currency", "the unit of the amounts"),
    ("status order_status delivery_status", "word", "what state a row is in"),
    ("event event_type type mode session_mode", "word", "what happened, to what"),
    ("error_code reason_code", "word", "why it failed"),
    ("size color colour", "word", "what was sold"),
    ("payment_method", "term", "how it was paid"),
    ("carrier shipping_carrier shipping_method", "term", "delivery is analysed by carrier"),
    ("country country_code shipping_country", "term", "delivery is analysed by place"),
    ("state region province city shipping_state shipping_city", "term", "the same"),
    (
        "utm_source utm_medium utm_campaign utm_term utm_content",
        "label",
        "where sessions come from",
    ),
    ("channel campaign", "label", "the same"),
    ("created_at created updated_at timestamp event_at", "time", "when it happened"),
    ("paid_at shipped_at delivered_at cancelled_at canceled_at", "time", "the same"),
    ("last_attempt_at last_attempted_at sent_at", "time", "the same"),
    ("accessed_at first_accessed_at expires_at completed_at", "time", "the same"),
    ("test livemode is_test is_gift is_reprint success", "flag", "what to leave out of a count"),
    ("data payload order session shipment parcel metadata", "object", "holds names of this table"),
    ("items lines line_items creator merch product variant", "object", "holds names of this table"),
    # Of a person and where they live, only the place stays.
    ("customer user user_data buyer recipient contact person", "person", "the place in it"),
    ("shipping_address billing_address address shipping", "person", "the place in it"),
)

KINDS: Final[dict[str, Kind]] = {name: kind for names, kind, _ in TABLE for name in names.split()}
#: The names that stay inside a person.
PLACES: Final = frozenset({"country", "country_code", "state", "region", "province", "city"})
#: Kinds that are somebody's own words: they go where nothing of people is kept.
FREE_TEXT: Final = frozenset[Kind]({"label"})

_TIME_TEXT: Final = re.compile(
    r"\d{4}-?\d\d-?\d\d([T ][\d:.,]{2,18})?( ?(Z|UTC|[+-][\d:]{2,5}))?(\[[\w/]{1,30}\])?"
    r"|[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} [\d:]{5,8} ([A-Z]{1,4}|[+-]\d{4})"
    r"|\d{10}(\d{3}){0,2}(\.\d{1,9})?"
)
#: What machines say where no HTTP status was had, and after one that was: nobody's own words.
_REPLIES: Final = {
    *(word for status in HTTPStatus for word in re.findall(r"\w+", status.phrase)),
    *("HTTP", "TLS", "SSL", "DNS", "status", "response", "socket", "host", "peer", "server"),
    *("client", "network", "connection", "certificate", "handshake", "read", "write", "connect"),
    *("resolve", "getaddrinfo", "error", "failed", "aborted", "cancelled", "closed", "expired"),
    *("refused", "reset", "lost", "hung", "hang", "down", "unreachable", "exceeded", "timeout"),
    *("timed", "time", "reached", "up", "out", "by", "of", "after", "with", "no"),
}
_REPLY: Final = rf"(?:(?i:{'|'.join(sorted(_REPLIES))})|E[A-Z_]{{2,19}}|[1-5]\d\d|\d{{1,6}} ?m?s)"
_TEXTS: Final[dict[Kind, re.Pattern[str]]] = {
    "id": re.compile(r"[A-Za-z0-9][\w.:#/-]{0,99}", re.ASCII),
    "amount": re.compile(r"[-+]?[0-9][0-9.,]{0,13}", re.ASCII),
    "count": re.compile(r"[0-9]{1,6}", re.ASCII),
    "flag": re.compile(r"true|false|yes|no|[01]", re.IGNORECASE),
    "word": re.compile(r"(?!.*\d{6})[A-Za-z][A-Za-z0-9]{0,23}([._-][A-Za-z0-9]{1,23}){0,4}"),
    "reply": re.compile(rf"{_REPLY}(?:[ _:-]{{1,2}}{_REPLY}){{0,7}}", re.ASCII),
    "term": re.compile(r"(?!.*\d{4})[^\W\d_][^@:;\"<>{}\[\]=?!#*|\\_~^\x00-\x1f]{0,59}"),
    "label": re.compile(r"(?!.*\d{7})\w[\w+|:.-]{0,59}( [\w+|:.-]{1,59}){0,3}"),
    "time": _TIME_TEXT,
    "currency": re.compile(r"[A-Za-z]{3}"),
}
_STATE: Final = re.compile(r"(?!.*\d{4}|\d+\.\d+\.\d)\w[\w ()/&.:+-]{0,39}")
#: What an order or a parcel is called: no markup, no JSON, and nothing of several lines.
_NUMBER: Final = re.compile(r"(?!\+\d)[\w #/.:()+*&-]{1,100}")
#: Changes whenever the table or a kind does: what an older one let in is scrubbed by the next sync.
RULES: Final = hashlib.blake2b(
    repr((TABLE, [pattern.pattern for pattern in _TEXTS.values()])).encode(), digest_size=6
).hexdigest()
#: The commonest texts of some kinds, in RE2, which compiles counted repetition slowly, and how
#: long they may be. They fit, need no escape in JSON, and have no blank and no equals sign.
PLAIN_TEXTS: Final[dict[Kind, tuple[str, int]]] = {
    "id": (r"^[0-9A-Za-z][0-9A-Za-z_.:#/-]*$", 100),
    "word": (r"^[A-Za-z]+([._-][A-Za-z]+)?$", 24),
    "time": (r"^\d\d\d\d-\d\d-\d\dT\d\d:\d\d[\d:.]*Z$", 30),
    "amount": (r"^\d+\.\d\d$", 14),
    "currency": (r"^[A-Z][A-Z][A-Z]$", 3),
}
_LARGEST: Final[dict[Kind, int]] = {
    "id": 10**30,
    "amount": 10**9,
    "count": 10**6,
    "reply": 10**6,
    "flag": 2,
    "time": 10**17,
}


def fits(kind: Kind, value: Any) -> bool:
    """Tell whether a plain value (no object, no list) looks like its kind."""
    if isinstance(value, str):
        pattern, text = _TEXTS.get(kind), value.strip()
        if pattern is None or pattern.fullmatch(text) is None:
            return False
        return kind != "term" or _is_proper(text)
    if isinstance(value, bool):
        return kind == "flag"
    if isinstance(value, (int, float, Decimal)):
        return _is_within(kind, value)
    return isinstance(value, (date, datetime)) and kind == "time"


def is_word(kind: Kind | None, text: str) -> bool:
    """Tell what a column of its kind may hold, in a few words, from a sentence of somebody's."""
    words = text.split()
    if kind == "word":
        return _STATE.fullmatch(text) is not None and len(words) <= 4
    if kind == "id":  # a parcel's number may be written in groups
        return _NUMBER.fullmatch(text) is not None and sum(map(_is_spoken, words)) <= 1
    return kind != "currency" or (len(text) <= 10 and text.isalnum())


def _is_spoken(word: str) -> bool:
    return len(word) > 2 and word.strip(".,:;!?").isalpha()


def _is_proper(text: str) -> bool:
    """Tell a place or a firm, such as San Fernando del Valle de Catamarca, from a sentence."""
    words = text.split()
    small = sum(word[0].islower() for word in words)
    return len(words) <= 3 or (len(words) <= 8 and small <= 2)


def _is_within(kind: Kind, value: int | float | Decimal) -> bool:
    largest = _LARGEST.get(kind)
    if isinstance(value, Decimal) and value.is_nan():
        return False  # it cannot even be compared
    if largest is None or not -largest < value < largest:  # also false for NaN
        return False
    return kind in ("amount", "time") or isinstance(value, int)


_MARKS: Final[tuple[tuple[Any, str], ...]] = (
    (bool, "<true/false>"),
    ((int, float, Decimal), "<number>"),
    ((date, datetime), "<time>"),
    (dict, "<object>"),
    (list, "<list>"),
)
_MARKERS: Final = frozenset({"<text>", *(mark for _, mark in _MARKS)})


def marker(value: Any) -> str | None:
    """Return what stands for a value that is not kept: its type. A marker stays as it is."""
    if value is None or (isinstance(value, str) and value in _MARKERS):
        return value
    return next((mark for kind, mark in _MARKS if isinstance(value, kind)), "<text>")
