"""A folder in which real ``printora`` processes run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import cli_child
import duckdb
import preloaded

from pipelines.sandbox import DEFAULT_KEY, Limits, Sandbox, Server

PRINTORA = Path(sys.executable).with_name("printora")
REPOSITORY = Path(__file__).parents[2]
#: Limits that no test meets; without their headers, the client keeps to the vendor's.
PLENTY = Limits(per_minute=1_000_000, per_long=100_000_000)
#: What logs somebody in or opens a payment: the sandbox's tokens, and the URLs that carry them.
SECRET = re.compile(rb"tok_[0-9a-f]{16}|token=|" + DEFAULT_KEY.encode())
_OURS = ("SOURCES__", "DESTINATION__", "DLT_", "DAGSTER_", "PRINTORA_", "RUNTIME__LOG_LEVEL")
_PATIENCE = 300


@contextmanager
def answering(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve something that is not the API; its address."""
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@dataclass
class Place:
    """A folder that commands run in, with the settings that they see; ``program`` is started."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    program: Path = PRINTORA

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)

    @property
    def home(self) -> Path:
        """A home folder of its own, where nothing should ever be written."""
        return self.folder / "home"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file."""
        return self.folder / "warehouse.duckdb"

    @property
    def environment(self) -> dict[str, str]:
        """This process's environment without any of its settings, with the place's own."""
        own = {name: text for name, text in os.environ.items() if not name.startswith(_OURS)}
        places = {
            "DESTINATION__DUCKDB__CREDENTIALS": str(self.warehouse),
            "DLT_DATA_DIR": str(self.folder / "dlt"),
            "HOME": str(self.home),
        }
        return {**own, **places, **self.settings}

    @contextmanager
    def start(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Start ``printora`` as a user does; a test that fails does not wait for it."""
        with subprocess.Popen(
            [self.program, *arguments],
            cwd=self.folder,
            env=_set(self.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        ) as process:
            try:
                yield process
            except BaseException:
                process.kill()
                raise

    def run(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Run ``printora`` to its end; ``changes`` are settings, an empty one is not set."""
        named = {f"SOURCES__PRINTORA__{name.upper()}": text for name, text in changes.items()}
        environment = _set({**self.environment, **named})
        with tempfile.TemporaryDirectory() as elsewhere:
            out, err = Path(elsewhere) / "out", Path(elsewhere) / "err"
            process = preloaded.process(
                cli_child.run, arguments, self.folder, environment, out, err
            )
            process.start()
            process.join(_PATIENCE)
            assert process.exitcode is not None, f"{arguments} does not end"
            texts = [path.read_text(encoding="utf-8") for path in (out, err)]
        return subprocess.CompletedProcess(arguments, process.exitcode, *texts)

    def contents(self) -> dict[str, tuple[int, int]]:
        """Return the number of rows of each table and a fingerprint of them all.

        Not of the certificates, nor of when a row was last looked at: another look changes those.
        """
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            columns = connection.execute(
                "select schema_name || '.' || table_name, list(column_name order by column_index) "
                "from duckdb_columns() where schema_name in ('printora_raw', 'analytics') "
                "and column_name not in ('_seen_at', '_dlt_load_id') group by all"
            ).fetchall()
            return {
                name: _fingerprint(connection, name, names)
                for name, names in columns
                if name != "printora_raw.sync_runs" and not name.startswith("printora_raw._dlt")
            }


def _set(environment: dict[str, str]) -> dict[str, str]:
    """Return what is set; an empty text says that it is not."""
    return {name: text for name, text in environment.items() if text}


def _fingerprint(
    connection: duckdb.DuckDBPyConnection, table: str, columns: list[str]
) -> tuple[int, int]:
    hashed = f"hash({', '.join(columns)})"
    query = f"select count(*), coalesce(sum({hashed}), 0) from {table}"  # noqa: S608 - our own names
    return connection.execute(query).fetchall()[0]


def served_settings(sandbox: Sandbox, server: Server, folder: Path) -> dict[str, str]:
    """Return the settings that read a sandbox, whose ledger is written into the folder."""
    ledger = folder / "sessions.jsonl"
    sandbox.ledger.write(ledger)
    limits = sandbox.config.limits
    return {
        "SOURCES__PRINTORA__API_KEY": sandbox.config.api_key,
        "SOURCES__PRINTORA__PARTNER_ID": sandbox.config.partner_id,
        "SOURCES__PRINTORA__BASE_URL": server.base_url,
        "SOURCES__PRINTORA__SESSION_LEDGER": str(ledger),
        # Headers lower the usual limits, and lift none.
        "SOURCES__PRINTORA__REQUESTS_PER_MINUTE": str(max(limits.per_minute, 60)),
        "SOURCES__PRINTORA__REQUESTS_PER_DAY": str(max(limits.per_long, 10_000)),
    }


def everything(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Return each file's bytes, and each table's rows as text, since DuckDB compresses them."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes()
    for warehouse in folder.rglob("*.duckdb"):
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            tables = connection.execute(
                "select schema_name || '.' || table_name from duckdb_tables()"
            ).fetchall()
            for (name,) in tables:
                yield name, repr(connection.execute(f"from {name}").fetchall()).encode()
