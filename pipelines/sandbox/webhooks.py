"""The log rows of webhook deliveries: which event has one, and how its attempts end."""

from __future__ import annotations

from typing import Final

import numpy as np

from pipelines.sandbox.arrivals import Receiver
from pipelines.sandbox.columns import Columns
from pipelines.sandbox.options import ATTEMPTS_AFTER, RECEIVER_TIMEOUT, WorldOptions
from pipelines.sandbox.times import HOUR, NEVER, Array

#: An order's events, in the order in which they happen. The index is the event's code.
EVENTS: Final = ("created", "paid", "shipped", "delivered", "cancelled")

LOG_STATUSES: Final = ("pending", "retrying", "sent", "failed")
PENDING, RETRYING, SENT, FAILED = range(4)

#: `succeeds` of a log row that no attempt delivers.
NO_ATTEMPT: Final = len(ATTEMPTS_AFTER) + 1


def events_of(orders: Columns) -> tuple[Array, Array, Array]:
    """Return (order, event code, time) of everything that is planned for these orders."""
    times = np.stack([orders[name] for name in EVENTS], axis=1)
    order, event = np.nonzero(times != NEVER)
    return order, event.astype(np.int8), times[order, event]


class Webhooks:
    """Makes log rows, with the chances that the options give and the receiver's outages."""

    def __init__(self, options: WorldOptions) -> None:
        self.options = options
        self.receiver = Receiver(options.seed, options.days_between_outages)

    def plan(
        self, rng: np.random.Generator, order: Array, event: Array, at: Array, serial: int
    ) -> Columns:
        """Return the log rows of these events: some lost, some late, some repeated."""
        chance = rng.random(len(at))
        lost = (chance < self.options.lost) | (not self.options.webhooks)
        repeated = ~lost & (chance > 1 - self.options.repeated)
        late = rng.random(len(at)) < self.options.late
        delay = np.where(late, rng.exponential(6 * HOUR, len(at)).astype(np.int64), 0)
        again = np.where(repeated, rng.integers(1, HOUR, len(at)), 0)
        row = np.concatenate([np.flatnonzero(~lost), np.flatnonzero(repeated)])
        created = at + delay
        made = np.concatenate([created[~lost], (created + again)[repeated]])
        by_time = np.argsort(made, kind="stable")
        row = row[by_time]
        return self.deliver(rng, order[row], event[row], at[row], made[by_time], serial)

    def deliver(
        self,
        rng: np.random.Generator,
        order: Array,
        event: Array,
        at: Array,
        created: Array,
        serial: int,
    ) -> Columns:
        """Return log rows created at these times, with the outcome of their attempts."""
        n = len(created)
        answer = np.minimum(rng.lognormal(np.log(350), 0.8, n), RECEIVER_TIMEOUT).astype(np.int64)
        succeeds = np.full(n, NO_ATTEMPT, dtype=np.int8)
        refused = rng.random(n) < 0.001
        waiting = np.flatnonzero(~refused)
        for attempt, after in enumerate(ATTEMPTS_AFTER, start=1):
            ok = self.answers(rng, created[waiting] + after)
            succeeds[waiting[ok]] = attempt
            waiting = waiting[~ok]
        return Columns(
            serial=np.arange(serial, serial + n),
            order=order,
            event=event,
            at=at,
            created=created,
            answer=answer,
            succeeds=succeeds,
            # The vendor tries on its own until then; a delivery by hand ends it.
            until=np.full(n, NEVER),
            deleted=np.full(n, NEVER),
        )

    def answers(self, rng: np.random.Generator, at: Array) -> Array:
        """Tell, for an attempt at each of these times, whether the receiver takes it."""
        fails = rng.random(len(at)) < self.options.attempt_failure
        return ~fails & ~self.receiver.is_down(at)


def planned_attempts(logs: dict[str, Array], at: int) -> Array:
    """Return how many of the vendor's own attempts have been answered at that time, per row."""
    answered = np.minimum(at, logs["until"]) - logs["created"] - logs["answer"]
    tried = np.zeros(len(answered), dtype=np.int8)
    for after in ATTEMPTS_AFTER:
        tried += answered >= after
    return np.minimum(np.minimum(tried, logs["succeeds"]), len(ATTEMPTS_AFTER))


def planned_status(attempts: Array, succeeds: Array) -> Array:
    """Return the code of the status that so many answered attempts lead to."""
    status = np.where(attempts > 0, RETRYING, PENDING).astype(np.int8)
    status[attempts == len(ATTEMPTS_AFTER)] = FAILED
    status[attempts >= succeeds] = SENT
    return status
