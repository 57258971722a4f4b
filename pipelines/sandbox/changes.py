"""Changes by hand, all at the world's present: for tests that need the world to move just so.

Each one leaves the history true: what was, stays; what was planned and cannot happen any more goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.errors import ConfigurationError
from pipelines.sandbox import ids
from pipelines.sandbox.columns import Columns, find
from pipelines.sandbox.ids import IdKind
from pipelines.sandbox.market import MODES
from pipelines.sandbox.planning import plan_orders
from pipelines.sandbox.state import order_codes
from pipelines.sandbox.times import MINUTE, NEVER, Array, to_ms
from pipelines.sandbox.webhooks import EVENTS
from pipelines.sandbox.world import World
from pipelines.sandbox.worldclock import WorldClock

PAID, SHIPPED, DELIVERED, CANCELLED = range(1, 5)

_CODES = {"pending": 0, "processing": PAID, "paid": PAID, "shipped": SHIPPED}
_CODES |= {"delivered": DELIVERED, "cancelled": CANCELLED}


@dataclass(frozen=True)
class Churn:
    """What ``Changes.churn`` did."""

    added: list[str]
    moved: list[str]


class Changes:
    """What can be done to the world. Ids are the API's; one id or several."""

    def __init__(self, world: World, clock: WorldClock) -> None:
        self._world = world
        self._clock = clock

    def create_sessions(self, count: int = 1, mode: str | None = None) -> list[str]:
        """Create sessions; chance decides what becomes of them, as of all others."""
        with self._world.lock:
            rows = self._world.add_sessions(np.full(count, self._present()))
            if mode is not None:
                self._world.sessions["mode"][rows] = MODES.index(mode)
            return ids.SESSION.of(self._world.sessions["serial"][rows])

    def add_orders(
        self,
        count: int = 1,
        *,
        created_at: float | None = None,
        status: str = "pending",
        session_id: str | None = None,
        cents: int | None = None,
        log: bool = True,
        lives: bool = True,
    ) -> list[str]:
        """Add orders that appear now.

        ``created_at`` (epoch seconds) puts them further back in the sort order. Without a
        ``session_id`` each gets a session of its own. ``cents`` is the total. ``log=False``: no
        event of the addition has a log row. ``lives=False``: nothing happens to them by itself.
        """
        with self._world.lock:
            now = self._present()
            created = np.full(count, now if created_at is None else to_ms(created_at))
            if count and created[0] > now:
                raise ConfigurationError("An order cannot be added before its creation.")
            orders = self._new_orders(created, session_id, now)
            if cents is not None:
                orders["cents"][:] = cents
            if not lives:
                for event in EVENTS[1:]:
                    orders[event][:] = NEVER
            rows = self._world.add_orders(orders)
            self._log(rows, np.zeros(count, dtype=np.int8), created, now, log)
            self._log_plans(rows, log)
            added = ids.ORDER.of(self._world.orders["serial"][rows])
            self.move(added, status, log=log)
            return added

    def move(self, order_ids: str | Sequence[str], status: str, *, log: bool = True) -> None:
        """Set the status of orders. Forward, the events on the way happen now, with their log rows.

        Any other status, also one that the API does not have, is set without an event.
        """
        with self._world.lock:
            rows = self._orders(order_ids)
            now = self._present()
            codes = order_codes(self._world.orders, rows, now)
            code = _CODES.get(status, -1)
            forward = (codes < code) & (codes != CANCELLED)
            for step in (CANCELLED,) if code == CANCELLED else range(PAID, code + 1):
                self._happen(rows[forward], step, now, log)
            by_events = forward | (codes == code)
            self._force(rows[~by_events], "paid" if code == PAID else status, now)
            self._release(rows[by_events], now)
            self._world.revision += 1

    def cancel(self, order_ids: str | Sequence[str], *, log: bool = True) -> None:
        """Cancel orders; nothing that was planned for them happens any more."""
        self.move(order_ids, "cancelled", log=log)

    def delete_orders(self, order_ids: str | Sequence[str]) -> None:
        """Take orders out of the list. Their log rows stay."""
        with self._world.lock:
            self._world.orders["deleted"][self._orders(order_ids)] = self._present()
            self._world.revision += 1

    def delete_logs(self, log_ids: str | Sequence[str]) -> None:
        """Take log rows out of the list."""
        with self._world.lock:
            self._world.logs["deleted"][self._logs(log_ids)] = self._present()
            self._world.revision += 1

    def retry_logs(self, log_ids: str | Sequence[str], taken: bool | None = None) -> None:
        """Deliver again under the same log row; ``taken`` says whether the receiver takes it.

        None leaves that to the receiver. The vendor's own attempts of that row end.
        """
        with self._world.lock:
            now = self._present()
            for row in self._logs(log_ids).tolist():
                answer = self._receiver_takes(now) if taken is None else taken
                self._world.deliveries.setdefault(row, []).append((now, answer))
                until = self._world.logs["until"]
                until[row] = min(int(until[row]), now)
            self._world.revision += 1

    def resend_logs(self, log_ids: str | Sequence[str]) -> list[str]:
        """Send the same events again, each under a new log row; return the new ids."""
        with self._world.lock:
            logs = self._world.logs.take(self._logs(log_ids))
            rows = self._log(logs["order"], logs["event"], logs["at"], self._present(), True)
            return ids.LOG.of(self._world.logs["serial"][rows])

    def resend_event(self, order_id: str, event: str) -> str:
        """Send one event of an order under a new log row, whether it had one or not."""
        with self._world.lock:
            row = self._orders(order_id)
            at = self._world.orders[event][row]
            code = np.array([EVENTS.index(event)], dtype=np.int8)
            logs = self._log(row, code, at, self._present(), True)
            return ids.LOG.of(self._world.logs["serial"][logs])[0]

    def churn(self, new: int, moved: int) -> Churn:
        """Add new orders and move others on by a step, as a busy hour would."""
        with self._world.lock:
            done: list[str] = []
            while len(done) < moved and len(step := self._move_some(moved - len(done))):
                done += step
            return Churn(self.add_orders(new) if new else [], done)

    def _move_some(self, count: int) -> list[str]:
        """Move at most so many open orders on by one step; return their ids."""
        orders, now = self._world.orders, self._present()
        alive = (orders["deleted"] == NEVER) & (orders["appeared"] <= now)
        rows = np.flatnonzero(alive)
        codes = order_codes(orders, rows, now)
        rows, codes = rows[codes < DELIVERED], codes[codes < DELIVERED]
        picked = self._world.chance.permutation(len(rows))[:count]
        for code, status in enumerate(("paid", "shipped", "delivered")):
            chosen = rows[picked][codes[picked] == code]
            if len(chosen):
                self.move(ids.ORDER.of(orders["serial"][chosen]), status)
        return ids.ORDER.of(orders["serial"][rows[picked]])

    def _present(self) -> int:
        now = self._clock.now_ms()
        self._world.reach(now)
        return now

    def _new_orders(self, created: Array, session_id: str | None, now: int) -> Columns:
        """Return orders with a life that begins now, put where they belong in the sort order."""
        world, count = self._world, len(created)
        if session_id is None:
            session = world.add_sessions(created - 10 * MINUTE, orders=False)
            world.sessions["accessed"][session] = created - 9 * MINUTE
            world.sessions["cancelled"][session] = NEVER
        else:
            session = np.full(count, self._rows(session_id, ids.SESSION, world.sessions)[0])
        world.note_first_orders(session, created)
        customer = world.sessions["customer"][session]
        serial = world.take_serials("orders", count)
        orders = plan_orders(world.chance, session, customer, np.full(count, now), serial)
        orders["created"][:] = created
        return orders

    def _happen(self, rows: Array, event: int, now: int, log: bool) -> None:
        """Let an event happen now to those of the orders that it was still to come for."""
        orders = self._world.orders
        rows = rows[orders[EVENTS[event]][rows] > now]
        orders[EVENTS[event]][rows] = now
        self._void_logs(rows, (event,), now)
        if event >= SHIPPED:
            ended = (PAID, SHIPPED, DELIVERED) if event == CANCELLED else (CANCELLED,)
            for other in ended:
                times = orders[EVENTS[other]]
                times[rows[times[rows] > now]] = NEVER
            self._void_logs(rows, ended, now)
        events = np.full(len(rows), event, dtype=np.int8)
        self._log(rows, events, np.full(len(rows), now), now, log)

    def _void_logs(self, rows: Array, events: tuple[int, ...], now: int) -> None:
        """Take back the planned log rows of events that will not come as planned."""
        logs = self._world.logs
        planned = (logs["created"] > now) & np.isin(logs["event"], events)
        planned &= (logs["at"] > now) & np.isin(logs["order"], rows)
        logs["created"][planned] = NEVER

    def _log(self, rows: Array, events: Array, at: Array, now: int, log: bool) -> Array:
        """Make a log row now for each of these events, where there are webhooks."""
        world = self._world
        if not (log and world.options.webhooks and len(rows)):
            return np.zeros(0, dtype=np.int64)
        serial = world.take_serials("logs", len(rows))
        created = np.full(len(rows), now)
        return world.add_logs(
            world.webhooks.deliver(world.chance, rows, events, at, created, serial)
        )

    def _log_plans(self, rows: Array, log: bool) -> None:
        """Plan the log rows of what is still to come for new orders."""
        world = self._world
        times = np.stack([world.orders[event][rows] for event in EVENTS[1:]], axis=1)
        which, event = np.nonzero(times != NEVER)
        if not (log and len(which)):
            return
        codes = (event + 1).astype(np.int8)
        serial = world.take_serials("logs", 2 * len(which))
        at = times[which, event]
        world.add_logs(world.webhooks.plan(world.chance, rows[which], codes, at, serial))

    def _force(self, rows: Array, status: str, now: int) -> None:
        for row in rows.tolist():
            self._world.forced.setdefault(row, []).append((now, status))

    def _release(self, rows: Array, now: int) -> None:
        """Let events decide again about the status of these orders."""
        for row in rows.tolist() if self._world.forced else ():
            if row in self._world.forced:
                self._world.forced[row].append((now, None))

    def _receiver_takes(self, now: int) -> bool:
        return bool(self._world.webhooks.answers(self._world.chance, np.array([now]))[0])

    def _orders(self, order_ids: str | Sequence[str]) -> Array:
        return self._rows(order_ids, ids.ORDER, self._world.orders)

    def _logs(self, log_ids: str | Sequence[str]) -> Array:
        return self._rows(log_ids, ids.LOG, self._world.logs)

    def _rows(self, texts: str | Sequence[str], kind: IdKind, columns: Columns) -> Array:
        wanted = [texts] if isinstance(texts, str) else texts
        return np.array([find(columns, kind, text) for text in wanted], dtype=np.int64)
