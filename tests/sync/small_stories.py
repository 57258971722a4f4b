"""All stories of so many syncs with so many events, tried depth-first.

A story that was told gives the number of its requests and what could have happened at each, and so
the stories that are longer by one event. Worlds that nothing tells apart are gone on from once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest
from small_rows import Event, Setting
from small_sync import PAUSE, Story, Sync, World, scale


@dataclass
class Explored:
    """What was tried: ``worlds`` counts syncs; ``found``: how it came to each false certificate."""

    worlds: int = 0
    requests: int = 0
    certified: int = 0
    found: list[tuple[Setting, list[Story], str]] = field(default_factory=list)


@dataclass
class Explorer:
    """Tries all stories of so many syncs with so many events; ``kinds``: of these only."""

    setting: Setting
    syncs: int
    explored: Explored
    stop_at: int = 1
    kinds: Collection[str] = ()
    _seen: set[Any] = field(default_factory=set)

    def explore(self, events: int) -> None:
        """Try them."""
        self._explore(World.of(self.setting), self.syncs, events, [])

    def _explore(self, world: World, syncs: int, events: int, told: list[Story]) -> None:
        for story, after in self._stories(world, (), events, told):
            if syncs == 1:
                continue
            after.now += PAUSE
            left = events - len(story)
            state = (syncs, left, _identity(after))
            if state not in self._seen:
                self._seen.add(state)
                self._explore(after, syncs - 1, left, [*told, story])

    def _stories(
        self, world: World, story: Story, events: int, told: list[Story]
    ) -> Iterator[tuple[Story, World]]:
        """Tell a story and all that go on from it."""
        if len(self.explored.found) >= self.stop_at:
            return
        sync = Sync(world.copy(), story)
        self.explored.worlds += 1
        try:
            sync.run()
        except Exception as error:
            self.explored.found.append((self.setting, [*told, story], repr(error)))
            return
        self.explored.requests += len(sync.could)
        self.explored.certified += sync.certified
        yield story, sync.world
        if len(story) < events:
            first = story[-1][0] if story else 0
            for number in range(first, len(sync.could)):
                for event in self._tried(sync.could[number]):
                    yield from self._stories(world, (*story, (number, event)), events, told)

    def _tried(self, events: Iterable[Event]) -> list[Event]:
        return [event for event in events if not self.kinds or event[0] in self.kinds]


def _identity(world: World) -> int:
    """Return all that tells two worlds apart: scans have names by chance."""
    api, kept = world.api, deepcopy(world.warehouse.state)
    names: dict[Any, int] = {None: 0}
    lists = kept["lists"].values() if kept else ()
    for part in lists:
        for scan, name in ((part["scan"], "id"), (part["end_seen"], "scan")):
            if scan:
                scan[name] = names.setdefault(scan[name], len(names))
    rows = [
        (key, row["status"], row["deleted_at"], names.get(row["_walk"], -1), row["_seen_at"])
        for spec in api.setting.specs
        for key, row in sorted(world.warehouse.tables[spec.name].items())
    ]
    counters = (sorted(api.hidden), api.next_old, api.next_young, world.now)
    return hash(repr((api.orders, api.logs, api.before, rows, kept, counters)))


def explore(
    settings: Iterable[Setting],
    *,
    syncs: int,
    events: int,
    stop_at: int = 1,
    kinds: Collection[str] = (),
) -> Explored:
    """Try all stories in each setting; stop at so many false certificates."""
    explored = Explored()
    for setting in settings:
        with pytest.MonkeyPatch.context() as patch:
            scale(patch, flush=setting.flush)
            Explorer(setting, syncs, explored, stop_at, kinds).explore(events)
    return explored
