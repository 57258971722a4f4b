"""Certificates that somebody has taken back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fast import FastWorld, fast_world

from pipelines.cli.certificates import read_freshness
from pipelines.cli.withdrawing import take_back
from pipelines.sync import SyncResult


def withdraw(here: FastWorld, sync: SyncResult) -> Sequence[tuple[str, str]]:
    """Take a sync's certificates back, as ``printora certificates withdraw`` does."""
    return take_back(here.connection, sync.sync_id, "a bad day")


def synced(here: FastWorld, times: int) -> list[SyncResult]:
    """Sync, and let ten minutes pass, so many times."""
    done = []
    for _ in range(times):
        done.append(here.sync())
        here.clock.sleep(600)
    return done


def test_what_rests_on_a_withdrawn_certificate_is_proven_anew(tmp_path: Path) -> None:
    """Later certificates, each built on the one before, would go on as if nothing had been."""
    with fast_world(tmp_path, 120) as here:
        withdraw(here, synced(here, 3)[0])
        again = here.sync()
        evidence = [again.resources[name].evidence for name in ("orders", "webhook_logs")]
        assert evidence == ["whole walk", "whole walk"]
        here.clock.sleep(600)
        assert here.sync().resources["orders"].evidence == "counts equal"


def test_what_rests_on_a_withdrawn_certificate_is_withdrawn_with_it(tmp_path: Path) -> None:
    """The data would still be called complete, as of a later certificate, until the next sync."""
    with fast_world(tmp_path, 120) as here:
        before, *resting = synced(here, 4)
        names = ("orders", "sessions", "webhook_logs")
        taken = withdraw(here, resting[0])
        assert taken == sorted((sync.sync_id, name) for sync in resting for name in names)
        for name, freshness in read_freshness(here.connection).items():
            assert freshness.outcome == "partial"
            assert freshness.complete_as_of == before.resources[name].complete_as_of


def test_sessions_are_read_again_once_theirs_is_withdrawn(tmp_path: Path) -> None:
    """The ledger would be called whole without a look at it, and lost sessions stay lost."""
    with fast_world(tmp_path, 120) as here:
        syncs = synced(here, 2)
        here.query("delete from printora_raw.sessions where session_id like '%a%'")
        withdraw(here, syncs[0])
        again = here.sync().resources["sessions"]
        assert (again.outcome, again.rows_read) == ("complete", again.rows_reported)
        here.assert_exact("sessions")
        assert here.sync().resources["sessions"].rows_read == 0


def test_what_a_full_scan_has_proven_since_stands(tmp_path: Path) -> None:
    """An old certificate could not be taken back without reading everything again."""
    with fast_world(tmp_path, 120) as here:
        first = here.sync()
        here.clock.sleep(600)
        full = here.sync(full=True)
        here.clock.sleep(600)
        taken = withdraw(here, first)
        assert [name for sync, name in taken if sync == full.sync_id] == ["sessions"]
        assert here.sync().resources["orders"].evidence == "counts equal"
