"""The partner's own list of sessions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.clock import ManualClock
from pipelines.sandbox import LedgerOptions, Sandbox, SandboxConfig, WorldOptions

START = 1_772_366_400.0


def sandbox(**ledger: Any) -> Sandbox:
    config = SandboxConfig(world=WorldOptions(orders=400), ledger=LedgerOptions(**ledger))
    return Sandbox(config, clock=ManualClock(START))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_session_once_and_oldest_first(tmp_path: Path) -> None:
    """The funnel's denominator would be wrong before the product has read it."""
    world, path = sandbox(), tmp_path / "sessions.jsonl"
    world.ledger.write(path)
    true = world.truth.sessions().to_pylist()
    written = [(r["session_id"], r["created_at"], r["mode"]) for r in lines(path)]
    assert written == [
        (
            r["session_id"],
            r["created_at"].isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            r["mode"],
        )
        for r in true
    ]


def test_lines_are_appended_as_time_passes(tmp_path: Path) -> None:
    """A reader that goes on where it stopped would miss sessions, or read them twice."""
    world, path = sandbox(), tmp_path / "deep" / "sessions.jsonl"
    world.ledger.write(path)
    before = path.read_bytes()
    assert world.ledger.write(path) == 0
    made = world.changes.create_sessions(3)
    world.clock.advance(2 * 86_400)
    assert world.ledger.write(path) > 3
    assert path.read_bytes().startswith(before)
    ids = [row["session_id"] for row in lines(path)]
    assert len(ids) == len(set(ids)) == world.truth.sessions().num_rows
    assert set(made) <= set(ids)


def test_a_file_from_another_world_is_replaced(tmp_path: Path) -> None:
    """A ledger would hold sessions of a world that is gone."""
    path = tmp_path / "sessions.jsonl"
    path.write_text("old\n")
    world = sandbox()
    assert world.ledger.write(path) == len(lines(path))


def test_coverage(tmp_path: Path) -> None:
    """An honest denominator could not be told from a complete one."""
    world, path = sandbox(coverage=0.8), tmp_path / "sessions.jsonl"
    share = world.ledger.write(path) / world.truth.sessions().num_rows
    assert share == pytest.approx(0.8, abs=0.05)


def test_careless_partners(tmp_path: Path) -> None:
    """That e-mails and URLs stay out of the tables would be tested on a file without them."""
    path = tmp_path / "sessions.jsonl"
    sandbox().ledger.write(path)
    rows = lines(path)
    assert 0.2 < sum("userData" in row for row in rows) / len(rows) < 0.4
    assert not any("redirectUrl" in row for row in rows)
    sandbox(redirect_url=1.0, user_data=1.0).ledger.write(path)
    for row in lines(path):
        assert row["userData"]["email"].endswith("@example.com")
        assert "token=" in row["redirectUrl"]


def test_kept_up_to_date_while_served(tmp_path: Path) -> None:
    """The demo would load a list that is not there yet, or never grows."""
    path = tmp_path / "sessions.jsonl"
    config = SandboxConfig(world=WorldOptions(orders=100), ledger_path=path, ledger_every=0.05)
    world = Sandbox(config, clock=ManualClock(START))
    with world.serve():
        assert len(lines(path)) == 290
        world.changes.create_sessions(5)
    assert len(lines(path)) == 295
