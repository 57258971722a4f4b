"""Tables of numpy columns that only grow at their end."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

import numpy as np

from pipelines.errors import ConfigurationError
from pipelines.sandbox.ids import IdKind
from pipelines.sandbox.times import Array


class Columns:
    """Named columns of one length. ``serial`` is the row's number for its id.

    Rows come in runs: generated blocks number theirs apart from what is added by hand, so that an
    id does not depend on when a block was generated.
    """

    def __init__(self, **columns: Array) -> None:
        self._columns = columns
        self._runs: list[tuple[int, int, int]] = []
        self._note_run(0, columns["serial"])

    def __len__(self) -> int:
        return len(self._columns["serial"])

    def __getitem__(self, name: str) -> Array:
        return self._columns[name]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self._columns)

    def take(self, rows: Array) -> Mapping[str, Array]:
        """Return the columns at these rows."""
        return {name: column[rows] for name, column in self._columns.items()}

    def append(self, more: Columns) -> Array:
        """Add the rows of a table with the same columns; return the new rows' numbers."""
        start = len(self)
        self._note_run(start, more["serial"])
        for name, column in self._columns.items():
            self._columns[name] = np.concatenate([column, more[name]])
        return np.arange(start, len(self))

    def row_of(self, serial: int) -> int | None:
        """Return the row with that serial number, or None."""
        at = bisect_right(self._runs, (serial, len(self), 0)) - 1
        if at < 0:
            return None
        first, row, length = self._runs[at]
        return row + serial - first if serial - first < length else None

    def _note_run(self, row: int, serials: Array) -> None:
        """Remember where a run of consecutive serial numbers stands, joined to its neighbour."""
        if not len(serials):
            return
        run = (int(serials[0]), row, len(serials))
        at = bisect_right(self._runs, run) - 1
        if at >= 0:
            first, start, length = self._runs[at]
            if (first + length, start + length) == run[:2]:
                self._runs[at] = (first, start, length + run[2])
                return
        self._runs.insert(at + 1, run)


def find(columns: Columns, kind: IdKind, text: str) -> int:
    """Return the row with that id."""
    serial = kind.serial(text)
    row = None if serial is None else columns.row_of(serial)
    if row is None:
        raise ConfigurationError(f"The world has no {text!r}.")
    return row
