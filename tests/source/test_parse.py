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

from pipelines.client.wire import Undecodable, decode
from pipelines.destinations.batches import to_arrow
from pipelines.source.names import snake
from pipelines.source.parse import (
    SHAPES,
    Parsed,
    Parser,
    Rejected,
    Row,
    fingerprint,
    same_fingerprint,
)
from pipelines.source.privacy import PersonalData, Privacy
from pipelines.source.pseudonyms import Keys
from pipelines.source.schema import ORDERS, QUARANTINE, VALUE_ISSUES

SEEN = datetime(2026, 6, 1, tzinfo=UTC)
KEYS = Keys.new()
PRIVACY = Privacy("pseudonymous", KEYS)
FULL = Privacy("full", KEYS)
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


def read(record: Any, resource: str = "orders") -> Parsed:
    found = Parser(resource, PRIVACY).parse(record, seen_at=SEEN, place="here")
    assert isinstance(found, Parsed), found.reason
    return found


def rejected(record: Any, resource: str = "orders", privacy: Privacy = PRIVACY) -> Rejected:
    row = Parser(resource, privacy).parse(record, seen_at=SEEN, place="here")
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
    ("record", "reason"),
    [
        ("text", "not an object"),
        ([1], "not an object"),
        (None, "not an object"),
        ({**ORDER, "order_id": None}, "order_id is missing"),
        ({**ORDER, "order_id": " "}, "order_id is missing"),
        ({**ORDER, "order_id": "null"}, "order_id is missing"),
        ({**ORDER, "order_id": {"a": 1}}, "order_id is a object"),
        ({**ORDER, "order_id": "x" * 201}, "order_id is longer than 200 characters"),
        ({**ORDER, "order_id": "a\x00b"}, "NUL"),
        ({**ORDER, "order_id": "\ud800"}, "surrogate"),
        ({**ORDER, "orderId": "ord_2"}, "order_id stands there twice"),
    ],
)
def test_a_record_without_a_key_is_told_and_never_stops_a_load(record: Any, reason: str) -> None:
    """One bad record would stop the load of all others, or vanish."""
    found = rejected(record)
    assert reason in found.reason
    row = found.row(SEEN)
    assert row["quarantine_id"] == rejected(record).row(SEEN)["quarantine_id"]
    assert json.loads(row["record"]) is not None or record is None
    assert row["record"].encode()


def test_records_that_could_not_be_decoded_are_told_apart() -> None:
    """Two bad elements of a page would count as one, and the list never be whole."""
    found = [rejected(Undecodable("holds a byte that is not UTF-8", 7, d)).row(SEEN) for d in "ab"]
    assert {row["reason"] for row in found} == {"holds a byte that is not UTF-8"}
    assert len({row["quarantine_id"] for row in found}) == 2


def test_a_record_without_a_key_keeps_what_can_be_read() -> None:
    """The proofs count bad records by status: without it, they would find one too many."""
    found = rejected({**ORDER, "order_id": ["a", "b"]})
    assert found.status == "shipped"


def test_a_record_of_many_megabytes_is_not_kept_whole_in_quarantine() -> None:
    """One id of 20 MB would take its space in every table and every answer about it."""
    for privacy in (PRIVACY, FULL):
        found = rejected({**ORDER, "order_id": "x" * 1_000_000}, privacy=privacy)
        assert len(found.record) < 1000


@pytest.mark.parametrize(
    ("resource", "field", "value", "column"),
    [
        ("orders", "total_amount", "a lot", "total_amount"),
        ("orders", "total_amount", Decimal("1.23456"), "total_amount"),
        ("orders", "created_at", "soon", "created_at"),
        ("orders", "deliveredAt", {"on": "Friday"}, "delivered_at"),
        ("orders", "session_id", "a\x00b", "session_id"),
        ("orders", "session_id", "s" * 201, "session_id"),
        ("orders", "session_id", "\ud800", "session_id"),
        ("orders", "status", {"phase": 3}, "status"),
        ("orders", "tracking_number", ["JD1", "JD2"], "tracking_number"),
        ("webhook_logs", "status", ["sent", "failed"], "status"),
        ("webhook_logs", "response_status", "gone fishing", "response_status"),
        ("webhook_logs", "attempts", 2**70, "attempts"),
        ("sessions", "created_at", "03/04/2026", "created_at"),
        ("sessions", "mode", True, "mode"),
    ],
)
def test_a_value_that_cannot_be_read_costs_that_value(
    resource: str, field: str, value: Any, column: str
) -> None:
    """Eight failed deliveries vanish with their status `ETIMEDOUT`, and the mart says 0 failed."""
    record = {"id": "x", "status": "sent"}
    plain, found = read(record, resource), read({**record, field: value}, resource)
    assert [(issue.column, issue.key, issue.outcome) for issue in found.issues] == [
        (column, "x", "null")
    ]
    assert found[column] is None
    differing = {name for name in plain if plain[name] != found[name]}
    assert differing <= {column, "_fingerprint", "extra"}
    (row,) = to_arrow(VALUE_ISSUES, [issue.row(SEEN) for issue in found.issues]).to_pylist()
    assert not isinstance(value, str) or value not in str(row)


def test_a_value_that_stands_twice_is_not_chosen() -> None:
    """Which of two amounts is right would depend on the order of the fields."""
    found = read({**ORDER, "totalAmount": Decimal(5)})
    assert found["total_amount"] is None
    assert [issue.column for issue in found.issues] == ["total_amount"]


@pytest.mark.parametrize("mode", ["pseudonymous", "full"])
def test_a_field_that_is_nested_too_deeply_costs_that_field(mode: PersonalData) -> None:
    """One order's endless options would end the load, or take the order with them."""
    deep: Any = 0
    for _ in range(5_000):
        deep = [deep]
    privacy = Privacy(mode, KEYS)
    found, plain = (parsed(record, privacy=privacy) for record in ({**ORDER, "items": deep}, ORDER))
    assert {name for name in plain if plain[name] != found[name]} <= {"items", "_fingerprint"}


@pytest.mark.parametrize(
    ("field", "value", "column", "expected"),
    [
        ("carrier", {"code": "dhl", "name": "DHL Express"}, "carrier", "dhl"),
        ("carrier", {"name": "DHL Express"}, "carrier", "DHL Express"),
        ("carrier", ["DHL"], "carrier", "DHL"),
        ("carrier", "", "carrier", None),
        ("status", {"code": "SHIPPED"}, "status", "shipped"),
        ("payment_method", {"type": "card", "brand": "x"}, "payment_method", "card"),
        ("session_id", {"$oid": "5f"}, "session_id", "5f"),
        ("session_id", "N/A", "session_id", None),
        (
            "created_at",
            {"$date": "2026-06-03T10:00:00Z"},
            "created_at",
            datetime(2026, 6, 3, 10, tzinfo=UTC),
        ),
    ],
)
def test_an_object_or_a_list_of_one_is_read_for_what_it_names(
    field: str, value: Any, column: str, expected: Any
) -> None:
    """A field that becomes an object tomorrow would be null for every order from then on."""
    found = read({**ORDER, field: value})
    assert (found[column], found.issues) == (expected, ())


def test_a_blank_field_gives_way_to_its_other_name() -> None:
    """`"carrier": ""` would hide `shipping_carrier`."""
    assert parsed({**ORDER, "carrier": "", "shippingCarrier": "UPS"})["carrier"] == "UPS"


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("12.50 EUR", None, (Decimal("12.50"), "EUR")),
        ({"amount": "12.50", "currency": "eur"}, None, (Decimal("12.50"), "EUR")),
        ("12.50 eur", "EUR", (Decimal("12.50"), "EUR")),
        ("12.50 EUR", "USD", (None, "USD")),
        ("$12.50", None, (Decimal("12.50"), None)),
    ],
)
def test_an_amount_brings_its_currency_and_never_contradicts_it(
    amount: Any, currency: str | None, expected: tuple[Any, str]
) -> None:
    """12.50 EUR would count as 12.50 USD in the revenue."""
    found = read({**ORDER, "total_amount": amount, "currency": currency})
    assert (found["total_amount"], found["currency"]) == expected
    assert len(found.issues) == (expected[0] is None)


def test_a_binary_tail_is_rounded_and_told() -> None:
    """Orders whose total a server added up in doubles would be missing from the revenue."""
    found = read({**ORDER, "total_amount": Decimal("194.96999999999997")})
    assert found["total_amount"] == Decimal("194.97")
    assert [issue.outcome for issue in found.issues] == ["rounded"]
    assert not found.is_damaged


def test_ids_that_differ_are_never_one_row() -> None:
    """Two orders would be one, and the list never proven; a UUID has no case."""
    keys = [parsed({**ORDER, "order_id": key})["order_id"] for key in ("x", "x ", "X", " x")]
    assert len(set(keys)) == 4
    uuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
    assert {parsed({**ORDER, "session_id": k})["session_id"] for k in (uuid, uuid.upper())} == {
        uuid
    }


def test_a_status_is_compared_in_one_spelling_and_asked_for_in_its_own() -> None:
    """An API that tells capitals apart would count nothing under the folded word."""
    parser = Parser("orders", PRIVACY)
    for status in ("PROCESSING", "Shipped"):
        parser.parse({**ORDER, "status": status}, seen_at=SEEN, place="here")
    assert parser.spellings == {"processing": "PROCESSING", "shipped": "Shipped"}


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
        to_arrow(VALUE_ISSUES, [issue.row(SEEN) for issue in found.issues])
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


def test_a_column_that_is_added_changes_no_fingerprint() -> None:
    """After each release that adds a column, every row would seem changed."""
    row = parsed(ORDER)
    assert fingerprint({"a_new_one": None, **row, "another": None}) == row["_fingerprint"]
    assert fingerprint({**row, "a_new_one": "x"}) != row["_fingerprint"]


def test_fingerprints_of_two_versions_are_not_compared() -> None:
    """After a release that hashes otherwise, every row would be counted as changed."""
    new = parsed(ORDER)["_fingerprint"]
    assert same_fingerprint(new, new) is True
    assert same_fingerprint(new, parsed({**ORDER, "status": "paid"})["_fingerprint"]) is False
    assert same_fingerprint("0123456789abcdef01234567", new) is None
    assert same_fingerprint(None, new) is None


def test_a_value_is_told_only_where_its_name_may_keep_it() -> None:
    """What to mend could not be seen; or a sentence about somebody would stand in a table."""
    told = {
        issue.column: issue.value
        for issue in read(
            {**ORDER, "total_amount": "1,234", "created_at": "when Ada came home", "items": []}
        ).issues
    }
    assert told == {"total_amount": '{"total_amount":"1,234"}', "created_at": None}
