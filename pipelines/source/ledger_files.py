"""The files that a ledger's setting names, on this machine or in a bucket, and how each is opened.

A bucket is listed by dlt's filesystem source, with its credentials
(``SOURCES__FILESYSTEM__CREDENTIALS__…``).
"""

from __future__ import annotations

import glob
import gzip
import os
import posixpath
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import IO, Any, BinaryIO, cast
from urllib.parse import unquote

from pipelines.errors import LedgerError, LedgerSettingError
from pipelines.source.ledger_tables import is_table
from pipelines.source.rotation import family, reading_order

JSON, CSV, PARQUET = "JSON", "CSV", "Parquet"
FORMATS = {
    ".jsonl": JSON,
    ".ndjson": JSON,
    ".json": JSON,
    ".csv": CSV,
    ".tsv": CSV,
    ".parquet": PARQUET,
}
_HINT = (
    "Set SOURCES__PRINTORA__SESSION_LEDGER to a file, a glob or a bucket URL of JSON lines, "
    "CSV or Parquet."
)
_UNPACK = "Unpack it, or export it as JSON lines, CSV or Parquet; gzip is read as it is."
_HEAD = 4096
#: How other files begin, whatever they are called.
_OTHERS = (
    (b"PK\x03\x04", "a zip archive or a spreadsheet"),
    (b"BZh", "packed by bzip2"),
    (b"\xfd7zXZ\x00", "packed by xz"),
    (b"\x28\xb5\x2f\xfd", "packed by Zstandard"),
    (b"\x04\x22\x4d\x18", "packed by LZ4"),
    (b"\x1f\x8b", "packed by gzip twice"),
    (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"),
    (b"ARROW1", "an Arrow file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet of an old Excel"),
)
#: Where a URL may hold a password, or the signature that opens what it names.
_LOGIN = re.compile(r"(?<=://)[^/@]*@|\?[\w-]+=.*")
#: By their first bytes: the marks of Unicode, the longer first, and what JSON looks like without.
_ENCODINGS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)


@dataclass(frozen=True)
class LedgerFile:
    """One file. ``name`` is its path below the folder that the setting names."""

    name: str
    size: int
    modified: str
    raw: Callable[[], IO[bytes]]

    @property
    def base(self) -> str:
        """The name without its folder."""
        return posixpath.basename(self.name)

    @cached_property
    def kind(self) -> str:
        """Its format: by how it begins, where that tells it, else by its name.

        Raises:
            LedgerSettingError: it is of no known format.
        """
        with self.open() as stream:
            head = stream.read(_HEAD)
        named = FORMATS.get(Path(family(self.name)).suffix.lower())
        if packed := next((words for mark, words in _OTHERS if head.startswith(mark)), None):
            raise LedgerSettingError(f"The session ledger {self.name} is {packed}.", hint=_UNPACK)
        kind = _kind_of(head) or (named if head else named or JSON)
        if kind is None:
            raise LedgerSettingError(
                f"The session ledger {self.name} is of no known format.", hint=_HINT
            )
        return kind

    def open(self) -> BinaryIO:
        """Open it to read its bytes, unzipped where they are zipped, whatever its name says."""
        stream = self.raw()
        zipped = stream.read(2) == b"\x1f\x8b"
        stream.seek(0)
        return cast(BinaryIO, Unzipped(stream) if zipped else stream)


def _kind_of(head: bytes) -> str | None:
    """Tell a file's format by its first bytes; None where they do not."""
    if head[:4] == b"PAR1":
        return PARQUET
    if head.lstrip(b"\xef\xbb\xbf\xff\xfe\x00\x1e \t\r\n")[:1] in (b"{", b"["):
        return JSON
    return CSV if is_table(head, encoding_of(BytesIO(head))) else None


class Unzipped(gzip.GzipFile):
    """The bytes of a gzip stream. ``is_cut`` tells that its end is missing, once that is met."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(fileobj=cast(Any, stream), mode="rb")
        self._underneath = stream
        self.is_cut = False

    def read1(self, size: int = -1) -> bytes:
        """Read at most so many bytes; of a stream that was cut off, all that is there."""
        try:
            return super().read1(size)
        except EOFError:
            self.is_cut = True
            return b""

    def read(self, size: int | None = -1) -> bytes:
        """Read at most so many bytes."""
        return self.read1(-1 if size is None else size)

    def close(self) -> None:
        """Close the file, too."""
        super().close()
        self._underneath.close()


#: What reading a file raises when it is not what its name says, or gone.
UNREADABLE = (OSError, ValueError, EOFError, ArithmeticError, zlib.error)


def encoding_of(stream: BinaryIO) -> str:
    """Return the codec of a text by its mark, or by how JSON looks in it; UTF-8 without either."""
    head = stream.read(4)
    stream.seek(0)
    for mark, codec in _ENCODINGS:
        if head.startswith(mark) or (len(head) == 1 and mark.startswith(head)):
            return codec
    zeros = "".join("0" if byte == 0 else "x" for byte in head)
    return {"x0x0": "utf-16-le", "0x0x": "utf-16-be"}.get(zeros, "utf-8")


def list_files(setting: str) -> tuple[list[LedgerFile], list[str]]:
    """Return the files in reading order, and the names of links that lead out of the folder.

    Raises:
        LedgerError: there is none, or the folder or bucket cannot be listed.
    """
    if setting.lower().startswith(("http://", "https://")):
        raise LedgerSettingError(
            f"The session ledger {shown(setting)} is a web address.", hint=_HINT
        )
    if "://" in setting and not setting.startswith("file://"):
        files, left_out = _in_bucket(setting), list[str]()
    else:
        files, left_out = _on_disk(setting)
    if not files and not left_out:
        raise LedgerSettingError(f"There is no session ledger at {shown(setting)}.", hint=_HINT)
    return sorted(files, key=lambda file: reading_order(file.name)), left_out


def shown(setting: str) -> str:
    """Return the setting without what a URL may hold of a login."""
    return _LOGIN.sub("", setting) if "://" in setting else setting


def _on_disk(setting: str) -> tuple[list[LedgerFile], list[str]]:
    plain = unquote(setting.removeprefix("file://")) if "://" in setting else setting
    path = Path(os.path.expanduser(plain)).absolute()  # noqa: PTH111 - Path's raises without a home
    if path.is_dir():
        raise LedgerSettingError(f"The session ledger {setting} is a folder.", hint=_HINT)
    if path.is_file():  # named by itself, it may be a link to anywhere
        return [_disk_file(path, path.parent)], []
    folder, pattern = _split(path)
    names = glob.glob(pattern, root_dir=folder, recursive=True)  # noqa: PTH207 - Path's has no folder
    found = [path for name in names if (path := folder / name).is_file()]
    # A file that links make several of is read once, by its own name if that is among them.
    targets = {path.resolve(): path for path in sorted(found, key=lambda path: path.is_symlink())}
    targets |= {path: path for path in found if path in targets}
    root = folder.resolve()
    outside = [path for target, path in targets.items() if not target.is_relative_to(root)]
    files = [_disk_file(path, folder) for path in targets.values() if path not in outside]
    return files, [str(path.relative_to(folder)) for path in outside]


def _split(path: Path) -> tuple[Path, str]:
    """Split a path into the folder to look in and the glob: what is there is no pattern."""
    folder, parts = Path(path.anchor), list(path.parts[1:])
    while len(parts) > 1 and ((folder / parts[0]).is_dir() or not glob.has_magic(parts[0])):
        folder /= parts.pop(0)
    return folder, "/".join(parts)


def _disk_file(path: Path, folder: Path) -> LedgerFile:
    found = path.stat()
    modified = datetime.fromtimestamp(found.st_mtime_ns / 1e9, UTC).isoformat()
    return LedgerFile(
        path.relative_to(folder).as_posix(), found.st_size, modified, lambda: path.open("rb")
    )


def _in_bucket(setting: str) -> list[LedgerFile]:
    from dlt.sources.filesystem import filesystem

    parts = setting.split("/")
    first = next((i for i, part in enumerate(parts) if glob.has_magic(part)), len(parts) - 1)
    bucket, pattern = "/".join(parts[:first]) or "/", "/".join(parts[first:])
    try:
        items = list(filesystem(bucket_url=bucket, file_glob=pattern))
    except Exception as error:
        raise _not_listed(setting, error) from error
    return [
        LedgerFile(
            str(item["relative_path"]),
            int(item.get("size_in_bytes") or 0),
            str(item["modification_date"]),
            lambda item=item: item.open("rb", compression="disable"),  # type: ignore[misc]
        )
        for item in items
    ]


def _not_listed(setting: str, error: Exception) -> LedgerError:
    """Say in one paragraph why a bucket cannot be listed."""
    from dlt.common.configuration.exceptions import ConfigFieldMissingException
    from dlt.common.exceptions import MissingDependencyException

    text = " ".join(str(error).replace(setting, shown(setting)).split()).rstrip(".")
    setting = shown(setting)
    if isinstance(error, MissingDependencyException):
        packages = " ".join(f"'{package}'" for package in error.dependencies)
        return LedgerSettingError(
            f"The session ledger {setting} is in a bucket of a kind that needs another package.",
            hint=f"Install it: .venv/bin/uv pip install --python .venv/bin/python {packages}",
        )
    if isinstance(error, ConfigFieldMissingException):
        return LedgerSettingError(
            f"There are no credentials for the session ledger {setting}.",
            hint="Set those of dlt's filesystem source, SOURCES__FILESYSTEM__CREDENTIALS__…, in "
            "the environment or in .dlt/secrets.toml.",
        )
    return LedgerError(f"The session ledger {setting} cannot be listed: {text}.", hint=_HINT)
