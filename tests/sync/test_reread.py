"""Rows that were seen long ago are read again, whichever time says where they stand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from small_warehouse import Memory

from pipelines.lists import WEBHOOK_LOGS_LIST
from pipelines.source.schema import WEBHOOK_LOGS
from pipelines.sync.certificate import ResourceCertificate
from pipelines.sync.listrun import ListRun, Shared
from pipelines.sync.overlay import Overlay
from pipelines.sync.pending import PendingRows
from pipelines.sync.reread import reread
from pipelines.sync.state import ListState

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize("column", ["created_at", "event_at"])
def test_rows_are_due_by_the_time_that_sorts_them(column: str) -> None:
    """Deliveries that tell their event's time alone would never be looked at again."""
    store, ago = Memory(), NOW - timedelta(days=40)
    row: dict[str, Any] = dict.fromkeys(WEBHOOK_LOGS.arrow.names)
    row |= {"webhook_log_id": "whl_1", "status": "sent", "_seen_at": ago, column: ago}
    store.load({WEBHOOK_LOGS: [row]}, {})
    pending = PendingRows(store)
    nothing: Any = SimpleNamespace()
    copy: Any = Overlay(store, pending)
    shared = Shared(copy, pending, lambda: nothing)
    cutoff = NOW - timedelta(days=90)
    state = ListState(order="newest_first", high_water_mark=NOW, retention_cutoff=cutoff)
    certificate = ResourceCertificate("webhook_logs", NOW, NOW)
    run = ListRun(WEBHOOK_LOGS_LIST, state, certificate, nothing, shared)
    assert next(reread(run, NOW, timedelta(days=30))).purpose == "reread"
