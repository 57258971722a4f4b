"""A PostgreSQL server of one's own: a real one, in a folder, gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
