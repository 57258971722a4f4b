"""The snapshot as Parquet files: partitioned by month, and a manifest that says which belong to it.

```
DIR/manifest.json                        the newest snapshot: tables, columns, rows, files
DIR/20260402T093000.000000Z/analytics/fct_orders/partition_month=2026-03/data_0.parquet
```

A snapshot has a folder of its own, and the manifest is replaced last, in one step: who reads the
manifest first gets files of one build, and keeps them until ``KEEP`` newer ones are there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.clock import Clock, SystemClock, utc
from pipelines.errors import WarehouseError
from pipelines.files import for_readers
from pipelines.warehouse.catalog import ColumnType, columns, count, literal, quoted
from pipelines.warehouse.publish import (
    KEEP,
    STAMP,
    STAMPED,
    Published,
    PublishedTable,
    columns_for_readers,
    published_models,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from pipelines.warehouse.project import Model, Project

MANIFEST = "manifest.json"
#: The column that names a partition; rows without a time are in ``partition_month=unknown``.
PARTITION = "partition_month"


@for_readers()
def export(
    connection: DuckDBPyConnection,
    project: Project,
    folder: Path,
    *,
    keep: int = KEEP,
    clock: Clock | None = None,
) -> Published:
    """Write the snapshot below ``folder``, and let its manifest name it; keep the last ``keep``.

    Raises:
        WarehouseError: a file cannot be written. The manifest still names the last snapshot.
    """
    import duckdb

    started = time.perf_counter()  # A duration, not a time: nothing that is stored depends on it.
    at = utc((clock or SystemClock()).now())
    into = folder / f"{at:{STAMP}}"
    try:
        into.mkdir(parents=True, exist_ok=True)
        types = columns(connection)
        tables = [
            _table(connection, model, types[model.qualified], into)
            for model in published_models(project)
        ]
        _write_manifest(folder, {"published_at": at.isoformat(), "tables": tables})
        _prune(folder, keep)
    except (OSError, duckdb.Error) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise WarehouseError(
            f"Parquet cannot be written below {folder}: {reason.rstrip('.')}.",
            hint="The manifest names the last snapshot, as before. Mend that and run again.",
        ) from error
    written = tuple(PublishedTable(table["name"], table["rows"]) for table in tables)
    size = sum(file["bytes"] for table in tables for file in table["files"])
    return Published(folder / MANIFEST, at, written, size, time.perf_counter() - started)


def _table(
    connection: DuckDBPyConnection, model: Model, types: tuple[ColumnType, ...], into: Path
) -> dict[str, Any]:
    described = columns_for_readers(model)
    of_type = {column.name: column.type for column in types}
    rows = count(connection, model.qualified)
    # An empty table has no partition, and yet a file with its columns.
    when = _time_of([(name, of_type[name]) for name, _ in described]) if rows else None
    target = into / model.schema / model.name
    target.mkdir(parents=True)
    _copy(connection, model, [name for name, _ in described], when, target)
    files = sorted(target.rglob("*.parquet"))
    return {
        "name": model.qualified,
        "description": model.text,
        "key": list(model.key),
        "partitioned_by_month_of": when,
        "rows": rows,
        "columns": [
            {"name": name, "type": of_type[name], "description": meaning}
            for name, meaning in described
        ],
        "files": [
            {"path": file.relative_to(into.parent).as_posix(), "bytes": file.stat().st_size}
            for file in files
        ],
    }


def _copy(
    connection: DuckDBPyConnection, model: Model, names: list[str], when: str | None, target: Path
) -> None:
    selected = ", ".join(map(quoted, names))
    options = "format parquet, compression zstd"
    if when:
        month = f"coalesce(strftime({quoted(when)}, '%Y-%m'), 'unknown')"
        selected = f"{selected}, {month} as {PARTITION}"
        options = f"{options}, partition_by ({PARTITION})"
    place = literal(str(target if when else target / "data_0.parquet"))
    connection.execute(
        f"copy (select {selected} from {quoted(model.qualified)}) to {place} ({options})"  # noqa: S608 - our own names
    )


def _time_of(types: list[tuple[str, str]]) -> str | None:
    """Return the column to partition by: the first date, or else the first time."""
    for kind in ("DATE", "TIMESTAMP WITH TIME ZONE"):
        if found := next((name for name, type_ in types if type_ == kind), None):
            return found
    return None


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    aside = folder / f".{MANIFEST}.new"
    with aside.open("w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=2, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(folder / MANIFEST)


def _prune(folder: Path, keep: int) -> None:
    kept = sorted(path for path in folder.iterdir() if re.fullmatch(STAMPED, path.name))
    for path in kept[: -max(keep, 1)]:
        shutil.rmtree(path)
