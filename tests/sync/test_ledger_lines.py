"""A later ledger line changes what it says, and keeps the rest: in a file, over files and syncs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from fast import FastDestination, FastWorld, fast_sync, fast_world
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.source.ledger import REST_MAY_LAST, Ledger
from pipelines.source.parse import Parser, Rejected, Row, fingerprint
from pipelines.source.partial import merged, said_columns
from pipelines.source.privacy import Privacy
from pipelines.source.pseudonyms import Keys
from pipelines.sync import SyncResult
from pipelines.sync.pending import PendingRows

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PARSER = Parser("sessions", Privacy("pseudonymous", Keys.new()))

Line = dict[str, Any]

#: What a line may say, beside the session's id; a JSON null is said, too.
SAID = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["pending", "expired", None]),
        "sessionMode": st.sampled_from(["image", "merch", None]),
        "createdAt": st.sampled_from(["2026-05-01T10:00:00Z", "2026-05-02T10:00:00+02:00", None]),
        "sku": st.sampled_from(["a", "b", None]),
        "batch": st.sampled_from([1, 2, None]),
        "email": st.sampled_from(["a@example.com", None]),
    },
)
LINES = st.lists(st.tuples(st.sampled_from(["s1", "s2"]), SAID), min_size=1, max_size=8).map(
    lambda told: [{"session_id": key, **said} for key, said in told]
)


def parsed(line: Line) -> Row:
    row = PARSER.parse(line, seen_at=NOW, place="here")
    assert not isinstance(row, Rejected)
    return row


def truth(lines: list[Line]) -> dict[str, Row]:
    """What one line with all that was said last would be: the merge without a merge."""
    said: dict[str, Line] = {}
    for line in lines:
        said[line["session_id"]] = said.get(line["session_id"], {}) | line
    return {key: parsed(line) for key, line in said.items()}


@settings(max_examples=200, deadline=None)
@given(lines=LINES)
def test_merged_lines_are_what_one_line_with_all_of_it_would_be(lines: list[Line]) -> None:
    """A status would wipe out when the session was made; or a change not be seen as one."""
    told: dict[str, Row] = {}
    for line in lines:
        key = line["session_id"]
        told[key] = merged(told.get(key), parsed(line), said_columns(line))
    assert told == truth(lines)
    for row in told.values():
        assert row["_fingerprint"] == fingerprint(row)


def sync(world: FastWorld, folder: Path, **options: Any) -> SyncResult:
    changed = world.settings.__class__(
        **{**vars(world.settings), "session_ledger": str(folder / "s*"), **options}
    )
    world.clock.sleep(60)
    return fast_sync(world.sandbox, changed, world.connection, world.clock)


def stored(connection: duckdb.DuckDBPyConnection) -> dict[str, Row]:
    columns = "session_id, created_at, mode, status, extra, customer_pseudonym, _fingerprint"
    rows = connection.execute(f"select {columns} from printora_raw.sessions").fetchall()  # noqa: S608 - our own names
    return {row[0]: dict(zip(columns.split(", "), row, strict=True)) for row in rows}


def write(path: Path, lines: list[Line], mode: str = "w") -> None:
    with path.open(mode) as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


def load(store: FastDestination, folder: Path) -> None:
    """Read the ledger as a sync does, without the API's lists."""
    ledger, batch = (
        Ledger(str(folder / "s*"), store.state.get("ledger"), now=NOW),
        PendingRows(store),
    )
    for entry in ledger.entries():
        row = entry.parsed_by(PARSER, NOW)
        assert not isinstance(row, Rejected)
        batch.add_line(entry.line(row), NOW)
    batch.load({"ledger": ledger.state()}, list)


@settings(max_examples=30, deadline=None)
@given(told=st.lists(st.tuples(LINES, st.booleans()), min_size=1, max_size=3))
def test_what_is_stored_is_what_all_lines_say_together(
    told: list[tuple[list[Line], bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Sessions would lose their time of creation, and with it their place in every rate."""
    folder, lines = tmp_path_factory.mktemp("lines"), list[Line]()
    with duckdb.connect() as connection:
        for number, (part, is_new_file) in enumerate(told):
            lines += part
            write(folder / f"s-{number if is_new_file else 0}.jsonl", part, "a")
            load(FastDestination(connection, lambda _: None), folder)
            wanted, have = truth(lines), stored(connection)
            assert have == {key: {name: wanted[key][name] for name in have[key]} for key in wanted}


def test_an_older_file_fills_in_and_changes_nothing(tmp_path: Path) -> None:
    """A day's file that is copied in late would bring its old states back."""
    new: list[Line] = [{"session_id": "s1", "status": "expired", "sku": "new"}]
    old: list[Line] = [
        {"session_id": "s1", "status": "pending", "mode": "image", "sku": "old", "quantity": 1},
        {"session_id": "s2", "status": "pending"},
    ]
    for late, first in (("s.2.jsonl", "s.1.jsonl"), ("s.2026-05-01.jsonl", "s.2026-05-02.jsonl")):
        folder = tmp_path / first
        folder.mkdir()
        with fast_world(folder, 100) as world:
            write(folder / first, new)
            sync(world, folder)
            write(folder / late, old)
            sync(world, folder)
            rows = stored(world.connection)
            assert (rows["s1"]["status"], rows["s1"]["mode"]) == ("expired", "image")
            assert json.loads(rows["s1"]["extra"]) == {"sku": "new", "quantity": 1}
            assert rows["s2"]["status"] == "pending"


def test_a_certificate_tells_of_every_byte_and_ends_with_an_old_rest(tmp_path: Path) -> None:
    """A ledger read in part would be certified as whole, for ever."""
    good = '{"session_id": "s1"}\nno record\n'
    with fast_world(tmp_path, 100) as world:
        (tmp_path / "s.jsonl").write_text(good + '{"session_id": "s2"')
        result = sync(world, tmp_path)
        told = result.resources["sessions"]
        assert (result.exit_code, told.evidence) == (0, "whole ledger")
        assert told.detail["ledger"] | {"rests": []} == {
            "files": 1,
            "bytes_read": len(good),
            "records": 1,
            "bad": 1,
            "rests": [],
            "left_out": [],
        }
        world.clock.sleep(REST_MAY_LAST.total_seconds())
        for _ in range(2):
            told = sync(world, tmp_path).resources["sessions"]
            assert (told.outcome, told.complete_as_of) == ("partial", None)
            assert "s.jsonl (19 bytes)" in (told.reason or "")
        with (tmp_path / "s.jsonl").open("a") as file:
            file.write("}\n")
        world.clock.sleep(timedelta(hours=1).total_seconds())
        assert sync(world, tmp_path).resources["sessions"].outcome == "complete"
        assert set(stored(world.connection)) == {"s1", "s2"}
