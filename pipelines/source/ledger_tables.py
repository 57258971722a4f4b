"""Records of a ledger that is a table: CSV in its dialects, and Parquet.

An empty cell says nothing: a table cannot leave a column out of one row only.
"""

from __future__ import annotations

import csv
import re
import uuid
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from decimal import Decimal
from io import BytesIO, TextIOWrapper
from typing import TYPE_CHECKING, Any, BinaryIO

from pipelines.decoding import shown_key
from pipelines.source.ledger_json import LONGEST, TOO_LONG, Piece
from pipelines.source.ledger_records import opened
from pipelines.source.names import snake
from pipelines.source.parse import SESSION_ID

if TYPE_CHECKING:
    import pyarrow as pa

_DELIMITERS = ",;\t|^\x01"
#: A table may have its title, and remarks, above its columns: so many lines.
_MOST_ABOVE = 20
_NOT_UTF8 = re.compile("[\x00\udc80-\udcff]")
#: Excel's own first line, which names the delimiter.
_NAMED_DELIMITER = re.compile(r"sep=(.)\s*")
#: A cell that Excel is to take for a text.
_FORMULA = re.compile(r'="(.*)"')
#: What is drawn below a header, by psql and in Markdown.
_RULER = re.compile(r"[-=+:| ]*")
_SUMS = frozenset({"total", "totals", "grand total", "subtotal", "sum", "count", "average"})
_BATCH_ROWS = 10_000

NO_ROW = "the line has one column, and the table has several"
A_SUM = "the line is a sum below the table"
OPEN_QUOTE = "a quotation mark is opened and never closed"


def _refuse_unclear(columns: Sequence[str], inner: Sequence[str] = ()) -> None:
    """Refuse a table in which no row can have a session's id, or one of two."""
    if columns and not {snake(name) for name in (*columns, *inner)} & {*SESSION_ID}:
        # Where a table has no header, these are somebody's data.
        shown = ", ".join(shown_key(name).strip("'") for name in columns[:20])
        raise ValueError(f"it has no column session_id (its columns are {shown})")
    twice = [name for name, times in Counter(filter(None, columns)).items() if times > 1]
    if twice:
        raise ValueError(f"it has the column {shown_key(twice[0])} twice")


def is_table(head: bytes, encoding: str) -> bool:
    """Tell whether a file that begins so is a table of text, with a column for the id."""
    try:
        CsvPieces(BytesIO(head), encoding)
    except ValueError:
        return False
    return bool(head.strip())


class CsvPieces:
    """Reads a table of text. ``rest`` is what is left when all pieces were read, in bytes."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._encoding = encoding
        # A byte that is not UTF-8 spoils its own row only: as half of a surrogate pair, it is no
        # text.
        self._errors = "surrogateescape" if encoding == "utf-8" else "surrogatepass"
        self._text = TextIOWrapper(stream, encoding=encoding, errors=self._errors, newline="")
        self._ahead: deque[str] = deque()
        self._number = 0
        self.rest = 0
        self._delimiter, self._columns = self._header()

    def __iter__(self) -> Iterator[Piece]:
        while line := self._line():
            number = self._number
            if len(line) > LONGEST:
                self._drop_line(line)
                yield Piece({"characters": len(line)}, number, TOO_LONG)
            elif (lines := self._joined(line)) is None:
                if not self._ahead and not line.endswith(("\n", "\r")):
                    self.rest = len(line.encode(self._encoding, self._errors))
                    return  # the last line, which is being written
                yield Piece({"characters": len(line)}, number, OPEN_QUOTE)
            else:
                yield from self._rows(lines, number)

    def _rows(self, lines: list[str], number: int) -> Iterator[Piece]:
        for cells in csv.reader(lines, delimiter=self._delimiter, skipinitialspace=True):
            row = [_plain_cell(cell) for cell in cells]
            if all(map(_RULER.fullmatch, row)):
                continue  # a spreadsheet ends with lines of nothing but delimiters
            if self._is_cut(lines[-1], row):
                self.rest = len("".join(lines).encode(self._encoding, self._errors))
            elif _has_key(row):
                # Tables that were put one behind the other: the columns of the next.
                self._columns = row
                _refuse_unclear(self._columns)
            elif len(row) == 1 < len(self._columns):
                yield Piece({"characters": len(row[0])}, number, NO_ROW)
            elif self._is_sum(row):
                yield Piece({"characters": sum(map(len, row))}, number, A_SUM)
            else:
                yield Piece(self._record(row), number)

    def _is_sum(self, row: list[str]) -> bool:
        """Tell whether a row has the word for a sum in the place of a session's id."""
        cells = zip(self._columns, row, strict=False)
        return any(snake(n) in SESSION_ID and c.lower().rstrip(":") in _SUMS for n, c in cells)

    def _is_cut(self, line: str, row: list[str]) -> bool:
        """Tell whether this is a last line that is not all there yet."""
        return not line.endswith(("\n", "\r")) and len(row) < len(self._columns)

    def _record(self, row: list[str]) -> dict[str, Any]:
        record: dict[str, Any] = {
            name: cell for name, cell in zip(self._columns, row, strict=False) if cell
        }
        if more := row[len(self._columns) :]:
            record["extra"] = more
        return record

    def _header(self) -> tuple[str, list[str]]:
        """Return the delimiter and the columns: of the first line that has the key among them."""
        first: tuple[str, list[str]] | None = None
        delimiters = _DELIMITERS
        for _ in range(_MOST_ABOVE):
            line = self._line().removeprefix("\ufeff")
            if not line:
                break
            if len(line) > LONGEST or _NOT_UTF8.search(line):
                raise ValueError("its header is not text in UTF-8")
            if named := _NAMED_DELIMITER.fullmatch(line):
                delimiters = named[1]
            elif line.strip():
                found = _split(line, delimiters)
                first = first or found
                if _has_key(found[1]):
                    _refuse_unclear(found[1])
                    return found
        _refuse_unclear(first[1] if first else ())
        return first or (",", [])

    def _joined(self, line: str) -> list[str] | None:
        """Return the line with those that its quoted cells go on in; None if they never end."""
        lines, size = [line], len(line)
        quotes = line.count('"')
        while quotes % 2 and size <= LONGEST and (more := self._line()):
            lines.append(more)
            size += len(more)
            quotes += more.count('"')
        if quotes % 2 == 0 or not self._ends_quoted(lines):
            return lines
        self._ahead.extendleft(reversed(lines[1:]))
        self._number -= len(lines) - 1
        return None

    def _ends_quoted(self, lines: list[str]) -> bool:
        try:
            list(csv.reader(lines, delimiter=self._delimiter, strict=True, skipinitialspace=True))
        except csv.Error:
            return True
        return False

    def _line(self) -> str:
        """Return the next line, its first megabyte if it is longer; "" at the end."""
        line = self._ahead.popleft() if self._ahead else self._text.readline(LONGEST + 1)
        self._number += bool(line)
        return line

    def _drop_line(self, line: str) -> None:
        while line and not line.endswith(("\n", "\r")):
            line = self._text.readline(LONGEST)


def _split(line: str, delimiters: str) -> tuple[str, list[str]]:
    """Return a header's delimiter and columns: those with the key, else the most."""
    found = {
        delimiter: [_plain_cell(name) for name in row]
        for delimiter in delimiters
        for row in csv.reader([line], delimiter=delimiter, skipinitialspace=True)
    }
    delimiter = max(found, key=lambda one: (_has_key(found[one]), len(found[one])))
    return delimiter, found[delimiter]


def _plain_cell(cell: str) -> str:
    """Return what a cell says: blanks only line it up with others."""
    formula = _FORMULA.fullmatch(cell := cell.removeprefix("\ufeff").strip())
    return formula[1].strip() if formula else cell


def _has_key(columns: Sequence[str]) -> bool:
    return bool({snake(name) for name in columns} & {*SESSION_ID})


def parquet_pieces(stream: BinaryIO) -> Iterator[Piece]:
    """Read the rows of a Parquet file, their values as JSON or the parser has them.

    Raises:
        ValueError: it is none, or was cut off (its index is at the end), or has no id.
    """
    number = 0
    for batch in _batches(stream):
        columns = [_plain(column) for column in batch.columns]
        for row in zip(*columns, strict=True):
            number += 1
            cells = zip(batch.schema.names, row, strict=True)
            record = {name: cell for name, cell in cells if cell not in (None, "")}
            yield from (Piece(part, number) for part in opened(record) or (record,))


def _batches(stream: BinaryIO) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not stream.read(1):
        return
    try:
        file = pq.ParquetFile(stream, buffer_size=1 << 20)
        fields = [field.type for field in file.schema_arrow if pa.types.is_struct(field.type)]
        inner = [part.name for kind in fields for part in kind]
        _refuse_unclear(file.schema_arrow.names, inner)
        yield from file.iter_batches(batch_size=_BATCH_ROWS)
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error


def _plain(column: pa.Array) -> list[Any]:
    """Return a column's cells; one that Python cannot hold costs itself, not the file."""
    import pyarrow as pa

    column = getattr(column, "storage", column)
    kind = column.type
    if pa.types.is_timestamp(kind):  # the tables have no nanoseconds
        column = column.cast(pa.timestamp("us", tz=kind.tz), safe=False)
    elif pa.types.is_date(kind):
        column = column.cast(pa.timestamp("us"), safe=False)
    try:
        return [_cell(value) for value in column.to_pylist(maps_as_pydicts="lossy")]
    except (ValueError, ArithmeticError, pa.ArrowException):
        return [_odd_cell(scalar) for scalar in column]


def _odd_cell(scalar: pa.Scalar) -> Any:
    import pyarrow as pa

    try:
        return _cell(scalar.as_py())
    except (ValueError, ArithmeticError, pa.ArrowException):
        return str(getattr(scalar, "value", "unreadable"))


def _cell(value: Any) -> Any:
    """Return ids and texts as what they mean: exports have them as bytes, floats and decimals."""
    if isinstance(value, bytes):
        return _text_of(value)
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else Decimal(repr(value))
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        return int(value)
    return value


def _text_of(value: bytes) -> str:
    text = value.decode(errors="replace")
    if len(value) == 16 and not (text.isascii() and text.isprintable()):
        return str(uuid.UUID(bytes=value))
    return value.hex() if "\ufffd" in text else text
