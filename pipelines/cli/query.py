"""``printora query``: one question to the snapshot for readers, which no run ever holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli import warehouses
from pipelines.cli.forms import Form, form_of, write
from pipelines.errors import ConfigurationError, WarehouseError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def query(
    sql: Annotated[
        str,
        typer.Argument(
            help="One select, in DuckDB's SQL, or in PostgreSQL's where that is the destination."
        ),
    ],
    *,
    form: Annotated[
        Form | None,
        typer.Option("--format", "-f", help="Usual: what --output ends in, or a table."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write.")
    ] = None,
    warehouse: Annotated[
        bool,
        typer.Option(
            "--warehouse",
            help="Ask the warehouse itself, which has printora_raw and all that readers do not "
            "get; waits up to ten seconds for a run that writes.",
        ),
    ] = False,
) -> None:
    """Ask the snapshot for readers one question. Waits for no run, and no run for it.

    What went wrong with a record is in the warehouse alone: `printora query --warehouse 'from
    printora_raw.quarantine'`, or `.value_issues`. Where PostgreSQL is the destination, it is asked
    itself, in its own SQL.

    `printora query 'show all tables'` lists what there is. In CSV, a text that a spreadsheet would
    take for a formula gets a ' before it; JSON and Parquet have every value as it is.
    """
    form = form or form_of(output)
    with _asked(sql, warehouse) as (connection, sql), _readable_errors(warehouse):
        write(connection, sql, form, output)


@contextmanager
def _asked(sql: str, warehouse: bool) -> Iterator[tuple[DuckDBPyConnection, str]]:
    """Yield what answers, and the question to it."""
    url = warehouses.hidden_url()
    if url is not None:
        with _readable_errors(True), _answer_of(url, sql) as connection:
            yield connection, "from answer"
        return
    with warehouses.loaded() if warehouse else snapshot() as connection:
        with _readable_errors(warehouse):
            _refuse_commands(connection, sql)
        yield connection, sql


@contextmanager
def _answer_of(url: str, sql: str) -> Iterator[DuckDBPyConnection]:
    """Ask PostgreSQL itself; its answer is a table in memory."""
    import duckdb
    import psycopg2

    from pipelines.warehouse.copying import copy_out
    from pipelines.warehouse.postgres_reader import reader

    with duckdb.connect() as here:
        here.execute("set TimeZone = 'UTC'")
        try:
            with reader(url) as there:
                # On lines of its own: a comment at its end would hide what follows.
                copy_out(there.cursor, f"\n{sql.strip().rstrip(';')}\n", here, "answer")
        except psycopg2.Error as error:
            raise _unanswered(error, "select * from information_schema.tables") from error
        yield here


@contextmanager
def snapshot() -> Iterator[DuckDBPyConnection]:
    """Open the snapshot for readers, or PostgreSQL or a lake, which need none."""
    from pipelines.settings import publish_path
    from pipelines.warehouse import connect

    if not warehouses.is_file():
        with warehouses.reading() as connection:
            yield connection
        return
    path = publish_path()
    if path is None:
        raise ConfigurationError(
            "There is nothing to ask: SOURCES__PRINTORA__PUBLISH_TO is off.",
            hint="Unset it and run `printora publish`.",
        )
    if not path.exists():
        raise WarehouseError(
            f"There is no snapshot at {path}.",
            hint="`printora run` and `printora publish` make it; a path is relative to the current "
            "folder.",
        )
    with connect(path, read_only=True) as connection:
        yield connection


@contextmanager
def _readable_errors(warehouse: bool) -> Iterator[None]:
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        told = _unanswered(error, "show all tables")
        if not warehouse:
            told.hint += (
                " The raw tables, and customers one by one, are in the warehouse: add --warehouse."
            )
        raise told from error


def _unanswered(error: Exception, tables: str) -> ConfigurationError:
    return ConfigurationError(
        f"The question cannot be answered. {str(error).strip()}",
        hint=f"\n`printora query '{tables}'` lists what there is.",
    )


def _refuse_commands(connection: DuckDBPyConnection, sql: str) -> None:
    import duckdb

    allowed = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
    statements = connection.extract_statements(sql)
    if len(statements) != 1 or statements[0].type not in allowed:
        raise ConfigurationError(
            "That is not one question." if statements else "There is no question.",
            hint="Write one select (or from, with, values, describe, summarize, show, explain); "
            "nothing can be changed here.",
        )
