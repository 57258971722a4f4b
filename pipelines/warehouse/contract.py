"""What a model's header promises of its rows, as checks: a build that breaks it is undone.

```
key: [order_id]                          no two rows have it, and it is never null
not_null: [order_id, milestone]          instead of the key's columns, where that is not all
accepted: {milestone: [created, paid]}   nothing else; null is for not_null to refuse
references: {order_id: analytics.fct_orders}   each value is in that table's column of this name
```
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.warehouse.catalog import literal, quoted


@dataclass(frozen=True)
class Contract:
    """The promises of one header."""

    key: tuple[str, ...] = ()
    not_null: tuple[str, ...] = ()
    accepted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    references: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> frozenset[str]:
        """Return every column that it speaks of."""
        return frozenset({*self.key, *self.not_null, *self.accepted, *self.references})


@dataclass(frozen=True)
class Promise:
    """One kind of promise: the query for rows that break it, and what that means."""

    name: str
    sql: str
    description: str
    todo: str
    reads: tuple[str, ...]


def promises(table: str, contract: Contract) -> Iterator[Promise]:
    """Return what there is to check of the table, which is named with its schema."""
    if contract.key:
        yield Promise(
            "key_is_unique",
            _duplicates(table, contract.key),
            "Several rows have one key, so that joins double them.",
            "Look at the raw rows with this key. Twice in printora_raw, the load is at fault; "
            "once, a join in the model is.",
            (table,),
        )
    if contract.not_null:
        yield Promise(
            "columns_are_not_null",
            _nulls(table, contract.not_null),
            "A column that always has a value has none, so that joins and filters lose the row.",
            "Look at the raw rows; correct the model, or its header's not_null.",
            (table,),
        )
    if contract.accepted:
        yield Promise(
            "values_are_accepted",
            _union(_others(table, *pair) for pair in contract.accepted.items()),
            "A column holds a value that its description does not name, so that filters miss it.",
            "A model writes it, not the API. Correct the model, or its header's accepted.",
            (table,),
        )
    if contract.references:
        yield Promise(
            "references_are_met",
            _union(_lost(table, *pair) for pair in contract.references.items()),
            "A row names one of another table that is not there, so that joins lose it.",
            "Look for the row in the other table's inputs; one of the models leaves it out.",
            (table, *contract.references.values()),
        )


def _duplicates(table: str, key: Sequence[str]) -> str:
    columns = ", ".join(map(quoted, key))
    return (
        f"select {columns}, count(*) as offenders from {quoted(table)} "  # noqa: S608 - our own names
        f"group by {columns} having count(*) > 1"
    )


def _nulls(table: str, columns: Sequence[str]) -> str:
    """Name the first column that is null in each row: one look at the table is enough for all."""
    nulls = [f"{quoted(column)} is null" for column in columns]
    first = " ".join(
        f"when {is_null} then {literal(column)}"
        for column, is_null in zip(columns, nulls, strict=True)
    )
    return (
        f'select case {first} end as "column", null as value, count(*) as offenders '  # noqa: S608 - our own names
        f"from {quoted(table)} where {' or '.join(nulls)} group by 1"
    )


def _others(table: str, column: str, accepted: Sequence[str]) -> str:
    value, values = f"cast({quoted(column)} as varchar)", ", ".join(map(literal, accepted))
    where = f"from {quoted(table)} where {value} not in ({values})"
    return f"{_offenders(column, value)} {where} group by {value}"


def _lost(table: str, column: str, target: str) -> str:
    name = quoted(column)
    value = f"cast(referring.{name} as varchar)"
    joined = (
        f"from {quoted(table)} as referring left join {quoted(target)} as target "
        f"on referring.{name} = target.{name} "
        f"where referring.{name} is not null and target.{name} is null"
    )
    return f"{_offenders(column, value)} {joined} group by {value}"


def _offenders(column: str, value: str) -> str:
    return f'select {literal(column)} as "column", {value} as value, count(*) as offenders'


def _union(queries: Iterator[str]) -> str:
    """Return the queries as one, without those that count nothing."""
    return f"select * from ({' union all '.join(queries)}) as found where offenders > 0"  # noqa: S608
