"""What becomes of sessions and orders: every time that they will ever have, drawn at once."""

from __future__ import annotations

from typing import Final

import numpy as np

from pipelines.errors import ConfigurationError
from pipelines.sandbox import market
from pipelines.sandbox.columns import Columns
from pipelines.sandbox.options import REDIRECT_LIFE, SESSION_LIFE
from pipelines.sandbox.times import DAY, HOUR, MINUTE, NEVER, SECOND, Array

ACCESSED: Final = 0.74
#: Of the accessed sessions, those that order; with repeats this gives 1 order in 2.9 sessions.
ORDERED: Final = 0.436
SECOND_ORDER: Final = 0.07
THIRD_ORDER: Final = 0.01


def _lognormal(rng: np.random.Generator, median: float | Array, sigma: float, n: int) -> Array:
    return (median * rng.lognormal(0.0, sigma, n)).astype(np.int64)


def plan_sessions(rng: np.random.Generator, created: Array, serial: int, people: int) -> Columns:
    """Return sessions created at these times; ``people`` is how many customers there are."""
    n = len(created)
    waited = rng.exponential(3 * MINUTE, n).astype(np.int64)
    accessed = (rng.random(n) < ACCESSED) & (waited < REDIRECT_LIFE)
    cancelled = rng.random(n) < 0.01
    return Columns(
        serial=np.arange(serial, serial + n),
        created=created,
        accessed=np.where(accessed, created + waited, NEVER),
        cancelled=np.where(cancelled & ~accessed, created + waited, NEVER),
        ordered=np.full(n, NEVER),
        customer=rng.integers(0, max(people, 1), n),
        mode=rng.choice(len(market.MODES), n, p=market.MODE_SHARES).astype(np.int8),
    )


def candidates(rng: np.random.Generator, accessed: Array) -> tuple[Array, Array]:
    """Return (session, time) of the orders that each accessed session makes if it orders at all.

    A session's orders stand together, oldest first.
    """
    n = len(accessed)
    chance = rng.random(n)
    orders = 1 + (chance < SECOND_ORDER).astype(int) + (chance < THIRD_ORDER)
    first = np.minimum(_lognormal(rng, 22 * MINUTE, 1.1, n), SESSION_LIFE - HOUR)
    session = np.repeat(np.arange(n), orders)
    number = np.arange(len(session)) - np.repeat(orders.cumsum() - orders, orders)
    later = 1 + rng.exponential(20 * MINUTE, len(session)).astype(np.int64) % (30 * MINUTE)
    return session, accessed[session] + first[session] + np.where(number > 0, number * later, 0)


def choose_orders(
    rng: np.random.Generator, accessed: Array, now: int | None, exactly: int
) -> tuple[Array, Array]:
    """Return (session, time) of the orders: by chance, or so that ``exactly`` exist at ``now``."""
    by_chance = rng.permutation(len(accessed))
    session, created = candidates(rng, accessed[by_chance])
    if now is None:
        kept = (rng.random(len(accessed)) < ORDERED)[session]
    else:
        existing = np.cumsum(created <= now)
        if exactly and (not len(existing) or existing[-1] < exactly):
            raise ConfigurationError(
                "The history is too short for that many orders.", hint="Give it more days."
            )
        kept = (existing < exactly) | ((existing == exactly) & (created <= now))
    return by_chance[session[kept]], created[kept]


def plan_orders(
    rng: np.random.Generator, session: Array, customer: Array, created: Array, serial: int
) -> Columns:
    """Return orders made at these times in these sessions, with all that becomes of them."""
    n = len(created)
    lines = _lines(rng, n)
    # A person's parcels go to where the person lives.
    place = _place_of(customer)
    route = market.ROUTE_SHARES[place]
    carrier = (rng.random(n)[:, None] >= route).sum(axis=1).clip(max=len(market.CARRIERS) - 1)
    carrier = carrier.astype(np.int8)
    creator = np.where(rng.random(n) < 0.15, rng.integers(0, market.CREATORS, n), -1)
    payment = rng.choice(len(market.PAYMENTS), n, p=[p[0] for p in market.PAYMENTS.values()])
    return Columns(
        serial=np.arange(serial, serial + n),
        session=session,
        created=created,
        # Lists and truth show it from then on; later than `created` for an order added backdated.
        appeared=created.copy(),
        deleted=np.full(n, NEVER),
        customer=customer,
        place=place,
        carrier=carrier,
        creator=creator.astype(np.int16),
        payment=payment.astype(np.int8),
        **lines,
        **_life(rng, created, payment, market.ROUTE_DAYS[place, carrier]),
    )


def _place_of(customer: Array) -> Array:
    """Return the index of each customer's town."""
    chance = (customer * 2654435761 % 2**32) / 2**32
    return np.searchsorted(market.PLACE_SHARES.cumsum()[:-1], chance, side="right").astype(np.int8)


def _lines(rng: np.random.Generator, n: int) -> dict[str, Array]:
    """Return one or two order lines, the shipping, and the total in cents that they add up to."""
    product_1, product_2 = rng.choice(len(market.PRODUCTS), (2, n), p=market.PRODUCT_SHARES)
    quantity_1 = 1 + (rng.random(n) < 0.18) + (rng.random(n) < 0.05)
    quantity_2 = (rng.random(n) < 0.24).astype(np.int64)
    shipping = rng.choice(np.array([0, 499, 799, 1299]), n, p=[0.2, 0.45, 0.25, 0.1])
    cents = market.PRODUCT_CENTS[product_1] * quantity_1 + shipping
    return {
        "product_1": product_1.astype(np.int8),
        "quantity_1": quantity_1.astype(np.int8),
        "product_2": product_2.astype(np.int8),
        "quantity_2": quantity_2.astype(np.int8),
        "shipping": shipping,
        "cents": cents + market.PRODUCT_CENTS[product_2] * quantity_2,
    }


def _life(
    rng: np.random.Generator, created: Array, payment: Array, days: Array
) -> dict[str, Array]:
    """Return the times of all later events; ``NEVER`` for what does not happen."""
    n = len(created)
    medians = np.array([p[1] * SECOND for p in market.PAYMENTS.values()])
    fate = rng.random(n)
    unpaid, given_up = fate < 0.075, fate < 0.045
    paid = created + SECOND + _lognormal(rng, medians[payment], 0.9, n)
    shipped = paid + HOUR + _lognormal(rng, 40 * HOUR, 0.55, n)
    late = np.where(rng.random(n) < 0.03, 4.0, 1.0)
    delivered = shipped + 6 * HOUR + _lognormal(rng, days * DAY * late, 0.35, n)
    regretted = (fate > 0.96) & ~unpaid
    cancelled_paid = paid + MINUTE + (rng.random(n) * (shipped - paid - MINUTE)).astype(np.int64)
    cancelled_unpaid = created + MINUTE + _lognormal(rng, 3 * HOUR, 1.0, n)
    stuck = rng.random(n) < 0.004
    never_arrives = rng.random(n) < 0.012
    is_shipped = ~(unpaid | regretted | stuck)
    return {
        "paid": np.where(unpaid, NEVER, paid),
        "shipped": np.where(is_shipped, shipped, NEVER),
        "delivered": np.where(is_shipped & ~never_arrives, delivered, NEVER),
        "cancelled": np.select(
            [given_up, regretted], [cancelled_unpaid, cancelled_paid], default=NEVER
        ),
    }
