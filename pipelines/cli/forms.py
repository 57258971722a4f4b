"""How an answer is written: as a table, CSV, JSON or Parquet."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

import typer

from pipelines.cli import terminal
from pipelines.cli.streams import Steady
from pipelines.errors import ConfigurationError, PrintoraError
from pipelines.text import printable_lines

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: Rows that a table shows; the other forms have them all.
TABLE_ROWS = 40
#: What makes a spreadsheet take a text for a formula, which can send the sheet's data away.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
_BATCH = 10_000


class Form(StrEnum):
    """How the answer is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def form_of(output: Path | None) -> Form:
    """Return the form that a file's name says."""
    if output is None:
        return Form.TABLE
    suffix = output.suffix.removeprefix(".").lower()
    if suffix in (Form.CSV, Form.JSON, Form.PARQUET):
        return Form(suffix)
    raise ConfigurationError(
        f"{output} does not say how to write it.",
        hint="Let it end in .csv, .json or .parquet, or give --format.",
    )


def write(connection: DuckDBPyConnection, sql: str, form: Form, output: Path | None) -> None:
    """Write the answer to a question into a file, or to standard output.

    Raises:
        ConfigurationError: Parquet has nowhere to go, or two columns have one name.
        PrintoraError: the file cannot be written; the one that was there stays.
    """
    if form is Form.TABLE:
        _show(connection, sql)
    elif form is Form.PARQUET:
        _write_parquet(connection, sql, output)
    else:
        with _opened(output) as file:
            (_write_csv if form is Form.CSV else _write_json)(connection, sql, file)


def _show(connection: DuckDBPyConnection, sql: str) -> None:
    width, shown = shutil.get_terminal_size().columns, io.StringIO()
    with redirect_stdout(shown):
        connection.sql(sql).show(max_rows=TABLE_ROWS, max_width=width)
    typer.echo(shown.getvalue(), nl=False)
    if "│ … │" in shown.getvalue():  # the column that stands for those in between
        terminal.note("Not all columns fit here: name those that you want, or add --format csv.")


def _rows(connection: DuckDBPyConnection, sql: str) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description or ()]
    batches = iter(lambda: cursor.fetchmany(_BATCH), [])
    return names, (row for batch in batches for row in batch)


def _write_csv(connection: DuckDBPyConnection, sql: str, file: TextIO) -> None:
    names, rows = _rows(connection, sql)
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(map(cell, names))
    writer.writerows([cell(value) for value in row] for row in rows)


def _write_json(connection: DuckDBPyConnection, sql: str, file: TextIO) -> None:
    names, rows = _rows(connection, sql)
    _refuse_repeated(names)
    separator = "[\n"
    for row in rows:
        document = {name: plain(value) for name, value in zip(names, row, strict=True)}
        file.write(separator + json.dumps(document, ensure_ascii=False))
        separator = ",\n"
    file.write("[]\n" if separator == "[\n" else "\n]\n")


def _write_parquet(connection: DuckDBPyConnection, sql: str, output: Path | None) -> None:
    from pipelines.warehouse.catalog import literal

    if output is None:
        raise ConfigurationError("Parquet is not written to a terminal.", hint="Give --output.")
    names = [column[0] for column in connection.execute(f"describe {sql}").fetchall()]
    _refuse_repeated(names)
    text = sql.strip().rstrip(";")
    with _aside(output) as path:
        connection.execute(f"copy (\n{text}\n) to {literal(str(path))} (format parquet)")


def _refuse_repeated(names: list[str]) -> None:
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise ConfigurationError(
            f"Two columns are called {repeated}.", hint="Name one of them with `as`."
        )


def cell(value: Any) -> str:
    """Return a value as a cell that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | Decimal) or (isinstance(value, float) and math.isfinite(value)):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    simple = str(value) if isinstance(value, float) else plain(value)
    text = simple if isinstance(simple, str) else json.dumps(simple, ensure_ascii=False)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def plain(value: Any) -> Any:
    """Return a value as JSON has it; what JSON has no type for as text that loses nothing.

    A float that is no number is null: JSON has no word for it.
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return str(value)


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        shown = Steady(sys.stdout, printable_lines) if sys.stdout.isatty() else sys.stdout
        yield cast(TextIO, shown)
        return
    with _aside(output) as path, path.open("w", encoding="utf-8", newline="") as file:
        yield file


@contextmanager
def _aside(output: Path) -> Iterator[Path]:
    """Let a file be written beside its place: a question that fails leaves the last answer."""
    path = output.with_name(f".{output.name}.{os.getpid()}.new")
    try:
        yield path
        path.replace(output)
    except OSError as error:
        raise PrintoraError(
            f"{output} cannot be written: {error.strerror or error}.",
            hint="Name a file in a folder that is writable.",
        ) from error
    finally:
        path.unlink(missing_ok=True)
