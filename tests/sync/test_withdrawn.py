"""Certificates that somebody has taken back."""

from __future__ import annotations

from pathlib import Path

from fast import FastWorld, fast_world

from pipelines.sync import SyncResult


def withdraw(here: FastWorld, sync: SyncResult) -> None:
    """Take a sync's certificates back, as ``printora certificates withdraw`` does."""
    here.query(
        "update printora_raw.sync_runs set outcome = 'partial', complete_as_of = null,"
        " evidence = 'not proven', reason = 'withdrawn: a bad day' where sync_id = ?",
        sync.sync_id,
    )


def test_what_rests_on_a_withdrawn_certificate_is_proven_anew(tmp_path: Path) -> None:
    """Later certificates, each built on the one before, would go on as if nothing had been."""
    with fast_world(tmp_path, 120) as here:
        syncs = []
        for _ in range(3):
            syncs.append(here.sync())
            here.clock.sleep(600)
        withdraw(here, syncs[0])
        again = here.sync()
        evidence = [again.resources[name].evidence for name in ("orders", "webhook_logs")]
        assert evidence == ["whole walk", "whole walk"]
        here.clock.sleep(600)
        assert here.sync().resources["orders"].evidence == "counts equal"


def test_what_a_full_scan_has_proven_since_stands(tmp_path: Path) -> None:
    """An old certificate could not be taken back without reading everything again."""
    with fast_world(tmp_path, 120) as here:
        first = here.sync()
        here.clock.sleep(600)
        here.sync(full=True)
        here.clock.sleep(600)
        withdraw(here, first)
        assert here.sync().resources["orders"].evidence == "counts equal"
