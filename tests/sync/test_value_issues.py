"""What cannot be read of a row costs that value: the row is counted, and the value is told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fast import fast_world

from pipelines.source.ledger import Ledger
from pipelines.source.parse import Parsed, Parser
from pipelines.source.privacy import Privacy
from pipelines.source.pseudonyms import Keys
from pipelines.sync import SyncResult


def _without_an_answer(answer: Any) -> None:
    """Say of failed deliveries what stood in the place of an HTTP status."""
    for log in answer.get("logs", ()):
        if log["status"] == "failed":
            log["response_status"] = "ETIMEDOUT"


def test_failed_deliveries_without_an_http_status_are_counted(tmp_path: Path) -> None:
    """The mart says 0 failed, because all that failed is unreadable."""
    with fast_world(tmp_path, orders=60, attempt_failure=0.5) as here:
        result = here.sync(lie=_without_an_answer)
        truth = here.sandbox.truth.webhook_logs().to_pylist()
        failed = sum(log["status"] == "failed" for log in truth)
        stored = here.stored("webhook_logs")
        assert len(stored) == len(truth)
        assert failed
        assert sum(log["status"] == "failed" for log in stored.values()) == failed
        noted = here.query("select column_name, count(*) from printora_raw.value_issues group by 1")
        assert noted == [("response_status", failed)]
        assert result.resources["webhook_logs"].detail["value_issues"] == failed
        assert result.outcome == "complete"


def test_a_row_whose_status_cannot_be_read_is_kept_through_all_syncs(tmp_path: Path) -> None:
    """Such a row ends each later sync with an error, or is noted as new each time."""

    def lie(answer: Any) -> None:
        for row in (*answer.get("orders", ()), *answer.get("logs", ())):
            if str(row.get("order_id", "")).endswith("7"):
                row["status"] = ["two", "words"]

    def sync() -> SyncResult:
        here.clock.sleep(86_400)
        return here.sync(lie=lie)

    with fast_world(tmp_path, orders=60) as here:
        sync(), sync(), sync()
        unread = {key for key, row in here.stored("orders").items() if row["status"] is None}
        assert unread
        assert len(here.stored("orders")) == here.sandbox.truth.orders().num_rows
        seen = here.query("select order_id, status from printora_raw.order_history")
        assert not unread & {order_id for order_id, _ in seen}
        assert not here.query("select 1 from printora_raw.webhook_log_history where status is null")
        lie = _without_an_answer
        sync()
        assert all(row["status"] for row in here.stored("orders").values())


def test_a_later_line_with_an_unreadable_time_does_not_wipe_out_the_time(tmp_path: Path) -> None:
    """A session would leave every rate by day because its last line has a time in another form."""
    path, made = tmp_path / "ledger.jsonl", "2026-05-01T10:00:00Z"
    path.write_text(
        f'{{"session_id": "s", "created_at": "{made}"}}\n'
        '{"session_id": "s", "created_at": "03/04/2026", "status": "expired"}\n'
    )
    known: Any = None
    parser = Parser("sessions", Privacy("none", Keys.new()))
    for entry in Ledger(str(path)).entries():
        row = entry.parsed_by(parser, datetime(2026, 6, 1, tzinfo=UTC))
        assert isinstance(row, Parsed)
        known = entry.line(row).told_over(known)
    assert (known["created_at"], known["status"]) == (datetime.fromisoformat(made), "expired")
