"""The small world by chance: longer lives and more events than can all be tried.

Where ``test_small_world.py`` tries every story of a few events, this draws stories of many, over
many syncs: rows come, go and move, answers leave rows out or tell one twice, totals are late, and
the process is killed. Each certificate is held against the truth. ``PRINTORA_THOROUGH=1`` draws a
hundred thousand syncs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from small_rows import LIES, Event, Setting, Sort, Total
from small_sync import PAUSE, Sync, World, scale
from thorough import THOROUGH

CHANGES = ("young", "old", "goes", "moves", "silent", "kill")
#: Syncs that were run, and certificates that were held against the truth.
TRIED = {"syncs": 0, "certified": 0}


Drawn = tuple[int, str, int]


class DrawnSync(Sync):
    """A sync befallen by drawn events: at a request, of a kind, and one of those by chance."""

    def __init__(self, world: World, drawn: list[Drawn]) -> None:
        super().__init__(world, ())
        self._drawn = drawn

    def _changes(self, number: int) -> Iterator[Event]:
        for at, kind, chance in self._drawn:
            possible = [*self.world.api.changes(), ("kill", 0)]
            found = [event for event in possible if event[0] == kind]
            if at == number and found:
                yield found[chance % len(found)]

    def _lies(self, number: int, could: list[Event]) -> list[Event]:
        for at, kind, chance in self._drawn:
            found = [event for event in could if event[0] == kind]
            if at == number and kind in LIES and found:
                return [found[chance % len(found)]]
        return []


class SmallMachine(RuleBasedStateMachine):
    """The life of a small list, or of two."""

    @initialize(
        rows=st.integers(0, 9),
        sort=st.sampled_from(["newest_first", "oldest_first", "unsorted"]),
        total=st.sampled_from(["right", "late", "behind", "missing"]),
        flush=st.booleans(),
        feed=st.booleans(),
        never=st.sampled_from(["old", "goes"]),
    )
    def begin(
        self, rows: int, sort: Sort, total: Total, flush: bool, feed: bool, never: str
    ) -> None:
        """Make the world. A row that goes while one is put back in time is what is assumed away."""
        self.never = never
        self.world = World.of(Setting(rows, sort, total, flush, feed))

    @precondition(lambda self: hasattr(self, "world"))
    @rule(
        changes=st.lists(
            st.tuples(st.integers(0, 30), st.sampled_from(CHANGES), st.integers(0, 99)), max_size=3
        ),
        lie=st.none() | st.tuples(st.integers(0, 30), st.sampled_from(LIES), st.integers(0, 99)),
        hours=st.sampled_from([0.1, 2.0, 30.0]),
    )
    def sync(
        self,
        changes: list[Drawn],
        lie: Drawn | None,
        hours: float,
    ) -> None:
        """Sync while things happen."""
        drawn = [each for each in changes if each[1] != self.never] + ([lie] if lie else [])
        with pytest.MonkeyPatch.context() as patch:
            scale(patch, flush=self.world.api.setting.flush)
            sync = DrawnSync(self.world, sorted(drawn)).run()
        self.world.now += hours / 2 * PAUSE
        TRIED["syncs"] += 1
        TRIED["certified"] += sync.certified

    def teardown(self) -> None:
        """Tell how much was tried."""
        sys.stdout.write(f"{TRIED}\n" if TRIED["syncs"] % 1_000 < 20 else "")


SmallMachine.TestCase.settings = settings(
    max_examples=5_000 if THOROUGH else 100,
    stateful_step_count=20 if THOROUGH else 10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=not THOROUGH,
)
TestSmall = SmallMachine.TestCase
