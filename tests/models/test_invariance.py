"""The same data gives the same marts: whenever, wherever, and however it was loaded."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from model_support import Warehouse, project, undescribed
from truth_world import History, Row, Scenario, insert

from pipelines.warehouse.build import build
from pipelines.warehouse.project import SQL_DIR

pytestmark = pytest.mark.xdist_group("invariance")
SCENARIO = Scenario(
    "all at once", zone="America/New_York", order_times=False, lost=0.1, repeated=0.1, looks=4
)
MARTS = [m.qualified for m in project().models if m.schema == "analytics"]


@pytest.fixture(scope="module")
def history() -> History:
    """Let one world live for the whole module."""
    return History.of(SCENARIO, orders=200)


@pytest.fixture(scope="module")
def expected(history: History) -> dict[str, list[tuple[str, ...]]]:
    """Return the marts of the world, loaded and built in the plainest way."""
    return _marts(history, history.raw())


def _marts(
    history: History, *loads: dict[str, list[Row]], zone: str = "UTC", threads: int = 2
) -> dict[str, list[tuple[str, ...]]]:
    """Load, building after each load, and return all marts as text."""
    warehouse = Warehouse()
    warehouse.connection.execute(f"set threads = {threads}")
    for raw in loads:
        insert(warehouse.connection, raw)
        warehouse.connection.execute(f"set TimeZone = '{zone}'")
        build(warehouse.connection, undescribed(), history.settings)
    warehouse.connection.execute("set TimeZone = 'UTC'; set threads = 1")
    return {mart: sorted(_rounded(warehouse, mart)) for mart in MARTS}


def _rounded(warehouse: Warehouse, mart: str) -> Iterator[tuple[str, ...]]:
    """Return rows as text; the last digits of a sum of floats depend on its order."""
    for row in warehouse.connection.execute(f"select * from {mart}").fetchall():  # noqa: S608
        yield tuple(f"{v:.9f}" if isinstance(v, float) else str(v) for v in row)


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Kiritimati"])
def test_the_sessions_time_zone_does_not_matter(
    history: History, expected: dict[str, list[tuple[str, ...]]], zone: str
) -> None:
    """An analyst's client sets its own zone; dates and day bounds must not follow it."""
    assert _marts(history, history.raw(), zone=zone) == expected


def test_the_order_of_loading_does_not_matter(
    history: History, expected: dict[str, list[tuple[str, ...]]]
) -> None:
    """A parallel load writes rows in any order; no mart may depend on the first of two rows."""
    shuffled = {table: _shuffled(rows) for table, rows in history.raw().items()}
    assert _marts(history, shuffled, threads=1) == expected


def test_loading_in_two_parts_gives_what_loading_at_once_does(
    history: History, expected: dict[str, list[tuple[str, ...]]]
) -> None:
    """Nothing of a former build may live on in the next one."""
    raw = history.raw()
    first = {table: rows[::2] for table, rows in raw.items()}
    second = {table: rows[1::2] for table, rows in raw.items()}
    assert _marts(history, first, second) == expected


def test_no_model_asks_for_the_time() -> None:
    """The same data built tomorrow would give other marts."""
    clock = re.compile(
        r"\b(now|today|(get_)?current_(date|(local)?time\w*)|localtime\w*|transaction_timestamp"
        r"|age(?=\s*\()|random|uuid|gen_random_uuid)\b"
    )
    for path in sorted(SQL_DIR.rglob("*.sql")):
        assert not clock.search(_select(path)), path.name


def test_no_mart_selects_everything_and_no_model_leaves_the_portable_path() -> None:
    """`select *` hides what a mart has; lambdas, JSON and series run on few engines."""
    for path in sorted(SQL_DIR.rglob("*.sql")):
        select = _select(path)
        assert "->" not in select, path.name
        assert "qualify" not in select, path.name
        if path.parent.name == "analytics":
            assert not re.search(r"^select\s+\*", select, re.MULTILINE), path.name
        # No function that only some engines have; what reads documents stays in staging.
        names = "" if path.parent.name == "staging" else "json|"
        found = re.findall(rf"{names}to_microseconds|generate_series|isoyear|arg_max", select)
        assert found == [], path.name


def _select(path: Path) -> str:
    """Return a file's select without header and comments, in lower case."""
    body = path.read_text().split("*/", 1)[1]
    return re.sub(r"--.*", "", body).lower()


def _shuffled(rows: list[Row]) -> list[Row]:
    return random.Random(3).sample(rows, len(rows))  # noqa: S311 - a test's choice
