"""The real engine in the small world: one sync, befallen by a story, held against the truth.

A *story* is events, each before or in the answer of one request. Only the API, the warehouse and
the reading of records are dictionaries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from small_rows import CLAMP, LIES, START, Event, Item, Setting
from small_warehouse import Memory, SmallParser
from small_world import SmallApi

from pipelines.client import Page
from pipelines.clock import ManualClock
from pipelines.destinations.where import JsonObject, Row
from pipelines.lists import ListSpec
from pipelines.progress import ignore
from pipelines.source.schema import SYNC_RUNS, Table
from pipelines.sync import deletions, driver, head, left_out, position, reconcile, refetch, runner
from pipelines.sync.runner import Runner

#: Events by the number of the request that they befall.
Story = tuple[tuple[int, Event], ...]

#: Seconds from one request to the next, and from one sync to the next.
TICK, PAUSE = 10.0, 7_200.0
#: A sync of lists this small that takes more requests does not end.
ENDLESS = 300


class Killed(BaseException):
    """The process ends here: nothing after it runs, nothing in memory is kept."""


class FalseCertificateError(AssertionError):
    """The word complete stood over rows that are missing, stale or marked as deleted."""


@dataclass
class World:
    """The API and the warehouse, as one sync leaves them to the next."""

    api: SmallApi
    warehouse: Memory
    now: float = START

    @classmethod
    def of(cls, setting: Setting) -> World:
        """Make a world in which nothing was read yet."""
        return cls(SmallApi.of(setting), Memory())

    def copy(self) -> World:
        """Return the world as it is now. Rows in the warehouse are replaced, never changed."""
        warehouse = Memory()
        warehouse.state = deepcopy(self.warehouse.state)
        warehouse.tables = {name: dict(rows) for name, rows in self.warehouse.tables.items()}
        return World(self.api.copy(), warehouse, self.now)


class Sync:
    """One sync of the real engine, befallen by a story."""

    def __init__(self, world: World, story: Story) -> None:
        self.world = world
        self.certified = 0
        #: What could have happened besides, request by request.
        self.could: list[list[Event]] = []
        self._sent = Counter[str]()
        self._story = story
        self._clock = ManualClock(world.now)
        self._specs = {spec.name: spec for spec in world.api.setting.specs}
        self.contract = SimpleNamespace(version="1.0")
        self.clock_doubt = None
        self.governor = SimpleNamespace(
            left=dict,
            requests=0,
            room=int,
            server_clock=SimpleNamespace(to_server=float, agreed=None, is_unsettled=False),
        )

    def run(self) -> Sync:
        """Sync, and hold every certificate that is loaded against the truth."""
        client: Any = self
        load = self.world.warehouse.load

        def loaded(rows: Mapping[Table, Iterable[Row]], state: JsonObject) -> None:
            load(rows, state)
            for row in rows.get(SYNC_RUNS, ()):
                if row["resource"] in self._specs and row["complete_as_of"] is not None:
                    self._check(self._specs[row["resource"]], row["complete_as_of"].timestamp())

        self.world.warehouse.load = loaded  # type: ignore[method-assign]
        privacy: Any = SimpleNamespace(session_fields=())
        try:
            Runner(
                client,
                self.world.warehouse,
                privacy,
                clock=self._clock,
                listener=ignore,
                lists=tuple(self._specs.values()),
            ).run()
        except Killed:
            pass
        finally:
            self.world.warehouse.load = load  # type: ignore[method-assign]
        self.world.now = self._clock.now()
        return self

    def read_list(
        self, spec: ListSpec, *, offset: int, limit: int, status: str | None, attempts: int
    ) -> Page:
        """Answer one request."""
        del limit, attempts
        api, number = self.world.api, len(self.could)
        if number > ENDLESS:
            raise AssertionError("the sync does not end")
        self._clock.sleep(TICK / 2)
        for event in self._changes(number):
            if event[0] == "kill":
                raise Killed
            api.change(event, self._clock.now())
        self._clock.sleep(TICK / 2)
        asked_at = self._clock.now()
        rows, total = api.page(spec.name, offset, status)
        self.could.append(api.could(rows))
        self._sent[spec.name] += 1
        for event in self._lies(number, self.could[-1]):
            rows = api.lie(event, rows)
        records = [tuple(row.record.items()) for row in rows]  # which only the parser reads
        return Page(records, total, asked_at, "")

    def sent(self, spec: ListSpec) -> int:
        """Return how many requests of a list were sent."""
        return self._sent[spec.name]

    def _changes(self, number: int) -> Iterator[Event]:
        """Return what happens before a request, one after the other."""
        yield from (event for at, event in self._story if at == number and event[0] not in LIES)

    def _lies(self, number: int, could: list[Event]) -> list[Event]:
        """Return how the request's answer lies, of the ways in which it can."""
        lies = [event for at, event in self._story if at == number and event[0] in LIES]
        return [event for event in lies if event in could]

    def _check(self, spec: ListSpec, as_of: float) -> None:
        """Hold a certificate against the truth of the time that it names."""
        self.certified += 1
        stored = self.world.warehouse.tables[spec.name]
        for row in self.world.api.rows(spec.name):
            self._check_row(spec, row, stored.get((row.key,)), as_of)

    def _check_row(self, spec: ListSpec, row: Item, stored: Row | None, as_of: float) -> None:
        if stored is not None and stored["deleted_at"] is not None:
            raise FalseCertificateError(f"{row.key} is marked as deleted")
        if row.came_at > as_of:
            return
        if stored is None:
            raise FalseCertificateError(f"{row.key} is missing")
        if spec.statuses.ranks[stored["status"]] < row.rank_at(as_of):
            raise FalseCertificateError(f"{row.key} is {stored['status']}, not {row.status}")


def scale(patch: pytest.MonkeyPatch, *, flush: bool) -> None:
    """Let the engine run in this world: pages of two, and records that are rows."""
    for module in (head, reconcile, refetch):
        patch.setattr(module, "PAGE_SIZE", CLAMP)
    patch.setattr(position, "SMALLEST_PAGE", CLAMP)
    for module in (head, left_out):
        patch.setattr(module, "TAIL", 1)
    patch.setattr(reconcile, "_SHORT", 1)
    patch.setattr(deletions, "_LAG", timedelta(0))  # what goes is believed at once: no copy lags
    patch.setattr(runner, "Parser", SmallParser)
    patch.setattr(driver, "FLUSH_SECONDS", 0.0 if flush else 1e9)


def tell(setting: Setting, stories: Iterable[Story]) -> int:
    """Let each sync be befallen by its story; return how many certificates were loaded."""
    world, certified = World.of(setting), 0
    with pytest.MonkeyPatch.context() as patch:
        scale(patch, flush=setting.flush)
        for story in stories:
            certified += Sync(world, story).run().certified
            world.now += PAUSE
    return certified
