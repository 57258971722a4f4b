"""From the wire to a row: every spelling, exact values, and a reason for whatever is none."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from pipelines.client.wire import decode
from pipelines.source import values
from pipelines.source.names import snake
from pipelines.source.parse import SHAPES, Parser, Rejected, Row, fingerprint
from pipelines.source.privacy import Privacy
from pipelines.source.schema import ORDERS, QUARANTINE
from pipelines.source.values import BadValueError
from pipelines.sync.store import to_arrow

SEEN = datetime(2026, 6, 1, tzinfo=UTC)
PRIVACY = Privacy.of("pseudonymous", None, "sk_test_1")
FULL = Privacy.of("full", None, "sk_test_1")
ORDER: dict[str, Any] = {
    "order_id": "ord_1",
    "session_id": "sess_1",
    "status": "Shipped",
    "total_amount": Decimal("29.99"),
    "currency": "usd",
    "created_at": "2026-05-01T10:00:00.250Z",
    "tracking_number": "TRK",
    "shipping_address": {"country": "DE", "city": "Berlin", "street": "1 Example Street"},
    "customer": {"email": "a@example.com", "name": "A"},
}


def parsed(record: Any, resource: str = "orders", privacy: Privacy = PRIVACY) -> Row:
    row = Parser(resource, privacy).parse(record, seen_at=SEEN, place="here")
    assert not isinstance(row, Rejected), row.reason
    return row


def rejected(record: Any, resource: str = "orders") -> Rejected:
    row = Parser(resource, PRIVACY).parse(record, seen_at=SEEN, place="here")
    assert isinstance(row, Rejected)
    return row


def camel(record: Any) -> Any:
    if not isinstance(record, dict):
        return record
    words = {name: re.sub(r"_(\w)", lambda m: m[1].upper(), name) for name in record}
    return {words[name]: camel(value) for name, value in record.items()}


@pytest.mark.parametrize("resource", SHAPES)
def test_a_row_has_every_column(resource: str) -> None:
    """A column that is missing from some rows would break their batch."""
    record = ORDER | {"id": "x", "session_id": "s"}
    row = parsed(record, resource)
    notes = {"_walk", "deleted_at", "_event_at"}
    assert row.keys() | notes >= {column.name for column in SHAPES[resource].table.columns}


@pytest.mark.parametrize("spelling", [lambda record: record, camel])
@pytest.mark.parametrize("key", ["order_id", "orderId", "id", "ID"])
def test_names_of_every_case_are_the_same(spelling: Any, key: str) -> None:
    """The API's two cases would give two sets of columns."""
    record = spelling(ORDER)
    record = {key if snake(name) == "order_id" else name: part for name, part in record.items()}
    row, plain = parsed(record), parsed(ORDER)
    told = {name for name in row if name not in ("extra", "_fingerprint")}
    assert {name: row[name] for name in told} == {name: plain[name] for name in told}
    assert (row["status"], row["currency"], row["city"]) == ("shipped", "USD", "Berlin")


def test_what_is_not_known_is_kept() -> None:
    """A field that the vendor adds tomorrow would be lost until somebody notices."""
    row = parsed({**ORDER, "giftWrap": {"paper": "red"}, "risk": Decimal("0.10")})
    assert json.loads(row["extra"]) == {"giftWrap": {"paper": "<text>"}, "risk": "<number>"}
    row = parsed({**ORDER, "risk": Decimal("0.10")}, privacy=FULL)
    assert row["extra"] == '{"risk":0.10}'


@settings(deadline=None)
@given(st.decimals(-(10**13), 10**13, places=4, allow_nan=False))
def test_money_is_exact(amount: Decimal) -> None:
    """A cent lost to a float is a cent that accounting looks for."""
    text = f'{{"a": {amount:f}, "b": "{amount:f}"}}'
    record = decode(text.encode())
    for wire in record.values():
        row = parsed({**ORDER, "total_amount": wire})
        assert row["total_amount"] == amount
        assert to_arrow(ORDERS, [row])["total_amount"][0].as_py() == amount


@pytest.mark.parametrize(
    "wire", ["NaN", "Infinity", "1e400", "0.00001", "99999999999999999", True, [], {}, "12,50"]
)
def test_an_amount_that_is_none_is_told(wire: Any) -> None:
    """An amount that is rounded or null in silence is worse than one that is missing."""
    with pytest.raises(BadValueError):
        values.money(Decimal(wire) if wire in ("NaN", "Infinity", "1e400") else wire)


@pytest.mark.parametrize(
    ("wire", "moment"),
    [
        ("2026-03-29T01:30:00+01:00", datetime(2026, 3, 29, 0, 30, tzinfo=UTC)),
        ("2026-03-29T01:30:00", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("2026-03-29T01:30:00.123456Z", datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)),
        ("2026-03-29", datetime(2026, 3, 29, tzinfo=UTC)),
        (1_774_747_800, datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        (1_774_747_800_000, datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        (None, None),
        ("", None),
    ],
)
def test_times_are_utc(wire: Any, moment: datetime | None) -> None:
    """A local time taken for UTC moves an order to another day."""
    assert values.time(wire) == moment


@pytest.mark.parametrize("wire", ["yesterday", "2026-13-01", 10**20, -5, True, "P1D", "0001-01-01"])
def test_a_time_that_is_none_is_told(wire: Any) -> None:
    """A time that cannot be read must not become null in silence."""
    with pytest.raises(BadValueError):
        values.time(wire)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("text", "not an object"),
        ([1], "not an object"),
        (None, "not an object"),
        ({**ORDER, "order_id": None}, "order_id is missing"),
        ({**ORDER, "order_id": {"a": 1}}, "order_id is a object"),
        ({**ORDER, "status": ["paid"]}, "status is a list"),
        ({**ORDER, "total_amount": "a lot"}, "total_amount is not a number"),
        ({**ORDER, "created_at": "soon"}, "created_at is not a time"),
        ({**ORDER, "session_id": "a\x00b"}, "NUL"),
        ({**ORDER, "session_id": "\ud800"}, "surrogate"),
    ],
)
def test_a_bad_record_is_told_and_never_stops_a_load(record: Any, reason: str) -> None:
    """One bad record would stop the load of all others, or vanish."""
    found = rejected(record)
    assert reason in found.reason
    row = found.row(SEEN)
    assert row["quarantine_id"] == rejected(record).row(SEEN)["quarantine_id"]
    assert json.loads(row["record"]) is not None or record is None
    assert row["record"].encode()


def test_a_bad_record_keeps_what_can_be_read() -> None:
    """The proofs count bad records by status: without it, they would find one too many."""
    found = rejected({**ORDER, "total_amount": "a lot"})
    assert (found.key, found.status) == ("ord_1", "shipped")


#: With halves of surrogate pairs, which `st.text()` alone leaves out.
TEXTS = st.text(st.characters())
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["id", "order_id", "orderId", "status", "payload", "created_at", "customer", "attempts", "x"]
)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(sorted(SHAPES)), st.dictionaries(FIELDS, JSON_VALUES) | JSON_VALUES)
def test_whatever_comes_is_a_row_or_a_reason(resource: str, record: Any) -> None:
    """An answer that nobody thought of would end the load with a traceback."""
    found = Parser(resource, PRIVACY).parse(record, seen_at=SEEN, place="here")
    if isinstance(found, Rejected):
        to_arrow(QUARANTINE, [found.row(SEEN)])
        texts = [found.record]
    else:
        table = SHAPES[resource].table
        to_arrow(table, [found])
        texts = [found[column.name] for column in table.columns if column.kind == "json"]
    # The warehouse casts a batch at once: one text that it does not take stops all of it.
    duckdb.execute("select cast(unnest(?::varchar[]) as json)", [texts]).fetchall()


@pytest.mark.parametrize("sent", [rb"\ud83d", rb"\ude00x", rb"\u0000"])
def test_half_an_emoji_in_a_name_does_not_stop_every_load(sent: bytes) -> None:
    """One product whose name was cut would be refused by the warehouse at each sync, for ever."""
    item = decode(b'{"id": "o1", "status": "paid", "items": [{"name": "mug ' + sent + b'"}]}')
    row = parsed(item, privacy=FULL)
    kept = duckdb.execute("select ?::json ->> '$[0].name'", [row["items"]]).fetchone()
    assert kept is not None
    assert kept[0].startswith("mug ")


@pytest.mark.parametrize("as_text", [False, True])
def test_an_event_is_found_in_a_payload_of_either_form(as_text: bool) -> None:
    """Without the payload's order and time, the change feed would be silent."""
    payload = {
        "sessionId": "0b0e0d7c-1111-2222-3333-444455556666",
        "event": "order.paid",
        "timestamp": "2026-05-01T10:00:00Z",
        "data": {"orderId": "ord_1", "sessionId": "sess_1", "status": "processing"},
    }
    record = {
        "id": "whl_1",
        "status": "sent",
        "attemptCount": 2,
        "payload": json.dumps(payload) if as_text else payload,
    }
    row = parsed(record, "webhook_logs")
    assert (row["order_id"], row["session_id"], row["event_type"]) == (
        *("ord_1", "sess_1", "order.paid"),
    )
    assert row["payload_session_id"] == payload["sessionId"]
    assert (row["order_status"], row["attempts"]) == ("processing", 2)
    assert row["event_at"] == datetime(2026, 5, 1, 10, tzinfo=UTC)


def test_the_same_row_has_the_same_fingerprint_when_it_is_read_back() -> None:
    """Every row would seem changed at each sync."""
    row = parsed(ORDER)
    back = to_arrow(ORDERS, [row]).to_pylist()[0]
    assert fingerprint({name: back[name] for name in row}) == row["_fingerprint"]
    assert fingerprint({**row, "status": "paid"}) != row["_fingerprint"]
