"""``printora certificates``: what syncs have certified, and taking a certificate back."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from pipelines.cli import failures, terminal, warehouses
from pipelines.errors import ConfigurationError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_LISTED = """
    select sync_id, resource, outcome, complete_as_of, evidence, rows_stored
    from printora_raw.sync_runs
    order by sync_id desc, resource
    limit ?
"""
#: Later certificates rest on it, too, until a full scan has proven the list by itself.
_WITHDRAWN = """
    update printora_raw.sync_runs as resting
    set outcome = 'partial', complete_as_of = null, evidence = 'not proven',
        reason = 'withdrawn: ' || $1
    where complete_as_of is not null
        and sync_id >= $2
        and resource in (
            select taken.resource
            from printora_raw.sync_runs as taken
            where taken.sync_id = $2 and taken.complete_as_of is not null
        )
        and not exists (
            select 1
            from printora_raw.sync_runs as scan
            where scan.resource = resting.resource
                and scan.sync_id > $2
                and scan.sync_id <= resting.sync_id
                and scan.complete_as_of is not null
                and scan.evidence in ('whole walk', 'end seen twice')
        )
    returning sync_id, resource
"""


def show(last: int) -> int:
    """Print the newest certificates; return the exit code."""
    with warehouses.loaded() as connection:
        rows = connection.execute(_LISTED, [last]).fetchall()
    names = ("sync_id", "resource", "outcome", "complete_as_of", "evidence", "rows_stored")
    if terminal.wishes.json:
        listed = [dict(zip(names, row, strict=True)) for row in rows]
        terminal.print_json({"exit_code": failures.DONE, "certificates": listed})
    else:
        _print(rows)
    return failures.DONE


def withdraw(sync_id: str, why: str) -> int:
    """Take back what a sync has certified, and what rests on it; return the exit code.

    The next sync trusts it no more: lists are proven by a full scan, sessions by the whole ledger.

    Raises:
        ConfigurationError: no sync of that id has certified anything.
    """
    with warehouses.correcting() as connection:
        taken = take_back(connection, sync_id, why)
    if not taken:
        raise ConfigurationError(
            f"No certificate of {sync_id!r} says complete.",
            hint="`printora certificates list` shows the ids.",
        )
    if terminal.wishes.json:
        names = sorted({name for _, name in taken})
        listed = [{"sync_id": of, "resource": name} for of, name in taken]
        document = {"exit_code": failures.DONE, "withdrawn": names, "certificates": listed}
        terminal.print_json(document)
    else:
        for of, parts in groupby(taken, itemgetter(0)):
            terminal.note(f"Withdrawn: {', '.join(name for _, name in parts)} of {of}.")
        terminal.note("Run `printora run`.")
    return failures.DONE


def take_back(connection: DuckDBPyConnection, sync_id: str, why: str) -> Sequence[tuple[str, str]]:
    """Withdraw the certificates; return the sync and the resource of each, sorted."""
    return sorted(connection.execute(_WITHDRAWN, [why, sync_id]).fetchall())


def _print(rows: Sequence[Sequence[Any]]) -> None:
    from pipelines.cli.tables import new_table
    from pipelines.words import moment

    table = new_table(
        "The newest certificates", ("sync_id", "resource", "outcome", "complete as of")
    )
    for column in table.columns:
        column.no_wrap, column.justify = True, "left"
    for sync_id, resource, outcome, as_of, *_ in rows:
        table.add_row(sync_id, resource, outcome, moment(as_of))
    terminal.show(table)
