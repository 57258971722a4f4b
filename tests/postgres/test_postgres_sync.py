"""Syncs into a real PostgreSQL, compared with what the API really has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from postgres_support import asked, postgres, restart
from postgres_world import PostgresWorld, postgres_world
from sync_world import write_ledger

from pipelines.clock import ManualClock
from pipelines.destinations.batches import Batch, to_arrow
from pipelines.destinations.jsonb import storable
from pipelines.destinations.postgres import PostgresDestination
from pipelines.errors import WarehouseError, WarehouseLocked
from pipelines.source.schema import QUARANTINE
from pipelines.source.values import as_json
from pipelines.warehouse.postgres import connect
from pipelines.warehouse.postgres_lock import KEY, writer_session

pytestmark = pytest.mark.xdist_group("postgres")


@pytest.fixture
def here(tmp_path: Path, url: str) -> Iterator[PostgresWorld]:
    """A world that was loaded once."""
    with postgres_world(tmp_path, url) as loaded:
        assert loaded.sync().outcome == "complete"
        yield loaded


def _busy_hour(here: PostgresWorld) -> None:
    here.clock.sleep(3600)
    here.sandbox.changes.churn(6, 12)
    write_ledger(here.sandbox, here.settings.warehouse_path.parents[1])


def _assert_goes_on(here: PostgresWorld) -> None:
    assert here.sync().outcome == "complete"
    here.assert_exact()
    here.assert_mirrored()


def test_syncs_are_exact(here: PostgresWorld) -> None:
    """Broken: rows in PostgreSQL are others than the API's, or a second sync does not go on."""
    here.assert_exact()
    _busy_hour(here)
    _assert_goes_on(here)


def test_the_raw_tables_are_typed_and_have_keys(here: PostgresWorld) -> None:
    """Broken: amounts are floats, times lose their zone, or a row can be there twice."""
    types = dict(
        asked(
            here.url,
            "select column_name, coalesce(numeric_precision || ',' || numeric_scale, data_type)"
            " from information_schema.columns"
            " where table_schema = 'printora_raw' and table_name = 'orders'",
        )
    )
    assert types["total_amount"] == "18,4"
    assert types["created_at"] == "timestamp with time zone"
    assert types["extra"] == "jsonb"
    with pytest.raises(psycopg2.errors.UniqueViolation):
        asked(here.url, "insert into printora_raw.orders select * from printora_raw.orders")
    left = "select count(*) from printora_raw_staging.orders"
    assert asked(here.url, left) == [(0,)], "a second copy of the rows stays behind"


def test_a_mirror_that_is_lost_or_stale_or_damaged_is_made_anew(here: PostgresWorld) -> None:
    """Broken: what a mirror of another time knows is certified, or a lost one ends the syncs."""
    mirror = here.settings.warehouse_path
    old = mirror.read_bytes()
    _busy_hour(here)
    _assert_goes_on(here)
    for content in (None, old, old[:5000], b"no database"):
        mirror.unlink()
        if content is not None:
            mirror.write_bytes(content)
        _assert_goes_on(here)


def test_two_machines_take_turns(here: PostgresWorld, tmp_path: Path) -> None:
    """Broken: a machine trusts its mirror, although another one has loaded since."""
    elsewhere = replace(here.settings, warehouse_path=tmp_path / "other" / "mirror.duckdb")
    other = PostgresWorld(here.sandbox, here.clock, elsewhere)
    for machine in (other, here, other):
        _busy_hour(here)
        _assert_goes_on(machine)


def test_rows_that_are_deleted_there_are_read_again(here: PostgresWorld) -> None:
    """Broken: the mirror still knows of rows that readers do not find, and certifies them."""
    asked(here.url, "delete from printora_raw.orders where order_id < 'p' and status <> 'pending'")
    here.clock.sleep(60)
    for _ in range(3):
        result = here.sync()
        stored = len(here.stored("orders"))
        assert result.resources["orders"].rows_stored == stored
        if result.outcome == "complete":
            break
    assert result.outcome == "complete"
    here.assert_exact()


def test_rows_that_are_deleted_during_a_sync_are_not_certified(here: PostgresWorld) -> None:
    """Broken: the certificate counts in the mirror, and readers find fewer rows."""
    here.clock.sleep(60)

    def delete(event: object) -> None:
        asked(here.url, "delete from printora_raw.orders where status = 'delivered'")

    result = here.sync(listener=delete)
    assert result.resources["orders"].outcome == "partial"
    assert result.resources["orders"].rows_stored == len(here.stored("orders"))
    assert here.sync().outcome == "complete"
    here.assert_exact()


def test_a_database_that_lost_its_notes_is_refused(here: PostgresWorld) -> None:
    """Broken: rows of another partner are loaded into a database that was restored in part."""
    here.clock.sleep(60)
    here.sync()
    asked(here.url, "delete from printora_raw._dlt_pipeline_state")
    with pytest.raises(WarehouseError, match="has lost the sync's own notes"):
        here.sync()
    assert here.sync(adopt=True).outcome == "complete"


def test_a_second_writer_waits_and_is_refused(here: PostgresWorld) -> None:
    """Broken: two syncs write at a time, and the older one's rows win."""
    other = connect(here.url, name="printora run")
    with other, other.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(%s, %s)", KEY)
    waited: list[str] = []
    clock = ManualClock(here.clock.now())
    with (
        pytest.raises(WarehouseLocked, match=r"`printora run` .* is writing to the database"),
        writer_session(here.url, on_wait=waited.append, clock=clock),
    ):
        pass
    assert len(waited) == 1
    assert clock.now() - here.clock.now() >= 600
    other.close()
    _assert_goes_on(here)


def test_who_lost_the_lock_does_not_load(here: PostgresWorld, tmp_path: Path) -> None:
    """Broken: a session is ended by the server, another run begins, and both write."""
    mirror = here.settings.warehouse_path
    with PostgresDestination(here.url, mirror, str(tmp_path / "dlt"), here.clock) as destination:
        asked(
            here.url,
            "select pg_terminate_backend(pid) from pg_locks"
            " where locktype = 'advisory' and pid <> pg_backend_pid()",
        )
        with pytest.raises(WarehouseError, match="The destination refused"):
            destination.load({QUARANTINE: Batch([_record("{}")])}, destination.state)
    assert asked(here.url, "select count(*) from printora_raw.quarantine") == [(0,)]
    _assert_goes_on(here)


def test_a_server_that_restarts_costs_one_sync(tmp_path: Path) -> None:
    """Broken: after a restart of the server, syncs fail for ever, or go on from a wrong state."""
    with postgres() as url, postgres_world(tmp_path, url) as here:
        here.sync()
        _busy_hour(here)
        seen: list[object] = []

        def at_first(event: object) -> None:
            if not seen:
                restart(url)
            seen.append(event)

        with pytest.raises(WarehouseError):
            here.sync(listener=at_first)
        _assert_goes_on(here)


def _read(document: str) -> Any:
    return json.loads(document, parse_float=Decimal)


def _record(document: str) -> dict[str, Any]:
    empty = dict.fromkeys(QUARANTINE.arrow.names)
    return empty | {"quarantine_id": "q", "record": document}


#: What JSON and texts have that CSV, COPY, jsonb and psycopg2 each give a meaning of their own.
_PARTS = (*"aü\"',.;%{}N \n\r\t\u2028😀", "\\", "\\.", "\\N", "\n\\.\n", r"\u00e4", "null")
_TEXTS = st.lists(st.sampled_from(_PARTS), min_size=1, max_size=6).map("".join)
_DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | _TEXTS
    | st.decimals(allow_nan=False, allow_infinity=False, places=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=5,
)


def test_values_arrive_as_they_were(tmp_path: Path, url: str) -> None:
    """Broken: a text or a document that means something to CSV or COPY is another one there."""
    with PostgresDestination(url, tmp_path / "mirror.duckdb", str(tmp_path / "dlt")) as there:

        @settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(st.tuples(_TEXTS, _DOCUMENTS), min_size=30, max_size=60))
        def arrive(values: list[tuple[str, Any]]) -> None:
            rows = [
                _record(as_json(document) or "null") | {"quarantine_id": f"q{n}", "reason": text}
                for n, (text, document) in enumerate(values)
            ]
            there.load({QUARANTINE: Batch(rows)}, there.state)
            query = "select quarantine_id, reason, record::text from printora_raw.quarantine"
            found = {key: (text, _read(record)) for key, text, record in asked(url, query)}
            for row in rows:
                assert found[row["quarantine_id"]] == (row["reason"], _read(row["record"]))

        arrive()


def test_what_jsonb_cannot_hold_is_kept_as_text() -> None:
    """Broken: one NUL or one huge number in a free text ends every sync from then on."""
    kept = {
        r'{"a":"\u0000\u0000"}': r"\u0000\u0000",
        r'{"a":"\\u0000"}': r"\u0000",
        r'{"a":"x\\\u0000"}': r"x\\u0000",
        '{"a":1e999999}': "1e999999",
        '{"a":-0.5E-0012}': Decimal("-0.5E-12"),
    }
    rows = [_record(document) | {"reason": "1e9999"} for document in kept]
    stored = storable(QUARANTINE, to_arrow(QUARANTINE, rows)).to_pylist()
    assert [_read(row["record"])["a"] for row in stored] == list(kept.values())
    assert {row["reason"] for row in stored} == {"1e9999"}
