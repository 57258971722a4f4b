"""Amounts, times and statuses in the words of programs that no text of the API names."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from pipelines.source.money import currency_in, money
from pipelines.source.parse import Parsed, Parser, Rejected
from pipelines.source.privacy import PersonalData, Privacy
from pipelines.source.pseudonyms import Keys
from pipelines.source.times import EPOCH, time
from pipelines.source.values import BadValueError, as_json, http_status, identifier, integer

MOMENT = datetime(2026, 6, 13, 10, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "amount", "currency"),
    [
        ("$12.50 USD", "12.50", "USD"),
        ("USD $12.50", "12.50", "USD"),
        ("CA$1,234.50", "1234.50", "CAD"),
        ("R$ 12,50", "12.50", "BRL"),
        ("\u20b91,23,456.50", "123456.50", "INR"),
        ("\u00a51200", "1200", None),
        ("12,50 kr", "12.50", None),
        ("12,50\u00a0z\u0142", "12.50", "PLN"),
        ("CHF 12.-", "12", "CHF"),
        ("(12.50)", "-12.50", None),
        ("($1,234.50)", "-1234.50", None),
        ("12.50-", "-12.50", None),
        ("\ufeff12.50\u200b", "12.50", None),
        ('"12.50"', "12.50", None),
        ({"units": "12", "nanos": 500_000_000, "currencyCode": "USD"}, "12.50", "USD"),
        ({"centAmount": 1250, "currencyCode": "EUR", "fractionDigits": 2}, "12.50", "EUR"),
        ({"amount": 1250, "currency": "JPY", "exponent": 0}, "1250", "JPY"),
        ({"amount_cents": 1250}, "12.50", None),
        ({"N": "12.50"}, "12.50", None),
        ("12.50 Euro", "12.50", "EUR"),
        ("12,50 US Dollars", "12.50", "USD"),
        ("Rs. 1,234.50", "1234.50", None),
        ("\u20b9500/-", "500", "INR"),
        ("MX$12.50", "12.50", "MXN"),
        ("\uff11\uff12\uff0e\uff15\uff10", "12.50", None),
        ({"amount": 1250, "unit": "cents", "currency": "USD"}, "12.50", "USD"),
        ({"minorUnits": 1250, "currency": "KWD"}, "1.25", "KWD"),
        ({"fractional": 1250, "currency": {"code": "JPY"}}, "1250", "JPY"),
        ({"amountMicros": 12_500_000, "currencyCode": "USD"}, "12.50", "USD"),
        ({"amount": "1250", "precision": 2}, "12.50", None),
    ],
)
def test_an_amount_has_one_reading(written: Any, amount: str, currency: str | None) -> None:
    """The order is missing from the revenue because its amount is written as people write it."""
    assert money(written) == Decimal(amount)
    assert currency_in(written) == currency


@pytest.mark.parametrize(
    "written",
    [
        *("12.500", "(12.50", "-12.50-", "-(12.50)", "\u20ac12 USD", "12.50%", "12\u2075\u2070"),
        *({"minor_units": 1250}, {"cents": 1250, "currency": "JPY"}, {"amount": 9, "unit": "box"}),
        *(Decimal("1.23456"), Decimal("4097.00390625"), Decimal("0.00390625"), "12.50 Euro USD"),
    ],
)
def test_an_amount_with_two_readings_is_told(written: str) -> None:
    """A refund counts as a sale, or a price a thousand times."""
    with pytest.raises(BadValueError):
        money(written)


@given(st.integers(1, 9_999_999))
def test_a_price_that_was_a_float_of_32_bits_is_rounded_and_told(cents: int) -> None:
    """19.99 is sent as 19.989999771118164, and the order has no amount."""
    price = Decimal(cents).scaleb(-2)
    (sent,) = struct.unpack("f", struct.pack("f", float(price)))
    try:
        found = money(sent)
    except BadValueError as told:
        found = told.instead
    assert found == price


@pytest.mark.parametrize(
    "written",
    [
        *("2026-06-13 10:05:09 Etc/UTC", "2026-06-13 12:05:09.000 Europe/Berlin"),
        *("2026-06-13T12:05:09[Europe/Berlin]", "2026-06-13 12:05:09 GMT+0200"),
        *("2026-06-13 12:05:09 UTC+2", "2026-6-13 10:5:9", "2026.06.13 10:05:09"),
        *("6/13/2026, 10:05:09\u202fAM", "13.06.2026 10:05:09", "13/6/2026 10:05:09 UTC"),
        *("Jun 13, 2026, 10:05:09 AM", "June 13th, 2026 at 10:05:09 AM UTC"),
        *("Sat, 13 Jun 2026 06:05:09 EDT", "Sat, 13 Jun 2026 10:05:09 UT"),
        *("2026-06-13 10:05:09 AM", "10:05:09 am 13 Jun 2026", "2026\u201106\u201113T10:05:09Z"),
        *("2026-06-13T05:05:09\u221205:00", "\ufeff2026-06-13T10:05:09Z\u200e"),
        *('"2026-06-13T10:05:09Z"', r"\/Date(1781345109000)\/"),
        {"seconds": 1_781_345_109, "nanos": 0},
        {"_seconds": 1_781_345_109, "_nanoseconds": 999},
        {"date": "2026-06-13 12:05:09.000000", "timezone_type": 3, "timezone": "Europe/Berlin"},
        {"__type": "Date", "iso": "2026-06-13T10:05:09.000Z"},
        {"value": "2026-06-13T10:05:09.000Z"},
        [2026, 6, 13, 10, 5, 9],
        [2026, 6, 13, 10, 5, 9, 999],
        {"S": "2026-06-13T10:05:09Z"},
        *("Saturday, 13-Jun-26 10:05:09 GMT", "13/Jun/2026:12:05:09 +0200"),
        *("2026-06-13-10.05.09.000000", "2026\u5e746\u670813\u65e5 10:05:09"),
        *("\uff12\uff10\uff12\uff16-06-13T10:05:09Z", "1781345109,000"),
        *('ISODate("2026-06-13T10:05:09Z")', "Timestamp('2026-06-13 10:05:09', tz='UTC')"),
        *("datetime.datetime(2026, 6, 13, 10, 5, 9)", "new Date(1781345109000)"),
        {"dateTime": "2026-06-13T12:05:09", "timeZone": "Europe/Berlin"},
        {"date": "2026-06-13", "time": "10:05:09"},
        {"utc": "2026-06-13T10:05:09Z", "local": "2026-06-13T12:05:09"},
        {"year": 2026, "month": 6, "day": 13, "hour": 10, "minute": 5, "second": 9},
        {"$timestamp": {"t": 1_781_345_109, "i": 1}},
        {"epoch": 1_781_345_109},
    ],
)
def test_a_moment_has_one_reading(written: Any) -> None:
    """Sessions of a partner whose language writes times in its own way are in no table."""
    assert time(written) == MOMENT


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata"])
@settings(deadline=None, max_examples=50)
@given(at=st.integers(1_700_000_000, 1_900_000_000))
def test_a_zone_by_its_place_is_that_zones_clock(zone: str, at: int) -> None:
    """All times of half a year are an hour off; the hour that comes twice must be told."""
    moment = EPOCH + timedelta(seconds=at)
    local = moment.astimezone(ZoneInfo(zone))
    try:
        found = time(f"{local:%Y-%m-%d %H:%M:%S} {zone}")
    except BadValueError:
        twice = local.replace(fold=1).utcoffset() != local.replace(fold=0).utcoffset()
        assert twice
    else:
        assert found == moment


@given(st.dates(datetime(2001, 1, 1, tzinfo=UTC).date()), st.sampled_from("/.-"), st.booleans())
def test_a_day_is_told_from_a_month_or_not_at_all(day: Any, mark: str, is_first: bool) -> None:
    """An order of the 4th of March is one of the 3rd of April."""
    one, other = (day.day, day.month) if is_first else (day.month, day.day)
    written = f"{one:02}{mark}{other:02}{mark}{day.year}"
    if day.year >= 2200:
        return
    try:
        found = time(written)
    except BadValueError:
        assert day.day <= 12
        assert day.day != day.month
    else:
        assert found is not None
        assert found.date() == day


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("2026-06-13T24:00:00Z", 86_400),
        ("2026-06-13T23:59:60Z", 86_400),
        ("2026-06-13 12:00 AM", 0),
    ],
)
def test_the_ends_of_a_day_are_moments(written: str, seconds: int) -> None:
    """A leap second, or midnight by its other name, is no time."""
    assert time(written) == datetime(2026, 6, 13, tzinfo=UTC) + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "written",
    [
        *(
            "Not shipped",
            "not yet delivered",
            "unpaid",
            "awaiting payment",
            "to be announced",
            "TBA",
        ),
        *(
            "\u2014",
            "#N/A",
            "<null>",
            "N.A.",
            "unknown",
            "not available",
            "?",
            "\u2026",
            "no",
            "0.0",
        ),
        *("9999-12-31T23:59:59.999Z", "1900-01-01 00:00:00", "1899-12-30", "\u200b", "in transit"),
        *(False, [], {}, {"$date": None}, '""'),
        *("Invalid Date", "<NA>", "(empty)", "n/d", "#VALUE!", "[]", "never delivered", "TBC"),
        *("waiting for payment", "in progress", "1601-01-01T00:00:00Z", "-1", "1969-12-31"),
        *(-1, -62_135_596_800, 253_402_300_799),
    ],
)
def test_not_yet_in_its_many_spellings_is_no_fault(written: Any) -> None:
    """Every open order has a damaged value, and the load is called damaged."""
    assert time(written) is None


@pytest.mark.parametrize("written", ["unknown", "not available", "(none)", "#N/A", False])
def test_a_word_for_no_session_joins_nothing(written: Any) -> None:
    """All orders without a session belong to one session, called unknown."""
    assert identifier(written) is None


@pytest.mark.parametrize(
    ("written", "status"),
    [
        ("Request failed with status code 502", 502),
        ("HTTP 502", 502),
        ("status=404", 404),
        ("Error: 500 Internal Server Error", 500),
        ("502: Bad Gateway", 502),
        (0, None),
        ("-1", None),
        ("[502]", 502),
        ("HTTP_502", 502),
        ("Response code 500 (Internal Server Error)", 500),
        ("The server returned 503", 503),
        ("http error 404", 404),
    ],
)
def test_an_http_status_is_found_in_its_text(written: Any, status: int | None) -> None:
    """A delivery that failed with 502 is told apart from one that nobody answered."""
    assert http_status(written) == status


@pytest.mark.parametrize(
    "written",
    [
        *("ECONNRESET", "timeout of 5000ms exceeded", "5xx", True, "x" * 10**6),
        *("returned 500 bytes", "response: 200 ms", "status 300kb", "HTTP 2"),
    ],
)
def test_what_is_no_http_status_is_told(written: Any) -> None:
    """A time-out of 500 ms is an answer of 500."""
    with pytest.raises(BadValueError):
        http_status(written)


@pytest.mark.parametrize(
    ("written", "attempts"),
    [("3 of 5", 3), ("3/5", 3), ("2 attempts", 2), ("1 try", 1), ("1,234", 1_234), ("5x", 5)],
)
def test_a_number_of_attempts_is_read_in_words(written: str, attempts: int | None) -> None:
    """A delivery that was tried three times of five has no attempts, and is in no percentile."""
    row = _read("webhook_logs", {"id": "x", "attempts": written})
    assert row["attempts"] == attempts


@pytest.mark.parametrize(
    "written",
    [
        "{6F9619FF-8B86-D011-B42D-00CF4FC964FF}",
        "urn:uuid:6f9619ff-8b86-d011-b42d-00cf4fc964ff",
        "URN:UUID:6F9619FF-8B86-D011-B42D-00CF4FC964FF",
        " 6F9619FF-8b86-d011-b42d-00cf4fc964ff\n",
    ],
)
def test_a_uuid_is_one_however_it_is_written(written: str) -> None:
    """The ledger's session has braces, the API's has none: the session never converts."""
    assert identifier(written) == "6f9619ff-8b86-d011-b42d-00cf4fc964ff"


@pytest.mark.parametrize(
    "written",
    [
        *("erika@example.com", "https://shop.example/s?t=abc", "sk_live_Abc123Secret"),
        *("whsec_abc123456789", "eyJhbGciOi.eyJzdWIi.abc", "/pay/12?token=abc", "a token=abcdefg"),
    ],
)
@pytest.mark.parametrize("mode", ["none", "pseudonymous", "full"])
def test_no_secret_and_no_address_is_an_id(written: str, mode: PersonalData) -> None:
    """Whoever reads the orders may log in as their buyer: the link stands where an id should."""
    row = _read("orders", {"id": "x", "session_id": written}, mode)
    if mode == "full" and "@" in written:
        assert row["session_id"] == written
    else:
        assert row["session_id"] is None
        assert [issue.column for issue in row.issues] == ["session_id"]
        assert mode == "full" or written not in str(row)
    parser = Parser("orders", Privacy(mode, Keys.new()))
    assert (written == "erika@example.com" and mode == "full") or isinstance(
        parser.parse({"id": written}, seen_at=MOMENT, place="here"), Rejected
    )


@pytest.mark.parametrize(
    "part", ["1 ", "1,", "Jun ", "a/", "[A/", "12:00 ", "status ", "-", "(", "$"]
)
@pytest.mark.parametrize("read", [money, time, http_status, integer])
def test_no_long_text_keeps_the_machine_busy(read: Any, part: str) -> None:
    """One field of a megabyte, and the sync does not end."""
    with pytest.raises(BadValueError):
        read(part * 500_000)


def _read(resource: str, record: dict[str, Any], mode: PersonalData = "pseudonymous") -> Parsed:
    parser = Parser(resource, Privacy(mode, Keys.new()))
    found = parser.parse(record, seen_at=MOMENT, place="here")
    assert isinstance(found, Parsed)
    return found


@pytest.mark.parametrize(
    ("written", "status"),
    [
        *(("ETIMEDOUT", None), ("socket hang up", None), ("timeout of 5000ms exceeded", None)),
        *(("502 Bad Gateway", 502), ("HTTP 504: Gateway Timeout", 504)),
    ],
)
def test_what_was_said_in_the_place_of_a_status_is_kept_beside_it(
    written: str, status: int | None
) -> None:
    """Nobody can tell the deliveries that timed out from those that were refused."""
    row = _read("webhook_logs", {"id": "x", "status": "failed", "response_status": written})
    assert row["response_status"] == status
    assert row["extra"] == as_json({"response_status": written})


@pytest.mark.parametrize(
    ("field", "written"),
    [("response_status", "Erika Mustermann says no"), ("created_at", "when Erika is back")],
)
def test_what_stood_in_the_place_of_a_value_is_kept_by_the_allow_list_only(
    field: str, written: str
) -> None:
    """Somebody's words get into the table because they stand where a number should."""
    row = _read("webhook_logs", {"id": "x", field: written})
    assert row["extra"] == as_json({field: "<text>"})


@pytest.mark.parametrize("resource", ["orders", "webhook_logs", "sessions"])
@pytest.mark.parametrize(
    "written",
    [
        *("call Erika Mustermann on Friday", "left at 12345 Main Street", "erika@example.com"),
        *("delivered; ring twice", "https://example.com/?token=1"),
    ],
)
def test_a_sentence_is_no_status(resource: str, written: str) -> None:
    """What somebody typed into a status is in every table, and in the report."""
    row = _read(resource, {"id": "x", "session_id": "x", "status": written})
    assert row["status"] is None
    assert [issue.column for issue in row.issues] == ["status"]
    assert written not in str(row)
    kept = _read(resource, {"id": "x", "session_id": "x", "status": "on friday"}, "none")
    assert kept["status"] == "on friday"


@pytest.mark.parametrize(
    "status", ["In Production", "partially_refunded", "Shipped (part 2)", "доставлен", 3]
)
def test_a_status_may_have_a_few_words(status: Any) -> None:
    """All orders of an API that writes its statuses for people are without one."""
    assert _read("orders", {"id": "x", "status": status})["status"] == str(status).lower()
