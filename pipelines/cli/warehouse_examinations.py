"""What ``printora doctor`` looks at in the warehouse, wherever that is. Nothing is changed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.cli import failures, status, warehouses
from pipelines.cli.examinations import Finding, Level, of_error
from pipelines.errors import PrintoraError
from pipelines.settings import lake_url, warehouse_path
from pipelines.warehouse import connect
from pipelines.warehouse.catalog import quoted
from pipelines.warehouse.damage import DAMAGE_HINT
from pipelines.warehouse.lock import require_folder
from pipelines.warehouse.readers import readers_of
from pipelines.words import counted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_WAIT = "Wait for it, and look again."


def warehouse() -> Iterator[Finding]:
    """See whether the file is there, whole, printora's own, and what its certificates say it is."""
    if url := warehouses.hidden_url():
        yield from _database(url)
        return
    try:
        if place := lake_url():
            yield from _lake(place)
            return
        path = warehouse_path()
        require_folder(path)
    except PrintoraError as error:
        yield of_error("warehouse", error)
        return
    free = shutil.disk_usage(path.parent).free
    size = path.stat().st_size if path.exists() else 0
    if free < 2 * size:
        text = f"{free / 1e9:,.1f} GB are left for a file of {size / 1e9:,.1f} GB"
        yield Finding("disk", "note", text, "Make room for a second copy of it.")
    if not path.exists():
        yield Finding("warehouse", "note", f"there is none yet at {path}", "Run `printora run`.")
        return
    if writer := status.writer_of(path):
        yield Finding("lock", "note", f"{writer} is writing", _WAIT)
        return
    if readers := readers_of(path):
        yield Finding("lock", "note", status.kept_out(readers))
    else:
        yield Finding("lock", "ok", "nobody holds it")
    yield from _contents(path)


def _database(url: str) -> Iterator[Finding]:
    """See whether PostgreSQL lets us in and sorts as it must, and what its certificates say."""
    from pipelines.warehouse.postgres import connect as opened
    from pipelines.warehouse.postgres import transaction
    from pipelines.warehouse.postgres_build import refuse_other_order
    from pipelines.warehouse.postgres_lock import writer_of

    place = warehouses.place()
    try:
        with closing(opened(url)) as session:
            with transaction(session) as cursor:
                refuse_other_order(cursor)
                cursor.execute("show server_version")
                yield Finding("warehouse", "ok", f"PostgreSQL {cursor.fetchone()[0]} at {place}")
            if writer := writer_of(session):
                yield Finding("lock", "note", f"{writer} is writing", _WAIT)
                return
        with warehouses.reading() as connection:
            yield from _certificates(status.read(connection, place, None))
    except Exception as error:
        yield of_error("warehouse", error)


def _lake(place: str) -> Iterator[Finding]:
    """See whether the lake can be reached, and what its certificates say."""
    try:
        with warehouses.reading() as connection:
            query = (
                "select count(*) from duckdb_views()"
                " where schema_name in ('printora_raw', 'analytics')"
            )
            (tables,) = connection.execute(query).fetchone() or (0,)
            yield Finding("warehouse", "ok", f"{counted(tables, 'table')} in the lake at {place}")
            if writer := status.writer_of_any():
                yield Finding("lock", "note", f"{writer} is writing", _WAIT)
                return
            if tables:
                yield from _certificates(status.read(connection, place, None))
    except Exception as error:
        yield of_error("warehouse", error)


def _certificates(told: status.Status) -> Iterator[Finding]:
    for problem in told.problems:
        yield Finding("certificate", "bad", problem, code=failures.FAILED)
    if not told.problems:
        level: Level = "ok" if told.exit_code == failures.DONE else "note"
        yield Finding(
            "certificate", level, f"as of {told.as_of or 'not proven complete'}", told.todo
        )


def _contents(path: Path) -> Iterator[Finding]:
    try:
        with closing(connect(path, read_only=True)) as connection:
            found = list(_tables(connection))
            yield from found
            if any(finding.level == "bad" for finding in found):
                return  # what they say cannot be compared
            yield from _certificates(status.read(connection, str(path), None))
    except Exception as error:
        yield of_error("warehouse", error)


def _tables(connection: DuckDBPyConnection) -> Iterator[Finding]:
    """Read every block of every table."""
    from pipelines.source.schema import TABLES

    names = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() order by all"
    ).fetchall()
    rows, broken = 0, []
    for (name,) in names:
        query = f"select count(*), bit_xor(hash(t)) from {quoted(name)} as t"  # noqa: S608 - quoted
        try:
            rows += (connection.execute(query).fetchone() or (0,))[0]
        except Exception as error:
            broken.append(f"{name} ({str(error).splitlines()[0][:80]})")
    if broken:
        yield Finding("warehouse", "bad", f"cannot be read: {', '.join(broken)}", DAMAGE_HINT, 1)
        return
    yield Finding(
        "warehouse",
        "ok",
        f"{counted(len(names), 'table')}, {counted(rows, 'row')}, every block is read",
    )
    have = {name for (name,) in names}
    lost = [t.name for t in TABLES if f"printora_raw.{t.name}" not in have]
    if "printora_raw.sync_runs" in have and lost:
        todo = "Run `printora sync --full`: it makes them anew, without what they knew of the past."
        yield Finding("warehouse", "bad", f"these tables are lost: {', '.join(lost)}", todo, 1)
