"""What was changed in a mirror on purpose, such as a person who is forgotten, in the lake too."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.destinations.base import DATASET
from pipelines.destinations.edits import RAW, changes
from pipelines.source.schema import Table
from pipelines.warehouse.catalog import quoted
from pipelines.warehouse.lake import Lake

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def push(lake: Lake, here: DuckDBPyConnection, before: Path) -> list[str]:
    """Replace the rows that are not as they were in ``before``; return the raw tables with any.

    Tables that are no raw ones, such as the list of who is forgotten, are replaced whole.
    """
    with changes(here, before) as changed:
        for name, (query, _) in changed.items():
            if name in RAW:
                _merge(lake, here, RAW[name], query)
            else:
                rows = here.sql(f"from {DATASET}.{quoted(name)}").to_arrow_table()
                lake.replace(f"{DATASET}.{name}", rows)
        return [f"{DATASET}.{name}" for name in changed if name in RAW]


def _merge(lake: Lake, here: DuckDBPyConnection, table: Table, query: str) -> None:
    rows = here.sql(query).to_arrow_table().select(table.arrow.names).cast(table.arrow)
    same = " and ".join(f"old.{key} = new.{key}" for key in table.key)
    merge = lake.table(f"{DATASET}.{table.name}").merge(
        rows, predicate=same, source_alias="new", target_alias="old"
    )
    merge.when_matched_update_all().when_not_matched_insert_all().execute()
