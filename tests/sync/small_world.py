"""A world small enough to try all that can happen in it, between any two requests.

The list has a few rows, an answer two. What befalls a sync is a *story*: events, each before or in
the answer of one request. Stories are tried depth-first: one that was told gives the number of its
requests and what could have happened at each, and so the stories that are longer by one event. The
real engine runs; only the API, the warehouse and the reading of records are dictionaries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from pipelines.client import Page
from pipelines.clock import ManualClock, utc
from pipelines.destinations.where import (
    ALL,
    Bound,
    JsonObject,
    Place,
    Row,
    Where,
    first_of,
    matches,
)
from pipelines.lists import ORDERS_LIST, ListSpec, StatusOrder
from pipelines.progress import ignore
from pipelines.source.records import Parsed
from pipelines.source.schema import ORDERS, SYNC_RUNS, TABLES, Table
from pipelines.sync import driver, head, reconcile, refetch, runner, state
from pipelines.sync.runner import Runner

Sort = Literal["newest_first", "oldest_first", "unsorted"]
Total = Literal["right", "late", "missing"]
#: What happens, and to which row or place.
Event = tuple[str, int]
#: Events by the number of the request that they befall.
Story = tuple[tuple[int, Event], ...]

CLAMP = 2
START = datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp()
#: Seconds from one request to the next, and from one sync to the next.
TICK, PAUSE = 10.0, 7_200.0
#: A sync of a list this small that takes more requests does not end.
ENDLESS = 300

STEPS = ("pending", "paid", "shipped")
STATUSES = StatusOrder(
    ranks={word: rank for rank, word in enumerate(STEPS)},
    terminal=frozenset({"shipped"}),
    common=frozenset(STEPS),
)
SPEC = replace(ORDERS_LIST, statuses=STATUSES, feed=None)
_TABLES = {table.name: table for table in TABLES}
_EMPTY = dict.fromkeys(column.name for column in ORDERS.columns)


class Killed(BaseException):
    """The process ends here: nothing after it runs, nothing in memory is kept."""


class FalseCertificateError(AssertionError):
    """The word complete stood over rows that are missing, stale or marked as deleted."""


@dataclass
class Order:
    """One row of the list: when it came, and when it moved on to each status."""

    number: int
    created_at: float
    came_at: float
    moves: list[tuple[float, str]]

    @property
    def key(self) -> str:
        """The row's key."""
        return f"o{self.number}"

    @property
    def status(self) -> str:
        """The row's present status."""
        return self.moves[-1][1]

    def rank_at(self, moment: float) -> int:
        """Return the rank of the status that the row had."""
        return STATUSES.ranks[[status for at, status in self.moves if at <= moment][-1]]


@dataclass(frozen=True)
class Setting:
    """How the API is.

    ``total`` is late where it is that of the request before. ``flush``: every page is loaded at
    once, and so a kill loses none; else it loses all that the sync had read.
    """

    rows: int
    sort: Sort
    total: Total
    flush: bool = True


@dataclass
class SmallApi:
    """A list of the API, that changes as a story tells."""

    setting: Setting
    orders: list[Order]
    #: The length of the list by status, when it was last asked for.
    before: Counter[str | None] = field(default_factory=Counter)
    next_young: int = 100
    next_old: int = 0
    #: Rows that an answer has left out: no row is left out twice.
    hidden: frozenset[int] = frozenset()

    @classmethod
    def of(cls, setting: Setting) -> SmallApi:
        """Make a list that stands still until a story begins."""
        made = [START - 86_400 + 600 * number for number in range(1, setting.rows + 1)]
        orders = [
            Order(number, at, at, [(at, STEPS[number % 2])]) for number, at in enumerate(made, 1)
        ]
        api = cls(setting, orders)
        api.before = api.lengths()
        return api

    def lengths(self) -> Counter[str | None]:
        """Count the rows by status, and all of them under None."""
        return Counter([order.status for order in self.orders] + [None for _ in self.orders])

    def sorted(self) -> list[Order]:
        """Return the rows as they stand in the list."""
        if self.setting.sort == "unsorted":
            return sorted(self.orders, key=lambda order: (order.number * 5) % 11)
        falling = self.setting.sort == "newest_first"
        return sorted(self.orders, key=lambda order: order.created_at, reverse=falling)

    def changes(self) -> list[Event]:
        """Return what can happen to the list now."""
        found: list[Event] = [("young", 0), ("old", 0)]
        found += [("goes", order.number) for order in self.orders]
        return found + [
            ("moves", order.number) for order in self.orders if order.status != STEPS[-1]
        ]

    def change(self, event: Event, now: float) -> None:
        """Let something happen to the list."""
        kind, number = event
        if kind == "young":
            self.orders.append(Order(self.next_young, now, now, [(now, STEPS[0])]))
            self.next_young += 1
        elif kind == "old":
            made = START - 2 * 86_400 + 600 * self.next_old
            self.orders.append(Order(self.next_old, made, now, [(now, STEPS[0])]))
            self.next_old -= 1
        elif kind == "goes":
            self.orders = [order for order in self.orders if order.number != number]
        else:
            order = next(order for order in self.orders if order.number == number)
            order.moves.append((now, STEPS[STATUSES.ranks[order.status] + 1]))

    def lies(self, rows: list[Order]) -> list[Event]:
        """Return how an answer can leave a row out, for once, or tell one twice."""
        places = range(len(rows))
        lies: list[Event] = [("hide", at) for at in places if rows[at].number not in self.hidden]
        return lies + [
            ("twice", at) for at in places if self.hidden.isdisjoint(r.number for r in rows[1:])
        ]

    def lie(self, event: Event, rows: list[Order]) -> list[Order]:
        """Return an answer's rows, without one of them or with one that is told twice."""
        kind, at = event
        told = rows[:at] + rows[at + 1 :]
        if kind == "twice":
            told = [*rows[: at + 1], *rows[at:]][:CLAMP]
        self.hidden |= {row.number for row in rows if row not in told}
        return told

    def page(self, offset: int, status: str | None) -> tuple[list[Order], int | None]:
        """Return the rows of one answer, and what it says of the list's length."""
        listed = [order for order in self.sorted() if status in (None, order.status)]
        said = {"right": len(listed), "late": self.before[status], "missing": None}
        self.before = self.lengths()
        return listed[offset : offset + CLAMP], said[self.setting.total]


class Memory:
    """A warehouse of dictionaries."""

    def __init__(self) -> None:
        self.state: JsonObject = {}
        self.tables: dict[str, dict[tuple[Any, ...], Row]] = {name: {} for name in _TABLES}

    def _rows(self, table: Table, condition: Where = ALL) -> list[Row]:
        return [row for row in self.tables[table.name].values() if matches(row, condition)]

    def count(self, table: Table, condition: Where = ALL) -> int:
        """Count the rows."""
        return len(self._rows(table, condition))

    counted = count

    def statuses(self, table: Table, condition: Where = ALL) -> dict[str | None, tuple[int, Any]]:
        """Return by status how many rows there are, and the latest look at one of them."""
        found: dict[str | None, tuple[int, Any]] = {}
        for row in self._rows(table, condition):
            number, seen = found.get(row["status"], (0, row["_seen_at"]))
            found[row["status"]] = (number + 1, max(seen, row["_seen_at"]))
        return found

    def select(
        self,
        table: Table,
        columns: Collection[str],
        condition: Where = ALL,
        *,
        at_most: int | None = None,
    ) -> list[Row]:
        """Return columns of the rows, the least recently seen first."""
        rows = self._rows(table, condition)
        if at_most is not None:
            rows = sorted(rows, key=lambda row: row["_seen_at"])[:at_most]
        return [{name: row.get(name) for name in columns} for row in rows]

    def by_key(self, table: Table, keys: Collection[str], columns: Collection[str]) -> list[Row]:
        """Return columns of the rows with the keys."""
        found = self.tables[table.name]
        rows = (found[(key,)] for key in keys if (key,) in found)
        return [{name: row.get(name) for name in columns} for row in rows]

    def places(
        self, table: Table, made: tuple[str, ...], keys: Collection[str], since: datetime | None
    ) -> dict[str, Place]:
        """Return where rows stand among those made since a time."""
        rows = self._rows(table, Where(bounds=(Bound(made, since),)))
        times = [first_of(made, row) for row in rows]
        return {
            row[table.key[0]]: Place(sum(t > at for t in times if t), times.count(at))
            for row, at in zip(rows, times, strict=True)
            if at and row[table.key[0]] in keys
        }

    def filled(self, table: Table, columns: Collection[str], condition: Where) -> set[str]:
        """Return the columns that any of the rows fills."""
        rows = self._rows(table, condition)
        return {name for name in columns if any(row.get(name) is not None for row in rows)}

    def without_history(
        self, table: Table, history: Table, seen_since: datetime | None
    ) -> list[str]:
        """Return nothing: the history is tested elsewhere."""
        del table, history, seen_since
        return []

    def load(self, rows: Mapping[Table, Iterable[Row]], state: JsonObject) -> None:
        """Merge the rows by key."""
        for table, part in rows.items():
            found = self.tables.setdefault(table.name, {})
            found.update({tuple(row[k] for k in table.key): row for row in part})
        self.state = state

    def recent_requests(self, since: datetime) -> list[tuple[datetime, int]]:
        """Return nothing: there are no limits."""
        del since
        return []

    def withdrawn(self) -> set[str]:
        """Return nothing: nobody takes a certificate back."""
        return set()

    def release(self) -> None:
        """Keep nothing open."""


class SmallParser:
    """Reads this world's records, which are rows already."""

    def __init__(self, resource: str, privacy: Any, shape: Any = None) -> None:
        del resource, privacy
        self.shape = shape
        self.spellings: dict[str, str] = {}

    def parse(self, record: Any, *, seen_at: datetime, place: str) -> Parsed:
        """Return the row."""
        del place
        key, made_at, status = record
        return Parsed(
            _EMPTY
            | {"order_id": key, "created_at": utc(made_at), "status": status, "_seen_at": seen_at}
            | {"_origin": "list", "_fingerprint": f"{key} {status}"}
        )


@dataclass
class World:
    """The API and the warehouse, as one sync leaves them to the next."""

    api: SmallApi
    warehouse: Memory
    now: float = START

    def copy(self) -> World:
        """Return the world as it is now. Rows in the warehouse are replaced, never changed."""
        api = replace(self.api, orders=[replace(o, moves=[*o.moves]) for o in self.api.orders])
        warehouse = Memory()
        warehouse.state = deepcopy(self.warehouse.state)
        warehouse.tables = {name: dict(rows) for name, rows in self.warehouse.tables.items()}
        return World(api, warehouse, self.now)


class Sync:
    """One sync of the real engine, befallen by a story."""

    def __init__(self, world: World, story: Story) -> None:
        self.world = world
        self.certified = 0
        #: What could have happened besides, request by request.
        self.could: list[list[Event]] = []
        self._story = story
        self._clock = ManualClock(world.now)
        self.contract = SimpleNamespace(version="1.0")
        self.clock_doubt = None
        self.governor = SimpleNamespace(
            left=dict, requests=0, server_clock=SimpleNamespace(to_server=float)
        )

    def run(self) -> Sync:
        """Sync, and hold every certificate that is loaded against the truth."""
        client: Any = self
        load = self.world.warehouse.load

        def loaded(rows: Mapping[Table, Iterable[Row]], state: JsonObject) -> None:
            load(rows, state)
            for row in rows.get(SYNC_RUNS, ()):
                if row["resource"] == SPEC.name and row["complete_as_of"] is not None:
                    self._check(row["complete_as_of"].timestamp())

        self.world.warehouse.load = loaded  # type: ignore[method-assign]
        privacy: Any = SimpleNamespace(session_fields=())
        try:
            Runner(
                client,
                self.world.warehouse,
                privacy,
                clock=self._clock,
                listener=ignore,
                lists=(SPEC,),
            ).run()
        except Killed:
            pass
        finally:
            self.world.warehouse.load = load  # type: ignore[method-assign]
        self.world.now = self._clock.now()
        return self

    def read_list(self, spec: ListSpec, *, offset: int, limit: int, status: str | None) -> Page:
        """Answer one request."""
        del spec, limit
        api, number = self.world.api, len(self.could)
        if number > ENDLESS:
            raise AssertionError("the sync does not end")
        self._clock.sleep(TICK / 2)
        events = [event for at, event in self._story if at == number]
        for event in events:
            if event[0] == "kill":
                raise Killed
            if event[0] not in ("hide", "twice"):
                api.change(event, self._clock.now())
        self._clock.sleep(TICK / 2)
        asked_at = self._clock.now()
        rows, total = api.page(offset, status)
        self.could.append([*api.changes(), *api.lies(rows), ("kill", 0)])
        for event in events:
            if event in api.lies(rows):
                rows = api.lie(event, rows)
        records = [(order.key, order.created_at, order.status) for order in rows]
        return Page(records, total, asked_at, asked_at, "", clock_trusted=True)

    def _check(self, as_of: float) -> None:
        """Hold a certificate against the truth of the time that it names."""
        self.certified += 1
        stored = self.world.warehouse.tables[ORDERS.name]
        for order in self.world.api.orders:
            row = stored.get((order.key,))
            if row is not None and row["deleted_at"] is not None:
                raise FalseCertificateError(f"{order.key} is marked as deleted")
            if order.came_at > as_of:
                continue
            if row is None:
                raise FalseCertificateError(f"{order.key} is missing")
            if STATUSES.ranks[row["status"]] < order.rank_at(as_of):
                raise FalseCertificateError(f"{order.key} is {row['status']}, not {order.status}")


@dataclass
class Explored:
    """What was tried: ``worlds`` counts syncs; ``found``: how it came to each false certificate."""

    worlds: int = 0
    requests: int = 0
    certified: int = 0
    found: list[tuple[Setting, list[Story], str]] = field(default_factory=list)


@dataclass
class Explorer:
    """Tries all stories of so many syncs with so many events."""

    setting: Setting
    syncs: int
    explored: Explored
    stop_at: int = 1
    _seen: set[Any] = field(default_factory=set)

    def explore(self, events: int) -> None:
        """Try them."""
        self._explore(World(SmallApi.of(self.setting), Memory()), self.syncs, events, [])

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
                for event in sync.could[number]:
                    yield from self._stories(world, (*story, (number, event)), events, told)


def _identity(world: World) -> str:
    """Return all that tells two worlds apart: scans have names by chance."""
    api, stored = world.api, world.warehouse.tables[ORDERS.name]
    kept = deepcopy(world.warehouse.state)
    names: dict[Any, int] = {None: 0}
    lists = kept["lists"].values() if kept else ()
    for part in lists:
        for scan, name in ((part["scan"], "id"), (part["end_seen"], "scan")):
            if scan:
                scan[name] = names.setdefault(scan[name], len(names))
    rows = sorted(
        (key, row["status"], row["deleted_at"], names.get(row["_walk"], -1), row["_seen_at"])
        for key, row in stored.items()
    )
    counters = (sorted(api.hidden), api.next_old, api.next_young, world.now)
    return repr((api.orders, api.before, rows, kept, counters))


def scale(patch: pytest.MonkeyPatch, *, flush: bool) -> None:
    """Let the engine run in this world: pages of two, one list, and records that are rows."""
    for module in (head, reconcile, refetch):
        patch.setattr(module, "PAGE_SIZE", CLAMP)
    patch.setattr(state, "SMALLEST_PAGE", CLAMP)
    patch.setattr(head, "TAIL", 1)
    patch.setattr(reconcile, "_SHORT", 1)
    patch.setattr(runner, "Parser", SmallParser)
    patch.setattr(driver, "FLUSH_SECONDS", 0.0 if flush else 1e9)


def tell(setting: Setting, stories: Iterable[Story]) -> int:
    """Let each sync be befallen by its story; return how many certificates were loaded."""
    world, certified = World(SmallApi.of(setting), Memory()), 0
    with pytest.MonkeyPatch.context() as patch:
        scale(patch, flush=setting.flush)
        for story in stories:
            certified += Sync(world, story).run().certified
            world.now += PAUSE
    return certified


def explore(settings: Iterable[Setting], *, syncs: int, events: int, stop_at: int = 1) -> Explored:
    """Try all stories in each setting; stop at so many false certificates."""
    explored = Explored()
    for setting in settings:
        with pytest.MonkeyPatch.context() as patch:
            scale(patch, flush=setting.flush)
            Explorer(setting, syncs, explored, stop_at).explore(events)
    return explored
