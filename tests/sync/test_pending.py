"""Rows that nobody asks for are loaded in Arrow, and are what they would be one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from small_warehouse import Memory

from pipelines.destinations.where import Row, where
from pipelines.lists import LISTS, ListSpec
from pipelines.source.parse import Parser, fingerprint
from pipelines.source.privacy import Privacy
from pipelines.source.pseudonyms import Keys
from pipelines.source.schema import Table
from pipelines.sync import sifting, unread
from pipelines.sync.pending import PendingRows
from pipelines.sync.row_buffer import RowBuffer
from pipelines.sync.unread import Look

START = datetime(2026, 6, 1, tzinfo=UTC)
PRIVACY = Privacy("pseudonymous", Keys.new())
KEYS = [f"row_{number:010}" for number in range(4)]


@dataclass(frozen=True)
class Seen:
    """A look at a row; without a ``list`` it is an event that moves it."""

    list: str | None
    key: str
    status: str | None
    amount: str
    attempts: int | None
    seconds: int
    scan: str | None

    def record(self) -> dict[str, Any]:
        """Return what the API would send."""
        own = {"order_id": self.key} if self.list == "orders" else {"webhook_log_id": self.key}
        created = "2026-05-01T00:00:00Z"
        return own | {
            "status": self.status,
            "total_amount": self.amount,
            "attempts": self.attempts,
            "created_at": created,
            "paid_at": created if self.amount == "5.00" else None,
        }


SEEN = st.builds(
    Seen,
    list=st.sampled_from(["orders", "orders", "webhook_logs", "webhook_logs", None]),
    key=st.sampled_from(KEYS),
    status=st.sampled_from(["pending", "paid", "sent", None]),
    amount=st.sampled_from(["5.00", "5.00", "6.00", "not an amount"]),
    attempts=st.sampled_from([None, 0, 1]),
    seconds=st.integers(0, 6),
    scan=st.sampled_from([None, "one", "two"]),
)
SYNC = st.lists(SEEN, min_size=1, max_size=8)


def moved(row: Row) -> Row:
    """Move a row as an event does."""
    row = row | {"status": "shipped", "_origin": "event", "_event_at": START}
    return row | {"_fingerprint": fingerprint(row)}


def loaded(
    lists: Iterable[ListSpec], syncs: list[list[Seen]], backwards: bool
) -> tuple[dict[str, dict[tuple[Any, ...], Row]], list[Any]]:
    """Load what each sync has seen; return the tables, and what was counted."""
    store, counted = Memory(), list[Any]()
    specs = {spec.name: spec for spec in lists}
    for number, sync in enumerate(syncs):
        parsers = {spec.name: Parser(spec.name, PRIVACY, spec.shape) for spec in specs.values()}
        rows = PendingRows(store, specs.values(), parsers)
        began = START + timedelta(hours=-number if backwards else number)
        for at, seen in enumerate(sync):
            if seen.list:
                look = Look(began + timedelta(seconds=seen.seconds), "page", seen.scan)
                rows.add_record(seen.list, seen.record(), look, at)
                continue
            table: Table = specs["orders"].table
            names = [column.name for column in table.columns]
            stored = store.by_key(table, [seen.key], names)
            rows.put("orders", [moved(row) for row in stored])
        rows.load({}, list)
        counts = (
            rows.new,
            rows.changed,
            rows.events_right,
            rows.events_wrong,
            rows.findings.value_issues,
        )
        counted.append((*(+count for count in counts), rows.damaged("orders"), rows.latest))
    return store.tables, counted


@settings(deadline=None, max_examples=150)
@given(st.lists(SYNC, min_size=1, max_size=3), st.booleans())
def test_rows_loaded_in_arrow_are_what_they_are_one_by_one(
    syncs: list[list[Seen]], backwards: bool
) -> None:
    """An older look would win, a change be lost to the history, or a row be counted twice."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (sifting, unread):
            patch.setattr(module, "FEW", 10**9)
        one_by_one = loaded(LISTS, syncs, backwards)
        patch.setattr(sifting, "FEW", 1)
        patch.setattr(unread, "FEW", 0)
        patch.setattr(unread, "BATCH", 3)
        in_arrow = loaded(LISTS, syncs, backwards)
    assert in_arrow == one_by_one


def test_many_records_that_nobody_asks_for_are_never_rows_in_python(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A first load would take three times as long, and memory with every row that waits."""
    parser = Parser("orders", PRIVACY)
    store = Memory()
    rows = PendingRows(store, LISTS, {"orders": parser})
    monkeypatch.setattr(parser, "parse", None)
    monkeypatch.setattr(
        RowBuffer, "put", lambda _, __, rows: rows and pytest.fail("a row was made")
    )
    for number in range(unread.FEW):
        seen = Seen("orders", f"row_{number:010}", "pending", "5.00", None, 0, "one")
        rows.add_record("orders", seen.record(), Look(START, "page", "one"), number)
    rows.load({}, list)
    assert len(store.tables["orders"]) == unread.FEW


@pytest.mark.parametrize(("since", "looks"), [(None, [START]), (START + timedelta(days=900), [])])
def test_looks_at_rows_that_the_api_has_dropped_are_left_out(
    since: datetime | None, looks: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate of a load would name the look at a row that it does not speak of."""
    monkeypatch.setattr(sifting, "FEW", 1)
    spec = next(spec for spec in LISTS if spec.name == "orders")
    rows = PendingRows(Memory(), [spec], {"orders": Parser("orders", PRIVACY, spec.shape)})
    seen = Seen("orders", KEYS[0], "paid", "5.00", None, 0, None)
    rows.add_record("orders", seen.record(), Look(START, "page", None), 0)
    told: list[list[datetime]] = []

    def certificate() -> list[Row]:
        told.append(rows.looks(spec.table, where(spec, since=since)))
        return []

    rows.load({}, certificate)
    assert told == [looks]


def test_news_are_counted_on_after_a_load() -> None:
    """A wait within a repair loads what waits: as many repaired rows would be taken off."""
    spec = next(spec for spec in LISTS if spec.name == "orders")
    rows, told = PendingRows(Memory(), [spec], {"orders": Parser("orders", PRIVACY)}), []
    for hour, status in enumerate(("pending", "pending", "paid")):
        seen = Seen("orders", KEYS[0], status, "5.00", None, 0, None)
        look = Look(START + timedelta(hours=hour), "page", None)
        rows.add_record("orders", seen.record(), look, 0)
        told.append(rows.count_news(spec.table))
        rows.load({}, list)
        told.append(rows.count_news(spec.table))
    assert told == [1, 1, 1, 1, 2, 2]
