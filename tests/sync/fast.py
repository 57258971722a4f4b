"""The real engine without dlt and sockets, so that thousands of steps take a minute.

``FastStore`` merges with DuckDB itself, table by table as dlt does, so that a load can be cut
between any two tables. ``FastTransport`` hands requests to the sandbox in the same thread.
"""

# ruff: noqa: S608 - the names of tables are ours

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import httpx
from small_warehouse import Memory
from sync_world import START, Rows, World, settings_for
from thorough import THOROUGH

from pipelines.client import PrintoraClient, RateGovernor
from pipelines.client.governor import Limit
from pipelines.clock import ManualClock
from pipelines.destinations.base import DATASET
from pipelines.destinations.batches import to_arrow
from pipelines.destinations.sql import SqlReading
from pipelines.destinations.where import JsonObject, Row
from pipelines.progress import Listener, ignore
from pipelines.sandbox import Behaviour, Limits, Sandbox, SandboxConfig, WorldOptions
from pipelines.settings import Settings
from pipelines.source.privacy import Privacy
from pipelines.source.pseudonyms import Keys
from pipelines.source.schema import Table
from pipelines.sync import SyncResult
from pipelines.sync.runner import Runner

PLENTY = (Limit("minute", 60, 10**9), Limit("day", 86_400, 10**9))


#: Who answers in the server's place, and may ask it.
Between = Callable[[httpx.Request, Callable[[httpx.Request], httpx.Response]], httpx.Response]
#: Which requests are refused, by a part of their path or by a question, and with which status.
Refusal = tuple[str | Callable[[httpx.Request], bool], int]


class Killed(BaseException):
    """The process ends here: nothing after it runs, nothing in memory is kept."""


class FastDestination(SqlReading):
    """A destination whose loads are plain merges. ``cut`` is called before each table and state."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, cut: Callable[[str], None]) -> None:
        super().__init__()
        self._connection = connection
        self._cut = cut
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set threads = 1")  # these tables are small
        connection.execute(f"create schema if not exists {DATASET}")
        connection.execute(f"create table if not exists {DATASET}.state (content varchar)")
        kept = connection.execute(f"select content from {DATASET}.state").fetchone()
        self.state = json.loads(kept[0]) if kept else {}
        self._read_columns()

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run a query on raw tables that are there."""
        return self._connection.execute(sql.replace("%s", "?"), list(parameters)).fetchall()

    def recent_requests(self, since: datetime) -> list[tuple[datetime, int]]:
        """Return nothing: these syncs have no limits."""
        del since
        return []

    def release(self) -> None:
        """Keep the connection: nobody else reads."""

    def load(self, rows: Mapping[Table, Iterable[Row]], state: JsonObject) -> None:
        """Merge the rows table by table, and note the state last."""
        for table, part in rows.items():
            name, batch = table.name, to_arrow(table, part)
            if not len(batch):
                continue
            self._cut(name)
            self._connection.register("batch", batch)
            place, columns = f"{DATASET}.{name}", ", ".join(batch.column_names)
            same = " and ".join(f"t.{key} = b.{key}" for key in table.key)
            self._connection.execute("begin")
            self._connection.execute(
                f"create table if not exists {place} as select * from batch limit 0"
            )
            fresh = f"select {columns} from batch b"
            if table.is_append_only:
                fresh += f" where not exists (select 1 from {place} t where {same})"
            else:
                self._connection.execute(f"delete from {place} t using batch b where {same}")
            self._connection.execute(f"insert into {place} ({columns}) {fresh}")
            self._connection.execute("commit")
            self._connection.unregister("batch")
        self._cut("state")
        self._connection.execute(f"delete from {DATASET}.state")
        self._connection.execute(f"insert into {DATASET}.state values (?)", [json.dumps(state)])
        self.state = json.loads(json.dumps(state))
        self._read_columns()

    def _read_columns(self) -> None:
        rows = self.query(
            "select table_name, column_name from information_schema.columns"
            " where table_schema = %s",
            DATASET,
        )
        self.columns = {}
        for table, column in rows:
            self.columns.setdefault(table, set()).add(column)


class MemoryDestination(Memory):
    """Dictionaries that outlive the sync which writes them, and may be cut as a warehouse is."""

    def __init__(self, kept: Memory, cut: Callable[[str], None]) -> None:
        self._kept, self._cut = kept, cut
        self.tables, self.state = kept.tables, json.loads(json.dumps(kept.state))

    def load(self, rows: Mapping[Table, Iterable[Row]], state: JsonObject) -> None:
        """Merge the rows table by table, and note the state last."""
        for table, part in rows.items():
            if fresh := {tuple(row[k] for k in table.key): _filled(table, row) for row in part}:
                self._cut(table.name)
                found = self.tables[table.name]
                found.update(fresh | found if table.is_append_only else fresh)
        self._cut("state")
        self._kept.state = state
        self.state = json.loads(json.dumps(state))

    def without_history(
        self, table: Table, history: Table, seen_since: datetime | None
    ) -> list[str]:
        """Return the keys of rows whose present state the history lacks."""
        key, known = (
            table.key[0],
            {_state(history, row) for row in self.tables[history.name].values()},
        )
        return [
            row[key]
            for row in self.tables[table.name].values()
            if row["status"] is not None
            and (seen_since is None or row["_seen_at"] >= seen_since)
            and _state(history, row) not in known
        ]


def _filled(table: Table, row: Row) -> Row:
    return dict.fromkeys(column.name for column in table.columns) | row


def _state(history: Table, row: Row) -> tuple[Any, ...]:
    attempts = row["attempts"] or 0 if "attempts" in history.key else 0
    return row[history.key[0]], row["status"], attempts


class FastTransport(httpx.BaseTransport):
    """Calls the sandbox's ASGI application in this thread. ``lie`` may change what it answers."""

    def __init__(
        self,
        sandbox: Sandbox,
        lie: Callable[[Any], None] | None = None,
        refuse: Refusal | None = None,
        between: Between | None = None,
    ) -> None:
        self._app = sandbox._gate
        self._between = between
        self._lie = lie
        self._refuse = refuse
        self._loop = asyncio.new_event_loop()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        if self._between is not None:
            return self._between(request, self._answer)
        return self._answer(request)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self._refuse is not None and _concerns(self._refuse[0], request):
            error = {"success": False, "error": {"code": "NO", "message": "not taken"}}
            return httpx.Response(self._refuse[1], json=error)
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": request.content, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": request.method,
            "path": request.url.path,
            "query_string": request.url.query,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
        }
        request.read()
        self._loop.run_until_complete(self._app(scope, receive, send))
        if sent[-1].get("more_body"):
            raise httpx.RemoteProtocolError("peer closed connection", request=request)
        body = b"".join(message.get("body", b"") for message in sent[1:])
        headers = sent[0]["headers"]
        if self._lie is not None and sent[0]["status"] == 200:
            answer = json.loads(body)
            self._lie(answer)
            body = json.dumps(answer).encode()
            headers = [(name, value) for name, value in headers if name != b"content-length"]
        return httpx.Response(sent[0]["status"], headers=headers, content=body)

    def close(self) -> None:
        """Close the loop."""
        self._loop.close()


def _concerns(which: str | Callable[[httpx.Request], bool], request: httpx.Request) -> bool:
    return which in request.url.path if isinstance(which, str) else which(request)


def fast_sync(
    sandbox: Sandbox,
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    clock: Any,
    *,
    memory: Memory | None = None,
    budget: int | None = None,
    full: bool = False,
    cut: Callable[[Any], None] = ignore,
    lie: Callable[[Any], None] | None = None,
    accept_deletions: bool = False,
    refuse: Refusal | None = None,
    between: Between | None = None,
    in_flight: int = 1,
    listener: Listener = ignore,
) -> SyncResult:
    """Run the engine once, as :func:`pipelines.sync.sync` does."""
    governor = RateGovernor(PLENTY, clock=clock, reserve_share=0.0, budget=budget)
    with PrintoraClient(
        "http://sandbox",
        settings.api_key,
        settings.partner_id,
        governor=governor,
        clock=clock,
        transport=FastTransport(sandbox, lie, refuse, between),
    ) as client:
        keys = Keys.of_api_key(settings.api_key)
        privacy = Privacy(settings.personal_data, keys, settings.models.fields)
        runner = Runner(
            client,
            FastDestination(connection, cut) if memory is None else MemoryDestination(memory, cut),
            privacy,
            clock=clock,
            listener=listener,
            ledger=settings.session_ledger,
            full=full,
            accept_deletions=accept_deletions,
            in_flight=in_flight,
        )
        return runner.run()


class FastWorld(World):
    """A world whose warehouse is in memory."""

    connection: duckdb.DuckDBPyConnection
    #: The tables as dictionaries, which costs half as much as DuckDB.
    memory: Memory | None = None

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give the connection away; it stays open."""
        yield self.connection

    def sync(self, **options: Any) -> SyncResult:
        """Run one sync; note its certificate."""
        self.sandbox.ledger.write(Path(str(self.settings.session_ledger)))
        result = fast_sync(
            self.sandbox,
            self.settings,
            self.connection,
            self.clock,
            memory=self.memory,
            **options,
        )
        self.certificates.append(result)
        return result

    def stored(self, table: str, *, deleted: bool | None = False) -> Rows:
        """Return a raw table's rows by key."""
        if self.memory is None:
            return super().stored(table, deleted=deleted)
        rows = {key: row for (key, *_), row in self.memory.tables[table].items()}
        if deleted is None or table == "sessions":
            return rows
        return {key: row for key, row in rows.items() if bool(row["deleted_at"]) is deleted}

    def all_of(self, table: str) -> set[tuple[Any, ...]]:
        """Return a raw table's rows as tuples."""
        if self.memory is not None:
            return {tuple(row.values()) for row in self.memory.tables[table].values()}
        try:
            return set(self.query(f"from printora_raw.{table}"))
        except duckdb.CatalogException:
            return set()


@contextmanager
def fast_world(
    folder: Path, orders: int, habits: Any = None, **options: Any
) -> Iterator[FastWorld]:
    """Make a world with a history; nothing happens after it but what is asked for.

    With ``after_start=True`` its shop goes on selling.
    """
    clock = ManualClock(START)
    config = SandboxConfig(
        world=WorldOptions(orders=orders, **{"after_start": False, **options}),
        behaviour=Behaviour(**(habits or {})),
        limits=Limits.off(),
    )
    here = FastWorld(Sandbox(config, clock=clock), clock, settings_for("http://x", folder))
    with duckdb.connect() as here.connection:
        yield here


@contextmanager
def engine_world(
    folder: Path, orders: int, habits: Any = None, **options: Any
) -> Iterator[FastWorld]:
    """Make a fast world whose tables are dictionaries, for what is the engine's alone to do.

    ``PRINTORA_THOROUGH=1`` puts DuckDB into their place.
    """
    with fast_world(folder, orders, habits, **options) as here:
        here.memory = None if THOROUGH else Memory()
        yield here
