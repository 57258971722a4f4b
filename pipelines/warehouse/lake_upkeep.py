"""What a lake needs now and then: each commit adds files, and files of old versions stay."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pipelines.warehouse.lake import Lake
from pipelines.warehouse.project import RAW_SCHEMA

SCHEMAS = (RAW_SCHEMA, "staging", "analytics")
#: Whoever began to read a version must be done with it before its files go.
KEPT_HOURS = 24 * 7


@dataclass(frozen=True)
class Upkeep:
    """What became of one table: files that were written as fewer, and files that are gone."""

    table: str
    merged: int
    deleted: int


def compact(lake: Lake, kept_hours: int = KEPT_HOURS) -> list[Upkeep]:
    """Write many small files as few, and delete what no version of the last hours needs.

    No row changes; who reads goes on. The caller is the only writer.
    """
    done = []
    for schema in SCHEMAS:
        for name in lake.names(schema):
            if (table := lake.table(name)) is None:
                continue
            merged = table.optimize.compact()["numFilesRemoved"]
            deleted = table.vacuum(
                retention_hours=kept_hours, enforce_retention_duration=False, dry_run=False
            )
            table.create_checkpoint()
            table.cleanup_metadata()
            done.append(Upkeep(name, int(merged), len(deleted)))
    return done


def erase(lake: Lake, tables: Collection[str]) -> None:
    """Delete the files of earlier versions, so that what was erased is not in them any more.

    Whoever reads one of these versions just now meets an error, and finds the new one next time.
    """
    for name in tables:
        lake.table(name).vacuum(
            retention_hours=0, enforce_retention_duration=False, dry_run=False, full=True
        )
