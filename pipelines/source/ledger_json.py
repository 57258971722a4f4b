"""JSON records out of a stream of bytes, in whatever form they were written.

One a line, one after the other without line breaks, over several lines, or as one array: a record
begins where the last one ended. Each byte is counted once: it belongs to a record, to something
that is none, to what stands between them, or to the rest: a last record that is not all there.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, BinaryIO

from pipelines.decoding import RefusedError, object_of
from pipelines.source.ledger_records import ENVELOPE, ENVELOPE_END, LONGEST_BEGIN, has_key, opened

#: The longest record, in characters: what is longer was not written as one.
LONGEST = 1 << 20
_CHUNK = 1 << 18
_BETWEEN = re.compile("[\\s,\ufeff\x1e\\[\\]]*")
_PARTS = re.compile(r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"|[{}]')
_CLOSING = re.compile(r"[ \t]*\]")
#: An error so near to the end may be due to the end: of `false`, of `\ud83d\ude00`.
_NEAR = 12

NOT_JSON = "the line is not JSON"
TOO_LONG = "the record is longer than 1 MB"


#: Python and others write NaN for a number that is none: it costs its value, and not the record.
_DECODER = json.JSONDecoder(
    parse_float=Decimal, parse_constant=Decimal, object_pairs_hook=object_of
)


@dataclass(frozen=True)
class Piece:
    """A value and the line that it begins in; or, with ``broken``, why there is none."""

    value: Any
    line: int
    broken: str | None = None


class JsonPieces:
    """Reads the pieces of a stream. ``offset``, ``lines`` and ``depth`` tell how far it came.

    ``depth`` counts the arrays that are open around the next record.
    """

    def __init__(
        self, stream: BinaryIO, encoding: str, *, offset: int = 0, lines: int = 0, depth: int = 0
    ) -> None:
        self._stream = stream
        # A bad byte spoils its own value only: as half of a surrogate pair, it is no text.
        self._errors = "surrogateescape" if encoding == "utf-8" else "surrogatepass"
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)(self._errors)
        self._text, self._at = "", 0
        #: What stands before the next piece in its line; None if that is more than blanks.
        self._indent: str | None = ""
        self._at_line_start = True
        #: Objects that are open around a list too long to be held as a whole.
        self._envelopes = 0
        self.offset, self.lines, self.depth = offset, lines, depth

    @property
    def rest(self) -> int:
        """Bytes that are left when all pieces were read: the begin of a record, without its end."""
        return len(self._bytes(self._text[self._at :])) + len(self._decoder.getstate()[0])

    def __iter__(self) -> Iterator[Piece]:
        while self._skip_between():
            piece = self._object() if self._text[self._at] == "{" else self._other()
            if piece is None:
                return
            inner = None if piece.broken else opened(piece.value)
            if inner is None:
                yield piece
            else:
                yield from (Piece(record, piece.line) for record in inner)

    def _object(self) -> Piece | None:
        """Read an object; None if its end is missing."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if not self._may_be_cut(error):
                    return self._skip(NOT_JSON)
                if len(self._text) - self._at > 2 * LONGEST:
                    return self._first_in_envelope() or self._skip(TOO_LONG)
                if not self._more():
                    return self._skip(NOT_JSON) if self._goes_on() else None
            except RefusedError as error:
                return self._skip(f"the record {error}")
            except (ValueError, ArithmeticError, RecursionError):
                return self._skip(NOT_JSON)
            else:
                break
        line, length = self.lines + 1, end - self._at
        taken = self._take(length)
        if length > LONGEST and opened(value) is None:
            return Piece(_digest(taken), line, TOO_LONG)
        return Piece(value, line)

    def _first_in_envelope(self) -> Piece | None:
        """Open an envelope that is too long to be held, and read the first record of its list."""
        begin = ENVELOPE.match(self._text, self._at, self._at + LONGEST_BEGIN)
        if begin is None or self.depth:
            return None
        taken = self._take(begin.end() - self._at)
        self._envelopes, self.depth = begin[0].count("{"), 1
        return self._object() if taken else None

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        at_the_end = error.pos >= len(self._text) - _NEAR
        return at_the_end or error.msg.startswith("Unterminated string")

    def _goes_on(self) -> bool:
        """Tell whether a record without an end is followed by one that is whole."""
        line = f"\n{self._indent or ''}{{"
        if self._indent is None or (at := self._text.find(line, self._at)) < 0:
            return False
        try:
            value, _ = _DECODER.raw_decode(self._text, at + len(line) - 1)
        except (ValueError, ArithmeticError, RecursionError):
            return False
        return has_key(value)

    def _other(self) -> Piece:
        """Take what begins as no object does."""
        stop = re.compile(r"[,\]\n]" if self.depth else "\n")
        while (found := stop.search(self._text, self._at)) is None:
            if len(self._text) - self._at > LONGEST:
                return self._skip(TOO_LONG)
            if not self._more():
                break
        end = found.start() if found else len(self._text)
        line, taken = self.lines + 1, self._take(end - self._at)
        try:
            return Piece(_DECODER.decode(taken.decode()), line)
        except (ValueError, ArithmeticError, RecursionError):
            return Piece(_digest(taken), line, NOT_JSON)

    def _skip(self, why: str) -> Piece:
        """Skip what is no record, up to where the next one may begin.

        That is behind its closing brace, if the line has it; else at a line that begins as its own
        did. What is nested in it must not be taken for a record.
        """
        line, digest = self.lines + 1, hashlib.blake2b(digest_size=16)
        size = 0
        for taken in self._skipped():
            digest.update(taken)
            size += len(taken)
        return Piece({"bytes": size, "blake2b": digest.hexdigest()}, line, why)

    def _skipped(self) -> Iterator[bytes]:
        if (end := self._closing_brace()) is not None:
            yield self._take(end - self._at)
            return
        opened = self._text[self._at] == "{"
        yield from self._line()
        while opened and self._indent is not None and not self._begins_anew(self._indent):
            yield from self._line()

    def _closing_brace(self) -> int | None:
        depth, line_end = 0, self._text.find("\n", self._at)
        for part in _PARTS.finditer(
            self._text, self._at, len(self._text) if line_end < 0 else line_end
        ):
            depth += {"{": 1, "}": -1}.get(part[0], 0)
            if depth <= 0:
                return part.end() if part[0] == "}" else None
        return None

    def _begins_anew(self, indent: str) -> bool:
        """Tell whether the next line begins as a record, or is the last of the file."""
        while len(self._text) - self._at <= len(indent) + 1:
            if not self._more():
                break
        left = self._text[self._at : self._at + 200]
        closing = _CLOSING.match(left)
        ends = closing is not None and closing.end() <= max(len(indent), self.depth)
        return not left or left.startswith(f"{indent}{{") or ends

    def _line(self) -> Iterator[bytes]:
        """Take all up to and with the next line break, however far that is."""
        while (end := self._text.find("\n", self._at)) < 0:
            yield self._take(len(self._text) - self._at)
            if not self._more():
                return
        yield self._take(end + 1 - self._at)

    def _skip_between(self) -> bool:
        """Go to where the next piece begins; False if there is none."""
        self._indent = "" if self._at_line_start else None
        while True:
            found = _BETWEEN.match(self._text, self._at)
            if found and (between := found[0]):
                _, broken, indent = between[-_CHUNK:].rpartition("\n")
                if broken or self._indent is not None:
                    self._indent = indent if broken else f"{self._indent}{indent}"[-99:]
                self.depth = max(self.depth + between.count("[") - between.count("]"), 0)
                self._take(len(between))
            if self._envelopes and not self.depth and self._close_envelope():
                continue
            if self._at < len(self._text):
                return True
            if not self._more():
                return False

    def _close_envelope(self) -> bool:
        """Skip what follows the list of an envelope, up to its brace."""
        while (tail := ENVELOPE_END.match(self._text, self._at)) is None:
            if len(self._text) - self._at > _CHUNK or not self._more():
                self._envelopes = 0  # something else stands there, and is told
                return False
        self._take(tail.end() - self._at)
        self._envelopes -= 1
        return True

    def _more(self) -> bool:
        """Read on; False at the end of the stream."""
        chunk = self._stream.read(_CHUNK)
        self._text, self._at = self._text[self._at :] + self._decoder.decode(chunk), 0
        return bool(chunk)

    def _take(self, length: int) -> bytes:
        taken = self._text[self._at : self._at + length]
        self._at += length
        self.lines += taken.count("\n")
        self._at_line_start = taken.endswith("\n")
        encoded = self._bytes(taken)
        self.offset += len(encoded)
        return encoded

    def _bytes(self, text: str) -> bytes:
        return text.encode(self._encoding, self._errors)


def _digest(taken: bytes) -> dict[str, Any]:
    """Name a text without repeating it: what is personal in it cannot be told."""
    return {"bytes": len(taken), "blake2b": hashlib.blake2b(taken, digest_size=16).hexdigest()}
