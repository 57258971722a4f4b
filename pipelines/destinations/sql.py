"""The questions as SQL that DuckDB and PostgreSQL both take. Values are always parameters."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from pipelines.destinations.base import DATASET
from pipelines.destinations.where import ALL, Bound, Place, Row, Where
from pipelines.source.schema import SYNC_RUNS, Table

Query = Callable[..., list[tuple[Any, ...]]]


def coalesced(columns: tuple[str, ...]) -> str:
    """Return the first of the columns that is not null."""
    return columns[0] if len(columns) == 1 else f"coalesce({', '.join(columns)})"


class SqlReading:
    """Answers :class:`~pipelines.destinations.base.Reading` by queries.

    ``query`` takes SQL with ``%s`` marks and its values. ``columns`` are those of the tables that
    are there: a warehouse that an older version made may lack one until the next load adds it.
    """

    def __init__(self) -> None:
        self.columns: dict[str, set[str]] = {}

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run a query."""
        raise NotImplementedError

    def has(self, table: Table) -> bool:
        """Tell whether the table was loaded before."""
        return table.name in self.columns

    def read_columns(self) -> None:
        """Look which tables and columns are there."""
        rows = self.query(
            "select table_name, column_name from information_schema.columns"
            " where table_schema = %s",
            DATASET,
        )
        self.columns = {}
        for table, column in rows:
            self.columns.setdefault(table, set()).add(column)

    def count(self, table: Table, condition: Where = ALL) -> int:
        """Count the rows."""
        rows = self._ask(table, "count(*)", condition)
        return int(rows[0][0]) if rows else 0

    def counted(self, table: Table) -> dict[str | None, int]:
        """Count the rows by status where readers find them."""
        return {status: number for status, (number, _) in self.statuses(table).items()}

    def statuses(self, table: Table, condition: Where = ALL) -> dict[str | None, tuple[int, Any]]:
        """Return by status how many rows there are, and the latest look at one of them."""
        rows = self._ask(
            table, "status, count(*), max(_seen_at)", condition, after=" group by status"
        )
        return {row[0]: (int(row[1]), row[2]) for row in rows}

    def select(
        self,
        table: Table,
        columns: Collection[str],
        condition: Where = ALL,
        *,
        at_most: int | None = None,
    ) -> list[Row]:
        """Return columns of the rows; with ``at_most``, of those least recently seen."""
        if not self.has(table):
            return []
        names = self._present(table, columns)
        conditions, values = self._conditions(table, condition)
        sql = self._picked(table, names, conditions)
        if at_most is not None:  # of any number of rows, so it must not look for each of them
            expressions = self._expressions(table, names)
            after = f" order by _seen_at limit {at_most:d}"
            sql = f"select {expressions} from {_place(table)}{conditions}{after}"
        return _complete(columns, names, self.query(sql, *values))

    def by_key(self, table: Table, keys: Collection[str], columns: Collection[str]) -> list[Row]:
        """Return columns of the rows with the keys, deleted ones too."""
        wanted = list(keys)
        if not wanted or not self.has(table):
            return []
        names = self._present(table, columns)
        sql = self._picked(table, names, f" where {table.key[0]} = any(%s)")
        return _complete(columns, names, self.query(sql, wanted))

    def places(
        self,
        table: Table,
        made: tuple[str, ...],
        keys: Collection[str],
        since: datetime | None,
    ) -> dict[str, Place]:
        """Return where rows stand among those made since a time, by key."""
        wanted = list(keys)
        if not wanted or not self.has(table):
            return {}
        key, moment = table.key[0], coalesced(made)
        conditions, values = self._conditions(table, Where(bounds=(Bound(made, since),)))
        oldest = (
            f"(select min({moment}) from {_place(table)}"
            f" where {key} = any(%s) and deleted_at is null)"
        )
        sql = (
            "select key, later, same from ("
            f"select {key} as key, rank() over (order by {moment} desc) - 1 as later,"
            f" count(*) over (partition by {moment}) as same"
            f" from {_place(table)}{conditions} and {moment} >= {oldest}"
            ") ranked where key = any(%s)"
        )
        rows = self.query(sql, *values, wanted, wanted)
        return {row[0]: Place(int(row[1]), int(row[2])) for row in rows}

    def oldest(
        self, table: Table, made: tuple[str, ...], condition: Where = ALL
    ) -> datetime | None:
        """Return when that of the rows was made that was made first; None: no row says when."""
        rows = self._ask(table, f"min({coalesced(made)})", condition)
        found: datetime | None = rows[0][0] if rows else None
        return found

    def filled(self, table: Table, columns: Collection[str], condition: Where) -> set[str]:
        """Return the columns that any of the rows fills."""
        names = self._present(table, columns)
        rows = self._ask(table, ", ".join(f"count({name})" for name in names), condition)
        return (
            {name for name, count in zip(names, rows[0], strict=True) if count} if rows else set()
        )

    def recent_requests(self, since: datetime) -> list[tuple[datetime, int]]:
        """Return when syncs ended since a time, and how many requests each had made."""
        if not self.has(SYNC_RUNS):
            return []
        sql = (
            f"select ended_at, sum(requests) from {_place(SYNC_RUNS)}"
            " where ended_at >= %s group by ended_at"
        )
        return [(row[0], int(row[1] or 0)) for row in self.query(sql, since)]

    def withdrawn(self) -> set[str]:
        """Return what rests on a certificate which somebody has taken back."""
        if not self.has(SYNC_RUNS):
            return set()
        runs = _place(SYNC_RUNS)
        rows = self.query(
            f"select distinct resource from {runs} w where reason like 'withdrawn: %'"
            f" and not exists (select 1 from {runs} s where s.resource = w.resource"
            " and s.sync_id > w.sync_id and s.complete_as_of is not null"
            " and s.evidence in ('whole walk', 'end seen twice', 'whole ledger'))"
        )
        return {row[0] for row in rows}

    def without_history(
        self, table: Table, history: Table, seen_since: datetime | None
    ) -> list[str]:
        """Return the keys of rows whose present state the history lacks."""
        if not self.has(table):
            return []
        key = table.key[0]
        sql = f"select {key} from {_place(table)} t where t.status is not null"
        values: list[Any] = []
        if seen_since is not None:
            sql += " and t._seen_at >= %s"
            values.append(seen_since)
        if self.has(history):
            same = "h.status = t.status"
            if "attempts" in history.key:
                same += " and h.attempts = coalesce(t.attempts, 0)"
            sql += (
                f" and not exists (select 1 from {_place(history)} h"
                f" where h.{key} = t.{key} and {same})"
            )
        return [row[0] for row in self.query(sql, *values)]

    def _ask(
        self, table: Table, expressions: str, condition: Where, *, after: str = ""
    ) -> list[tuple[Any, ...]]:
        if not self.has(table):
            return []
        conditions, values = self._conditions(table, condition)
        return self.query(f"select {expressions} from {_place(table)}{conditions}{after}", *values)

    def _picked(self, table: Table, names: Collection[str], conditions: str) -> str:
        """Return the query for columns of few rows, which DuckDB is always asked.

        By their row ids: it would read each column of all rows beside those of the conditions.
        """
        place = _place(table)
        found = f"select rowid from {place}{conditions}"
        return f"select {self._expressions(table, names)} from {place} where rowid in ({found})"

    def _conditions(self, table: Table, condition: Where) -> tuple[str, list[Any]]:
        sql: list[str] = ["true"]
        values: list[Any] = []
        there = self.columns[table.name]
        if "deleted_at" in there and not condition.with_deleted:
            sql.append("deleted_at is null")
        if condition.statuses is not None:
            sql.append("status = any(%s)")
            values.append(sorted(condition.statuses))
        for name, value in condition.equal:
            sql.append(f"{name} = %s")
            values.append(value)
        for name, value in condition.differ:
            sql.append(f"{name} is distinct from %s")
            values.append(value)
        sql += [f"{name} is null" for name in condition.null if name in there]
        sql += [f"{name} is not null" for name in condition.present]
        for bound in condition.bounds:
            _bounded(bound, sql, values)
        return f" where {' and '.join(sql)}", values

    def _present(self, table: Table, columns: Collection[str]) -> list[str]:
        there = self.columns.get(table.name, set())
        return [name for name in columns if name in there]

    def _expressions(self, table: Table, names: Collection[str]) -> str:
        """Return the columns, JSON as text: some databases would hand it over parsed."""
        kinds = {column.name: column.kind for column in table.columns}
        return ", ".join(
            f"cast({name} as varchar) as {name}" if kinds.get(name) == "json" else name
            for name in names
        )


def _bounded(bound: Bound, sql: list[str], values: list[Any]) -> None:
    moment = coalesced(bound.columns)
    if bound.low is None and bound.high is None:
        sql.append(f"{moment} is not null")
    for mark, limit in ((">=", bound.low), ("<=", bound.high)):
        if limit is not None:
            sql.append(f"{moment} {mark} %s")
            values.append(limit)


def _place(table: Table) -> str:
    return f"{DATASET}.{table.name}"


def _complete(columns: Collection[str], names: list[str], rows: list[tuple[Any, ...]]) -> list[Row]:
    empty = dict.fromkeys(columns)
    return [empty | dict(zip(names, row, strict=True)) for row in rows]
