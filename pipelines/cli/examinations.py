"""What ``printora doctor`` looks at, one function each. None of them changes anything."""

from __future__ import annotations

import platform
import re
import shutil
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pipelines.cli import failures, redaction, status, warehouses
from pipelines.cli.tables import QUARANTINE
from pipelines.clock import Clock, utc
from pipelines.errors import PrintoraError, QuotaExhausted
from pipelines.settings import lake_url, load_settings, warehouse_path
from pipelines.warehouse import connect
from pipelines.warehouse.catalog import quoted
from pipelines.warehouse.damage import DAMAGE_HINT
from pipelines.warehouse.lock import require_folder
from pipelines.warehouse.readers import readers_of
from pipelines.words import counted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from pipelines.client import PrintoraClient
    from pipelines.settings import Settings

#: More requests than this are never made.
REQUESTS = 10
#: A clock that is further from the API's is worth setting.
_CLOCKS = 60.0
_AGREE = 3
_WAIT = "Wait for it, and look again."
_PACKAGES = ("printora-elt", "dlt", "duckdb", "sqlglot", "pyarrow", "httpx")

Level = Literal["ok", "note", "bad"]


@dataclass(frozen=True)
class Finding:
    """What one look found: ``todo`` says what to do about it, ``code`` is what it ends with."""

    what: str
    level: Level
    text: str
    todo: str = ""
    code: int = failures.DONE


def of_error(what: str, error: Exception) -> Finding:
    """Return an error as a finding. Limits that are used up pass by themselves."""
    message, hint, code = failures.explain(error)
    if isinstance(error, QuotaExhausted):
        return Finding(what, "note", message, hint)
    return Finding(what, "bad", message, hint, code)


def versions() -> Iterator[Finding]:
    """Name the versions that matter when something is reported."""
    found = [f"Python {platform.python_version()}"]
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            yield Finding(
                "versions", "bad", f"{package} is not installed.", "Install printora again.", 1
            )
    yield Finding("versions", "ok", ", ".join(found))


def read_settings() -> tuple[Settings | None, list[Finding]]:
    """Read the settings, and say which key goes where."""
    try:
        settings = load_settings()
    except PrintoraError as error:
        return None, [of_error("settings", error)]
    redaction.hide(settings.api_key, settings.pseudonym_key)
    mode = re.match(r"[a-z]+_(test|live)_", settings.api_key)
    key = Finding("key", "ok", f"a {mode[1]} key") if mode else _odd_key()
    text = (
        f"API {settings.contract.version} at {urlsplit(settings.base_url).netloc}, partner "
        f"{settings.partner_id}, people: {settings.personal_data}"
    )
    return settings, [Finding("settings", "ok", text), key]


def _odd_key() -> Finding:
    from pipelines.client.credentials import KEY_FORM

    todo = f"Nothing, if the lists answer: else copy it again. Keys look like {KEY_FORM}."
    return Finding("key", "note", "a key that does not show its mode", todo)


def api(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Ask each list for one row: key, partner, contract, limits and clock show in the answers."""
    from pipelines.lists import LISTS
    from pipelines.sync import open_client

    with open_client(settings, clock, budget=REQUESTS) as client:
        for spec in LISTS:
            try:
                page = client.read_list(spec, limit=1, attempts=2)
            except PrintoraError as error:
                yield of_error(spec.words, error)
            else:
                unknown = "an unknown number of rows"
                total = unknown if page.total is None else counted(page.total, "row")
                yield Finding(spec.words, "ok", f"the list answers, with {total}")
        left = ", ".join(f"{n:,} this {name}" for name, n in client.governor.left().items())
        yield Finding("limits", "ok", f"requests left, without your shop's share: {left}")
        for _ in range(_AGREE):  # a clock that is far away is believed when answers agree
            if not client.clock_trusted:
                with suppress(PrintoraError):
                    client.read_list(LISTS[0], limit=1, attempts=1)
        yield _clock(client)


def _clock(client: PrintoraClient) -> Finding:
    offset = client.server_offset_seconds
    ahead = f"{abs(offset):,.1f} s {'behind' if offset > 0 else 'ahead of'} the API's"
    if client.clock_doubt:
        todo = "Set this machine's clock. If it is right, a proxy answers in the API's place."
        return Finding("clock", "bad", client.clock_doubt, todo, failures.FAILED)
    if abs(offset) > _CLOCKS:
        return Finding("clock", "note", f"this machine's is {ahead}", "Set it, by NTP.")
    return Finding("clock", "ok", f"this machine's is {ahead}")


def ledger(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Read the whole ledger, and say what becomes of every byte."""
    from pipelines.source.ledger import Ledger
    from pipelines.source.parse import Parser
    from pipelines.source.privacy import Privacy
    from pipelines.source.pseudonyms import Keys

    if settings.session_ledger is None:
        todo = "Set SOURCES__PRINTORA__SESSION_LEDGER: conversion needs to know the sessions."
        yield Finding("ledger", "note", "none is set", todo)
        return
    now, parser = utc(clock.now()), Parser("sessions", Privacy("none", Keys.new()))
    read = Ledger(settings.session_ledger, now=now)
    try:
        for entry in read.entries():
            entry.parsed_by(parser, now)
    except PrintoraError as error:
        yield of_error("ledger", error)
        return
    told = read.coverage
    text = (
        f"{counted(told.files, 'file')}, {counted(told.bytes_read, 'byte')}, "
        f"{counted(told.records, 'record')} of sessions"
    )
    yield Finding("ledger", "ok", text)
    if told.bad:
        todo = f"{QUARANTINE} has place and reason of each after a sync."
        yield Finding("ledger", "note", f"{counted(told.bad, 'record')} cannot be read", todo)
    for rest in told.rests:
        todo = "Nothing, if it is being written; else end its last record, or take it away."
        yield Finding(
            "ledger", "note", f"{rest.file} ends in {counted(rest.bytes, 'byte')} of one", todo
        )
    if told.left_out:
        yield Finding("ledger", "bad", f"{told.gap(now)}", "Move the file into the folder.", 1)


def warehouse() -> Iterator[Finding]:
    """See whether the file is there, whole, printora's own, and what its certificates say it is."""
    if url := warehouses.hidden_url():
        yield from _database(url)
        return
    try:
        if place := lake_url():
            yield from _lake(place)
            return
        path = warehouse_path()
        require_folder(path)
    except PrintoraError as error:
        yield of_error("warehouse", error)
        return
    free = shutil.disk_usage(path.parent).free
    size = path.stat().st_size if path.exists() else 0
    if free < 2 * size:
        text = f"{free / 1e9:,.1f} GB are left for a file of {size / 1e9:,.1f} GB"
        yield Finding("disk", "note", text, "Make room for a second copy of it.")
    if not path.exists():
        yield Finding("warehouse", "note", f"there is none yet at {path}", "Run `printora run`.")
        return
    if writer := status.writer_of(path):
        yield Finding("lock", "note", f"{writer} is writing", _WAIT)
        return
    if readers := readers_of(path):
        yield Finding("lock", "note", status.kept_out(readers))
    else:
        yield Finding("lock", "ok", "nobody holds it")
    yield from _contents(path)


def _database(url: str) -> Iterator[Finding]:
    """See whether PostgreSQL lets us in and sorts as it must, and what its certificates say."""
    from pipelines.warehouse.postgres import connect as opened
    from pipelines.warehouse.postgres import transaction
    from pipelines.warehouse.postgres_build import refuse_other_order
    from pipelines.warehouse.postgres_lock import writer_of

    place = warehouses.place()
    try:
        with closing(opened(url)) as session:
            with transaction(session) as cursor:
                refuse_other_order(cursor)
                cursor.execute("show server_version")
                yield Finding("warehouse", "ok", f"PostgreSQL {cursor.fetchone()[0]} at {place}")
            if writer := writer_of(session):
                yield Finding("lock", "note", f"{writer} is writing", _WAIT)
                return
        with warehouses.reading() as connection:
            yield from _certificates(status.read(connection, place, None))
    except Exception as error:
        yield of_error("warehouse", error)


def _lake(place: str) -> Iterator[Finding]:
    """See whether the lake can be reached, and what its certificates say."""
    try:
        with warehouses.reading() as connection:
            query = (
                "select count(*) from duckdb_views()"
                " where schema_name in ('printora_raw', 'analytics')"
            )
            (tables,) = connection.execute(query).fetchone() or (0,)
            yield Finding("warehouse", "ok", f"{counted(tables, 'table')} in the lake at {place}")
            if writer := status.writer_of_any():
                yield Finding("lock", "note", f"{writer} is writing", _WAIT)
                return
            if tables:
                yield from _certificates(status.read(connection, place, None))
    except Exception as error:
        yield of_error("warehouse", error)


def _certificates(told: status.Status) -> Iterator[Finding]:
    for problem in told.problems:
        yield Finding("certificate", "bad", problem, code=failures.FAILED)
    if not told.problems:
        level: Level = "ok" if told.exit_code == failures.DONE else "note"
        yield Finding(
            "certificate", level, f"as of {told.as_of or 'not proven complete'}", told.todo
        )


def _contents(path: Path) -> Iterator[Finding]:
    try:
        with closing(connect(path, read_only=True)) as connection:
            found = list(_tables(connection))
            yield from found
            if any(finding.level == "bad" for finding in found):
                return  # what they say cannot be compared
            yield from _certificates(status.read(connection, str(path), None))
    except Exception as error:
        yield of_error("warehouse", error)


def _tables(connection: DuckDBPyConnection) -> Iterator[Finding]:
    """Read every block of every table."""
    from pipelines.source.schema import TABLES

    names = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() order by all"
    ).fetchall()
    rows, broken = 0, []
    for (name,) in names:
        query = f"select count(*), bit_xor(hash(t)) from {quoted(name)} as t"  # noqa: S608 - quoted
        try:
            rows += (connection.execute(query).fetchone() or (0,))[0]
        except Exception as error:
            broken.append(f"{name} ({str(error).splitlines()[0][:80]})")
    if broken:
        yield Finding("warehouse", "bad", f"cannot be read: {', '.join(broken)}", DAMAGE_HINT, 1)
        return
    yield Finding(
        "warehouse",
        "ok",
        f"{counted(len(names), 'table')}, {counted(rows, 'row')}, every block is read",
    )
    have = {name for (name,) in names}
    lost = [t.name for t in TABLES if f"printora_raw.{t.name}" not in have]
    if "printora_raw.sync_runs" in have and lost:
        todo = "Run `printora sync --full`: it makes them anew, without what they knew of the past."
        yield Finding("warehouse", "bad", f"these tables are lost: {', '.join(lost)}", todo, 1)
