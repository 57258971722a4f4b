"""Exact amounts from numbers, texts and objects; never through a float, and never guessed."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pipelines.source.names import snake
from pipelines.source.schema import MONEY_DIGITS, MONEY_PLACES
from pipelines.source.values import BadValueError, integer, kind_of, quantity, scalar

_SMALLEST = Decimal(1).scaleb(-MONEY_PLACES)
_LARGEST = Decimal(10) ** (MONEY_DIGITS - MONEY_PLACES)

#: The currencies of signs; None where several have it.
_SYMBOLS = {"US$": "USD", "CA$": "CAD", "AU$": "AUD", "A$": "AUD", "NZ$": "NZD", "HK$": "HKD"}
_SYMBOLS |= {"R$": "BRL", "€": "EUR", "£": "GBP", "₹": "INR", "₺": "TRY", "₽": "RUB", "₩": "KRW"}
_SYMBOLS |= {"₴": "UAH", "₪": "ILS", "฿": "THB", "₫": "VND", "₱": "PHP", "zł": "PLN", "Kč": "CZK"}
_SYMBOLS |= {"MX$": "MXN", "Ft": "HUF"}
_SYMBOLS |= dict.fromkeys(("Euro", "Euros", "euro", "euros"), "EUR")
_SYMBOLS |= dict.fromkeys(("US Dollar", "US Dollars", "US dollar", "US dollars"), "USD")
_SHARED: tuple[str, ...] = ("C$", "S$", "$", "¥", "kr", "kr.", "Rs", "Rs.", "Fr.")
_SHARED += ("Dollar", "Dollars", "dollar", "dollars")
_SIGNS: dict[str, str | None] = {**_SYMBOLS, **dict.fromkeys(_SHARED)}
_UNIT = "|".join([*map(re.escape, sorted(_SIGNS, key=len, reverse=True)), "[A-Za-z]{3}"])
_UNITS = re.compile(_UNIT)
_PRICE = re.compile(
    rf"(?P<open>\(?)(?P<sign>[+-]?)(?P<before>(?:(?:{_UNIT})\s*){{0,2}})(?P<minus>[+-]?)"
    r"(?P<number>[0-9.,' ]*[0-9]\.?)(?P<exponent>[eE][+-]?[0-9]{1,4})?"
    rf"(?P<dash>(?:(?<=\.)|,)-{{1,2}}|/-)?(?P<end>-?)(?P<after>(?:\s*(?:{_UNIT})){{0,2}})(?P<close>\)?)"
)
#: 1,234,567.50 or 1.234.567,50 or 1 234 567,50 or 12,34,567.50.
_GROUPED = re.compile(
    r"(?P<whole>[0-9]{1,3}(?P<group>[,.' ])(?:[0-9]{2,3}(?P=group))*[0-9]{3})"
    r"(?:(?P<mark>[.,])(?P<rest>[0-9]+))?"
)
_PLAIN = re.compile(r"(?P<whole>[0-9]*)(?:[.,](?P<rest>[0-9]*))?")
_BLANKS = str.maketrans(
    {"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2019": "'", "\u2212": "-", "\u2013": "-"}
    | {"\uffe5": "\u00a5", "\uff04": "$"}
)
_AMOUNT = ("amount", "value", "cent_amount")
_CURRENCY = ("currency", "currency_code")
#: How many of an object's digits are behind the point, in the words of those who say so.
_PLACES = ("exponent", "scale", "fraction_digits", "decimals", "decimal_places", "precision")
_CENTS = ("cents", "amount_cents", "amount_in_cents", "in_cents", "value_in_cents")
_MINOR = ("minor_units", "amount_minor", "minor_amount", "amount_in_minor_units", "fractional")
_MICROS = ("micros", "amount_micros")
_UNITS_OF = ("unit", "denomination")
#: Currencies whose smallest unit is no hundredth.
_MINOR_PLACES = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"), 0),
    **dict.fromkeys(("UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}

#: A double has 15 to 17 digits, of which arithmetic spoils the last.
_DOUBLE_DIGITS = 15
_ULPS = 64
#: A price's digits fit into 32 bits below this.
_LARGEST_SINGLE = 10**6
_CENT = Decimal("0.01")


def money(value: Any) -> Decimal | None:
    """Take an exact amount, in units of its currency, with as many places as the column has.

    Raises:
        BadValueError: it is none, or has two readings. The tail that a binary fraction leaves,
            as in 194.96999999999997, is rounded off, and told in the same way.
    """
    value = quantity(value)
    if value is None:
        return None
    if isinstance(value, Mapping):
        return _of_object(value)
    if isinstance(value, str):
        return _exact(_of_text(value)[0])
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return _exact(Decimal(repr(value)) if isinstance(value, float) else Decimal(value))
    raise BadValueError(f"is a {kind_of(value)}, not an amount")


def currency_in(value: Any) -> str | None:
    """Return the currency that an amount names itself: its code, in capitals."""
    value = quantity(value)
    if isinstance(value, Mapping):
        named = scalar(_field(value, _CURRENCY))
        named = _field(named, ("code",)) if isinstance(named, Mapping) else named
        return named.strip().upper() or None if isinstance(named, str) else None
    return _of_text(value)[1] if isinstance(value, str) else None


def _field(value: Mapping[Any, Any], names: tuple[str, ...]) -> Any:
    fields = {snake(str(name)): part for name, part in value.items()}
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def _of_object(value: Mapping[Any, Any]) -> Decimal | None:
    if (minor := _in_small_units(value)) is not None:
        return minor
    units, nanos = _field(value, ("units",)), _field(value, ("nanos",)) or 0
    if units is not None and type(nanos) is int:
        return _exact(Decimal(integer(units) or 0) + Decimal(nanos).scaleb(-9))
    amount, places = _field(value, _AMOUNT), _field(value, _PLACES)
    if isinstance(amount, (Mapping, list)) or amount is None:
        raise BadValueError("is an object without an amount")
    if type(places) is int:
        return _scaled(amount, abs(places))
    found = money(amount)
    if found and "." not in str(amount) and "," not in str(amount):
        # Vendors that send objects count cents in them as often as they do not.
        raise BadValueError("is a whole number in an object: of units or of cents")
    return found


def _in_small_units(value: Mapping[Any, Any]) -> Decimal | None:
    """Return an amount that is told in cents, or in what its currency has for them."""
    currency = currency_in(value) or ""
    cents, minor = _field(value, _CENTS), _field(value, _MINOR)
    amount, unit = _field(value, _AMOUNT), str(_field(value, _UNITS_OF)).lower()
    if amount is not None:
        cents = amount if unit in ("cent", "cents") else cents
        minor = amount if unit in ("minor", "minor_unit", "minor_units") else None
    if (micros := _field(value, _MICROS)) is not None:
        return _scaled(micros, 6)
    if cents is not None:
        if currency in _MINOR_PLACES:
            raise BadValueError("is in cents of a currency that has none")
        return _scaled(cents, 2)
    # Without its currency, nobody knows how many of them make one.
    return _scaled(minor, _MINOR_PLACES.get(currency, 2)) if minor and currency else None


def _scaled(value: Any, places: int) -> Decimal | None:
    """Return a whole number of the smallest unit as units of the currency."""
    number = integer(value)
    return None if number is None else _exact(Decimal(number).scaleb(-min(places, 9)))


def _of_text(value: str) -> tuple[Decimal, str | None]:
    """Return the number and the currency that a text holds."""
    price = _PRICE.fullmatch(value.translate(_BLANKS).strip())
    # One word for below zero: a minus before or behind, or the brackets of an accountant.
    signs = [mark for name in ("sign", "minus", "end", "open") if price and (mark := price[name])]
    if price is None or len(signs) > 1 or bool(price["open"]) != bool(price["close"]):
        raise BadValueError("is not a number")
    units = _UNITS.findall(price["before"] + price["after"])
    named = {_SIGNS.get(unit, unit.upper()) for unit in units} - {None}
    if len(named) > 1:
        raise BadValueError("names two currencies")
    digits = _digits(price["number"], price["exponent"])
    sign = "-" if {"-", "("} & {*signs} else ""
    return Decimal(sign + digits), next(iter(named), None)


def _digits(number: str, exponent: str | None) -> str:
    """Return a number's digits with a point, whatever groups and marks it was written with."""
    if plain := _PLAIN.fullmatch(number):
        if re.fullmatch(r"[1-9][0-9]{0,2}[.,][0-9]{3}", number):
            raise BadValueError("has two readings, as 1,234 and 1.234 have")
        return f"{plain['whole'] or 0}.{plain['rest'] or 0}{exponent or ''}"
    grouped = _GROUPED.fullmatch(number)
    if grouped is None or grouped["mark"] == grouped["group"] or exponent:
        raise BadValueError("is not a number")
    return f"{grouped['whole'].replace(grouped['group'], '')}.{grouped['rest'] or 0}"


def _exact(amount: Decimal) -> Decimal:
    if not amount.is_finite():
        raise BadValueError("is not a number")
    # Compared as it stands: arithmetic on 1e99999999, even abs(), overflows.
    if not -_LARGEST < amount < _LARGEST:
        raise BadValueError("is too large for an amount")
    exact = amount.quantize(_SMALLEST) + 0  # there is no -0
    if exact == amount:
        return exact
    rounded = exact if _is_binary_tail(amount, exact) else _of_single(amount)
    if rounded is not None:
        raise BadValueError("has the tail of a binary fraction, and is rounded", instead=rounded)
    raise BadValueError(f"has more than {MONEY_PLACES} decimal places")


def _is_binary_tail(amount: Decimal, rounded: Decimal) -> bool:
    """Tell whether an amount is what arithmetic on doubles makes of the rounded one."""
    if len(amount.as_tuple().digits) < _DOUBLE_DIGITS:
        return False
    return abs(float(amount) - float(rounded)) <= _ULPS * math.ulp(float(rounded))


def _of_single(amount: Decimal) -> Decimal | None:
    """Return the price of which an amount is the float of 32 bits, as 89.99000549316406 is."""
    value = float(amount)
    if abs(value) > _LARGEST_SINGLE or Decimal(repr(value)) != amount or _single(value) != value:
        return None
    for digits in range(6, 9):
        text = f"{value:.{digits}g}"
        if _single(float(text)) == value:
            found = Decimal(text)
            return found.quantize(_SMALLEST) if found == found.quantize(_CENT) else None
    return None


def _single(value: float) -> float:
    (single,) = struct.unpack("f", struct.pack("f", value))
    return float(single)
