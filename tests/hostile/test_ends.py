"""Everything ends: signals at the worst moment, files that lost their numbers."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.cli import status, tables
from pipelines.sandbox import Sandbox
from pipelines.sandbox.sandbox import Server
from pipelines.source.schema import SYNC_RUNS
from pipelines.warehouse import connect
from pipelines.warehouse.raw import ensure_raw_tables


def test_a_sandbox_ends_in_order_as_soon_as_its_address_is_known() -> None:
    """Whoever stops it at once kills it with its list half written, or waits for ever."""
    told: list[Server] = []

    def stop(server: Server) -> None:
        told.append(server)
        signal.raise_signal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    Sandbox().run_forever(ready=stop)
    assert len(told) == 1
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("ignored", ["", "signal.signal(signal.SIGINT, signal.SIG_IGN)"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_sandbox_that_serves_ends_with_exit_code_0(number: signal.Signals, ignored: str) -> None:
    """A unit that is stopped is called failed; one that a script starts never ends."""
    code = (
        f"import signal\n{ignored}\nfrom pipelines.sandbox import Sandbox\n"
        "Sandbox().run_forever(ready=lambda server: print(server.base_url, flush=True))\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(number)
        assert process.wait(timeout=30) == 0


#: What a certificate must say; all else may be null in one that an older version wrote.
_NAMED = ("sync_id", "resource")
_COLUMNS = [column.name for column in SYNC_RUNS.columns if column.name not in _NAMED]


def test_a_certificate_may_lack_any_of_its_numbers(tmp_path: Path) -> None:
    """`printora status` ends with a TypeError when it is needed most."""
    path = tmp_path / "w.duckdb"
    with connect(path) as connection:
        ensure_raw_tables(connection)
        connection.execute(
            "insert into printora_raw.sync_runs (sync_id, resource, started_at, ended_at, "
            "complete_as_of, evidence, outcome, rows_stored) "
            "select '1', 'orders', now(), now(), now(), 'whole walk', 'complete', 0"
        )
        for lost in ([], *([name] for name in _COLUMNS), _COLUMNS):
            connection.begin()
            for name in lost:
                connection.execute(f"update printora_raw.sync_runs set {name} = null")  # noqa: S608
            told = status.read(connection, str(path), None)
            connection.rollback()
            assert tables.certificate_table(told.certificates).row_count == 1
            assert str(tables.completeness_line(told.certificates))
            assert told.todo
            assert told.exit_code in (0, 3), lost
