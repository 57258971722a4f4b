"""Opening the file: the version it is written in, and what is said when it cannot be opened."""

from __future__ import annotations

import logging
from pathlib import Path

import duckdb
import pytest
from warehouse_support import run_python, start_python

from pipelines.clock import ManualClock, SystemClock
from pipelines.errors import WarehouseError, WarehouseLocked
from pipelines.warehouse import connect, ensure_database, warehouse_lock
from pipelines.warehouse.connection import storage_version

_HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "True")
print("open", flush=True)
sys.stdin.readline()
"""


def test_the_file_is_readable_by_older_clients(path: Path) -> None:
    """DuckDB 2.0's own format shuts out every BI driver of today."""
    with connect(path) as connection:
        assert storage_version(connection) == "v1.4.0"
        connection.execute("create table t as select 1 as a")
    with duckdb.connect(str(path)) as connection:
        assert storage_version(connection) == "v1.4.0"
        assert connection.execute("from t").fetchall() == [(1,)]


def test_dlt_keeps_the_version_of_the_file(path: Path, tmp_path: Path) -> None:
    """dlt has no working setting for it: the file has to be there before dlt opens it."""
    ensure_database(path)
    run_python(
        """
import sys, dlt
pipeline = dlt.pipeline("p", pipelines_dir=sys.argv[2], dataset_name="raw",
                        destination=dlt.destinations.duckdb(sys.argv[1]))
pipeline.run([{"a": 1}], table_name="t")
""",
        path,
        tmp_path / "dlt",
    )
    with connect(path) as connection:
        assert storage_version(connection) == "v1.4.0"
        assert connection.execute("select a from raw.t").fetchall() == [(1,)]


def test_making_the_file_leaves_nothing_else_and_harms_nothing(path: Path) -> None:
    """A second call must not empty what the first one's user has loaded."""
    for _ in range(2):
        ensure_database(path)
        with connect(path) as connection:
            connection.execute("create or replace table t as select 42 as a")
    ensure_database(path)
    with connect(path) as connection:
        assert connection.execute("from t").fetchall() == [(42,)]
    assert list(path.parent.iterdir()) == [path]


def test_processes_that_make_it_at_once_end_with_one_file(path: Path) -> None:
    """Two first runs at the same moment must not lose the file that one of them loads into."""
    code = """
import sys
from pathlib import Path
from pipelines.warehouse import ensure_database
sys.stdin.readline()
ensure_database(Path(sys.argv[1]))
"""
    processes = [start_python(code, path) for _ in range(4)]
    results = [process.communicate("go\n", timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, results
    assert list(path.parent.iterdir()) == [path]
    with connect(path) as connection:
        assert storage_version(connection) == "v1.4.0"


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/St_Johns"])
def test_dates_do_not_depend_on_the_machine(path: Path, zone: str) -> None:
    """The same data built on a laptop and on a server must give the same days."""
    code = """
import sys
from pathlib import Path
from pipelines.warehouse import connect
with connect(Path(sys.argv[1])) as connection:
    print(connection.execute(
        "select timestamptz '2024-05-01 23:30:00+00'::date || current_setting('TimeZone')"
    ).fetchone()[0])
"""
    run = f"import os, time; os.environ['TZ'] = {zone!r}; time.tzset()\n{code}"
    assert run_python(run, path) == "2024-05-01UTC\n"


def test_no_bar_is_drawn_into_what_is_printed(path: Path) -> None:
    """DuckDB draws one where Python runs no file: a document on the output would not be JSON."""
    ask = "select current_setting('enable_progress_bar')"
    run = (
        "import sys; from pathlib import Path; from pipelines.warehouse import connect\n"
        f'print(connect(Path(sys.argv[1])).execute("{ask}").fetchone()[0])'
    )
    assert run_python(run, path) == "False\n"


@pytest.mark.parametrize("is_reader", [False, True])
def test_another_process_that_has_it_open_is_named(path: Path, is_reader: bool) -> None:
    """`Could not set lock` tells nobody which program to close."""
    ensure_database(path)
    with start_python(_HOLD, path, is_reader) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(WarehouseLocked, match=rf"is open in .*\(PID {other.pid}\)") as refused:
            connect(path)
        assert "notebook" in refused.value.hint
        other.communicate("\n", timeout=30)
    connect(path).close()


def test_a_reader_is_waited_for(path: Path) -> None:
    """A dashboard that reads for a second must not fail a run of an hour."""
    ensure_database(path)
    with start_python(_HOLD, path, True) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        other.stdout.readline()

        class Impatient(SystemClock):
            """Lets the other process go as soon as somebody waits."""

            def sleep(self, seconds: float) -> None:
                assert other.stdin is not None
                if not other.stdin.closed:
                    other.stdin.close()
                super().sleep(seconds)

        connect(path, wait_seconds=30, clock=Impatient()).close()


def test_waiting_ends(path: Path) -> None:
    """A notebook that is open for days must not hang every run."""
    ensure_database(path)
    clock = ManualClock(0)
    with start_python(_HOLD, path, True) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(WarehouseLocked):
            connect(path, wait_seconds=60, clock=clock)
        other.communicate("\n", timeout=30)
    assert 60 <= clock.now() < 61


def test_a_second_mode_in_one_process_is_explained(path: Path) -> None:
    """DuckDB speaks of a `different configuration`, which nobody has configured."""
    with connect(path), pytest.raises(WarehouseLocked, match="already open in this process"):
        connect(path, read_only=True)


def test_a_file_in_a_newer_format_works_and_says_so(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its user finds out from us, and not from the BI tool that refuses it."""
    try:
        with duckdb.connect() as connection:
            connection.execute(f"attach '{path}' as newer (storage_version 'v1.5.0')")
    except duckdb.Error:
        pytest.fail("This DuckDB knows no newer storage version: raise STORAGE_VERSION's test.")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            with connect(path) as connection:
                connection.execute("create or replace table t as select 1 as a")
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == 1
    assert "only DuckDB v1.5.0 or later can read it" in warnings[0]


def test_what_is_no_database_is_left_alone(path: Path) -> None:
    """A file that was named by mistake must not be overwritten."""
    path.write_text("id,name\n" * 100)
    with pytest.raises(WarehouseError, match="is not a DuckDB database"):
        connect(path)
    assert path.read_text().startswith("id,name")


def test_reading_makes_no_file(path: Path) -> None:
    """`printora status` before the first run must not leave an empty warehouse."""
    with pytest.raises(WarehouseError, match="There is no warehouse"):
        connect(path, read_only=True)
    assert not path.exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The text must say which setting to change."""
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "printora.duckdb"
    with pytest.raises(WarehouseError, match="There is no folder") as refused:
        connect(path)
    assert "DESTINATION__DUCKDB__CREDENTIALS" in refused.value.hint
    with pytest.raises(WarehouseError, match="There is no folder"), warehouse_lock(path, timeout=0):
        pytest.fail("A lock below a file.")


def test_what_a_killed_writer_left_is_readable(path: Path) -> None:
    """A power cut leaves a log beside the file: checks open it read-only all the same."""
    code = """
import os, sys
from pathlib import Path
from pipelines.warehouse import connect
connection = connect(Path(sys.argv[1]))
connection.execute("create table kept as select 1 as a")
connection.execute("begin; create table lost as select 1 as a")
print("written", flush=True)
sys.stdin.readline()
"""
    with start_python(code, path) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        writer.kill()
    with connect(path, read_only=True) as connection:
        tables = connection.execute("select table_name from duckdb_tables()").fetchall()
    assert tables == [("kept",)]
