"""What one sync leaves to the next is read back as it was, and no other thing is taken for it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from sync_world import settings_for

from pipelines.errors import WarehouseError
from pipelines.sync.identity import identity_of
from pipelines.sync.position import ScanPosition
from pipelines.sync.state import EndSeen, Identity, ListState, SyncState, Withheld
from pipelines.sync.stored_state import read_state

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
TIMES = st.none() | st.datetimes(timezones=st.just(UTC))
STATES = st.builds(
    ListState,
    standing=st.sampled_from(["new", "verified", "inconclusive", "unverified"]),
    order=st.sampled_from(["newest_first", "oldest_first", "unknown"]),
    high_water_mark=TIMES,
    scan=st.none() | st.builds(ScanPosition, id=st.text(), offset=st.integers(0, 10**6)),
    disappeared=st.none() | st.just(Withheld(900, AT)),
    end_seen=st.none() | st.just(EndSeen("a", AT, 40)),
    events_exact=st.dictionaries(st.text(max_size=3), st.booleans(), max_size=2),
    spellings=st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
)

#: As version 1 wrote it, in the middle of a first load of logs.
VERSION_1: dict[str, Any] = {
    "orders": {
        "proven": True,
        "order": "newest_first",
        "frontier": "2026-02-01T00:00:00+00:00",
        "joined": "2026-02-02T00:00:00+00:00",
        "unsettled": 0,
        "proven_as_of": "2026-02-01T00:00:00+00:00",
        "walked": ["2026-01-31T23:00:00+00:00", 96],
        "empty_since": None,
        "events_exact": {"shipped": True},
        "walk": None,
    },
    "webhook_logs": {
        "walk": {
            "id": "abc",
            "started_at": "2026-02-02T00:00:00+00:00",
            "offset": 98,
            "anchor": ["l1", "l2", "l3"],
            "total": 400,
            "first_total": 400,
            "largest_total": 400,
            "total_is_wrong": False,
            "longest_page": 100,
            "smallest_cut": 20,
            "last_page": 100,
            "requests": 1,
            "restarts": 0,
            "idle": 0,
            "searches": 0,
            "before": None,
            "behind": None,
            "last_made_at": "2026-01-01T00:00:00+00:00",
            "falling": True,
            "rising": False,
        }
    },
    "ledger": {"s.jsonl": {"offset": 12}},
}


@given(STATES, STATES)
@settings(max_examples=200, deadline=None)
def test_a_state_survives_its_journey(orders: ListState, logs: ListState) -> None:
    """The next sync would begin anew, or go on from a place that never was."""
    identity = Identity("api.printora.ai", "p1", "live", "1.0")
    lists = {"orders": orders, "webhook_logs": logs}
    state = SyncState(lists, {"a": {}}, identity, AT, server_offset=-1_200.0)
    assert read_state(json.loads(json.dumps(state.to_json()))) == state


def test_a_state_of_the_version_before_is_read() -> None:
    """An update would read the partner's whole history again, or fail."""
    state = read_state(VERSION_1)
    orders, logs = state.of("orders"), state.of("webhook_logs")
    assert (orders.standing, orders.order, orders.scan_requests) == ("verified", "newest_first", 96)
    assert orders.high_water_mark == datetime(2026, 2, 1, tzinfo=UTC)
    assert orders.events_exact == {"shipped": True}
    assert logs.standing == "new"
    assert logs.scan is not None
    assert (logs.scan.offset, logs.scan.page_end) == (98, 100)
    assert state.ledger == VERSION_1["ledger"]
    assert state.identity is None


@pytest.mark.parametrize(
    "kept",
    [
        {"version": 3, "lists": {}},
        {"version": 2, "lists": {"orders": {"frontiers": 1}}},
        {"version": 2},
        {"orders": {"walk": {"a_field_of_tomorrow": 1}}},
        {"orders": {"frontier": 7}},
        {"orders": {"order": "sideways", "frontier": "2026-02-01T00:00:00+00:00"}},
        {"orders": [1]},
    ],
)
def test_what_is_no_state_is_refused_with_a_remedy(kept: dict[str, Any]) -> None:
    """A state of tomorrow would be taken for one of today, and certified."""
    with pytest.raises(WarehouseError, match="nothing was changed"):
        read_state(kept)


@pytest.mark.parametrize(
    ("address", "path"),
    [("https://h.test", ""), ("https://h.test/", ""), ("https://h.test/b/", "/b")],
)
def test_two_apis_of_one_host_are_two(address: str, path: str, tmp_path: Path) -> None:
    """One shop's orders would be loaded over another's; and a state of before would be refused."""
    mine = identity_of(replace(settings_for("https://h.test/a", tmp_path), base_url=address))
    assert mine.path == path
    assert f"h.test{path} " in str(mine)
    kept = {name: value for name, value in asdict(mine).items() if name != "path"}
    before = read_state({"version": 2, "lists": {}, "identity": kept}).identity
    assert (before == mine) == (not path)
