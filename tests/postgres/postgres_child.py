"""One sync into PostgreSQL in a process of its own, which may end itself at a chosen step.

The steps are dlt's, as in ``crash_child.py``, and those at which the mirror and the package's name
are written.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import dlt
from crash_child import Steps, note_write, wrap
from dlt.destinations.impl.postgres.sql_client import Psycopg2SqlClient
from sync_world import settings_for

from pipelines.clock import ManualClock
from pipelines.destinations.mirror import Mirror
from pipelines.destinations.postgres import PostgresDestination
from pipelines.sync import sync


def run(
    base_url: str, folder: Path, url: str, now: float, steps: Path, end_at: int | None = None
) -> None:
    """Sync, and note each step in the file; do not live to take the step ``end_at``."""
    reached = Steps(steps, end_at).reach
    for kind, names in (
        (dlt.Pipeline, ("extract", "normalize", "load")),
        (Mirror, ("derive", "merge", "note")),
        (PostgresDestination, ("_name_package",)),
    ):
        for name in names:
            wrap(kind, name, lambda *_, name=name: reached(name))
    wrap(Psycopg2SqlClient, "execute_query", lambda query, *_: note_write(reached, _text(query)))
    wrap(Psycopg2SqlClient, "commit_transaction", lambda *_: reached("commit"))
    settings = replace(
        settings_for(base_url, folder),
        postgres_url=url,
        warehouse_path=folder / "local" / "mirror.duckdb",
    )
    sync(settings, clock=ManualClock(now))


def _text(query: Any) -> str:
    """Return a statement as text; composed ones are dlt's inserts."""
    return query if isinstance(query, str) else "INSERT INTO composed"
