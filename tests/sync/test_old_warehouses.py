"""A warehouse that a released version made opens, is migrated and goes on.

Each file is what that commit's first sync made of the world below, and the key that it made of the
pseudonyms, if it made one. A new one is added with each release that changes the raw tables or the
state.
"""

from __future__ import annotations

import lzma
import shutil
from pathlib import Path

import pytest
from sync_world import world, write_ledger

from pipelines.sandbox import Limits
from pipelines.source.pseudonyms import key_file
from pipelines.warehouse import build, connect, load_project

_KEPT = sorted((Path(__file__).parent / "warehouses").glob("*.duckdb.xz"))


@pytest.mark.parametrize("kept", _KEPT, ids=lambda path: path.name.partition(".duckdb")[0])
def test_a_warehouse_of_a_released_version_goes_on(kept: Path, tmp_path: Path) -> None:
    """An update would read the partner's history again, lose it, or refuse to start."""
    with world(tmp_path, 40, limits=Limits.off()) as here:
        path = here.settings.warehouse_path
        path.write_bytes(lzma.decompress(kept.read_bytes()))
        key = kept.with_name(kept.name.replace(".duckdb.xz", ".pseudonym-key"))
        if key.exists():
            shutil.copy(key, key_file(path))
        before = here.stored("orders")
        here.clock.sleep(3_600)
        here.sandbox.changes.churn(3, 6)
        write_ledger(here.sandbox, tmp_path)
        here.clock.sleep(5)
        result = here.sync()
        assert result.outcome == "complete", {n: p.reason for n, p in result.resources.items()}
        assert before.keys() <= here.stored("orders").keys()
        assert result.requests <= 20, "the history was read again"
        here.assert_exact()
    with connect(path) as connection:
        build(connection, load_project(), here.settings.models)
        rows = connection.execute("select count(*) from analytics.fct_orders").fetchall()
    assert rows[0][0] >= len(before)
