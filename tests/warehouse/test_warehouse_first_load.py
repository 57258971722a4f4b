"""What an error before, and after, the first row leaves of a warehouse that was not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.warehouse import connect
from pipelines.warehouse.first_load import unmade_unless_loaded

_EMPTY = "create schema if not exists printora_raw"
_BEGUN = f"{_EMPTY}; create table if not exists printora_raw.privacy_state (rules text)"
_LOADED = f"{_BEGUN}; create table printora_raw.orders (order_id text)"


def _run(path: Path, sql: str) -> None:
    """Fail as a run does, after this statement."""
    with connect(path) as connection:
        connection.execute(sql)
    _key(path).touch()
    raise KeyboardInterrupt


def _fail(path: Path, sql: str) -> set[Path]:
    """Return what is in the folder afterwards."""
    with pytest.raises(KeyboardInterrupt), unmade_unless_loaded(path):
        _run(path, sql)
    return {*path.parent.iterdir()}


def _key(path: Path) -> Path:
    return path.with_name(f"{path.name}.pseudonym-key")


def test_what_nothing_was_loaded_into_goes(path: Path) -> None:
    """A wrong key leaves an empty warehouse, and a key that nobody dares to remove."""
    assert _fail(path, _BEGUN) == set()


def test_what_was_loaded_stays(path: Path) -> None:
    """The first pages of a load that was cut are removed, and the quota was spent for nothing."""
    assert _fail(path, _LOADED) == {path, _key(path)}


def test_what_was_there_stays(path: Path) -> None:
    """A mistyped setting costs somebody the key that their backup has, or an empty file."""
    _key(path).touch()
    assert _fail(path, _BEGUN) == {_key(path)}
    connect(path).close()
    assert _fail(path, _BEGUN) == {path, _key(path)}


def test_what_somebody_else_put_there_stays(path: Path) -> None:
    """A first sync waits for hours, a person makes a table meanwhile, and an error removes it."""
    assert _fail(path, f"{_BEGUN}; create view notes as select 1 as a") == {path, _key(path)}


def test_a_link_to_a_warehouse_that_is_not_made_yet_stays(path: Path) -> None:
    """The half-made file stays on its volume, and the next run makes another beside the others."""
    target = path.with_name("elsewhere") / path.name
    target.parent.mkdir()
    path.symlink_to(target)
    assert _fail(path, _BEGUN) == {path, target.parent}
    assert not target.exists()


def test_the_key_of_a_warehouse_that_was_moved_away_stays(path: Path) -> None:
    """Who puts the first file back has rows whose pseudonyms nobody can make again."""
    assert _fail(path, _EMPTY) == {_key(path)}
