"""Lists in odd forms: what is unreadable costs itself, and nothing unread is taken for empty."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hostile_server import always
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.client.errors import MalformedAnswer
from pipelines.client.wire import NotTheContractError, Undecodable, decode
from pipelines.source.parse import Parsed, Parser
from pipelines.source.privacy import Privacy
from pipelines.source.pseudonyms import Keys

GOOD = b'{"order_id": "ord_1", "total_amount": 29.99}'
#: What one element may be, and what is said of it.
BAD = {
    "digits": (b'{"n": ' + b"9" * 5_000 + b"}", "a number beyond all bounds"),
    "negative digits": (b'{"n": -' + b"1" * 100_000 + b"}", "a number beyond all bounds"),
    "exponent": (b'{"n": 1e99999999999999999999}', "a number beyond all bounds"),
    "small exponent": (b'{"n": 1E-99999999999999999999}', "a number beyond all bounds"),
    "not a number": (b'{"n": nan}', "not JSON"),
    "infinity": (b'{"n": -inf}', "not JSON"),
    "byte": (b'{"name": "J\xfcrgen"}', "not UTF-8"),
    "byte in a key": (b'{"n\xe9e": 1}', "not UTF-8"),
    "cut letter": (b'{"name": "\xe2\x82"}', "not UTF-8"),
    "overlong letter": (b'{"name": "\xc0\xaf"}', "not UTF-8"),
    "nested lists": (b'{"a": ' + b"[" * 990 + b"]" * 990 + b"}", "nested too deeply"),
    "nested objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
    "key twice": (b'{"order_id": "a", "total": 1, "order_id": "b"}', "'order_id' twice"),
    "inner key twice": (b'{"customer": {"x": 1, "x": 1}}', "'x' twice"),
    "escape": (b'{"name": "\\x41"}', "not JSON"),
    "comma": (b'{"order_id": "a",}', "not JSON"),
    "no value": (b'{"order_id": }', "not JSON"),
    "word": (b"undefined", "not JSON"),
    "brackets in text": (b'{"n": tru, "t": "]}],\\"[{"}', "not JSON"),
}
ENVELOPES = (
    '{"orders": [%s], "total": 3}',
    '{"success": true, "data": {"orders": [%s], "total": 3}}',
    '{"total": 3, "success": true, "data": [%s]}',
    ' {"data":{"items":[%s],"meta":{"total":3}}}\n',
)


@pytest.mark.parametrize("envelope", ENVELOPES)
@pytest.mark.parametrize("kind", BAD)
def test_an_unreadable_row_costs_itself(kind: str, envelope: str) -> None:
    """One row of one customer would stop every sync for ever."""
    bad, reason = BAD[kind]
    body = envelope.encode() % b", ".join([GOOD, bad, GOOD])
    page = always(body).list_orders()
    first, marker, last = page.rows
    assert page.total == 3
    assert first == last == {"order_id": "ord_1", "total_amount": Decimal("29.99")}
    assert isinstance(marker, Undecodable)
    assert reason in marker.reason
    assert marker.size >= len(bad) - 10


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_none_costs_itself(number: str) -> None:
    """Every order of a server in Python that has no discount would be in quarantine."""
    body = '{"orders": [{"order_id": "a", "discount": %s, "total_amount": %s}], "total": %s}'
    page = always(body % (number, number, number)).list_orders()
    assert page.total is None
    row = Parser("orders", Privacy("none", Keys.new())).parse(
        page.rows[0], seen_at=datetime.now(UTC), place="here"
    )
    assert isinstance(row, Parsed)
    assert (row["order_id"], row["total_amount"]) == ("a", None)
    assert json.loads(row["extra"]) == {"discount": "<number>", "total_amount": "<number>"}
    assert [issue.column for issue in row.issues] == ["total_amount"]


def test_two_unreadable_rows_are_told_apart() -> None:
    """They would be counted as one, and a row be missing behind them."""
    rows = b'{"a": tru}, {"b": tru}, {"a": tru}'
    one, other, again = always(b'{"orders": [%s]}' % rows).list_orders().rows
    assert one == again != other


def test_half_an_emoji_is_still_a_text() -> None:
    """A name that was cut within an emoji would cost its order."""
    body = b'{"orders": [{"a": "\\ud83d"}, {"b": "\xed\xa0\xbd"}, {"c": "x\ty\x01"}]}'
    assert always(body).list_orders().rows == [{"a": "\ud83d"}, {"b": "\ud83d"}, {"c": "x\ty\x01"}]


@pytest.mark.parametrize(
    "body",
    [
        '{"orders": [{"a": 1}], "orders": [{"a": 1}, {"a": 2}]}',
        '{"orders": [{"a": tru}], "total": 5, "total": 1}',
        '{"data": {"orders": [{"a": tru}], "total": 2, "total": 1}}',
    ],
)
def test_a_key_twice_around_the_list_is_an_error(body: str) -> None:
    """The last one would win in silence: two orders, or one?"""
    with pytest.raises(MalformedAnswer, match=r"has the key '(orders|total)' twice"):
        always(body).list_orders()


@pytest.mark.parametrize(
    "body",
    [
        b'{"orders": [{"a": tru}',
        b'{"orders": [{"a": tru}], "total": 1',
        b'{"orders": [{"a": tru}], "total": 1} {"orders": []}',
        b'{"orders": [{"a": tru} {"a": 1}]}',
        b'{"orders": [{"a": tru},]}',
        b'{"orders": [{"a": "x}], "total": 1}',
        b'{"orders": [{"a": tru}], "success": fals}',
        b'{orders: [{"a": tru}]}',
        b"[" * 200_000,
        b"[nan, inf]",
    ],
)
def test_a_broken_envelope_is_no_list(body: bytes) -> None:
    """A page that was cut would be taken for a short one, and end the list."""
    with pytest.raises(MalformedAnswer, match="the answer is not JSON"):
        always(body).list_orders()


def test_a_total_beyond_all_bounds_is_none() -> None:
    """The rows beside it would be lost."""
    page = always(b'{"total": ' + b"9" * 5_000 + b', "orders": [{"a": 1}]}').list_orders()
    assert (page.rows, page.total) == ([{"a": 1}], None)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


#: Quick to read, and bad whatever the depth of the stack.
LIGHT = sorted(name for name, (text, _) in BAD.items() if len(text) < 900)


@settings(deadline=None, max_examples=100)
@given(
    rows=st.lists(st.dictionaries(st.text(), JSON, max_size=4), max_size=6),
    bad=st.lists(st.tuples(st.sampled_from(LIGHT), st.integers(0, 6)), min_size=1, max_size=3),
    indent=st.sampled_from([None, 1]),
    ascii_only=st.booleans(),
    envelope=st.sampled_from(ENVELOPES),
)
def test_the_good_rows_are_what_they_are_without_the_bad_ones(
    rows: list[Any],
    bad: list[tuple[str, int]],
    indent: int | None,
    ascii_only: bool,
    envelope: str,
) -> None:
    """Read by hand, a row would differ from the same row on a page that is whole."""
    good = [
        json.dumps(row, indent=indent, ensure_ascii=ascii_only).encode(errors="surrogatepass")
        for row in rows
    ]
    mixed: list[tuple[bytes, bool]] = [(text, True) for text in good]
    for kind, place in bad:
        mixed.insert(place, (BAD[kind][0], False))
    read = always(envelope.encode() % b" ,\n".join(text for text, _ in mixed)).list_orders().rows
    assert [isinstance(row, Undecodable) for row in read] == [not good for _, good in mixed]
    kept = [row for row in read if not isinstance(row, Undecodable)]
    assert kept == always(envelope.encode() % b",".join(good)).list_orders().rows


ROWS = [{"order_id": f"ord_{number}", "n": number, "t": 'a"b\\'} for number in range(5)]
PAGE = json.dumps({"orders": ROWS, "total": 5}).encode()


@settings(deadline=None, max_examples=100)
@given(
    damage=st.lists(
        st.tuples(st.integers(0, len(PAGE) - 1), st.integers(0, 255)), min_size=1, max_size=3
    )
)
def test_a_page_that_was_damaged_anywhere_breaks_nothing(damage: list[tuple[int, int]]) -> None:
    """A flipped byte would be a traceback, or a page of more rows than were sent."""
    body = bytearray(PAGE)
    for place, byte in damage:
        body[place] = byte
    try:
        page = always(bytes(body)).list_orders()
    except MalformedAnswer:
        return
    assert len(page.rows) <= len(ROWS) + len(damage)


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '{"a": [{"b": {}, "b": 0}]}'])
def test_a_key_twice_is_refused_by_name_wherever_json_is_read(text: str) -> None:
    """A ledger's line with two ids would be one of them by chance."""
    with pytest.raises(NotTheContractError, match=r"has the key '[ab]' twice"):
        decode(text.encode())


@pytest.mark.parametrize(
    ("total", "number"),
    [
        ('"250"', 250),
        ("250.0", 250),
        ('"250.00"', 250),
        ("2.5e2", 250),
        ('" 250 "', 250),
        ("0", 0),
        ('"0"', 0),
        ("-1", None),
        ('"-1"', None),
        ("-250.0", None),
        ("2.5", None),
        ('"2.5"', None),
        ('"many"', None),
        ('"1e3"', None),
        ('"٣"', None),
        ("1e300", None),
        ("true", None),
        ("null", None),
        ("[250]", None),
        ('{"value": 250}', None),
    ],
)
@pytest.mark.parametrize("name", ["total", "total_count", "totalCount"])
def test_numbers_of_the_envelope(name: str, total: str, number: int | None) -> None:
    """Without its total no list but the first would ever be proven; a wrong one proves anything."""
    body = f'{{"data": {{"orders": []}}, "pagination": {{"{name}": {total}, "limit": 20}}}}'
    page = always(body).list_orders()
    assert page.total == number


def test_a_total_that_is_none_hides_no_other() -> None:
    """The first name found would end the search."""
    body = '{"total": "n/a", "orders": [], "meta": {"totalCount": "7"}, "offset": "20"}'
    assert always(body).list_orders().total == 7


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, '{"logs": null, "total": 0}'),
        (200, '{"webhookLogs": null}'),
        (200, '{"success": true, "data": {"webhook_logs": null, "total": "0"}}'),
        (200, '{"success": true, "data": null, "total": 0}'),
        (200, '{"logs": null, "data": []}'),
        (204, ""),
        (205, ""),
        (204, "\n"),
    ],
)
def test_an_empty_list_is_not_always_brackets(status: int, body: str) -> None:
    """A partner without webhooks could not load its orders."""
    assert list(always(body, status).list_webhook_logs().rows) == []


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        '{"data": {}}',
        '{"data": null}',
        '{"orders": null}',  # of another list
        '{"logs": null, "total": 3}',
        '{"success": true}',
        '{"logs": "none"}',
        "",
        "null",
    ],
)
def test_what_is_not_there_is_not_empty(body: str) -> None:
    """A stranger's answer would mark every row as deleted."""
    with pytest.raises(MalformedAnswer):
        always(body).list_webhook_logs()


def test_a_list_beside_a_null_is_read() -> None:
    """The rows in `data` would be hidden by the null beside them."""
    body = '{"orders": null, "data": {"orders": [{"a": 1}]}}'
    assert always(body).list_orders().rows == [{"a": 1}]
