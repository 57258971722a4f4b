"""A hash of what the API said of a row: two rows with the same one say the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.source.times import EPOCH

#: Whatever changes the hash of an unchanged row makes another version of it.
VERSION = "v2"
BETWEEN = "\x1f"
_MICROSECOND = timedelta(microseconds=1)

#: What we note on a row, and not what the API says of it.
NOTES = frozenset(
    {"_seen_at", "_fingerprint", "_origin", "_event_at", "_walk", "deleted_at", "ledger_file"}
)


def fingerprint(row: Mapping[str, Any]) -> str:
    """Hash what the API said.

    By name and without what is null, so that a column which is added changes nothing. A row that
    was read back from the warehouse has the hash that it was stored with.
    """
    facts = [(name, row[name]) for name in _telling(tuple(row))]
    said = [
        f"{name}={part if type(part) is str else _written(part)}"
        for name, part in facts
        if part is not None
    ]
    return digest(BETWEEN.join(said))


@lru_cache(maxsize=512)
def _telling(names: tuple[str, ...]) -> list[str]:
    return sorted(name for name in names if name not in NOTES)


def digest(said: str) -> str:
    """Hash a row's facts, each ``name=text``, in the order of their names."""
    hashed = hashlib.blake2b(said.encode(errors="replace"), digest_size=12)
    return f"{VERSION}:{hashed.hexdigest()}"


def same_fingerprint(one: str | None, other: str | None) -> bool | None:
    """Tell whether two rows say the same; None where hashes of two versions cannot tell."""
    if one is None or other is None or _version(one) != _version(other):
        return None
    return one == other


def _version(found: str) -> str:
    return found.partition(":")[0] if ":" in found else ""


def _written(value: Any) -> str:
    if isinstance(value, datetime):
        return str((value - EPOCH) // _MICROSECOND)
    return str(value)


def fingerprints(table: pa.Table) -> pa.Array:
    """Return :func:`fingerprint` of each row, from columns of the types of ``schema.py``."""
    facts = [
        pc.binary_join_element_wise(f"{name}=", _as_text(table[name]), "")
        for name in sorted(table.column_names)
        if name not in NOTES and table[name].null_count < len(table)
    ]
    if not facts:
        return pa.array([digest("")] * len(table), pa.string())
    said = pc.binary_join_element_wise(*facts, BETWEEN, null_handling="skip")
    return pa.array([digest(text) for text in said.to_pylist()], pa.string())


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    return column.cast(pa.string())
