"""A whole walk of a list that moves between any two requests, and that lies about itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import assume, example, given, settings

from pipelines.lists import ORDERS_LIST
from pipelines.sync import scan as scans
from pipelines.sync.position import SMALLEST_PAGE, ScanPosition
from pipelines.sync.protocol import ListPage, ListRow
from pipelines.sync.scan import ScanResult, full_scan

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


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
    #: Rows that are counted and not shown, in so many answers.
    hidden: frozenset[int] = frozenset()
    hidden_until: int = 10**9

    def fetch(self, offset: int) -> ListPage:
        """Answer one request, and change."""
        clamp = self.clamps[self.requests % len(self.clamps)]
        rows = sorted(self.rows, reverse=self.falling)
        start = 0 if self.offset == "ignored" else offset
        page = rows[start : start + clamp]
        if self.requests < self.hidden_until:
            page = [row for row in page if row not in self.hidden]
        said = self._total(len(rows), len(page))
        if self.requests < len(self.moves):
            self._move(*self.moves[self.requests])
        self.requests += 1
        return ListPage(offset, [self._row(row) for row in page], said, _EPOCH)

    def _total(self, true: int, page: int) -> int | None:
        lies = {"true": true, "missing": None, "page": page, "low": true // 2, "high": true * 3 + 9}
        return lies[self.total]

    def _row(self, row: int) -> ListRow:
        made_at = _EPOCH + timedelta(seconds=row) if self.times else None
        return ListRow(str(row), made_at, "pending")

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


class Scan:
    """A full scan of the list, a page at each step."""

    def __init__(self, moving: MovingList, at: ScanPosition | None = None) -> None:
        self.at = at or ScanPosition()
        self.met: set[str] = set()
        self.result: ScanResult | None = None
        self._moving = moving
        self._scan = full_scan(ORDERS_LIST, self.at)
        self._request = next(self._scan)

    def step(self) -> None:
        """Read one page."""
        page = self._moving.fetch(self._request.offset)
        self.met |= set(page.keys)
        try:
            self._request = self._scan.send(page)
        except StopIteration as end:
            self.result = end.value

    def run(self) -> ScanResult:
        """Read to the end."""
        while self.result is None:
            self.step()
        return self.result


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
        (moving.total, moving.offset) == ("true", "kept") or min(moving.clamps) >= SMALLEST_PAGE
    )
)


@given(LISTS)
@settings(max_examples=400, deadline=None)
def test_no_row_that_stays_is_lost(moving: MovingList) -> None:
    """A row skipped between two pages would be missing for good, and marked as deleted."""
    before = set(moving.rows)
    scan = Scan(moving)
    result = scan.run()
    stayed = {str(row) for row in before & set(moving.rows)}
    if result.lost_because is None:
        assert stayed <= scan.met


@given(LISTS, st.integers(0, 12), st.integers(0, 900), st.integers(0, 200))
@settings(max_examples=200, deadline=None)
def test_a_walk_taken_up_days_later_goes_on(
    moving: MovingList, stop: int, new: int, deleted: int
) -> None:
    """A first load over several days would skip what moved overnight."""
    before = set(moving.rows)
    scan = Scan(moving)
    for _ in range(stop):
        if scan.result is None:
            scan.step()
    assume(scan.result is None)
    moving._move("new", new, 0.0)
    moving._move("delete", deleted, 0.3)
    begun = scan.at.id
    again = Scan(moving, scan.at.copy())
    result = again.run()
    if again.at.id == begun and result.lost_because is None:
        assert {str(row) for row in before & set(moving.rows)} <= scan.met | again.met


def still(rows: int, **how: Any) -> MovingList:
    return MovingList(list(range(rows)), [100], [], **how)


@pytest.mark.parametrize("total", ["true", "missing", "page", "low", "high"])
@pytest.mark.parametrize("rows", [0, 1, 99, 100, 101, 198, 550, 5_000])
def test_a_quiet_list_is_read_whatever_its_total_says(rows: int, total: str) -> None:
    """A total that is missing or wrong would end the walk early, or never."""
    moving = still(rows, total=total)
    scan = Scan(moving)
    result = scan.run()
    assert len(scan.met) == rows
    if total == "high":
        # Rows are promised that never come: that is no proof, but all there is was read.
        assert result.position.usable_total != rows
    else:
        assert result.position.usable_total in (None, rows)
    assert result.lost_because is None


def test_a_quiet_list_costs_little_more_than_its_pages() -> None:
    """The overlap that keeps the place must not eat the quota."""
    moving = still(10_000)
    Scan(moving).run()
    assert moving.requests <= 1.05 * 100


def test_one_answer_over_and_over_is_given_up() -> None:
    """A server that ignores the offset would be asked for ever."""
    moving = still(500, offset="ignored", total="missing")
    assert Scan(moving).run().lost_because
    assert moving.requests < 20


@pytest.mark.parametrize("total", ["true", "missing"])
@pytest.mark.parametrize(("clamp", "bound"), [(20, 30), (7, 29), (5, 8), (50, 1_537)])
def test_offsets_that_wrap_are_given_up(clamp: int, bound: int, total: str) -> None:
    """A server that goes round and round would take each day's whole quota."""
    moving = MovingList(list(range(2 * bound)), [clamp], [], total=total)
    fetch = moving.fetch

    def wrapped(offset: int) -> ListPage:
        return replace(fetch(offset % bound), offset=offset)

    moving.fetch = wrapped  # type: ignore[method-assign]
    assert Scan(moving).run().lost_because == "the server repeats its pages"
    assert moving.requests <= 15 * bound / (clamp - 2) + 80


def test_a_list_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that always has one more page would be read for ever."""
    monkeypatch.setattr(scans, "ENDLESS", 2_000)
    moving = still(0)

    def fetch(offset: int) -> ListPage:
        return replace(still(offset + 200).fetch(offset), total=None)

    moving.fetch = fetch  # type: ignore[method-assign]
    result = Scan(moving).run()
    assert result.lost_because
    assert result.position.requests < 200


@example("newest_first")
@given(st.sampled_from(["newest_first", "oldest_first"]))
def test_the_order_is_seen(order: str) -> None:
    """Reading the wrong end for the young one would miss every new row."""
    result = Scan(still(250, falling=order == "newest_first")).run()
    assert result.position.order == order


@pytest.mark.parametrize("hidden", [[250], list(range(0, 500, 10)), list(range(220, 370))])
def test_places_that_are_counted_and_not_shown_do_not_end_the_scan(hidden: list[int]) -> None:
    """Soft-deleted rows are counted and paged over: what stands behind them would be missed."""
    moving = still(500, hidden=frozenset(hidden))
    scan = Scan(moving)
    result = scan.run()
    assert result.lost_because is None
    assert len(scan.met) == 500 - len(hidden)
    assert moving.requests <= 30


def test_rows_that_one_answer_leaves_out_are_asked_for_again() -> None:
    """A hiccup of the server would cost the rows that it left out, in a list that is sorted."""
    moving = still(500, hidden=frozenset(range(240, 250)), hidden_until=4)
    scan = Scan(moving)
    scan.run()
    assert len(scan.met) == 500
