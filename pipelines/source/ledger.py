"""The partner's session ledger: the only list of sessions there is, for no endpoint has one.

JSON in any usual form, CSV or Parquet; a path, a glob, or a bucket URL. A file that did not change
since the last sync is not read again, and of JSON that grew only the new records are.

That the ledger was read whole is a proof, :class:`LedgerCoverage`: every byte became a session, a
counted bad record, or a rest with a name and an age.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

from pipelines.clock import SystemClock, utc
from pipelines.errors import LedgerError, PrintoraError
from pipelines.source.ledger_coverage import REST_MAY_LAST, LedgerCoverage, Mark, Rest
from pipelines.source.ledger_files import (
    CSV,
    JSON,
    UNREADABLE,
    LedgerFile,
    Unzipped,
    encoding_of,
    list_files,
)
from pipelines.source.ledger_json import JsonPieces, Piece
from pipelines.source.ledger_records import has_key
from pipelines.source.ledger_tables import CsvPieces, parquet_pieces
from pipelines.source.parse import Parsed, Parser, Rejected
from pipelines.source.partial import SessionLine, said_columns
from pipelines.source.rotation import family
from pipelines.source.values import as_json

__all__ = ["REST_MAY_LAST", "Entry", "Ledger", "LedgerCoverage", "Mark", "Rest"]

_TAIL = 4096


@dataclass
class _Tally:
    """What became of one file's records so far."""

    records: int = 0
    bad: int = 0


@dataclass(frozen=True)
class Entry:
    """One record of the ledger, or why it is none; and where it stands."""

    record: Any
    place: str
    file: str
    broken: str | None = None
    from_start: bool = True
    tally: _Tally = field(default_factory=_Tally, compare=False, repr=False)

    def parsed_by(self, parser: Parser, seen_at: datetime) -> Parsed | Rejected:
        """Return the session's row, or why there is none; each is counted."""
        parsed = self._parsed(parser, seen_at)
        self.tally.records += not isinstance(parsed, Rejected)
        self.tally.bad += isinstance(parsed, Rejected)
        return parsed

    def line(self, row: Parsed) -> SessionLine:
        """Return what it says of a session, for :meth:`SessionLine.told_over`.

        A value that could not be read is not said: it does not wipe out what is known.
        """
        unread = {issue.column for issue in row.issues if row[issue.column] is None}
        return SessionLine(row, said_columns(self.record) - unread, self.from_start)

    def _parsed(self, parser: Parser, seen_at: datetime) -> Parsed | Rejected:
        if self.broken:
            record = as_json(self.record) or "null"
            return Rejected("sessions", self.broken, self.place, record)
        parsed = parser.parse(self.record, seen_at=seen_at, place=self.place)
        if not isinstance(parsed, Rejected):
            parsed["ledger_file"] = self.file
        return parsed


class Ledger:
    """The files that a setting names. ``marks`` are those of the last sync, by file.

    ``now`` is this machine's time, which the age of a rest is told by.
    """

    def __init__(
        self,
        setting: str,
        marks: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        now: datetime | None = None,
    ) -> None:
        self._setting = setting
        self._now = now or utc(SystemClock().now())
        self._before = {name: Mark.of(mark) for name, mark in (marks or {}).items()}
        self._left_out: list[str] = []
        self.marks: dict[str, Mark] = {}
        #: All files were read to their end, so that the marks count.
        self.is_read = False

    @property
    def lines(self) -> int:
        """Records and bad records in all files, as far as they were read now or before."""
        return self.coverage.records + self.coverage.bad

    @property
    def coverage(self) -> LedgerCoverage:
        """What became of every byte, by now."""
        marks = self.marks.values()
        return LedgerCoverage(
            files=len(self.marks),
            bytes_read=sum(mark.offset for mark in marks),
            records=sum(_records(mark) for mark in marks),
            bad=sum(mark.bad for mark in marks),
            rests=tuple(
                Rest(name, mark.rest, datetime.fromisoformat(mark.since))
                for name, mark in self.marks.items()
                if mark.since
            ),
            left_out=tuple(self._left_out),
        )

    def state(self) -> dict[str, dict[str, Any]]:
        """Return the marks in the form that the next sync takes."""
        return {name: asdict(mark) for name, mark in self.marks.items()}

    def entries(self) -> Iterator[Entry]:
        """Read what is new, file by file, the oldest of a rotation first.

        Raises:
            LedgerError: there is no such file, it cannot be read, no record of it can, or it is of
                no known format. As far as that shows without reading all of them, before the first
                entry.
        """
        for file in self.look():
            with _readable(file):
                yield from self._read(file)
        self.is_read = True

    def look(self) -> Sequence[LedgerFile]:
        """Find the files, and see that each can be read, as far as its beginning shows.

        Raises:
            LedgerError: as :meth:`entries` does.
        """
        files, self._left_out = list_files(self._setting)
        for file in files:
            with _readable(file):
                self._try(file)
        return files

    def _try(self, file: LedgerFile) -> None:
        """See that a file can be read: one that cannot must not be met behind a good one."""
        if self._unchanged(file) is not None:
            return
        kind = file.kind
        with file.open() as stream:
            if self._resumed(file, stream) is not None:
                return
            stream.seek(0)
            found = 0
            for piece in _pieces(kind, stream):
                if not piece.broken and has_key(piece.value):
                    return
                found += 1
        if found:
            raise ValueError(f"none of its records ({found:,}) has a session_id that can be read")

    def _read(self, file: LedgerFile) -> Iterator[Entry]:
        if (before := self._unchanged(file)) is not None:
            self.marks[file.name] = before
        elif file.kind == JSON:
            yield from self._json(file)
        else:
            yield from self._table(file)

    def _unchanged(self, file: LedgerFile) -> Mark | None:
        """Return the mark of the last sync, if it is of the same file, read to its end."""
        before = self._before.get(file.name)
        if before is None or (before.size, before.modified) != (file.size, file.modified):
            return None
        # An older version took no note of a rest: look again.
        return None if before.since or before.records is None else before

    def _json(self, file: LedgerFile) -> Iterator[Entry]:
        with file.open() as stream:
            encoding = encoding_of(stream)
            before = self._resumed(file, stream)
            start = before or Mark(0, "", 0, 0, "")
            stream.seek(start.offset)
            pieces = JsonPieces(
                stream, encoding, offset=start.offset, lines=start.lines, depth=start.depth
            )
            tally = _Tally(_records(start), start.bad)
            yield from _entries(file, pieces, tally, from_start=before is None)
            has_rest = bool(pieces.rest or pieces.depth or _is_cut(stream))
            tail = _tail_hash(stream, pieces.offset)
        since = self._since(file, start, pieces.offset) if has_rest else ""
        self.marks[file.name] = Mark(
            file.size,
            file.modified,
            pieces.offset,
            pieces.lines,
            tail,
            tally.records,
            tally.bad,
            pieces.depth,
            pieces.rest,
            since,
        )

    def _since(self, file: LedgerFile, start: Mark, offset: int) -> str:
        """Return since when the file ends where it does now."""
        before = self._before.get(file.name, start)
        same = before.since and before.offset == offset
        return before.since if same else self._now.isoformat()

    def _table(self, file: LedgerFile) -> Iterator[Entry]:
        tally, rest = _Tally(), 0
        with file.open() as stream:
            pieces = _pieces(file.kind, stream)
            yield from _entries(file, pieces, tally, from_start=True)
            if isinstance(pieces, CsvPieces):
                rest = pieces.rest
            has_rest = bool(rest or _is_cut(stream))
        offset = file.size - rest
        since = self._since(file, Mark(0, "", 0, 0, ""), offset) if has_rest else ""
        lines = tally.records + tally.bad
        self.marks[file.name] = Mark(
            file.size,
            file.modified,
            offset,
            lines,
            "",
            tally.records,
            tally.bad,
            rest=rest,
            since=since,
        )

    def _resumed(self, file: LedgerFile, stream: BinaryIO) -> Mark | None:
        """Return where to go on in a file, as its own mark or another of its rotation has it."""
        relatives = [
            mark
            for name, mark in self._before.items()
            if name != file.name and family(name) == family(file.name)
        ]
        relatives.sort(key=lambda mark: -mark.offset)
        own = [self._before[file.name]] if file.name in self._before else []
        for mark in (*own, *relatives):
            if mark.tail and mark.offset and _tail_hash(stream, mark.offset) == mark.tail:
                return mark
        return None


def _pieces(kind: str, stream: BinaryIO) -> CsvPieces | JsonPieces | Iterator[Piece]:
    if kind == JSON:
        return JsonPieces(stream, encoding_of(stream))
    if kind == CSV:
        return CsvPieces(stream, encoding_of(stream))
    return parquet_pieces(stream)


def _entries(file: LedgerFile, pieces: Any, tally: _Tally, *, from_start: bool) -> Iterator[Entry]:
    for piece in pieces:
        place = f"{file.name}:{piece.line}"
        yield Entry(piece.value, place, file.base, piece.broken, from_start, tally)


def _records(mark: Mark) -> int:
    return mark.lines if mark.records is None else mark.records  # older versions counted lines


def _is_cut(stream: Any) -> bool:
    return isinstance(stream, Unzipped) and stream.is_cut


@contextmanager
def _readable(file: LedgerFile) -> Iterator[None]:
    """Turn what a file's library raises into a :class:`LedgerError`."""
    try:
        yield
    except PrintoraError:
        raise
    except (*UNREADABLE, csv.Error) as error:
        text = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise LedgerError(
            f"The session ledger {file.base} cannot be read: {text}.",
            hint="Mend it, then run again; no session is lost.",
        ) from error


def _tail_hash(stream: BinaryIO, offset: int) -> str:
    """Hash the last bytes before the offset: enough to see whether a file was only added to."""
    start, found = max(offset - _TAIL, 0), b""
    with suppress(EOFError):  # shorter than that, and zipped
        stream.seek(start)
        while len(found) < offset - start and (more := stream.read(offset - start - len(found))):
            found += more
    return hashlib.blake2b(found, digest_size=16).hexdigest()
