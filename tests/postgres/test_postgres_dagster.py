"""Dagster's runs in a real PostgreSQL, as ``deploy/dagster-postgres.yaml`` keeps them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import dagster as dg
import pytest
from postgres_support import asked

DEPLOY = Path(__file__).parents[2] / "deploy"
pytestmark = pytest.mark.xdist_group("postgres")


@dg.asset
def made() -> None:
    """Be made."""


@pytest.fixture
def home(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with the containers' instance, whose database is reached through a socket."""
    parts = urlsplit(url)
    monkeypatch.setenv("DAGSTER_POSTGRES_HOST", "")
    monkeypatch.setenv("DAGSTER_POSTGRES_USER", str(parts.username))
    monkeypatch.setenv("DAGSTER_POSTGRES_PASSWORD", "made-up")
    monkeypatch.setenv("DAGSTER_POSTGRES_DB", f"{parts.path.strip('/')}?{parts.query}")
    (tmp_path / "dagster.yaml").write_bytes((DEPLOY / "dagster-postgres.yaml").read_bytes())
    return tmp_path


def test_runs_events_and_pools_are_in_the_database(home: Path, url: str) -> None:
    """Broken: the containers do not start, or forget each run with the container that made it."""
    with dg.DagsterInstance.from_config(str(home)) as instance:
        done = dg.materialize([made], instance=instance)
        assert instance.global_op_concurrency_default_limit == 1
    with dg.DagsterInstance.from_config(str(home)) as another:
        run = another.get_run_by_id(done.run_id)
        event = another.get_latest_materialization_event(made.key)
    assert run is not None
    assert run.is_success
    assert event is not None
    assert event.run_id == done.run_id
    assert asked(url, "select run_id from runs") == [(done.run_id,)]
    assert [path for path in home.rglob("*.db") if path.stat().st_size] == []
