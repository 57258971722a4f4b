"""PostgreSQL for whoever asks as of DuckDB: the same questions, compiled, and the same answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

from pipelines.errors import WarehouseError
from pipelines.warehouse.dialect import compiled
from pipelines.warehouse.postgres import Connection, Cursor, connect, sentence, transaction

#: A percent sign that marks no value.
_LITERAL_PERCENT = re.compile(r"%(?!s|\(\d+\)s)")


class PostgresReader:
    """As much of DuckDB's connection as reading takes: ``execute``, then ``fetchall``."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Self:
        """Ask a question that is written for DuckDB; its values are marked ``?`` or ``$1``.

        Raises:
            WarehouseError: a table is missing, or anything else is refused.
        """
        import psycopg2

        text = compiled(sql, "postgres")
        if values:
            text = _LITERAL_PERCENT.sub("%%", text)
        named = {str(place): value for place, value in enumerate(values, 1)}
        try:
            self.cursor.execute(text, (named if "%(1)s" in text else list(values)) or None)
        except psycopg2.Error as error:
            raise WarehouseError(
                f"PostgreSQL: {sentence(error)}",
                hint="`printora run` makes the tables; DESTINATION__POSTGRES__CREDENTIALS says "
                "where they are.",
            ) from error
        return self

    @property
    def description(self) -> Sequence[Any]:
        """The columns of the answer, the name first."""
        return tuple(self.cursor.description or ())

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return the rows of the answer."""
        return list(self.cursor.fetchall())

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row of the answer."""
        row: tuple[Any, ...] | None = self.cursor.fetchone()
        return row


@contextmanager
def reading(session: Connection) -> Iterator[PostgresReader]:
    """Yield a reader that sees one moment of the database, and can change nothing."""
    with transaction(session) as cursor:
        cursor.execute("set transaction isolation level repeatable read, read only")
        yield PostgresReader(cursor)


@contextmanager
def reader(url: str) -> Iterator[PostgresReader]:
    """Open a database to read."""
    session = connect(url)
    try:
        with reading(session) as found:
            yield found
    finally:
        session.close()
