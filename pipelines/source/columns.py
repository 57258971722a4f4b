"""From records to an Arrow table, by column: the careful path's rows at a fraction of its cost.

Records of one shape (the same names, in the records and in the objects that columns are found in)
go through one plan: where each column stands, how it is read, what is left for ``extra``. A row of
which anything is not plain takes the careful path (``parse.py``); so do shapes of few records.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.source import lanes
from pipelines.source.fields import decoded
from pipelines.source.fingerprints import fingerprints
from pipelines.source.names import snake
from pipelines.source.parse import Issue, Parsed, Parser, Rejected
from pipelines.source.places import Opened, Path, Shape, key_of
from pipelines.source.schema import Kind
from pipelines.source.values import is_absent

#: A plan for fewer records costs more than it saves.
FEWEST = 16

_LANES: dict[Kind, lanes.Lane] = {
    "money": lanes.amounts,
    "integer": lanes.integers,
    "time": lanes.times,
}
_JSON = ("items", "creator", "payload")
_Record = dict[str, Any]


@dataclass(frozen=True)
class Columns:
    """What a batch of records gave: rows in their order, and what the careful path read of it.

    ``careful`` has the numbers of the records that it read.
    """

    table: pa.Table
    careful: Mapping[int, Parsed | Rejected]

    @property
    def issues(self) -> list[Issue]:
        """The values that could not be read as they stood."""
        good = (found for found in self.careful.values() if isinstance(found, Parsed))
        return [issue for row in good for issue in row.issues]


class ColumnParser:
    """Turns the records of one parser's resource into Arrow tables, under its privacy rule."""

    def __init__(self, parser: Parser, *, fewest: int = FEWEST) -> None:
        self.parser = parser
        self._fewest = fewest
        #: Nothing here keeps people in clear, or reads the fields that a setting lists.
        self._is_careful = parser.privacy.keep_personal or (
            "fields" in self.parser.shape.kinds and bool(parser.privacy.session_fields)
        )
        self._reading = _Reading(self.parser)
        self._plans: dict[Shape, _Plan | None] = {}

    def parse_columns(
        self, records: Sequence[Any], seen_at: Sequence[datetime], place: Callable[[int], str]
    ) -> Columns:
        """Return the rows of the records, and what the careful path says of the others.

        ``seen_at`` has each record's time; ``place`` tells where a record was, for a person.
        """
        tables: list[pa.Table] = []
        order: list[int] = []
        careful: list[int] = []
        for plan, group in self._groups(records, careful):
            table, refused = plan.run([record for _, record in group])
            kept = [at for at in range(len(group)) if at not in refused]
            tables.append(table.take(pa.array(kept, pa.int64())) if refused else table)
            order += [group[at][0] for at in kept]
            careful += [group[at][0] for at in refused]
        read = {
            row: self.parser.parse(records[row], seen_at=seen_at[row], place=place(row))
            for row in sorted(careful)
        }
        rows = {row: found for row, found in read.items() if isinstance(found, Parsed)}
        schema = self.parser.shape.table.arrow
        tables.append(pa.Table.from_pylist([*rows.values()], schema=schema))
        order += rows
        table = pa.concat_tables(tables).take(pc.array_sort_indices(pa.array(order, pa.int64())))
        times = pa.array([seen_at[row] for row in sorted(order)], schema.field("_seen_at").type)
        table = table.set_column(schema.names.index("_seen_at"), schema.field("_seen_at"), times)
        return Columns(table, read)

    def _groups(
        self, records: Sequence[Any], careful: list[int]
    ) -> Iterator[tuple[_Plan, list[tuple[int, _Record]]]]:
        """Yield the groups that have a plan, with each record's number; note all others."""
        groups: dict[Shape, list[tuple[int, _Record]]] = defaultdict(list)
        for row, record in enumerate(records):
            if type(record) is dict and not self._is_careful:
                opened = _with_payload(record)
                groups[self._reading.opened.shape_of(opened)].append((row, opened))
            else:
                careful.append(row)
        for shape, group in groups.items():
            plan = self._plan(shape) if len(group) >= self._fewest else None
            if plan is None:
                careful += [row for row, _ in group]
            else:
                yield plan, group

    def _plan(self, shape: Shape) -> _Plan | None:
        if shape not in self._plans:
            keys, names = shape[0].keys, {snake(str(key)) for key in shape[0].keys}
            is_plain = len(names) == len(keys) and all(type(key) is str for key in keys)
            is_plain &= ("payload" in names) == ("payload" in keys)
            self._plans[shape] = _Plan(self._reading, shape) if is_plain else None
        return self._plans[shape]


class _Reading:
    """What all plans of one parser share."""

    def __init__(self, parser: Parser) -> None:
        self.parser = parser
        self.shape = parser.shape
        self.write = parser.writer.write
        names = (name for names in self.shape.names.values() for name in names)
        self.opened = Opened.of((*names, *self.shape.email))
        self.pseudonyms = lanes.Words()
        self._words = {column: lanes.Words() for column in self.shape.texts}

    def lane(self, column: str) -> lanes.Lane:
        """Return what reads a column."""
        kind = self.shape.kinds[column]
        if kind == "integer" and column in self.shape.special:
            return lanes.codes
        return self._words.get(column) or (lanes.ids if kind == "text" else _LANES[kind])


class _Plan:
    """How records of one shape become columns."""

    def __init__(self, reading: _Reading, shape: Shape) -> None:
        self._reading = reading
        self._paths = {
            column: self._found(names, shape) for column, names in reading.shape.names.items()
        }
        self._email = self._found(reading.shape.email, shape)
        kinds, keys = reading.shape.kinds, shape[0].keys
        self._taken = {name: key_of(name, keys) for name in _JSON if name in kinds}
        people = {name for name in reading.shape.person if "." not in name}
        first = {paths[0][0] for paths in self._all_paths() if paths and len(paths[0]) == 1}
        later = {path[0] for paths in self._all_paths() for path in paths[1:] if len(path) == 1}
        free = [key for key in keys if snake(key) not in people | self._taken.keys()]
        self._rest = [key for key in free if key not in first | later]
        #: Names that columns look at only where another name has no value.
        self._later = [key for key in free if key in later - first]

    def _all_paths(self) -> list[list[Path]]:
        return [*self._paths.values(), self._email]

    def _found(self, names: Sequence[str], shape: Shape) -> list[Path]:
        paths = (self._reading.opened.path(name, shape) for name in names)
        return [path for path in paths if path is not None]

    def run(self, records: list[_Record]) -> tuple[pa.Table, set[int]]:
        """Return the table, and the rows of it that are to take the careful path."""
        batch = _Batch(records, self._later)
        arrays = {column: self._read(batch, column) for column in self._paths}
        emails, _ = self._reading.pseudonyms(
            batch.chosen(self._email), self._reading.parser.privacy.pseudonym
        )
        if "customer_pseudonym" in self._reading.shape.kinds:
            arrays["customer_pseudonym"] = emails
        for column, key in self._taken.items():
            values = batch.values((key,)) if key else [None] * len(records)
            arrays[column] = self._written(batch, values)
        extra = self._written(batch, batch.rest(self._rest))
        arrays["extra"] = pc.if_else(pc.equal(extra, "{}"), None, extra)
        without_key = arrays[self._reading.shape.key].is_null()
        batch.refused.update(pc.indices_nonzero(without_key).to_pylist())
        return self._table(arrays, len(records)), batch.refused

    def _read(self, batch: _Batch, column: str) -> pa.Array:
        parser = self._reading.parser
        values = batch.chosen(self._paths[column])
        found, refused = self._reading.lane(column)(values, partial(parser.value, column))
        batch.refused |= refused
        return found

    def _written(self, batch: _Batch, values: Sequence[Any]) -> pa.Array:
        try:
            return self._reading.write(values)
        except (RecursionError, ValueError):  # rare enough for all rows to go the careful way
            batch.refused.update(range(len(values)))
            return pa.nulls(len(values), pa.string())

    def _table(self, arrays: dict[str, pa.Array], rows: int) -> pa.Table:
        schema = self._reading.shape.table.arrow
        if "currency" in arrays:
            said = arrays["currency"].to_pylist()
            arrays["currency"] = pa.array([code and code.upper() for code in said], pa.string())
        if "_origin" in schema.names:
            arrays["_origin"] = pa.array(["list"] * rows)
        columns = [arrays.get(f.name) for f in schema]
        ready = [
            pa.nulls(rows, field.type) if column is None else column
            for field, column in zip(schema, columns, strict=True)
        ]
        table = pa.Table.from_arrays(ready, schema=schema)
        place = schema.names.index("_fingerprint")
        return table.set_column(place, schema.field(place), fingerprints(table))


class _Batch:
    """The values of some records of one shape, by the keys that lead to them."""

    def __init__(self, records: list[_Record], later: Iterable[str]) -> None:
        self.refused: set[int] = set()
        self._values: dict[Path, list[Any]] = {(): records}
        #: In which rows a column has looked at a name that is not the first of any.
        self._looked: dict[str, list[bool]] = {key: [False] * len(records) for key in later}

    def values(self, path: Path) -> list[Any]:
        """Return what stands at the end of a path."""
        if path not in self._values:
            *before, last = path
            self._values[path] = [part[last] for part in self.values(tuple(before))]
        return self._values[path]

    def chosen(self, paths: Sequence[Path]) -> list[Any]:
        """Return of each record the first value that there is."""
        rows = len(self._values[()])
        if not paths:
            return [None] * rows
        values = self.values(paths[0])
        if len(paths) > 1 and _has_gaps(values):
            values = self._first_there(paths)
        structured = {dict, list} & set(map(type, values))
        if structured:
            return [self._kept(row, value, paths) for row, value in enumerate(values)]
        return values

    def _first_there(self, paths: Sequence[Path]) -> list[Any]:
        """Go on to the next path where there is no value; note where that was."""
        found: list[Any] = list(self.values(paths[0]))
        missing = [row for row, value in enumerate(found) if is_absent(value)]
        for path in paths[1:]:
            looked = self._looked.get(path[0], []) if len(path) == 1 else []
            for row in missing if looked else ():
                looked[row] = True
            values = self.values(path)
            for row in missing:
                found[row] = values[row]
            missing = [row for row in missing if is_absent(found[row])]
        return found

    def _kept(self, row: int, value: Any, paths: Sequence[Path]) -> Any:
        """Leave lists and objects to the careful path: a column does not take all of them."""
        if isinstance(value, (dict, list)):
            self.refused.add(row)
            return None
        return value

    def rest(self, keys: Sequence[str]) -> list[_Record | None]:
        """Return what no column has looked at."""
        rest: list[_Record] = [
            {key: record[key] for key in keys if record[key] is not None}
            for record in self._values[()]
        ]
        for key, looked in self._looked.items():
            for row, value in enumerate(self.values((key,))):
                if value is not None and not looked[row]:
                    rest[row][key] = value
        return [part or None for part in rest]


def _has_gaps(values: Sequence[Any]) -> bool:
    """Tell whether a value is none, or a word for none."""
    try:
        return any(map(is_absent, set(values)))  # most columns with several names hold few words
    except TypeError:  # an object or a list
        return any(map(is_absent, values))


def _with_payload(record: _Record) -> _Record:
    """Open a payload that was sent as text."""
    if type(record.get("payload")) is str:
        return {**record, "payload": decoded(record["payload"])}
    return record
