"""One writer at a time on a lake: a lease, noted in an object that only one can make.

The objects are numbered, and each is made only where none of its number is: who made the newest has
the right to write until the time that it notes, which its holder moves on. Whoever finds it past
makes the next. A holder that slept through its lease finds a newer number, and writes no more.
"""

from __future__ import annotations

import json
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pipelines.clock import Clock, SystemClock, utc
from pipelines.errors import WarehouseError, WarehouseLocked
from pipelines.warehouse.lake import Lake
from pipelines.warehouse.lock import own_command

FOLDER = "_printora_lock"
#: Seconds for which nobody else takes over: longer than clocks differ and than a network fails.
LEASE_SECONDS = 300.0
_BEAT_SECONDS = 60.0
_POLL_SECONDS = 1.0
#: Longer than the lease of a run that was killed.
TIMEOUT = 2 * LEASE_SECONDS
_held: dict[tuple[int, str], Lease] = {}


@dataclass(frozen=True)
class Note:
    """What a lock object says; ``until`` in seconds since 1970."""

    holder: str
    until: float
    token: str


class Lease:
    """The right to write, as long as nobody made a newer object."""

    def __init__(self, lake: Lake, number: int, note: Note, clock: Clock) -> None:
        self._lake = lake
        self._number = number
        self._note = note
        self._clock = clock

    def check(self) -> None:
        """Move the end on; refuse to write where another run has taken over.

        Raises:
            WarehouseError: this process slept, or was cut off, for longer than its lease.
        """
        newest, note = _newest(self._lake)
        if newest != self._number or note is None or note.token != self._note.token:
            raise WarehouseError(
                f"{note.holder if note else 'Another run'} has taken over the right to write to "
                f"{self._lake.url}, because this run was not heard of for {LEASE_SECONDS:g} s.",
                hint="Run again when it is done: what was loaded before stands.",
            )
        self._write(self._clock.now() + LEASE_SECONDS)

    def release(self) -> None:
        """Let the next one in at once. The object stays, so that no number comes twice."""
        self._write(0.0)

    def _write(self, until: float) -> None:
        _write(self._lake, self._number, Note(self._note.holder, until, self._note.token))


@contextmanager
def writer_lease(
    lake: Lake,
    *,
    timeout: float = TIMEOUT,
    on_wait: Callable[[str], None] | None = None,
    clock: Clock | None = None,
) -> Iterator[Lease]:
    """Yield the right to write; wait at most ``timeout`` seconds for who has it.

    Taken again by the same thread, it is the same lease.

    Raises:
        WarehouseLocked: the other run did not end in time.
    """
    key = (threading.get_ident(), lake.url)
    if key in _held:
        yield _held[key]
        return
    lease = _acquired(lake, timeout, on_wait, clock or SystemClock())
    ended = threading.Event()
    beat = threading.Thread(target=_beat, args=(lease, ended), daemon=True)
    _held[key] = lease
    beat.start()
    try:
        yield lease
    finally:
        ended.set()
        beat.join()
        del _held[key]
        with suppress(WarehouseError):
            lease.check()
            lease.release()


def writer_of(lake: Lake, clock: Clock | None = None) -> str | None:
    """Return which run may write now, if one does."""
    _, note = _newest(lake)
    is_held = note is not None and note.until > (clock or SystemClock()).now()
    return note.holder if note and is_held else None


def _beat(lease: Lease, ended: threading.Event) -> None:
    while not ended.wait(_BEAT_SECONDS):
        with suppress(Exception):  # whoever writes next is told; until then the network may be back
            lease.check()


def _acquired(
    lake: Lake, timeout: float, on_wait: Callable[[str], None] | None, clock: Clock
) -> Lease:
    deadline, told = clock.now() + timeout, on_wait is None
    since = utc(clock.now()).isoformat(sep=" ", timespec="seconds")
    holder = f"`{own_command()}` (on {socket.gethostname()}, since {since})"
    while True:
        number, other = _newest(lake)
        if other is None or other.until <= clock.now():
            note = Note(holder, clock.now() + LEASE_SECONDS, uuid.uuid4().hex)
            if _made(lake, number + 1, note):
                _forget(lake, number)
                return Lease(lake, number + 1, note, clock)
            continue
        if clock.now() >= deadline:
            raise WarehouseLocked(
                f"{other.holder} is writing to {lake.url}, and did not end within {timeout:g} "
                "seconds.",
                hint="Run again when it is done. If it was killed, its right ends in "
                f"{LEASE_SECONDS:g} s.",
            )
        if on_wait and not told:
            on_wait(f"Waiting: {other.holder} is writing to {lake.url}.")
            told = True
        clock.sleep(_POLL_SECONDS)


def _path(lake: Lake, number: int) -> str:
    return f"{lake.root}/{FOLDER}/{number:012d}.json"


def _numbers(lake: Lake) -> list[int]:
    folder = f"{lake.root}/{FOLDER}"
    lake.files.invalidate_cache()
    if not lake.files.isdir(folder):
        return []
    names = (str(path).rpartition("/")[2] for path in lake.files.ls(folder, detail=False))
    return sorted(int(name.removesuffix(".json")) for name in names if name.endswith(".json"))


def _newest(lake: Lake) -> tuple[int, Note | None]:
    """Return the newest object's number, and what it says."""
    numbers = _numbers(lake)
    if not numbers:
        return 0, None
    try:
        text = lake.files.cat_file(_path(lake, numbers[-1]))
        return numbers[-1], Note(**json.loads(text))
    except (FileNotFoundError, ValueError, TypeError):
        return numbers[-1], _unreadable(lake, numbers[-1])


def _unreadable(lake: Lake, number: int) -> Note | None:
    """Return what to think of an object that is being written, or whose writer was killed."""
    try:
        made = lake.files.modified(_path(lake, number)).timestamp()
    except FileNotFoundError:
        return None
    return Note("Another run", made + LEASE_SECONDS, "")


def _made(lake: Lake, number: int, note: Note) -> bool:
    """Make an object; False where another run was faster."""
    path = _path(lake, number)
    lake.files.makedirs(f"{lake.root}/{FOLDER}", exist_ok=True)
    try:
        if _is_local(lake):  # fsspec would look first and write then
            with Path(path).open("xb") as file:
                file.write(_bytes(note))
        else:
            lake.files.pipe_file(path, _bytes(note), mode="create")
    except FileExistsError:
        return False
    return True


def _write(lake: Lake, number: int, note: Note) -> None:
    path = _path(lake, number)
    if _is_local(lake):  # nobody may find half of it
        aside = Path(f"{path}.{note.token}")
        aside.write_bytes(_bytes(note))
        aside.replace(path)
    else:
        lake.files.pipe_file(path, _bytes(note))


def _is_local(lake: Lake) -> bool:
    return lake.url.startswith("file:")


def _bytes(note: Note) -> bytes:
    return json.dumps(note.__dict__).encode()


def _forget(lake: Lake, up_to: int) -> None:
    for number in _numbers(lake):
        if number <= up_to:
            with suppress(FileNotFoundError):
                lake.files.rm_file(_path(lake, number))
