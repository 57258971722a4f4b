"""All that can happen between any two requests of a small world: no certificate is false.

A few syncs of a list of a few rows, two an answer: the first scan, and what follows it. Each test
tells how many worlds it tried. ``PRINTORA_THOROUGH=1`` tries more events and more rows.
"""

from __future__ import annotations

import os
import sys
import time
from itertools import product

import pytest
from small_world import Explored, Setting, Sort, Story, Total, explore, tell

from pipelines.sync import verdict

THOROUGH = bool(os.environ.get("PRINTORA_THOROUGH"))
SORTS: tuple[Sort, ...] = ("newest_first", "oldest_first", "unsorted")
TOTALS: tuple[Total, ...] = ("right", "late", "missing")


def tried(settings: list[Setting], syncs: int, events: int) -> Explored:
    """Explore, and tell how much it was."""
    began = time.process_time()
    explored = explore(settings, syncs=syncs, events=events)
    took = time.process_time() - began
    told = f"{explored.worlds} worlds, {explored.requests} requests, {took:.1f} CPU seconds\n"
    sys.stdout.write(told)
    return explored


@pytest.mark.parametrize("total", TOTALS)
@pytest.mark.parametrize("sort", SORTS)
def test_one_event_anywhere_makes_no_certificate_false(sort: Sort, total: Total) -> None:
    """Complete would stand over a row that is missing, stale or wrongly marked as deleted."""
    sizes = (0, 1, 2, 3, 4, 5) if THOROUGH else (0, 3)
    settings = [Setting(n, sort, total, flush) for n, flush in product(sizes, (True, False))]
    explored = tried(settings, 3, 1)
    assert not explored.found
    assert explored.worlds > 100
    assert explored.certified


@pytest.mark.parametrize("sort", SORTS)
def test_two_events_anywhere_make_no_certificate_false(sort: Sort) -> None:
    """Two things that happen in one sync would hide each other from the numbers."""
    sizes = (2, 3, 4) if THOROUGH else (1,)
    explored = tried([Setting(n, sort, "right") for n in sizes], 2, 2)
    assert not explored.found
    assert explored.certified


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
}


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_stays_mended(name: str) -> None:
    """A certificate would be false again, in a world of three rows."""
    setting, stories = FOUND[name]
    tell(setting, stories)


def test_a_fault_in_the_verdict_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exploration that finds nothing in a broken engine would prove nothing."""
    monkeypatch.setattr(verdict, "_objection_to_numbers", lambda _: None)
    assert explore([Setting(3, "newest_first", "missing")], syncs=1, events=1).found
