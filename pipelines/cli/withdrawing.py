"""``printora certificates``: what syncs have certified, and taking a certificate back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.cli import failures, terminal, warehouses
from pipelines.errors import ConfigurationError

_LISTED = """
    select sync_id, resource, outcome, complete_as_of, evidence, rows_stored
    from printora_raw.sync_runs
    order by sync_id desc, resource
    limit ?
"""
_WITHDRAWN = """
    update printora_raw.sync_runs
    set outcome = 'partial', complete_as_of = null, evidence = 'not proven',
        reason = 'withdrawn: ' || ?
    where sync_id = ? and complete_as_of is not null
    returning resource
"""


def show(last: int) -> int:
    """Print the newest certificates; return the exit code."""
    with warehouses.loaded() as connection:
        rows = connection.execute(_LISTED, [last]).fetchall()
    names = ("sync_id", "resource", "outcome", "complete_as_of", "evidence", "rows_stored")
    if terminal.wishes.json:
        listed = [dict(zip(names, map(str, row), strict=True)) for row in rows]
        terminal.print_json({"exit_code": failures.DONE, "certificates": listed})
    else:
        _print(names, rows)
    return failures.DONE


def withdraw(sync_id: str, why: str) -> int:
    """Take back what a sync has certified; return the exit code.

    The next sync trusts lists that rest on it no more, and proves them by a full scan.

    Raises:
        ConfigurationError: no sync of that id has certified anything.
    """
    with warehouses.correcting() as connection:
        taken = [row[0] for row in connection.execute(_WITHDRAWN, [why, sync_id]).fetchall()]
    if not taken:
        raise ConfigurationError(
            f"No certificate of {sync_id!r} says complete.",
            hint="`printora certificates list` shows the ids.",
        )
    if terminal.wishes.json:
        terminal.print_json({"exit_code": failures.DONE, "withdrawn": sorted(taken)})
    else:
        terminal.note(f"Withdrawn: {', '.join(sorted(taken))} of {sync_id}. Run `printora run`.")
    return failures.DONE


def _print(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    from rich.table import Table

    table = Table(*names)
    for row in rows:
        table.add_row(*("-" if value is None else str(value) for value in row))
    terminal.show(table)
