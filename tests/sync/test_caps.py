"""What one sync may take at most, and what is safe before it waits."""

from __future__ import annotations

from pathlib import Path

import pytest
from fast import fast_world
from sync_world import world

from pipelines.progress import Waiting
from pipelines.sandbox import Limits
from pipelines.sync import by_time, sync
from pipelines.sync.waits import LONG_WAIT


def test_rechecks_have_a_cap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a long pause, rows that are due would cost as many requests as there are pages."""
    monkeypatch.setattr(by_time, "RECONCILE_REQUESTS", 1)
    with fast_world(tmp_path, 150, {"page_clamp": 7}, days=2, attempt_failure=0.9) as here:
        here.sync()
        here.clock.sleep(3 * 3_600)
        logs = here.sync().resources["webhook_logs"]
        assert logs.detail["requests_by_purpose"]["settle"] == 1  # of two
        here.assert_exact("webhook_logs")


def test_what_was_read_is_loaded_before_a_long_wait(tmp_path: Path) -> None:
    """A process that is ended while it waits for the next minute would lose what it had read."""
    stored: list[int] = []
    with world(tmp_path, 600, limits=Limits(per_minute=6)) as here:

        def listen(event: object) -> None:
            if isinstance(event, Waiting) and event.seconds >= LONG_WAIT and not stored:
                stored.append(len(here.stored("orders")))  # as another process would read them
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            sync(here.settings, clock=here.clock, listener=listen)
        assert stored
        assert stored[0] > 0
