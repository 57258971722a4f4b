"""An answer's body, never more of it in memory than an answer may be, however it is packed."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator

import httpx

#: An answer of 100 rows is some 60 kB. More than this is not an answer to read into memory.
MAX_BODY = 8 * 1024 * 1024
#: A value of JSON takes up to 100 bytes once it is read, and as little as two before.
MAX_VALUES = 1_000_000


class BodyError(Exception):
    """The body cannot be unpacked; its text says why."""


class TooLongError(Exception):
    """There is more of the body than an answer may have; its text says how much that is."""


def read_body(response: httpx.Response, check: Callable[[], None]) -> bytes:
    """Read a streamed body and unpack it. ``check`` is called after each piece.

    Raises:
        BodyError: it is packed in a way that was not asked for, or not rightly.
        TooLongError: it is longer than ``MAX_BODY``, or has more values than ``MAX_VALUES``.
    """
    body = bytearray()
    for piece in _pieces(response):
        body += piece
        if len(body) > MAX_BODY:
            raise TooLongError(f"longer than {MAX_BODY // 1024**2} MiB")
        check()
    if body.count(b",") > MAX_VALUES:
        raise TooLongError(f"one of more than {MAX_VALUES:,} values")
    return bytes(body)


def _pieces(response: httpx.Response) -> Iterable[bytes]:
    """Return the unpacked pieces, each of which is of a bounded size."""
    if response.is_stream_consumed:
        return [response.content]  # a transport that is no network gave it whole
    names = response.headers.get("content-encoding", "").lower().split(",")
    packed = [name for name in map(str.strip, names) if name not in ("", "identity")]
    if not packed:
        return response.iter_raw()
    if packed[0] not in ("gzip", "x-gzip", "deflate") or len(packed) > 1:
        raise BodyError("the answer is packed in a way that was not asked for")
    return _unpacked(response.iter_raw(), is_gzip=packed[0] != "deflate")


def _unpacked(pieces: Iterable[bytes], *, is_gzip: bool) -> Iterator[bytes]:
    packer = None
    try:
        for piece in pieces:
            if piece:
                packer = packer or zlib.decompressobj(_window(is_gzip, piece[0]))
                yield packer.decompress(piece, MAX_BODY + 1)
    except zlib.error:
        raise BodyError("the answer's compression is broken") from None
    if packer is not None and not packer.eof:
        raise BodyError("the answer's compression is broken")


def _window(is_gzip: bool, first: int) -> int:
    """Return zlib's word for the format; a server's "deflate" may have zlib's head, or none."""
    if is_gzip:
        return 16 + zlib.MAX_WBITS
    return zlib.MAX_WBITS if first & 15 == zlib.DEFLATED else -zlib.MAX_WBITS
