"""One sync in a process of its own, which may end itself, as by a power loss, at a chosen step.

Or it stops at each step, and another process copies its folder before it goes on: a process is
stopped with all of its threads, so the copy is what a kill would leave there.

The steps are dlt's: before it extracts, normalizes and loads a package, before each statement that
writes to a table that is kept, and before each commit. Nothing of ours is wrapped.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dlt
from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient
from sync_world import settings_for

from pipelines.clock import ManualClock
from pipelines.sync import sync

_WRITES = ("ALTER", "CREATE", "DELETE", "DROP", "INSERT", "MERGE", "UPDATE")


class Steps:
    """Counts the steps, names them in a file, and ends the process at one of them."""

    def __init__(self, file: Path, end_at: int | None, *, stops: bool = False) -> None:
        self._file = file
        self._end_at = end_at
        self._stops = stops
        self._passed = 0
        self._lock = threading.Lock()  # dlt writes tables from several threads

    def reach(self, step: str) -> None:
        """Take a step."""
        with self._lock:
            if self._passed == self._end_at:
                os.kill(os.getpid(), signal.SIGKILL)
            if self._stops:
                signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)  # here, and at once
            self._passed += 1
            with self._file.open("a") as file:
                file.write(f"{step}\n")


def run(
    base_url: str,
    folder: Path,
    now: float,
    steps: Path,
    end_at: int | None = None,
    *,
    stops: bool = False,
) -> None:
    """Sync, and note each step in the file; do not live to take the step ``end_at``."""
    # What this process was begun from may be older than the test, and have none of its settings.
    os.environ.update({"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"})
    reached = Steps(steps, end_at, stops=stops).reach
    for name in ("extract", "normalize", "load"):
        wrap(dlt.Pipeline, name, lambda *_, name=name: reached(name))
    wrap(DuckDbSqlClient, "execute_query", lambda query, *_: note_write(reached, query))
    wrap(DuckDbSqlClient, "commit_transaction", lambda *_: reached("commit"))
    sync(settings_for(base_url, folder), clock=ManualClock(now))


def photograph(
    base_url: str, folder: Path, now: float, steps: Path, photos: Path, at_steps: bool
) -> None:
    """Sync in a further process, and copy its folder whenever that is stopped.

    It stops itself ``at_steps``, or whoever has read its number in ``folder / "pid"`` stops it.
    """
    child = os.fork()  # this process has no other thread yet
    if child == 0:
        (folder / "pid").write_text(str(os.getpid()))
        run(base_url, folder, now, steps, stops=at_steps)
        os._exit(0)
    number = 0
    while os.WIFSTOPPED(status := os.waitpid(child, os.WUNTRACED)[1]):
        shutil.copytree(folder, photos / str(number), ignore=shutil.ignore_patterns(".printora"))
        number += 1
        os.kill(child, signal.SIGCONT)
    assert status == 0, "the sync has failed"


def note_write(reached: Callable[[str], None], query: Any) -> None:
    """Take a step, if the query writes to a table that is kept."""
    first, *words = str(query).split()
    if first.upper() in _WRITES and not any("_staging" in word for word in words[:2]):
        reached(" ".join([first, *words[:2]]))


def wrap(kind: type, name: str, before: Callable[..., None]) -> None:
    """Call something before each call of a method."""
    inner = getattr(kind, name)

    @functools.wraps(inner)
    def outer(self: Any, *args: Any, **kwargs: Any) -> Any:
        before(*args)
        return inner(self, *args, **kwargs)

    setattr(kind, name, outer)
