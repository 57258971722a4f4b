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
    ("status",),
    ("query", "select 1"),
    ("query", "select 1", "--warehouse"),
    ("metrics",),
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
    before = _left(tmp_path)
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(path))
    monkeypatch.setenv("SOURCES__PRINTORA__API_KEY", "sk_live_x")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, command)
    if command in (("query", "select 1"), ("metrics",)):
        what = "missing"  # they open another file
    assert done.exit_code == {"foreign": 2, "empty": 1, "missing": 1}[what], done.output
    assert "report that" not in done.output
    assert _left(tmp_path) == before


def _left(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


WRONG = (
    ({"api_key": "sk_live_…"}, "in letters, digits and _"),
    ({"api_key": "Bearer sk_live_x"}, "without the word Bearer"),
    ({"api_key": "..."}, "A key looks like"),
    ({"partner_id": ""}, "/api/v1/partners/PARTNER_ID/orders"),
    ({"partner_id": "sk_live_x"}, "PARTNER_ID is an API key"),
    ({"partner_id": "a/b"}, "/api/v1/partners/PARTNER_ID/orders"),
    ({"environment": "prod"}, "Set production or staging"),
    ({"environment": "staging", "base_url": "https://api.printora.ai"}, "is production"),
    ({"personal_data": "all"}, "Set pseudonymous or none or full"),
    ({"api_version": "2"}, "Set 1.0 or 1.1"),
    ({"session_ledger": "nowhere.jsonl"}, "nowhere.jsonl"),
    ({"session_ledger": "wrong.json"}, "wrong.json"),
)


@pytest.mark.parametrize(("changes", "words"), WRONG)
def test_wrong_settings_leave_nothing_behind(
    changes: dict[str, str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistyped setting leaves a lock, a key of pseudonyms and a warehouse without a row."""
    (tmp_path / "wrong.json").write_text('{"users": [{"id": 1}]}')
    before = _left(tmp_path)
    for name, text in ({"api_key": "sk_live_x", "partner_id": "p1"} | changes).items():
        monkeypatch.setenv(f"SOURCES__PRINTORA__{name.upper()}", text)
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "w.duckdb"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["run"])
    assert done.exit_code == (1 if "wrong.json" in words else 2), done.output
    assert words in " ".join(done.output.split())
    assert "sk_live_x" not in done.output
    assert _left(tmp_path) == before


@pytest.mark.parametrize(
    ("name", "text"), [("DLT_DATA_DIR", "/proc/nope"), ("HTTPS_PROXY", "::bad")]
)
def test_a_wrong_surrounding_leaves_nothing_behind(
    name: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no setting of ours names is met behind the lock and the empty warehouse."""
    for variable, value in ((name, text), ("HOME", str(tmp_path))):
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("SOURCES__PRINTORA__API_KEY", "sk_live_x")
    monkeypatch.setenv("SOURCES__PRINTORA__PARTNER_ID", "p1")
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "w.duckdb"))
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["sync"])
    assert done.exit_code == 2, done.output
    assert name in done.output
    assert _left(tmp_path) == {}


#: Settings that the sync alone needs: whoever only reads is not asked for them.
_OF_A_SYNC = ("api_key", "partner_id", "session_ledger")


@pytest.mark.parametrize(
    "command", ["status", "build", "publish", "report", "query x", "metrics", "doctor"]
)
def test_every_command_refuses_a_wrong_value(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`printora status` says that all is well, and the next run is refused."""
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "w.duckdb"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for changes, words in WRONG:
        if changes.keys() & set(_OF_A_SYNC):
            continue
        with monkeypatch.context() as here:
            for name, text in changes.items():
                here.setenv(f"SOURCES__PRINTORA__{name.upper()}", text)
            done = CliRunner().invoke(app, command.split())
        assert done.exit_code == 2, (changes, done.output)
        assert words in " ".join(done.output.split())
