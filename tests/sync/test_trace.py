"""What seeded syncs ask, request by request: a change of the engine that asks more shows here.

``PRINTORA_RECORD=1`` writes the trace anew; the difference then belongs to the change.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from fast import FastWorld, engine_world

_TRACES = Path(__file__).parent / "traces.json"
_SHAPES: dict[str, dict[str, Any]] = {
    "newest first": {},
    "oldest first": {"sort": "oldest_first"},
    "clamped to 20": {"page_clamp": 20},
    "filters ignored": {"filters": "ignored"},
}


def trace(folder: Path, habits: dict[str, Any]) -> list[list[str]]:
    """Return the requests of five syncs: first load, at once, busy hours, idle days, full."""
    with engine_world(folder, 400, habits) as here:
        syncs = [_requests(here)]
        here.clock.sleep(60)
        syncs.append(_requests(here))
        here.clock.sleep(3 * 3_600)
        changes = here.sandbox.changes
        changes.churn(15, 40)
        pending = [key for key, row in here.truth("orders").items() if row["status"] == "pending"]
        changes.move(pending[:3], "shipped", log=False)
        here.clock.sleep(5)
        syncs.append(_requests(here))
        here.clock.sleep(3 * 86_400)
        syncs.append(_requests(here))
        syncs.append(_requests(here, full=True))
        return syncs


def _requests(here: FastWorld, **options: Any) -> list[str]:
    here.sandbox.requests.clear()
    here.sync(**options)
    entries = here.sandbox.requests.entries
    return [f"{entry.path.rsplit('/', 1)[1]}?{entry.query}" for entry in entries]


@pytest.mark.parametrize("shape", _SHAPES)
def test_a_sync_asks_what_it_asked_before(shape: str, tmp_path: Path) -> None:
    """A change of the engine would spend the partner's quota without anybody's notice."""
    traces = json.loads(_TRACES.read_text()) if _TRACES.exists() else {}
    asked = trace(tmp_path, _SHAPES[shape])
    if os.environ.get("PRINTORA_RECORD"):
        traces[shape] = asked
        _TRACES.write_text(json.dumps(traces, indent=1) + "\n")
    assert asked == traces[shape]
