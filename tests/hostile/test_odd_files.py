"""What may stand where the warehouse should be: it is named, at once, and left alone."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from pipelines.cli import failures
from pipelines.cli.app import app
from pipelines.errors import ConfigurationError, PrintoraError, WarehouseError
from pipelines.settings import warehouse_path
from pipelines.warehouse import connect

sys.path.append(str(Path(__file__).parents[1] / "sync"))
from sync_world import world


def _sqlite(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("create table invoices (id)")


ODD: dict[str, tuple[Callable[[Path], object], str, int]] = {
    "a pipe": (os.mkfifo, "is no file", 2),
    "a folder": (Path.mkdir, "is a folder", 2),
    "an SQLite database": (_sqlite, "is an SQLite database", 2),
    "a text": (lambda path: path.write_text("hello\n"), "is not a DuckDB database", 2),
    "zeros": (lambda path: path.write_bytes(b"\0" * 20_000), "is not a DuckDB database", 2),
    "Parquet": (lambda path: path.write_bytes(b"PAR1xxxxPAR1"), "is not a DuckDB database", 2),
    "nothing": (lambda path: path.write_bytes(b""), "is not a DuckDB database", 2),
}


@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_warehouse_is_named_at_once(odd: str, tmp_path: Path) -> None:
    """A run waits for ever at a pipe, or asks to report a bug where a setting is mistyped."""
    make, words, code = ODD[odd]
    path = tmp_path / "w.duckdb"
    make(path)
    before = path.stat()
    with pytest.raises(PrintoraError, match=words) as told:
        connect(path, read_only=True)
    message, hint, found = failures.explain(told.value)
    assert found == code
    assert "DESTINATION__DUCKDB__CREDENTIALS" in hint
    assert message.isprintable()
    assert (path.stat().st_size, path.stat().st_ino) == (before.st_size, before.st_ino)


@pytest.mark.parametrize("where", ["a link to itself", "a folder of none"])
def test_a_path_that_leads_nowhere_is_a_setting_to_mend(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A circle of links is told as a bug of the product."""
    path = tmp_path / "w.duckdb"
    path.symlink_to(path)
    name = path if where == "a link to itself" else path / "x.duckdb"
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(name))
    with pytest.raises(ConfigurationError, match="leads nowhere") as told:
        warehouse_path()
    assert told.value.exit_code == 2


def test_a_warehouse_that_lost_its_notes_takes_nobodys_data(tmp_path: Path) -> None:
    """One lost table, and another partner's orders are mixed in without a word."""
    with world(tmp_path, orders=12) as here:
        here.sync()
        here.clock.sleep(3_600)
        here.sync()
        for harm, words in (
            ("update printora_raw._dlt_pipeline_state set state = 'x'", "notes in .* are damaged"),
            ("drop table printora_raw._dlt_pipeline_state", "lost the sync's own notes"),
        ):
            with duckdb.connect(str(here.settings.warehouse_path)) as connection:
                connection.execute(harm)
            with pytest.raises(WarehouseError, match=words):
                here.sync()
        assert here.sync(adopt=True).exit_code == 0


COMMANDS = (
    ("build",),
    ("publish",),
    ("forget", "ord_1"),
    ("rotate-pseudonyms",),
    ("certificates", "list"),
    ("certificates", "withdraw", "x"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("what", ["foreign", "empty", "missing"])
def test_no_command_touches_what_is_not_its_own(
    what: str, command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`printora forget` writes its tables into another product's database, and is done."""
    path = tmp_path / "w.duckdb"
    if what != "missing":
        with duckdb.connect(str(path)) as connection:
            connection.execute("select 1" if what == "empty" else "create table invoices (id int)")
    before = path.read_bytes() if path.exists() else None
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(path))
    monkeypatch.setenv("SOURCES__PRINTORA__API_KEY", "sk_live_x")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, command)
    assert done.exit_code == {"foreign": 2, "empty": 1, "missing": 1}[what], done.output
    assert "report that" not in done.output
    assert (path.read_bytes() if path.exists() else None) == before
