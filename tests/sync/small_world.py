"""A world small enough to try all that can happen in it: an API with one list or two.

Each list has a few rows, an answer two. Rows come at either end, go and move on; answers leave rows
out or tell one twice; ``total`` may be late, missing or wrong. Where there is a feed, a second list
tells of what moved, unless it moved in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from small_rows import CLAMP, KINDS, START, STATUSES, STEPS, Event, Item, Log, Order, Setting

from pipelines.lists import ORDERS_LIST


@dataclass
class SmallApi:
    """An API's lists, which change as a story tells."""

    setting: Setting
    orders: list[Order]
    logs: list[Log] = field(default_factory=list)
    #: The length of each list by status, when it was last asked for.
    before: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    next_young: int = 100
    next_old: int = 0
    #: Rows that an answer has left out: no row is left out twice.
    hidden: frozenset[str] = frozenset()

    @classmethod
    def of(cls, setting: Setting) -> SmallApi:
        """Make lists that stand still until a story begins."""
        made = [START - 86_400 + 600 * number for number in range(1, setting.rows + 1)]
        orders = [
            Order(number, at, at, [(at, STEPS[number % 2])]) for number, at in enumerate(made, 1)
        ]
        api = cls(setting, orders)
        for order in orders:
            api.tell(order, order.created_at)
        api.before = api.lengths()
        return api

    def copy(self) -> SmallApi:
        """Return the API as it is now."""
        return replace(self, orders=[order.copy() for order in self.orders], logs=[*self.logs])

    def rows(self, name: str) -> Sequence[Item]:
        """Return a list's rows."""
        return self.orders if name == ORDERS_LIST.name else self.logs

    def lengths(self) -> Counter[tuple[str, str | None]]:
        """Count each list's rows by status, and all of them under None."""
        found: Counter[tuple[str, str | None]] = Counter()
        for spec in self.setting.specs:
            rows = self.rows(spec.name)
            found.update((spec.name, status) for row in rows for status in (None, row.status))
        return found

    def sorted(self, name: str) -> list[Item]:
        """Return the rows as they stand in the list."""
        if self.setting.sort == "unsorted":
            return sorted(self.rows(name), key=lambda row: (row.number * 5) % 11)
        falling = self.setting.sort == "newest_first"
        return sorted(self.rows(name), key=lambda row: row.created_at, reverse=falling)

    def changes(self) -> list[Event]:
        """Return what can happen to the lists now."""
        found: list[Event] = [("young", 0), ("old", 0)]
        found += [("goes", order.number) for order in self.orders]
        ways = ("moves", "silent") if self.setting.feed else ("moves",)
        movable = [order.number for order in self.orders if order.status != STEPS[-1]]
        return found + [(way, number) for way in ways for number in movable]

    def change(self, event: Event, now: float) -> None:
        """Let something happen to the lists."""
        kind, number = event
        if kind == "young":
            self.orders.append(Order(self.next_young, now, now, [(now, STEPS[0])]))
            self.next_young += 1
            self.tell(self.orders[-1], now)
        elif kind == "old":
            made = START - 2 * 86_400 + 600 * self.next_old
            self.orders.append(Order(self.next_old, made, now, [(now, STEPS[0])]))
            self.next_old -= 1
        elif kind == "goes":
            self.orders = [order for order in self.orders if order.number != number]
        else:
            order = next(order for order in self.orders if order.number == number)
            order.moves.append((now, STEPS[STATUSES.ranks[order.status] + 1]))
            if kind == "moves":
                self.tell(order, now)

    def tell(self, order: Order, now: float) -> None:
        """Log what happened to an order, where there is a feed."""
        if self.setting.feed:
            self.logs.append(Log(len(self.logs) + 1, now, order.key, KINDS[order.status]))

    def lies(self, rows: list[Item]) -> list[Event]:
        """Return how an answer can leave a row out, for once, or tell one twice."""
        places = range(len(rows))
        lies: list[Event] = [("hide", at) for at in places if rows[at].key not in self.hidden]
        return lies + [
            ("twice", at) for at in places if self.hidden.isdisjoint(r.key for r in rows[1:])
        ]

    def could(self, rows: list[Item]) -> list[Event]:
        """Return all that can befall a request.

        A total that is always one too few and an answer that leaves just that row out contradict
        neither each other nor anything else: nothing but asking all twice would show it.
        """
        lies = self.lies(rows)
        if self.setting.total == "behind":
            lies = [event for event in lies if event[0] != "hide"]
        return [*self.changes(), *lies, ("kill", 0)]

    def lie(self, event: Event, rows: list[Item]) -> list[Item]:
        """Return an answer's rows, without one of them or with one that is told twice."""
        kind, at = event
        told = rows[:at] + rows[at + 1 :]
        if kind == "twice":
            told = [*rows[: at + 1], *rows[at:]][:CLAMP]
        self.hidden |= {row.key for row in rows if row not in told}
        return told

    def page(self, name: str, offset: int, status: str | None) -> tuple[list[Item], int | None]:
        """Return the rows of one answer, and what it says of the list's length."""
        listed = [row for row in self.sorted(name) if status in (None, row.status)]
        said = {
            "right": len(listed),
            "late": self.before[name, status],
            "behind": max(len(listed) - 1, 0),
            "missing": None,
        }
        self.before = self.lengths()
        return listed[offset : offset + CLAMP], said[self.setting.total]
