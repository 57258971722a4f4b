"""A command does what it says wherever it runs, and names what is wrong with the file it reads."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from cli_support import PRINTORA, Place

from pipelines.cli import failures, status
from pipelines.errors import WarehouseError, WarehouseSettingError
from pipelines.warehouse import connect
from pipelines.warehouse.foreign import refuse_foreign
from pipelines.warehouse.same_file import SameFile


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_output_that_is_not_utf8_changes_nothing(loaded: Place, encoding: str) -> None:
    """Broken: all is loaded and built, and then an arrow in a table makes it a failure."""
    loaded.settings = {**loaded.settings, "PYTHONIOENCODING": encoding}
    code = (
        "from pipelines.cli import redaction, terminal\n"
        "redaction.install()\n"
        "terminal.show('created → paid 😀')\n"
        "terminal.print_json({'name': 'Zoë → 😀'})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=loaded.environment, capture_output=True, check=True
    )
    shown, document = done.stdout.decode(encoding).splitlines()
    assert shown.startswith("created ? paid")
    assert json.loads(document) == {"name": "Zoë → 😀"}


def test_nobody_has_to_read_to_the_end(loaded: Place) -> None:
    """Broken: `printora run | head` counts as a failed run, although all is loaded."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as nobody:
        for command in (["status"], ["status", "--json"], ["--help"]):
            done = subprocess.run(
                [PRINTORA, *command],
                cwd=loaded.folder,
                env=loaded.environment,
                stdout=nobody,
                stderr=subprocess.PIPE,
                encoding="utf-8",
            )
            assert (done.returncode, done.stderr) == (0, ""), command


def test_an_empty_environment_is_enough(loaded: Place) -> None:
    """Broken: cron has no HOME and no LANG, and a run that works by hand fails at night."""
    needed = {
        name: text
        for name, text in loaded.environment.items()
        if name.startswith(("SOURCES__", "DESTINATION__"))
    }
    for command in (["sync"], ["status"]):
        done = subprocess.run(
            [PRINTORA, *command],
            cwd=loaded.folder,
            env={**needed, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            encoding="utf-8",
        )
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr


def test_any_folder_will_do(tmp_path: Path, served: dict[str, str]) -> None:
    """Broken: a path is put into SQL as it is, and a project in `it's` cannot load."""
    place = Place(tmp_path / "it's 100%s a%20b [c] #x {y} ä", served)
    place.settings = {**served, "DLT_DATA_DIR": "", "DESTINATION__DUCKDB__CREDENTIALS": ""}
    done = place.run("run")
    assert done.returncode == 0, done.stderr
    assert (place.folder / "printora.duckdb").exists()
    assert [path for path in place.folder.iterdir() if "%" in path.name] == []


def test_a_file_that_moves_away_during_a_run_is_no_success(tmp_path: Path) -> None:
    """Broken: the run ends with code 0 over a new, empty warehouse."""
    path, away = tmp_path / "w.duckdb", tmp_path / "away.duckdb"
    file = SameFile(path)
    file.check()
    path.rename(away)
    with pytest.raises(WarehouseError, match="moved away or replaced"):
        file.check()
    connect(path).close()
    with pytest.raises(WarehouseError, match="moved away or replaced"):
        file.check()


def test_a_file_that_the_sync_wrote_anew_is_still_the_same(tmp_path: Path) -> None:
    """Broken: a sync that gets rid of deleted bytes looks like a file that was swapped."""
    path, anew = tmp_path / "w.duckdb", tmp_path / "anew.duckdb"
    for place, rows in ((path, 3), (anew, 6)):
        with connect(place) as connection:
            connection.execute("create schema printora_raw")
            connection.execute(f"create table printora_raw.sync_runs as from range({rows})")
    file = SameFile(path)
    anew.replace(path)
    file.check()
    connect(anew).close()
    anew.replace(path)
    with pytest.raises(WarehouseError):
        file.check()


@contextmanager
def _opened(place: Place) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(place.warehouse) as connection:
        yield connection


def _told(place: Place) -> status.Status:
    with connect(place.warehouse, read_only=True) as connection:
        return status.read(connection, str(place.warehouse), None)


def test_status_counts_what_is_there(loaded: Place) -> None:
    """Broken: orders are deleted by hand, and status says complete."""
    assert _told(loaded).exit_code == 0
    with _opened(loaded) as connection:
        connection.execute(
            "delete from printora_raw.orders where order_id in"
            " (select order_id from printora_raw.orders limit 30)"
        )
    told = _told(loaded)
    assert told.exit_code == 1
    assert "printora_raw.orders has 270 rows, but the last sync left 300" in told.todo


def test_status_names_a_certificate_of_the_future(loaded: Place) -> None:
    """Broken: one wrong clock, and the data is called fresh for the next sixty years."""
    with _opened(loaded) as connection:
        connection.execute("update printora_raw.sync_runs set complete_as_of = '2088-01-01'")
    told = _told(loaded)
    assert told.exit_code == 1
    assert "yet to come" in told.todo
    assert status.age(datetime.now(UTC) - datetime(2088, 1, 1, tzinfo=UTC)).startswith("in 3")
    assert status.age(timedelta(seconds=-3)) == "1 second ago"


def test_status_names_somebody_elses_database(place: Place) -> None:
    """Broken: a setting that names another product's file asks to load into it."""
    with _opened(place) as connection:
        connection.execute("create table invoices as select 1")
    assert "somebody else's database (its schemas: main)" in _told(place).todo
    with pytest.raises(WarehouseSettingError, match="somebody else's database"):
        SameFile(place.warehouse)


def test_a_snapshot_is_no_warehouse(place: Place) -> None:
    """Broken: who names the file that BI tools read is told that somebody else made it."""
    for stamp in ("", ".20260301T120000.000000Z"):
        path = place.warehouse.with_name(f"warehouse.published{stamp}.duckdb")
        with duckdb.connect(str(path)) as connection:
            connection.execute("create schema staging; create schema analytics")
            connection.execute("create table analytics.dim_dates as select 1 as date")
            told = "is the snapshot for readers, and not the warehouse"
            with pytest.raises(WarehouseSettingError, match=told) as caught:
                refuse_foreign(path, connection)
            assert str(place.warehouse) not in caught.value.hint
            place.warehouse.touch()
            with pytest.raises(WarehouseSettingError, match=told) as caught:
                refuse_foreign(path, connection)
            assert str(place.warehouse) in caught.value.hint
            assert told in status.read(connection, str(path), None).todo
            place.warehouse.unlink()


def test_a_damaged_file_is_named_as_damaged(loaded: Place) -> None:
    """Broken: half a file is told as one that nothing is changed in, and as a bug to report."""
    size = loaded.warehouse.stat().st_size
    whole = loaded.warehouse.read_bytes()
    for damaged in (whole[: size // 2], whole[:4200] + b"\x00" * (size - 4200)):
        loaded.warehouse.write_bytes(damaged)
        for command in ("status", "run"):
            done = loaded.run(command)
            assert done.returncode == 1
            assert "is damaged" in done.stderr
            assert "printora doctor" in done.stderr
            assert "report" not in done.stderr


def test_a_load_that_finds_no_room_is_told_and_done_again(place: Place) -> None:
    """Broken: a library's words, half of a load, or a warehouse that no command reads after it."""
    with place.start("sync") as process:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (400_000, 400_000))
        _, told = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "There is no room left" in told
    assert "Traceback" not in told
    found = place.run("status")
    assert found.returncode in (1, 3)  # whether there was room for a failed certificate
    assert found.stderr == ""
    assert place.run("sync").returncode == 0


def test_what_is_behind_an_error_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken: a full disk or a damaged file is told in a library's words, as a bug to report."""
    monkeypatch.setenv("DLT_DATA_DIR", "/srv/dlt")
    full = OSError(errno.ENOSPC, "No space left on device", "/srv/w.duckdb.wal")
    behind = WarehouseError("The destination refused.")
    behind.__cause__ = full
    cases: list[tuple[Exception, int, str]] = [
        (full, 1, "no room left on the disk of /srv/w.duckdb.wal"),
        (behind, 1, "no room left on the disk"),
        (duckdb.TransactionException("Failed to commit: No space left on device"), 1, "no room"),
        (OSError(errno.EFBIG, "File too large", "/srv/w.duckdb"), 1, "no room left on the disk"),
        (duckdb.TransactionException("Failed to commit: … File too large"), 1, "no room"),
        (duckdb.Error("Corrupt database file: computed checksum 1"), 1, "is damaged"),
        (duckdb.OutOfMemoryException("Out of Memory Error: 1 GB"), 1, "too little memory"),
        (MemoryError(), 1, "too little memory"),
        (PermissionError(13, "Permission denied", "/srv/dlt/x"), 2, "/srv/dlt/x cannot be used"),
        (PermissionError(13, "Permission denied", "/srv/other"), 1, "/srv/other cannot be used"),
    ]
    for error, code, told in cases:
        message, hint, found = failures.explain(error)
        assert (found, told in message) == (code, True), message
        assert hint
        assert "report" not in hint
