"""By column and one by one, records become the same rows: what drifts takes the careful path."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from pipelines.destinations.batches import to_arrow
from pipelines.source.columns import ColumnParser
from pipelines.source.fingerprints import fingerprint, fingerprints
from pipelines.source.parse import SHAPES, Parsed, Parser, Rejected
from pipelines.source.privacy import (
    _SECRET_VALUE,
    TELLTALES,
    PersonalData,
    Privacy,
    may_be_secret,
)
from pipelines.source.pseudonyms import Keys
from pipelines.source.values import as_json
from pipelines.source.writer import Writer

START = datetime(2026, 6, 1, tzinfo=UTC)
KEYS = Keys.new()
PRIVACY = Privacy("pseudonymous", KEYS)

ORDER: dict[str, Any] = {
    "order_id": "ord_f4d7ce978746011e",
    "session_id": "sess_b74dbec57f3bd6ce",
    "status": "Processing",
    "total_amount": Decimal("22.94"),
    "currency": "usd",
    "created_at": "2026-06-01T02:35:23.458Z",
    "order_number": "PR-0-100994",
    "customer": {"email": "a@example.com", "name": "A", "phone": "+1"},
    "shipping_address": {"street": "1 Example Street", "city": "Köln", "country": "DE"},
    "items": [{"sku": "MUG", "name": "Mug", "quantity": 1, "unit_price": Decimal("14.95")}],
    "carrier": None,
    "tracking_url": "https://example.com/t?token=1",
    "gift_note": None,
}
EVENT: dict[str, Any] = {
    "sessionId": "8F4F477E-aba9-4991-ab81-3a5a41b830fd",
    "event": "order.created",
    "timestamp": "2026-06-01T10:51:20.795Z",
    "data": {"order_id": "ord_1", "sessionId": "sess_1", "status": "pending", "totalAmount": 5},
}
LOG: dict[str, Any] = {
    "webhook_log_id": "whl_218f80c36d6e28e2",
    "event": "order.created",
    "event_type": None,
    "orderId": "ord_b5aaf75e02ee3945",
    "status": "sent",
    "attempts": 1,
    "response_status": 200,
    "timestamp": "2026-06-01 10:51:20Z",
    "payload": EVENT,
}
SESSION: dict[str, Any] = {
    "id": "sess_834a87f08ec7cd0d",
    "createdAt": "2026-05-02T12:51:05.368Z",
    "mode": "image",
    "user": {"email": "b@example.com"},
    "email": "",
    "utm_source": "news",
}
#: The shapes that an API of two minds has, and what it may change one day.
BASES = {
    "orders": (ORDER, {"id": "1", "status": "paid", "shipping": {"country": {"code": "DE"}}}),
    "webhook_logs": (
        LOG,
        {**LOG, "payload": json.dumps(EVENT)},
        {**LOG, "Payload": json.dumps(EVENT), "payload": None},
        {**LOG, "payload": {**EVENT, "data": None}, "attempt": 3},
    ),
    "sessions": (SESSION, {"session_id": "s", "id": 5, "status": "done", "user": "b"}),
}
ODD: list[Any] = [
    *(None, "", " ", "null", "N/A", "x", " x ", "X", "Ünïcode", "a\x00b", "\ud83d", "z" * 300),
    *(0, 1, -1, True, 2**70, 1780480800, Decimal("1.23456"), Decimal("0.30000000000000004")),
    *(Decimal("5.00"), Decimal("1E+3"), Decimal("-0.0"), Decimal("NaN"), 12.5, b"bytes", START),
    *("not shipped", "unknown", "not available", "(12.50)", "$12.50 USD", "13/6/2026", False),
    *(
        "2026-06-13 12:05:09 Europe/Berlin",
        "Request failed with status code 502",
        "for Frau K, home",
    ),
    *(
        {"seconds": 1780480800, "nanos": 5},
        {"centAmount": 5, "fractionDigits": 2},
        [2026, 6, 3, 1, 2],
    ),
    *("12.50", "1,234", "12.50 EUR", "$3", "2026-06-03 10:00:00 UTC", "2026-02-30T00:00:00Z"),
    *("2026-06-03T10:00:00.1Z", "03/04/2026", "ETIMEDOUT", "502 Bad Gateway", "sk_test_abc"),
    *("3 of 5", {"code": 502}, "[502]", "urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
    *("ord_sk_live_abcdefgh", "sk_live_abcdefgh", 89.98999786376953, {"cents": 5}, "\uff15"),
    *(
        "6BA7B810-9DAD-11D1-80B4-00C04FD430C8",
        "a@b.example",
        "https://x.example/?token=1",
        "<text>",
    ),
    *(
        [],
        {},
        [1],
        ["a", "b"],
        {"code": "dhl", "name": "DHL"},
        {"amount": "1.50", "currency": "EUR"},
    ),
    *(
        {"country": "FR", "city": "<object>"},
        {"a": {"b": [None, 1]}},
        '{"email": "c@d.example"}',
        EVENT,
    ),
]
VALUES = st.sampled_from(ODD) | st.text(max_size=6) | st.integers() | st.decimals(allow_nan=False)


@st.composite
def drifting(draw: st.DrawFn) -> tuple[str, list[Any]]:
    """Draw a list's records, in a few shapes, some of whose values are not what they were."""
    resource = draw(st.sampled_from(sorted(BASES)))
    names = sorted({name for base in BASES[resource] for name in base} | {"ORDER_ID", "extra", "x"})
    change = st.dictionaries(st.sampled_from(names), VALUES, max_size=3)
    whole = st.builds(lambda base, part: {**base, **part}, st.sampled_from(BASES[resource]), change)
    return resource, draw(st.lists(whole | whole | whole | VALUES, max_size=12))


def carefully(
    resource: str, records: list[Any], privacy: Privacy
) -> tuple[Any, list[Any], list[Any], set[str]]:
    parser = Parser(resource, privacy)
    found = [
        parser.parse(record, seen_at=START + timedelta(seconds=number), place=f"row {number}")
        for number, record in enumerate(records)
    ]
    rows = [part for part in found if isinstance(part, Parsed)]
    rejected = [part for part in found if not isinstance(part, Parsed)]
    issues = [issue for row in rows for issue in row.issues]
    return to_arrow(SHAPES[resource].table, rows), rejected, issues, set(parser.spellings)


@pytest.mark.parametrize("mode", ["pseudonymous", "none", "full"])
@settings(deadline=None, max_examples=100)
@given(drifting())
def test_columns_are_what_the_careful_path_makes_of_each_record(
    mode: PersonalData, drawn: tuple[str, list[Any]]
) -> None:
    """The faster of two ways would load other rows, or lose what the other one notes."""
    resource, records = drawn
    privacy = Privacy(mode, KEYS)
    table, rejected, issues, words = carefully(resource, records, privacy)
    for fewest in (1, 4):
        parser = ColumnParser(Parser(resource, privacy), fewest=fewest)
        seen_at = [START + timedelta(seconds=number) for number in range(len(records))]
        found = parser.parse_columns(records, seen_at, lambda number: f"row {number}")
        assert found.table.to_pylist() == table.to_pylist()
        assert found.table.schema == table.schema
        assert [bad for bad in found.careful.values() if isinstance(bad, Rejected)] == rejected
        assert list(found.issues) == issues
        assert words <= parser.parser.spellings.keys()


@pytest.mark.parametrize("resource", BASES)
def test_plain_records_never_take_the_careful_path(
    resource: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both ways would agree, and a first load still take an hour."""
    parser = ColumnParser(Parser(resource, PRIVACY), fewest=1)
    monkeypatch.setattr(parser.parser, "parse", None)
    found = parser.parse_columns([BASES[resource][0]] * 3, [START] * 3, str)
    assert found.table.num_rows == 3


@settings(deadline=None, max_examples=200)
@given(VALUES, st.sampled_from(["id", "status", "created_at", "total", "carrier", "x", "customer"]))
def test_json_in_bulk_and_alone_is_what_the_privacy_rule_keeps(value: Any, name: str) -> None:
    """A person's name would come in through the faster writer."""
    for mode in ("pseudonymous", "none"):
        privacy = Privacy(mode, KEYS)
        for part in ({name: value}, {"items": [{name: value}, value]}, {name: {name: value}}):
            written = Writer(privacy).write([part, None, part, [part], part]).to_pylist()
            one, many = (as_json(privacy.kept(value)) for value in (part, [part]))
            assert written == [one, None, one, many, one]
            assert Writer(privacy).write([part, part]).to_pylist() == [one, one]
            assert [Writer(privacy).text(value) for value in (part, [part])] == [one, many]


def test_the_fingerprint_of_a_column_is_that_of_its_rows() -> None:
    """Rows that an event moved would look changed by whoever hashes in bulk."""
    table, *_ = carefully("orders", [ORDER, {"id": "2"}], PRIVACY)
    assert fingerprints(table).to_pylist() == [fingerprint(row) for row in table.to_pylist()]


@given(
    st.lists(
        st.sampled_from(
            [
                "sk",
                "pk",
                "_",
                "test",
                "live",
                "whsec_",
                "eyJ",
                ".",
                "Bearer",
                " ",
                "token",
                "=",
                "a",
            ]
        ),
        max_size=8,
    ).map("".join)
)
def test_no_secret_is_without_its_telltale(text: str) -> None:
    """A secret would enter a table because the quick look did not see it."""
    if _SECRET_VALUE.search(text):
        assert may_be_secret(text)
        assert re.search(TELLTALES, text) or re.search(r"[\s=]", text)
