"""Formulas that several files of ``sql/`` need, written once: a call becomes its text when read.

No engine is asked to know them, so that each is given plain SQL.
"""

from __future__ import annotations

import re

from pipelines.errors import ModelError

# Half of 1.96, the 97.5 % point of the normal distribution: its square's root is exact, so that a
# share of 0 or 1 has exactly that as the end of its interval.
_H = "0.979981992270027e0"
_N = "cast(nullif({n}, 0) as double)"
_SPREAD = f"2 * {_H} * sqrt({{k}} * ({_N} - {{k}}) / {_N} + {_H} * {_H})"
_WILSON = f"(({{k}} + (2 * {_H} * {_H} {{sign}} {_SPREAD})) / ({_N} + 4 * {_H} * {_H}))"

#: What stands in the place of a call with the columns k and n.
#: wilson: ends of the 95 % Wilson interval of the share k / n; null where n is 0 or null.
#: unless_future: the time k; null where it lies more than a day after n, when it was seen.
_MACROS = {
    "wilson_low": _WILSON.replace("{sign}", "-"),
    "wilson_high": _WILSON.replace("{sign}", "+"),
    "unless_future": "case when {k} <= {n} + interval '1 day' or {n} is null then {k} end",
}
_NAMES = "|".join(_MACROS)
_CALL = re.compile(rf"\b({_NAMES})\(\s*([\w.]+)\s*,\s*([\w.]+)\s*\)")
_ANY = re.compile(rf"\b({_NAMES})\b")


def expanded(sql: str, place: str) -> str:
    """Return a select without calls of macros; its lines keep their numbers.

    Raises:
        ModelError: a macro is given anything but the names of two columns.
    """
    text = _CALL.sub(lambda call: _MACROS[call[1]].format(k=call[2], n=call[3]), sql)
    if left := _ANY.search(text):
        line = text[: left.start()].count("\n") + 1
        raise ModelError(
            f"{place}:{line}: {left[1]} takes the names of two columns.",
            hint=f"Write {left[1]}(one, other), on one line; compute them in a CTE before.",
        )
    return text
