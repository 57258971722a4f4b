"""A whole walk of a list that moves between any two requests, and that lies about itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import assume, example, given, settings

from pipelines.client import Page
from pipelines.source.parse import Parsed, Parser, Rejected, Row
from pipelines.sync import walk as walks
from pipelines.sync.reading import Reader
from pipelines.sync.walk import Walk

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class QuickParser(Parser):
    """Takes records for rows: what a row holds is no matter of the walk's."""

    def __init__(self) -> None:
        """Need nothing."""

    def parse(self, record: Any, **_: Any) -> Parsed:
        """Return the record with the one time that a walk looks at."""
        return Parsed({"created_at": None, **record})


_PARSER = QuickParser()


@dataclass
class MovingList:
    """A list that answers as it is told, and changes after each answer."""

    rows: list[int]
    clamps: list[int]
    #: After each answer: (kind, how many, where as a share of the list).
    moves: list[tuple[str, int, float]]
    falling: bool = True
    total: str = "true"
    offset: str = "kept"
    times: bool = True
    next_new: int = 10_000
    next_old: int = -1
    requests: int = 0
    shown: set[int] = field(default_factory=set)

    def fetch(self, *, offset: int, limit: int) -> Page:
        """Answer one request, and change."""
        clamp = self.clamps[self.requests % len(self.clamps)]
        rows = sorted(self.rows, reverse=self.falling)
        start = 0 if self.offset == "ignored" else offset
        page = rows[start : start + min(clamp, limit)]
        self.shown |= set(page)
        said = self._total(len(rows), len(page))
        if self.requests < len(self.moves):
            self._move(*self.moves[self.requests])
        self.requests += 1
        return Page([self._record(row) for row in page], said, 1e9, 1e9, "GET /")

    def _total(self, true: int, page: int) -> int | None:
        lies = {"true": true, "missing": None, "page": page, "low": true // 2, "high": true * 3 + 9}
        return lies[self.total]

    def _record(self, row: int) -> Row:
        record: Row = {"order_id": str(row), "status": "pending"}
        if self.times:
            record["created_at"] = _EPOCH + timedelta(seconds=row)
        return record

    def _move(self, kind: str, count: int, share: float) -> None:
        if kind == "new":
            self.rows += range(self.next_new, self.next_new + count)
            self.next_new += count
        elif kind == "put back":
            self.rows += range(self.next_old - count, self.next_old)
            self.next_old -= count
        else:
            at = int(share * len(self.rows))
            del self.rows[at : at + count]


def reader_of(moving: MovingList) -> tuple[Reader, set[str]]:
    """Return a reader of the list, and the keys that it has accepted."""
    met: set[str] = set()

    def accept(_: str, row: Any, __: datetime) -> None:
        assert not isinstance(row, Rejected)
        met.add(row["order_id"])

    return Reader("orders", moving.fetch, _PARSER, accept), met


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["new", "new", "put back", "delete"]),
        st.integers(0, 70),
        st.floats(0, 1, exclude_max=True),
    ),
    max_size=25,
)
LISTS = st.builds(
    MovingList,
    rows=st.integers(0, 400).map(lambda n: list(range(n))),
    clamps=st.lists(st.sampled_from([7, 20, 50, 100]), min_size=1, max_size=4),
    moves=MOVES,
    falling=st.booleans(),
    total=st.sampled_from(["true", "true", "missing", "page", "low", "high"]),
    offset=st.sampled_from(["kept", "kept", "kept", "ignored"]),
    times=st.booleans(),
).filter(
    # Whoever lies about the length and cuts pages shorter than any text of the API has them hides
    # where the list ends.
    lambda moving: (
        (moving.total, moving.offset) == ("true", "kept")
        or min(moving.clamps) >= walks.SMALLEST_PAGE
    )
)


@given(LISTS)
@settings(max_examples=400, deadline=None)
def test_no_row_that_stays_is_lost(moving: MovingList) -> None:
    """A row skipped between two pages would be missing for good, and marked as deleted."""
    before = set(moving.rows)
    reader, met = reader_of(moving)
    walk = Walk(reader)
    walk.run()
    stayed = {str(row) for row in before & set(moving.rows)}
    if walk.lost_because is None:
        assert stayed <= met


@given(LISTS, st.integers(0, 12), st.integers(0, 900), st.integers(0, 200))
@settings(max_examples=200, deadline=None)
def test_a_walk_taken_up_days_later_goes_on(
    moving: MovingList, stop: int, new: int, deleted: int
) -> None:
    """A first load over several days would skip what moved overnight."""
    before = set(moving.rows)
    reader, met = reader_of(moving)
    walk = Walk(reader)
    for _ in range(stop):
        if not walk.done:
            walk.step()
    assume(not walk.done)
    moving._move("new", new, 0.0)
    moving._move("delete", deleted, 0.3)
    again = Walk(reader, walk.state())
    again.run()
    if again.id == walk.id and again.lost_because is None:
        assert {str(row) for row in before & set(moving.rows)} <= met


def still(rows: int, **how: Any) -> MovingList:
    return MovingList(list(range(rows)), [100], [], **how)


@pytest.mark.parametrize("total", ["true", "missing", "page", "low", "high"])
@pytest.mark.parametrize("rows", [0, 1, 99, 100, 101, 198, 550, 5_000])
def test_a_quiet_list_is_read_whatever_its_total_says(rows: int, total: str) -> None:
    """A total that is missing or wrong would end the walk early, or never."""
    moving = still(rows, total=total)
    reader, met = reader_of(moving)
    walk = Walk(reader)
    walk.run()
    assert len(met) == rows
    if total == "high":
        # Rows are promised that never come: that is no proof, but all there is was read.
        assert walk.first_total != rows
    else:
        assert walk.first_total in (None, rows)
    assert walk.lost_because is None


def test_a_quiet_list_costs_little_more_than_its_pages() -> None:
    """The overlap that keeps the place must not eat the quota."""
    moving = still(10_000)
    Walk(reader_of(moving)[0]).run()
    assert moving.requests <= 1.05 * 100


def test_one_answer_over_and_over_is_given_up() -> None:
    """A server that ignores the offset would be asked for ever."""
    moving = still(500, offset="ignored", total="missing")
    walk = Walk(reader_of(moving)[0])
    walk.run()
    assert walk.lost_because
    assert moving.requests < 20


def test_a_list_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that always has one more page would be read for ever."""
    monkeypatch.setattr(walks, "ENDLESS", 2_000)
    endless: Callable[..., Page] = lambda offset, limit: still(offset + 200).fetch(  # noqa: E731
        offset=offset, limit=limit
    )
    moving = still(0)

    def fetch(*, offset: int, limit: int) -> Page:
        page = endless(offset=offset, limit=limit)
        return Page(page.rows, None, 1e9, 1e9, "GET /")

    moving.fetch = fetch  # type: ignore[method-assign]
    walk = Walk(Reader("orders", fetch, _PARSER, lambda *_: None))
    walk.run()
    assert walk.lost_because
    assert walk.requests < 200


@example("newest_first")
@given(st.sampled_from(["newest_first", "oldest_first"]))
def test_the_order_is_seen(order: str) -> None:
    """Reading the wrong end for the young one would miss every new row."""
    walk = Walk(reader_of(still(250, falling=order == "newest_first"))[0])
    walk.run()
    assert walk.order == order
