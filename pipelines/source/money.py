"""Exact amounts from numbers, texts and objects; never through a float, and never guessed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pipelines.source.names import snake
from pipelines.source.schema import MONEY
from pipelines.source.values import NOT_YET, BadValueError, is_absent, kind_of, scalar

_SMALLEST = Decimal(1).scaleb(-MONEY.scale)
_LARGEST = Decimal(10) ** (MONEY.precision - MONEY.scale)

_SYMBOLS = {"€": "EUR", "£": "GBP", "US$": "USD", "$": None}
_UNIT = r"[A-Za-z]{3}|US\$|[$€£]"
_PRICE = re.compile(
    rf"(?P<sign>[+-]?)(?P<before>{_UNIT})?\s*(?P<minus>[+-]?)(?P<number>[0-9.,' ]*[0-9]\.?)"
    rf"(?P<exponent>[eE][+-]?[0-9]{{1,4}})?\s*(?P<after>{_UNIT})?"
)
#: 1,234,567.50 or 1.234.567,50 or 1 234 567,50 or 12,34,567.50.
_GROUPED = re.compile(
    r"(?P<whole>[0-9]{1,3}(?P<group>[,.' ])(?:[0-9]{2,3}(?P=group))*[0-9]{3})"
    r"(?:(?P<mark>[.,])(?P<rest>[0-9]+))?"
)
_PLAIN = re.compile(r"(?P<whole>[0-9]*)(?:[.,](?P<rest>[0-9]*))?")
_BLANKS = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2019": "'", "\u2212": "-"})
_AMOUNT = ("amount", "value")
_CURRENCY = ("currency", "currency_code")

#: A double has 15 to 17 digits, of which arithmetic spoils the last.
_DOUBLE_DIGITS = 15
_ULPS = 64


def money(value: Any) -> Decimal | None:
    """Take an exact amount, in units of its currency, with as many places as the column has.

    Raises:
        BadValueError: it is none, or has two readings. The tail that a binary fraction leaves,
            as in 194.96999999999997, is rounded off, and told in the same way.
    """
    value = scalar(value)
    if is_absent(value, NOT_YET):
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
    value = scalar(value)
    if isinstance(value, Mapping):
        named = _field(value, _CURRENCY)
        return named.strip().upper() or None if isinstance(named, str) else None
    if isinstance(value, str) and not is_absent(value, NOT_YET):
        return _of_text(value)[1]
    return None


def _field(value: Mapping[Any, Any], names: tuple[str, ...]) -> Any:
    fields = {snake(str(name)): part for name, part in value.items()}
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def _of_object(value: Mapping[Any, Any]) -> Decimal | None:
    amount = _field(value, _AMOUNT)
    if isinstance(amount, (Mapping, list)) or amount is None:
        raise BadValueError("is an object without an amount")
    found = money(amount)
    if found and "." not in str(amount) and "," not in str(amount):
        # Vendors that send objects count cents in them as often as they do not.
        raise BadValueError("is a whole number in an object: of units or of cents")
    return found


def _of_text(value: str) -> tuple[Decimal, str | None]:
    """Return the number and the currency that a text holds."""
    price = _PRICE.fullmatch(value.translate(_BLANKS).strip())
    if price is None or (price["sign"] and price["minus"]):
        raise BadValueError("is not a number")
    if price["before"] and price["after"]:
        raise BadValueError("names two currencies")
    digits = _digits(price["number"], price["exponent"])
    unit = price["before"] or price["after"]
    sign = price["sign"] or price["minus"]
    return Decimal(sign + digits), _SYMBOLS.get(unit, unit.upper()) if unit else None


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
    # Compared as it stands: arithmetic on 1e99999999, even abs(), overflows.
    if not amount.is_finite() or not -_LARGEST < amount < _LARGEST:
        raise BadValueError("is too large for an amount")
    exact = amount.quantize(_SMALLEST) + 0  # there is no -0
    if exact == amount:
        return exact
    if _is_binary_tail(amount, exact):
        raise BadValueError("has the tail of a binary fraction, and is rounded", instead=exact)
    raise BadValueError(f"has more than {MONEY.scale} decimal places")


def _is_binary_tail(amount: Decimal, rounded: Decimal) -> bool:
    """Tell whether an amount is what arithmetic on doubles makes of the rounded one."""
    if len(amount.as_tuple().digits) < _DOUBLE_DIGITS:
        return False
    return abs(float(amount) - float(rounded)) <= _ULPS * math.ulp(float(rounded))
