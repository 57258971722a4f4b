"""Ids that look like chance, are never twice the same, and can be read back.

An id is its row's serial number under a keyed bijection of the 64-bit numbers. So nothing has to
be stored for it, no id tells which row is older, and the API can find a row by its id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from pipelines.sandbox.times import Array

_M1: Final = 0xBF58476D1CE4E5B9
_M2: Final = 0x94D049BB133111EB
_WORD: Final = 2**64 - 1
_HEX: Final = np.array([list(f"{byte:02x}".encode()) for byte in range(256)], dtype=np.uint8)
_DASHES_BEFORE: Final = (8, 12, 16, 20)


def mix(numbers: Array, key: int) -> Array:
    """Return the numbers under the bijection of that key, as unsigned 64-bit numbers."""
    x = numbers.astype(np.uint64) + np.uint64(key)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(_M1)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(_M2)
    return x ^ (x >> np.uint64(31))


def share(numbers: Array, key: int) -> Array:
    """Return a number in 0..1 for each number: the same one each time, but as good as chance."""
    return mix(numbers, key).astype(np.float64) / 2.0**64


def _unshift(x: int, bits: int) -> int:
    result = x
    for _ in range(64 // bits):
        result = x ^ (result >> bits)
    return result


def unmix(number: int, key: int) -> int:
    """Return the number that ``mix`` made this one of."""
    x = _unshift(number, 31) * pow(_M2, -1, 2**64) & _WORD
    x = _unshift(x, 27) * pow(_M1, -1, 2**64) & _WORD
    return (_unshift(x, 30) - key) & _WORD


def _digits(words: Array) -> Array:
    """Return the sixteen hexadecimal digits of each word, as a matrix of ASCII codes."""
    octets = words.astype(">u8").view(np.uint8).reshape(-1, 8)
    return _HEX[octets].reshape(-1, 16)


def texts(codes: Array) -> pa.Array:
    """Return a matrix of ASCII codes as an Arrow array with one string per line."""
    rows, width = codes.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * np.int32(width)
    data = np.ascontiguousarray(codes)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(data))


@dataclass(frozen=True)
class IdKind:
    """One kind of id: a prefix and sixteen hexadecimal digits, such as ``ord_0f3c…``."""

    prefix: str
    key: int

    def arrow(self, serials: Array) -> pa.Array:
        """Return the ids of these serial numbers as an Arrow array of strings."""
        digits = _digits(mix(serials, self.key))
        prefix = np.frombuffer(self.prefix.encode(), dtype=np.uint8)
        return texts(np.hstack([np.tile(prefix, (len(digits), 1)), digits]))

    def of(self, serials: Array) -> list[str]:
        """Return the ids of these serial numbers."""
        return self.arrow(serials).to_pylist()  # type: ignore[no-any-return]

    def serial(self, text: str) -> int | None:
        """Return the serial number behind an id; None for what cannot be an id of this kind."""
        digits = text.removeprefix(self.prefix)
        if digits == text or len(digits) != 16 or digits != digits.lower():
            return None
        try:
            return unmix(int(digits, 16), self.key)
        except ValueError:
            return None


ORDER = IdKind("ord_", 0x0DDE_0001)
SESSION = IdKind("sess_", 0x5E55_0002)
LOG = IdKind("whl_", 0x1065_0003)
TOKEN = IdKind("tok_", 0x70CE_0004)
TRACKING = IdKind("TRK", 0x77AC_0005)
CUSTOMER = IdKind("user-", 0xC057_0006)


def uuids(serials: Array) -> list[str]:
    """Return a UUID for each session: the other kind of id that the vendor's payloads show."""
    digits = np.hstack([_digits(mix(serials, 0x001D_0007)), _digits(mix(serials, 0x001D_0008))])
    digits[:, 12], digits[:, 16] = ord("4"), ord("a")
    return texts(np.insert(digits, _DASHES_BEFORE, ord("-"), axis=1)).to_pylist()  # type: ignore[no-any-return]
