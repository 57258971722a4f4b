"""A PostgreSQL server of one's own: a real one, in a folder, gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pipelines.warehouse.postgres import connect

#: The server's clocks change, as those of many do: what depends on its zone is an hour off then.
_SETTINGS = """
timezone = 'Europe/Berlin'
listen_addresses = ''
fsync = off
synchronous_commit = off
full_page_writes = off
"""


@contextmanager
def postgres() -> Iterator[str]:
    """Start a server, and return the URL of its one database."""
    # Short, because a socket's path may have a hundred characters and no more.
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    # The server refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    data = folder / "data"
    options = ("-w", "-l", folder / "log", "-o", f"-k {folder}")
    try:
        new = ("-U", "printora", "--auth=trust", "--no-sync", "-E", "UTF8")
        _run(user, "initdb", "-D", data, *new)
        with (data / "postgresql.conf").open("a") as file:
            file.write(_SETTINGS)
        _run(user, "pg_ctl", "-D", data, *options, "start")
        yield f"postgresql://printora@/postgres?host={folder}"
        _run(user, "pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def restart(url: str) -> None:
    """End the server as a crash would, and start it again."""
    folder = Path(dict(parse_qsl(urlsplit(url).query))["host"])
    user = "postgres" if os.geteuid() == 0 else None
    options = ("-w", "-l", folder / "log", "-o", f"-k {folder}")
    _run(user, "pg_ctl", "-D", folder / "data", "-m", "immediate", *options, "restart")


def _run(user: str | None, program: str, *arguments: str | Path) -> None:
    subprocess.run(
        [_program(program), *arguments], user=user, check=True, stdout=subprocess.DEVNULL, cwd="/"
    )


def _program(name: str) -> Path:
    """Find a server's program: Debian keeps them off the PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = Path(shutil.which(name) or (debian[-1] if debian else name))
    assert found.exists(), f"{name} is missing: .ci/system-packages installs PostgreSQL"
    return found


@contextmanager
def database(server: str, like: str | None = None) -> Iterator[str]:
    """Make an empty database that sorts by code points, or a copy of one, and return its URL."""
    name = f"test_{uuid.uuid4().hex[:8]}"
    template = urlsplit(like).path.strip("/") if like else "template0"
    asked(server, f"create database {name} template {template} locale 'C.UTF-8'")
    try:
        yield server.replace("/postgres?", f"/{name}?")
    finally:
        asked(server, f"drop database {name} with (force)")


def asked(url: str, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run one statement in a session of its own; return its rows."""
    session = connect(url)
    session.autocommit = True
    try:
        with session.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall()) if cursor.description else []
    finally:
        session.close()
