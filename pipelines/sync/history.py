"""What was seen of a row and when: the rows of the history tables.

A first observation says no more than the row itself, so that it can be made good later. Every other
change is loaded before the row that shows it: once the row is overwritten, nothing else knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.destinations.where import Row, first_of
from pipelines.lists import ListSpec

if TYPE_CHECKING:
    import pyarrow as pa


#: What of a row is its amount.
AMOUNT = ("total_amount", "currency")


def observed(spec: ListSpec, row: Row) -> tuple[Any, ...]:
    """Return what the history keeps of a row: two rows with the same are one entry."""
    return tuple(_observed(row, name) for name in spec.observed)


def entry(spec: ListSpec, row: Row, previous: Row | None) -> Row:
    """Return the history's row for a state that the list showed."""
    return {
        spec.key: row[spec.key],
        **{name: _observed(row, name) for name in spec.observed},
        "not_before": previous and previous["_seen_at"],
        "first_seen_at": row["_seen_at"],
        "changed_at": first_of(_changed_at(spec, row["status"]), row),
        "origin": "list",
    }


def is_other_amount(row: Row, earlier: Row) -> bool:
    """Tell whether a row has another amount, or another currency; null tells nothing."""
    return any(
        row[name] is not None and earlier[name] is not None and row[name] != earlier[name]
        for name in AMOUNT
    )


def amount_entry(spec: ListSpec, row: Row, earlier: Row) -> Row:
    """Return the history's row for an amount that a look did not show any more."""
    return {
        spec.key: row[spec.key],
        **{name: earlier[name] for name in AMOUNT},
        "not_before": earlier["_seen_at"],
        "first_seen_at": row["_seen_at"],
    }


def first_entries(spec: ListSpec, rows: pa.Table) -> pa.Table:
    """Return :func:`entry` of each row that has a status, where nothing is stored of the row."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = []
    for status in rows["status"].unique().drop_null().to_pylist():
        part = rows.filter(pc.equal(rows["status"], status))
        times = [part[name] for name in _changed_at(spec, status) if name in part.column_names]
        columns = {name: part[name] for name in (spec.key, *spec.observed)}
        if "attempts" in columns:
            columns["attempts"] = pc.fill_null(columns["attempts"], 0)
        columns["first_seen_at"] = part["_seen_at"]
        columns["origin"] = pa.array(["list"] * len(part), pa.string())
        if times:
            columns["changed_at"] = pc.coalesce(*times)
        parts.append(_of_schema(columns, len(part), spec.history.arrow))
    return pa.concat_tables(parts) if parts else spec.history.arrow.empty_table()


def _of_schema(columns: dict[str, Any], rows: int, schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    there = [
        columns[field.name] if field.name in columns else pa.nulls(rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(there, schema=schema)


def _changed_at(spec: ListSpec, status: str) -> tuple[str, ...]:
    """Return the columns that say when a row came into its status, most telling first."""
    own = spec.statuses.time_columns.get(status)
    return spec.changed_at if own is None else (own, *spec.changed_at)


def _observed(row: Row, name: str) -> Any:
    return row[name] or 0 if name == "attempts" else row[name]
