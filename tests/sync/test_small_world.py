"""All that can happen between any two requests of a small world: no certificate is false.

A few syncs of lists of a few rows, two an answer: the first scan, and what follows it. Each test
tells how many worlds it tried. ``PRINTORA_THOROUGH=1`` tries more events and more rows.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator

import pytest
from small_rows import Setting, Sort, Total
from small_stories import Explored, explore
from small_sync import Story, tell
from thorough import THOROUGH

from pipelines.sync import position, scan, scanning, verdict

SORTS: tuple[Sort, ...] = ("newest_first", "oldest_first", "unsorted")
TOTALS: tuple[Total, ...] = ("right", "late", "behind", "missing")
PAIRS = [(sort, total) for sort in SORTS for total in TOTALS]
#: Each of both at least once.
SOME_PAIRS = list(zip((*SORTS, "newest_first"), TOTALS, strict=True))


def tried(settings: list[Setting], syncs: int, events: int) -> None:
    """Explore, tell how much it was, and find nothing."""
    began = time.process_time()
    explored: Explored = explore(settings, syncs=syncs, events=events)
    took = time.process_time() - began
    told = f"{explored.worlds} worlds, {explored.requests} requests, {took:.1f} CPU seconds\n"
    sys.stdout.write(told)
    assert not explored.found
    assert explored.certified


@pytest.mark.parametrize("total", TOTALS)
@pytest.mark.parametrize("sort", SORTS)
def test_one_event_anywhere_makes_no_certificate_false(sort: Sort, total: Total) -> None:
    """Complete would stand over a row that is missing, stale or wrongly marked as deleted."""
    sizes = (0, 1, 2, 3, 4, 5) if THOROUGH else (0, 3)
    tried([Setting(n, sort, total, flush=True) for n in sizes], 3, 1)
    tried([Setting(n, sort, total, flush=False) for n in sizes], 3 if THOROUGH else 2, 1)


@pytest.mark.parametrize(("sort", "total"), PAIRS if THOROUGH else [("newest_first", "late")])
def test_two_events_anywhere_make_no_certificate_false(sort: Sort, total: Total) -> None:
    """Two things that happen in one sync would hide each other from the numbers."""
    # Of four rows an answer does not show all of a status: a total that is wrong then hides some.
    most = 1 if not THOROUGH else 4 if total == "right" else 3
    tried([Setting(n, sort, total) for n in range(1, most + 1)], 2, 2)


@pytest.mark.skipif(not THOROUGH, reason="takes minutes")
@pytest.mark.parametrize("total", TOTALS)
@pytest.mark.parametrize("sort", SORTS)
def test_three_events_anywhere_make_no_certificate_false(sort: Sort, total: Total) -> None:
    """A third thing would hide what two leave in the open."""
    tried([Setting(1, sort, total)], 2, 3)


@pytest.mark.parametrize(("sort", "total"), PAIRS if THOROUGH else SOME_PAIRS)
def test_a_feed_makes_no_certificate_false(sort: Sort, total: Total) -> None:
    """Orders would be moved by logs that do not tell all, and that are certified themselves."""
    tried([Setting(2, sort, total, feed=True)], 2, 1)
    if THOROUGH:
        tried([Setting(1, sort, total, feed=True)], 2, 2)


#: What was found to make a certificate false, and by which the engine was mended.
FOUND: dict[str, tuple[Setting, list[Story]]] = {
    "pages of one row, and a total that tells late of a row that went": (
        Setting(3, "newest_first", "late"),
        [((0, ("hide", 1)), (1, ("goes", 3)))],
    ),
    "a count that contradicts its rows, and a row that moved before the next": (
        Setting(3, "newest_first", "late"),
        [(), ((0, ("old", 0)), (1, ("moves", 0)))],
    ),
    "a scan from before the row was seen, and one that left it out": (
        Setting(3, "newest_first", "missing"),
        [(), ((0, ("young", 0)), (3, ("hide", 0)))],
    ),
    "a row that was met by the scan before, and looked at since": (
        Setting(3, "newest_first", "missing", flush=False),
        [(), ((0, ("old", 0)), (3, ("hide", 0)))],
    ),
    "a row that came between two scans, and was left out of the second": (
        Setting(3, "newest_first", "missing"),
        [((2, ("young", 0)), (3, ("hide", 0)))],
    ),
    "one answer that shows nothing, and counts nothing yet": (
        Setting(1, "newest_first", "late"),
        [((0, ("goes", 1)),), ((0, ("young", 0)), (0, ("hide", 0)))],
    ),
    "a total that was one too few before, and now agrees by chance": (
        Setting(3, "newest_first", "behind"),
        [(), ((0, ("young", 0)), (3, ("hide", 1)))],
    ),
    "a total one too few that hides a row put back at the old end": (
        Setting(2, "newest_first", "behind"),
        [(), ((0, ("old", 0)), (2, ("hide", 1)))],
    ),
    "pages that repeat rows because the list moves, taken for its end": (
        Setting(3, "newest_first", "behind"),
        [((1, ("young", 0)), (2, ("young", 0)))],
    ),
    "a look that did not reach back, and a row that came before the next": (
        Setting(1, "oldest_first", "late", feed=True),
        [((1, ("young", 0)),), ((1, ("young", 0)),)],
    ),
    "two scans that rows came behind, taken for rows that are hidden": (
        Setting(1, "newest_first", "right"),
        [((1, ("young", 0)), (3, ("young", 0)), (5, ("old", 0))), ()],
    ),
    "a row that came behind a scan, and one that was left out of the next": (
        Setting(1, "newest_first", "right"),
        [((1, ("young", 0)), (2, ("hide", 0)), (2, ("twice", 0)))],
    ),
    "a count that tells late of a row that went, and one put back at the old end": (
        Setting(4, "newest_first", "late"),
        [(), ((0, ("old", 0)), (1, ("goes", 1)))],
    ),
    "a row that two counts show, one of which tells late, and one that moved before": (
        Setting(4, "newest_first", "late"),
        [((6, ("moves", 2)),), ((1, ("moves", 4)),)],
    ),
    "a row that came behind a scan, and one left out while another came": (
        Setting(1, "oldest_first", "right"),
        [(), ((1, ("old", 0)), (2, ("hide", 0)), (3, ("young", 0)))],
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_stays_mended(name: str) -> None:
    """A certificate would be false again, in a world of three rows."""
    setting, stories = FOUND[name]
    tell(setting, stories)


def _nothing(_: object) -> None:
    return None


def _none_left_out(*_: object) -> Generator[None, None, int]:
    yield from ()
    return 0


def _without_numbers(patch: pytest.MonkeyPatch) -> None:
    """Compare no lengths, nor what the list shows by status: either would tell."""
    patch.setattr(verdict, "_objection_to_numbers", _nothing)
    patch.setattr(scanning, "count_left_out", _none_left_out)


def _without_overlap(patch: pytest.MonkeyPatch) -> None:
    for module in (position, scan):
        patch.setattr(module, "OVERLAP", 0)


#: A fault in the engine, and the world in which it shows.
FAULTS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], Setting, int, int, str]] = {
    "numbers that differ": (
        _without_numbers,
        *(Setting(4, "newest_first", "right"), 1, 2, "young hide"),
    ),
    "no second look at an end": (
        _without_numbers,
        *(Setting(3, "newest_first", "missing"), 1, 1, ""),
    ),
    "counts that differ": (
        lambda patch: patch.setattr(verdict, "_objection_to_counts", _nothing),
        *(Setting(5, "newest_first", "right"), 2, 1, "moves"),
    ),
    "pages that do not overlap": (
        _without_overlap,
        *(Setting(3, "newest_first", "right"), 1, 2, "hide twice"),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_the_engine_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exploration that finds nothing in a broken engine would prove nothing."""
    break_it, setting, syncs, events, kinds = FAULTS[name]
    break_it(monkeypatch)
    assert explore([setting], syncs=syncs, events=events, kinds=kinds.split()).found
