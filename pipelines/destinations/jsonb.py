"""What PostgreSQL's jsonb refuses of JSON, in a form that it takes."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.source.schema import Table
from pipelines.source.values import as_json

#: jsonb holds numbers of so many digits before the point, and somewhat more.
_DIGITS = 10_000
_REFUSED = re.compile(r"\\u0000|[eE][+-]?[0-9]{4}")
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def storable(table: Table, rows: pa.Table) -> pa.Table:
    """Return the rows without what jsonb refuses, which is kept as its text: NULs, huge numbers."""
    for place, column in enumerate(table.columns):
        if column.kind != "json":
            continue
        if pc.any(pc.match_substring_regex(rows[column.name], _REFUSED.pattern)).as_py():
            texts = pa.array(map(_storable, rows[column.name].to_pylist()), pa.string())
            rows = rows.set_column(place, rows.field(place), texts)
    return rows


def _storable(text: str | None) -> str | None:
    if text is None or not _REFUSED.search(text):
        return text
    kept = _NUL.sub(r"\1\\\\u0000", text)
    return as_json(json.loads(kept, parse_float=_number, parse_int=_number))


def _number(text: str) -> Decimal | str:
    number = Decimal(text)
    return number if abs(number.adjusted()) < _DIGITS else text
