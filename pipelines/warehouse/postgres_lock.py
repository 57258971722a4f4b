"""One writer at a time on PostgreSQL: an advisory lock, held by a session for as long as it lives.

The server frees it when the session ends, however it ends: a lock is never left over. All that the
writer does itself goes through that session, so that a writer whose lock is lost finds out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipelines.clock import Clock, SystemClock
from pipelines.warehouse.lock import DEFAULT_TIMEOUT, own_command
from pipelines.warehouse.lock_wait import wait_for_writer
from pipelines.warehouse.postgres import Connection, connect, transaction

_POLL_SECONDS = 0.5
#: The lock's two numbers: "prin" and "tora" in ASCII.
KEY = (0x7072696E, 0x746F7261)
_HOLDER = """
    select a.application_name, a.pid, coalesce(host(a.client_addr), 'this machine'),
        to_char(a.backend_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')
    from pg_locks l join pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'advisory' and l.granted and (l.classid, l.objid) = (%s, %s)
        and l.database = (select oid from pg_database where datname = current_database())
"""
_held: dict[tuple[int, str], Connection] = {}


@contextmanager
def writer_session(
    url: str,
    *,
    timeout: float = DEFAULT_TIMEOUT,
    on_wait: Callable[[str], None] | None = None,
    clock: Clock | None = None,
) -> Iterator[Connection]:
    """Yield the session that may write; wait at most ``timeout`` seconds for who has the right.

    Taken again by the same thread, it is the same session.

    Raises:
        WarehouseLocked: the other run did not end in time.
    """
    key = (threading.get_ident(), url)
    if key in _held:
        yield _held[key]
        return
    session = connect(url, name=own_command())
    try:
        wait_for_writer(
            lambda: _try(session),
            lambda: f"{writer_of(session) or 'Another run'} is writing to the database",
            timeout=timeout,
            on_wait=on_wait,
            clock=clock or SystemClock(),
            poll_seconds=_POLL_SECONDS,
        )
        _held[key] = session
        yield session
    finally:
        _held.pop(key, None)
        session.close()


def writer_of(session: Connection) -> str | None:
    """Return which run may write now, if one does."""
    with transaction(session) as cursor:
        cursor.execute(_HOLDER, KEY)
        row = cursor.fetchone()
    if row is None:
        return None
    command, pid, machine, since = row
    return f"`{command}` (from {machine}, since {since} UTC, backend {pid})"


def _try(session: Connection) -> bool:
    with transaction(session) as cursor:
        cursor.execute("select pg_try_advisory_lock(%s, %s)", KEY)
        return bool(cursor.fetchone()[0])
