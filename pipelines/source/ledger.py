"""The partner's session ledger: the only list of sessions there is, for no endpoint has one.

JSON lines, CSV or Parquet; a path, a glob, or a bucket URL through dlt's filesystem source (its
credentials are dlt's, ``SOURCES__FILESYSTEM__CREDENTIALS__…``). A file that did not change since
the last sync is not read again, and of JSON lines that grew only the new ones are.
"""

from __future__ import annotations

import csv
import glob
import hashlib
import posixpath
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from dlt.common.configuration.exceptions import ConfigFieldMissingException
from dlt.common.exceptions import MissingDependencyException
from dlt.common.storages.fsspec_filesystem import FileItemDict
from dlt.sources.filesystem import filesystem

from pipelines.client.wire import NotTheContractError, decode
from pipelines.errors import LedgerError, PrintoraError
from pipelines.source.names import snake
from pipelines.source.parse import SESSION_ID, Parser, Rejected, Row
from pipelines.source.values import as_json

_NOT_UTF8 = re.compile("[\x00\udc80-\udcff]")
#: Where a URL may hold a password, or the signature that opens what it names.
_LOGIN = re.compile(r"(?<=://)[^/@]*@|\?[\w-]+=.*")

FORMATS = {
    ".jsonl": "JSON lines",
    ".ndjson": "JSON lines",
    ".json": "JSON lines",
    ".csv": "CSV",
    ".parquet": "Parquet",
}
_TAIL = 4096
_UNREADABLE = (OSError, ValueError, EOFError, zlib.error, csv.Error, pa.ArrowException)
_HINT = (
    "Set SOURCES__PRINTORA__SESSION_LEDGER to a file, a glob or a bucket URL of JSON lines, "
    "CSV or Parquet."
)


@dataclass(frozen=True)
class Mark:
    """How far a file was read: so many bytes and lines, and what stood last before that."""

    size: int
    modified: str
    offset: int
    lines: int
    tail: str


@dataclass(frozen=True)
class Entry:
    """One line of the ledger: a record, or why it is none; and where it stands."""

    record: Any
    place: str
    file: str
    broken: str | None = None

    def parsed_by(self, parser: Parser, seen_at: datetime) -> Row | Rejected:
        """Return the session's row, or why there is none."""
        if self.broken:
            record = as_json(self.record) or "null"
            return Rejected("sessions", None, self.broken, self.place, record)
        parsed = parser.parse(self.record, seen_at=seen_at, place=self.place)
        if not isinstance(parsed, Rejected):
            parsed["ledger_file"] = self.file
        return parsed


class Ledger:
    """The files that a setting names. ``marks`` are those of the last sync, by file."""

    def __init__(self, setting: str, marks: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._setting = setting
        self._before = {name: Mark(**mark) for name, mark in (marks or {}).items()}
        self.marks: dict[str, Mark] = {}

    @property
    def lines(self) -> int:
        """Lines in all files, as far as they were read now or before."""
        return sum(mark.lines for mark in self.marks.values())

    def state(self) -> dict[str, dict[str, Any]]:
        """Return the marks in the form that the next sync takes."""
        return {name: asdict(mark) for name, mark in self.marks.items()}

    def entries(self) -> Iterator[Entry]:
        """Read what is new, file by file in the order of their names.

        Raises:
            LedgerError: there is no such file, it cannot be read, or it is of no known format. As
                far as that shows without reading all of them, before the first entry.
        """
        items = self._files()
        for item in items:
            with _readable(item):
                self._open(item)
        for item in items:
            with _readable(item):
                yield from self._read(item)

    def _files(self) -> list[FileItemDict]:
        bucket, pattern = _split(self._setting)
        try:
            items = list(filesystem(bucket_url=bucket, file_glob=pattern))
        except Exception as error:
            raise _not_listed(self._setting, error) from error
        if not items:
            raise LedgerError(f"There is no session ledger at {_shown(self._setting)}.", hint=_HINT)
        return sorted(items, key=lambda item: str(item["file_url"]))

    def _open(self, item: FileItemDict) -> None:
        """See that a file can be read: one that cannot must not be met behind a good one."""
        kind = _kind(item)
        if self._unchanged(item) is None:
            with item.open("rb") as stream:
                if kind == "CSV":
                    _csv(stream)
                elif kind == "Parquet":
                    _parquet(stream)  # its index is at the end, and missing where it was cut off
                else:
                    stream.read(1)

    def _read(self, item: FileItemDict) -> Iterator[Entry]:
        name, kind = str(item["relative_path"]), _kind(item)
        if (before := self._unchanged(item)) is not None:
            self.marks[name] = before
        elif kind == "JSON lines":
            yield from self._json_lines(item, name, self._before.get(name))
        else:
            yield from self._whole(item, name, kind)

    def _unchanged(self, item: FileItemDict) -> Mark | None:
        """Return the file's mark of the last sync, if it is still the same file."""
        before = self._before.get(str(item["relative_path"]))
        return before if before and (before.size, before.modified) == _version(item) else None

    def _json_lines(self, item: FileItemDict, name: str, before: Mark | None) -> Iterator[Entry]:
        size, modified = _version(item)
        with item.open("rb") as stream:
            offset, number = _resume(stream, before)
            for line in stream:
                entry = _json_entry(line, name, number + 1)
                if entry is None:
                    break  # the writer is in the middle of this line: the next sync reads it
                offset, number = offset + len(line), number + 1
                if line.strip():
                    yield entry
            tail = _tail_hash(stream, offset)
        self.marks[name] = Mark(size, modified, offset, number, tail)

    def _whole(self, item: FileItemDict, name: str, kind: str) -> Iterator[Entry]:
        lines = 0
        with item.open("rb") as stream:
            records = _csv_records(stream) if kind == "CSV" else _parquet_records(stream)
            for lines, (number, record) in enumerate(records, start=1):  # noqa: B007 - the count
                yield Entry(record, f"{name}:{number}", posixpath.basename(name))
        size, modified = _version(item)
        self.marks[name] = Mark(size, modified, size, lines, "")


@contextmanager
def _readable(item: FileItemDict) -> Iterator[None]:
    """Turn what a file's library raises into a :class:`LedgerError`."""
    try:
        yield
    except PrintoraError:
        raise
    except _UNREADABLE as error:
        raise LedgerError(
            f"The session ledger {item['file_name']} cannot be read: {error}.",
            hint="Mend it, then run again; no session is lost.",
        ) from error


def _shown(setting: str) -> str:
    """Return the setting without what a URL may hold of a login."""
    return _LOGIN.sub("", setting) if "://" in setting else setting


def _kind(item: FileItemDict) -> str:
    name = str(item["relative_path"])
    suffix = Path(name.removesuffix(".gz")).suffix.lower()
    if suffix not in FORMATS:
        raise LedgerError(f"The session ledger {name} is of no known format.", hint=_HINT)
    return FORMATS[suffix]


def _not_listed(setting: str, error: Exception) -> LedgerError:
    """Say in one paragraph why a folder or bucket cannot be listed."""
    text = " ".join(str(error).replace(setting, _shown(setting)).split()).rstrip(".")
    setting = _shown(setting)
    if isinstance(error, MissingDependencyException):
        packages = " ".join(f"'{package}'" for package in error.dependencies)
        return LedgerError(
            f"The session ledger {setting} is in a bucket of a kind that needs another package.",
            hint=f"Install it: .venv/bin/uv pip install --python .venv/bin/python {packages}",
        )
    if isinstance(error, ConfigFieldMissingException):
        return LedgerError(
            f"There are no credentials for the session ledger {setting}.",
            hint="Set those of dlt's filesystem source, SOURCES__FILESYSTEM__CREDENTIALS__…, in "
            "the environment or in .dlt/secrets.toml.",
        )
    return LedgerError(f"The session ledger {setting} cannot be listed: {text}.", hint=_HINT)


def _split(setting: str) -> tuple[str, str]:
    """Split a setting into the folder or bucket to look in and the glob to look for."""
    if setting.lower().startswith(("http://", "https://")):
        raise LedgerError(f"The session ledger {_shown(setting)} is a web address.", hint=_HINT)
    remote = "://" in setting and not setting.startswith("file://")
    plain = unquote(setting.removeprefix("file://")) if "://" in setting else setting
    path = setting if remote else str(Path(plain).expanduser().absolute())
    if not remote and Path(path).is_dir():
        raise LedgerError(f"The session ledger {setting} is a folder.", hint=_HINT)
    if not remote and Path(path).is_file():
        return str(Path(path).parent), glob.escape(Path(path).name)
    parts = path.split("/")
    first = next((i for i, part in enumerate(parts) if glob.has_magic(part)), len(parts) - 1)
    return "/".join(parts[:first]) or "/", "/".join(parts[first:])


def _version(item: FileItemDict) -> tuple[int, str]:
    return int(item.get("size_in_bytes") or 0), str(item["modification_date"])


def _resume(stream: Any, before: Mark | None) -> tuple[int, int]:
    """Go on after what was read before, provided that it still stands there."""
    if before is None or before.offset == 0 or not stream.seekable():
        return 0, 0
    unchanged = _tail_hash(stream, before.offset) == before.tail
    offset, lines = (before.offset, before.lines) if unchanged else (0, 0)
    stream.seek(offset)
    return offset, lines


def _tail_hash(stream: Any, offset: int) -> str:
    """Hash the last bytes before the offset: enough to see whether a file was only added to."""
    start = max(offset - _TAIL, 0)
    stream.seek(start)
    return hashlib.blake2b(stream.read(offset - start), digest_size=16).hexdigest()


def _json_entry(line: bytes, name: str, number: int) -> Entry | None:
    """Parse one line; None for a last line that is still being written."""
    place, file = f"{name}:{number}", posixpath.basename(name)
    if not line.strip():
        return Entry(None, place, file)
    try:
        return Entry(decode(line), place, file)
    except NotTheContractError:
        if not line.endswith(b"\n"):
            return None
        # What is personal in it cannot be told, so that its text stays where it is.
        digest = hashlib.blake2b(line, digest_size=16).hexdigest()
        record = {"bytes": len(line), "blake2b": digest}
        return Entry(record, place, file, broken="the line is not JSON")


def _refuse_without_key(columns: Sequence[str] | None) -> None:
    """Refuse a table in which no row can have a session's id."""
    if columns and not {snake(name) for name in columns} & {*SESSION_ID}:
        found = ", ".join(columns)
        raise ValueError(f"it has no column session_id (its columns are {found})")


def _csv(stream: Any) -> csv.DictReader[str]:
    # A byte that is not UTF-8 spoils its own row only: as half of a surrogate pair, it is no text.
    text = TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
    reader = csv.DictReader(text, restkey="extra")
    if _NOT_UTF8.search("".join(reader.fieldnames or ())):
        raise ValueError("its header is not text in UTF-8")
    _refuse_without_key(reader.fieldnames)
    return reader


def _csv_records(stream: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = _csv(stream)
    for record in reader:
        yield reader.line_num, {name: value or None for name, value in record.items()}


def _parquet(stream: Any) -> pq.ParquetFile:
    file = pq.ParquetFile(stream)
    _refuse_without_key(file.schema_arrow.names)
    return file


def _parquet_records(stream: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    for batch in _parquet(stream).iter_batches():
        for record in _whole_microseconds(batch).to_pylist(maps_as_pydicts="lossy"):
            number += 1
            yield number, record


def _whole_microseconds(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Cut nanoseconds off, as of times in text: the tables have none."""
    types = [
        pa.timestamp("us", tz=field.type.tz) if pa.types.is_timestamp(field.type) else field.type
        for field in batch.schema
    ]
    columns = [
        column.cast(kind, safe=False) if kind != column.type else column
        for column, kind in zip(batch.columns, types, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
