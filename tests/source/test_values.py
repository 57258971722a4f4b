"""Single values: what has one reading is read, whoever wrote it; what has two is never guessed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from pipelines.source.money import money
from pipelines.source.times import EPOCH, time
from pipelines.source.values import BadValueError, count, http_status, identifier, integer, text

MOMENT = datetime(2026, 6, 3, 10, tzinfo=UTC)
CENTS = st.decimals(0, 10**12, places=2, allow_nan=False)
MOMENTS = st.integers(1_000_000_000 * 10**6, 4_000_000_000 * 10**6).map(
    lambda microseconds: EPOCH + timedelta(microseconds=microseconds)
)


def grouped(amount: Decimal, group: str, mark: str) -> str:
    return f"{amount:,.2f}".replace(",", "#").replace(".", mark).replace("#", group)


@settings(deadline=None)
@given(
    CENTS,
    st.sampled_from([(",", "."), (".", ","), (" ", ","), ("\u00a0", ","), ("'", "."), ("", ",")]),
    st.sampled_from(["{}", "${}", "{} USD", "USD {}", "€{}", "{} €", " {} ", "-{}"]),
)
def test_an_amount_is_read_however_it_is_written(
    amount: Decimal, marks: tuple[str, str], frame: str
) -> None:
    """The order would be missing from the revenue, or ten times too large in it."""
    found = money(frame.format(grouped(amount, *marks)))
    assert found == (-amount if frame.startswith("-") else amount)


@given(st.integers(1, 999), st.integers(0, 999), st.sampled_from(",."))
def test_one_mark_before_three_digits_is_not_guessed(high: int, low: int, mark: str) -> None:
    """1,234 read as 1.234 is an order at a thousandth of its price."""
    with pytest.raises(BadValueError, match="two readings"):
        money(f"{high}{mark}{low:03}")


@settings(deadline=None)
@given(st.lists(st.decimals(0, 10**5, places=2, allow_nan=False), min_size=2, max_size=20))
def test_the_tail_of_a_sum_of_doubles_is_rounded_off(prices: list[Decimal]) -> None:
    """An order whose server adds prices up in doubles would have no amount."""
    added = sum(float(price) for price in prices)
    try:
        found = money(Decimal(repr(added)))
    except BadValueError as error:
        found = error.instead
    assert found == sum(prices)


@pytest.mark.parametrize(
    "wire",
    [
        *(Decimal(digits) for digits in ("NaN", "Infinity", "1e400", "1.23456", "0.00001")),
        *("99999999999999999", True, {}, [1, 2], "1..5", "1,5,0", "--5", "5 EUR USD", "free"),
        *("12.50.10", "1_000", "\u0661", {"amount": 1250, "currency": "USD"}, False),
        *({"amount": "1250", "currency": "USD"}, {"amount": {"value": 1}}),
    ],
)
def test_an_amount_that_is_none_is_told(wire: Any) -> None:
    """An amount that is rounded, guessed or null in silence is worse than one that is missing."""
    with pytest.raises(BadValueError) as told:
        money(wire)
    assert told.value.instead is None


def javascript(moment: datetime, zone: str) -> str:
    return f"{moment:%a %b %d %Y %H:%M:%S} {zone}"


#: What languages and exports write, to the second; each written by other code than ours.
WRITERS: dict[str, Callable[[datetime], Any]] = {
    "Python": lambda at: at,
    "ISO": lambda at: at.isoformat(),
    "no zone": lambda at: at.replace(tzinfo=None).isoformat(" "),
    "other zone": lambda at: at.astimezone(timezone(timedelta(hours=-9, minutes=-30))).isoformat(),
    "BigQuery": lambda at: f"{at:%Y-%m-%d %H:%M:%S} UTC",
    "BigQuery, fraction": lambda at: f"{at:%Y-%m-%d %H:%M:%S.000} UTC",
    "Ruby": lambda at: f"{at:%Y-%m-%d %H:%M:%S} +0000",
    "Go": lambda at: f"{at:%Y-%m-%d %H:%M:%S} +0000 UTC",
    "Go, monotonic": lambda at: f"{at:%Y-%m-%d %H:%M:%S}.000000001 +0000 UTC m=+0.0105",
    "Java": lambda at: f"{at:%Y-%m-%dT%H:%M:%S}Z[UTC]",
    "Java, zone": lambda at: (
        f"{at.astimezone(timezone(timedelta(hours=2))):%Y-%m-%dT%H:%M:%S}+02:00[Europe/Berlin]"
    ),
    "RFC 2822": format_datetime,
    "HTTP": lambda at: format_datetime(at, usegmt=True),
    "JavaScript": lambda at: javascript(at, "GMT+0000 (Coordinated Universal Time)"),
    "date": lambda at: f"{at:%a %b %e %H:%M:%S} UTC {at:%Y}",
    "ctime": lambda at: at.ctime(),
    "Oracle": lambda at: f"{at:%d-%b-%Y %H:%M:%S}",
    "slashes": lambda at: f"{at:%Y/%m/%d %H:%M:%S}",
    "compact": lambda at: f"{at:%Y%m%d%H%M%S}",
    "basic": lambda at: f"{at:%Y%m%dT%H%M%SZ}",
    "seconds": lambda at: (at - EPOCH) // timedelta(seconds=1),
    "milliseconds": lambda at: (at - EPOCH) // timedelta(milliseconds=1),
    "microseconds": lambda at: (at - EPOCH) // timedelta(microseconds=1),
    "nanoseconds": lambda at: (at - EPOCH) // timedelta(microseconds=1) * 1000,
    "seconds as text": lambda at: f"{at.timestamp():.0f}",
    "nanoseconds as text": lambda at: f"{at.timestamp():.0f}000000000",
    "fraction": lambda at: Decimal(f"{at.timestamp():.0f}.000"),
    "scientific": lambda at: f"{Decimal(f'{at.timestamp():.0f}'):E}",
    ".NET": lambda at: f"/Date({at.timestamp():.0f}000)/",
    "Mongo": lambda at: {"$date": {"$numberLong": f"{at.timestamp():.0f}000"}},
}


@pytest.mark.parametrize("writer", WRITERS)
@settings(deadline=None, max_examples=20)
@given(MOMENTS)
def test_a_moment_is_read_whoever_wrote_it(writer: str, moment: datetime) -> None:
    """A ledger that was exported by another program would have no session at all."""
    moment = moment.replace(microsecond=0)
    assert time(WRITERS[writer](moment)) == moment


@given(MOMENTS)
def test_microseconds_are_exact(moment: datetime) -> None:
    """A float on the way would move an event before the one that caused it."""
    micros = (moment - EPOCH) // timedelta(microseconds=1)
    assert time(moment.isoformat()) == time(micros) == time(Decimal(micros) / 10**6) == moment


@pytest.mark.parametrize(
    "wire",
    [
        *("03/04/2026", "03.06.2026", "yesterday", "2026-13-01", "10:00:00", "now"),
        *("2026-06-03 10:00:00 EST", "Wed, 03 Jun 2026 10:00:00 CEST", "2026-06-03 13:00:00 PM"),
        *("2026-10-25T02:30:00[Europe/Berlin]", "Wed, 03-Jun-26 10:00:00 GMT", "P1D", "infinity"),
        *("2026", "5", "Jun 2026", 10**20, -5, True, 20260603, [2026], {"on": 1}, Decimal("NaN")),
        *("2026-06-03 10:00 Mars/Olympus", "31/31/2026", "2026-06-03 10:61", {"seconds": "soon"}),
        # Ticks since another year than 1970: read as nanoseconds, they would be in 1990.
        639_161_028_000_000_000,
    ],
)
def test_a_time_that_is_none_or_two_is_told(wire: Any) -> None:
    """A time that is guessed moves an order to another day; one that is null is told."""
    with pytest.raises(BadValueError):
        time(wire)


@pytest.mark.parametrize("wire", ["", " ", "null", "None", "N/A", "-", "undefined", "NaN", "\\N"])
@pytest.mark.parametrize("take", [money, time, integer, identifier])
def test_not_yet_in_its_many_spellings_is_null(take: Callable[[Any], Any], wire: str) -> None:
    """Every open order would be noted as one with unreadable times."""
    assert take(wire) is None


@pytest.mark.parametrize(
    "wire",
    [
        *("0000-00-00", "0000-00-00 00:00:00", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        *(0, "0", "pending", None),
    ],
)
def test_the_zeros_of_time_mean_not_yet(wire: Any) -> None:
    """An order that is not delivered would be delivered in the year 1, or noted as unreadable."""
    assert time(wire) is None


def test_typed_values_of_exports_are_read() -> None:
    """Parquet and databases bring dates, naive times and doubles."""
    assert time(date(2026, 6, 3)) == datetime(2026, 6, 3, tzinfo=UTC)
    assert time(MOMENT.replace(tzinfo=None)) == time(MOMENT.timestamp()) == MOMENT
    assert (integer(5.0), money(12.5)) == (5, Decimal("12.5"))
    assert (identifier(5.0), text(b"abc")) == ("5", "abc")


@pytest.mark.parametrize(
    ("take", "wire", "expected"),
    [
        (http_status, "502 Bad Gateway", 502),
        (http_status, "HTTP/1.1 503 Service Unavailable", 503),
        (http_status, "404", 404),
        (http_status, 204, 204),
        (count, [{"at": 1}, {"at": 2}], 2),
        (count, [{"at": 1}], 1),
        (count, [], 0),
        (count, "3", 3),
        (integer, Decimal("3.0"), 3),
        (integer, "3.0", 3),
        (integer, [3], 3),
    ],
)
def test_whole_numbers_are_read(take: Callable[[Any], Any], wire: Any, expected: int) -> None:
    """A delivery that failed five times would have no attempts, or no answer."""
    assert take(wire) == expected


@pytest.mark.parametrize(
    ("take", "wire"),
    [
        *((http_status, word) for word in ("ETIMEDOUT", "timeout", "200ms", {"a": 1})),
        *((integer, wire) for wire in (True, "1_000", Decimal("5.5"), 2**63, "½", [1, 2])),
        *(
            (text, wire)
            for wire in (True, Decimal("0.5"), 10**1000, b"\xff", Decimal("1E+9999999"))
        ),
    ],
)
def test_what_is_no_whole_number_or_text_is_told(take: Callable[[Any], Any], wire: Any) -> None:
    """A number that means something else is worse than one that is missing."""
    with pytest.raises(BadValueError):
        take(wire)
