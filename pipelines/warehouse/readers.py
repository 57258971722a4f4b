"""Who has the DuckDB file open to read: until it lets go, no run can write.

Readers do not keep each other out, so that one is met only by the next run. Linux tells all locks
in ``/proc/locks``; elsewhere nobody is named before a run meets them. The file itself is not
opened: to close it again would drop this process's own lock.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_LOCKS = Path("/proc/locks")


def readers_of(path: Path) -> list[str]:
    """Return the other processes that read the file, as "python3 (PID 4711)"."""
    try:
        found, lines = path.stat(), _LOCKS.read_text(encoding="ascii").splitlines()
    except OSError:
        return []
    device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    pids = {pid for pid, place in _reading(lines) if place == device} - {os.getpid()}
    return [f"{_name(pid)} (PID {pid})" for pid in sorted(pids)]


def _reading(lines: list[str]) -> Iterator[tuple[int, str]]:
    for line in lines:
        words = line.split()  # 1: POSIX ADVISORY READ 4711 fe:00:2147354 0 EOF
        if words[1:4] == ["POSIX", "ADVISORY", "READ"]:
            yield int(words[4]), words[5]


def _name(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    return "a process"
